"""Amplifier provider for OpenAI API keys, and for every server that speaks the Responses API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from openai_responses_common.provider.requirements import check_installation

__version__ = "0.1.0"
check_installation(__name__, version=__version__, file=__file__, needs={"openai": "3.30"})

# The library of another release may not have these names, so the check comes first.
from openai_responses_common import mount_provider  # noqa: E402

from .provider import OpenaiV2Provider  # noqa: E402

__amplifier_module_type__ = "provider"
__all__ = ["OpenaiV2Provider", "create", "mount"]


def create(config: Mapping[str, Any]) -> OpenaiV2Provider:
    """Build a provider without a host, from the same settings; `create_provider("openai:…")` calls this function."""
    return OpenaiV2Provider(base_url=None, config=config)


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> Callable[[], Awaitable[None]]:
    """Mount the provider and return the function that closes it.

    It is also mounted without a key, so that the first call can say what is missing.

    Args:
        coordinator: the coordinator of the session, or the mock of a host that validates the module.
        config: the settings; the README lists them. None, the default, means no settings.
    """
    return await mount_provider(coordinator, OpenaiV2Provider(base_url=None, config=config, coordinator=coordinator))
