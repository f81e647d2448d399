"""What every module's `mount()` does with its provider, and the check that library and module belong together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from .provider import ResponsesProvider
from .telemetry import OWN_EVENTS
from .version import __version__


async def mount_provider(coordinator: Any, provider: ResponsesProvider) -> Callable[[], Awaitable[None]]:
    """Mount a provider and declare its cost and its events.

    Does no I/O: hosts also mount on a mock coordinator to validate a module. Returns the cleanup, which closes every
    connection and may be called at any time, more than once.
    """
    await coordinator.mount("providers", provider, name=provider.name)
    if hasattr(coordinator, "register_contributor"):
        module = f"provider-{provider.name}"
        coordinator.register_contributor("session.cost", module, lambda: _cost(provider))
        coordinator.register_contributor("observability.events", module, lambda: list(OWN_EVENTS))

    async def cleanup() -> None:
        await provider.close()

    return cleanup


def _cost(provider: ResponsesProvider) -> dict[str, str] | None:
    return {"cost_usd": str(provider.spent_usd)} if provider.spent_usd else None


def require_version(version: str, *, module: str) -> None:
    """Fail at import where a module met the library of another release or checkout.

    Raises:
        ImportError: with what to run.
    """
    if version != __version__:
        raise ImportError(
            f"{module} {version} found openai-responses-common {__version__} at {__file__}. Both must come from one "
            f"release or one checkout: install every module of this family again from the same source, "
            f"for example `pip install --force-reinstall --no-deps -e modules/provider-openai-v2` in one checkout."
        )
