"""What the `mount()` of every module does with its provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..engine.event_names import OWN_EVENTS
from .provider import ResponsesProvider


async def mount_provider(coordinator: Any, provider: ResponsesProvider) -> Callable[[], Awaitable[None]]:
    """Mount a provider, and declare its cost and its hook events.

    Does no I/O, because hosts also mount on a mock coordinator to validate a module.

    Args:
        coordinator: the session's coordinator.
        provider: the provider.

    Returns:
        The cleanup. It closes every connection, and a host may call it at any time and more than once.
    """
    await coordinator.mount("providers", provider, name=provider.name)
    if hasattr(coordinator, "register_contributor"):
        module = f"provider-{provider.name}"
        coordinator.register_contributor("session.cost", module, lambda: _read_session_cost(provider))
        coordinator.register_contributor("observability.events", module, lambda: list(OWN_EVENTS))

    async def cleanup() -> None:
        await provider.close()

    return cleanup


def _read_session_cost(provider: ResponsesProvider) -> dict[str, str] | None:
    return {"cost_usd": str(provider.spent_usd)} if provider.spent_usd else None
