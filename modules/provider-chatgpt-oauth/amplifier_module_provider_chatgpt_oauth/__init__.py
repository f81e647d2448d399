"""Amplifier provider for ChatGPT plans: a user signs in with a code, and calls count towards the plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from openai_responses_common.provider.requirements import check_installation

__version__ = "0.1.0"
check_installation(__name__, version=__version__, file=__file__, needs={"httpx": "0.27"})

# The library of another release may not have these names, so the check comes first.
from openai_responses_common import mount_provider  # noqa: E402

from .provider import SIGN_IN_CAPABILITY, ChatgptOauthProvider  # noqa: E402

__amplifier_module_type__ = "provider"
__all__ = ["ChatgptOauthProvider", "create", "mount", "on_session_ready"]


def create(config: Mapping[str, Any]) -> ChatgptOauthProvider:
    """Build a provider without a host, from the same settings; `create_provider("chatgpt:…")` calls this function."""
    return ChatgptOauthProvider(config=config)


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> Callable[[], Awaitable[None]]:
    """Mount the provider and return the function that closes it.

    It is also mounted without a sign-in, so that the first call can say what to run.

    Args:
        coordinator: the coordinator of the session, or the mock of a host that validates the module.
        config: the settings; the README lists them. None, the default, means no settings.
    """
    provider = ChatgptOauthProvider(config=config, coordinator=coordinator)
    if hasattr(coordinator, "register_capability"):
        coordinator.register_capability(SIGN_IN_CAPABILITY, provider)
    return await mount_provider(coordinator, provider)


async def on_session_ready(coordinator: Any) -> None:
    """Sign in if the settings ask for it. A host calls this when the session is complete, never on a mock."""
    mounted: dict[str, Any] = coordinator.get("providers") or {}
    for provider in mounted.values():
        if isinstance(provider, ChatgptOauthProvider):
            await provider.sign_in_on_mount()
