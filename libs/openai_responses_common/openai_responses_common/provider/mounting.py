"""What the `mount()` of every module does with its provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..engine.event_names import OWN_EVENTS
from ..wire.json_values import as_object
from .provider import ResponsesProvider

_DEFAULT_PRIORITY = 100


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
    provider.register_session()
    if hasattr(coordinator, "register_contributor"):
        module = f"provider-{provider.name}"
        coordinator.register_contributor("session.cost", module, lambda: _read_session_cost(provider))
        coordinator.register_contributor("observability.events", module, lambda: list(OWN_EVENTS))

    async def cleanup() -> None:
        await provider.close()

    return cleanup


async def prepare_session(coordinator: Any) -> None:
    """Begin to prepare the provider that the session asks first, if it is one of ours; returns at once.

    That is the mounted provider with the lowest priority number, and of equal ones the first. Source: the loops basic
    937a53f and streaming e5438b4, seen 2026-12-01. A sub-agent's session is not prepared, because its call follows at
    once.

    Args:
        coordinator: the coordinator of a session in which everything is mounted.
    """
    if getattr(coordinator, "parent_id", None):
        return
    mounted: dict[str, Any] = coordinator.get("providers") or {}
    try:
        first = min(mounted.values(), key=_read_priority, default=None)
    except TypeError:  # a priority of another provider that cannot be compared
        return
    if isinstance(first, ResponsesProvider):
        first.start_preparation()


def _read_priority(provider: Any) -> Any:
    config = as_object(getattr(provider, "config", None))
    return getattr(provider, "priority", config.get("priority", _DEFAULT_PRIORITY))


def _read_session_cost(provider: ResponsesProvider) -> dict[str, str] | None:
    return {"cost_usd": str(provider.spent_usd)} if provider.spent_usd else None
