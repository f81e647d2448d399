"""The provider class, under the name by which hosts find it, and the functions that build and mount it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from openai_responses_common import AddressedProvider, Backend, mount_provider, prepare_session

from .backend import build_azure_backend


class AzureOpenaiV2Provider(AddressedProvider):
    """A provider for one Azure OpenAI resource; `base_url` is the address of the resource."""

    address_key = "azure_endpoint"

    def build_backend(self, config: Mapping[str, Any]) -> Backend:
        """Build the backend from the settings; see `AddressedProvider.build_backend`."""
        return build_azure_backend(config)


def create(config: Mapping[str, Any]) -> AzureOpenaiV2Provider:
    """Build a provider without a host, from the same settings; `create_provider("azure:…")` calls this function."""
    return AzureOpenaiV2Provider(base_url=None, config=config)


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> Callable[[], Awaitable[None]]:
    """Mount the provider and return the function that closes it.

    It is also mounted without a credential, so that the first call can say what is missing.

    Args:
        coordinator: the coordinator of the session, or the mock of a host that validates the module.
        config: the settings; the README lists them. None, the default, means no settings.
    """
    return await mount_provider(
        coordinator, AzureOpenaiV2Provider(base_url=None, config=config, coordinator=coordinator)
    )


async def on_session_ready(coordinator: Any) -> None:
    """Prepare the first call; see `prepare_session`.

    A host calls this when the session is complete, never on a mock.
    """
    await prepare_session(coordinator)
