"""Amplifier provider for a Responses server of one's own: the worked example of docs/backend.md.

The server of this example wants its key in a header of its own, has one service tier and no prompt cache that could be
kept longer, loads models on demand, and is paid by the hour.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from amplifier_core.llm_errors import ConfigurationError, ProviderUnavailableError
from amplifier_core.models import ConfigField
from openai_responses_common import (
    AddressedProvider,
    ApiKey,
    Backend,
    BackendProfile,
    Endpoint,
    ErrorMeaning,
    KnownError,
    Options,
    SdkTransport,
    mount_provider,
    read_url,
    sendable,
    setting,
)

__amplifier_module_type__ = "provider"
__all__ = ["OwnServerProvider", "create", "mount"]

ADDRESS = "http://localhost:8000/v1"
REMEDY = "set api_key in the provider's config, or OWN_SERVER_API_KEY in the environment"

PROFILE = BackendProfile(
    name="own-server",
    display_name="Own server",
    refused_fields={
        "service_tier": "this server has one tier",
        "prompt_cache_retention": "this server keeps its cache as long as it can",
    },
    errors=(
        KnownError(
            code="model_loading",
            meaning=ErrorMeaning(
                error=ProviderUnavailableError, retryable=True, remedy="the server is loading the model"
            ),
        ),
    ),
    priced=False,
    auth_remedy=REMEDY,
)


def credential(config: Mapping[str, Any]) -> ApiKey:
    """Who calls.

    Raises:
        ConfigurationError: the key fits into no header.
    """
    key = setting(config, "api_key", "OWN_SERVER_API_KEY")
    if key:
        sendable("api_key (OWN_SERVER_API_KEY)", key)
    return ApiKey(
        key=key, header="X-Api-Key", missing_message=f"no key is set: {REMEDY}", description="the key of the own server"
    )


def own_backend(config: Mapping[str, Any]) -> Backend:
    """Everything about the server that the library asks for; never raises, as a provider is made before it is used."""
    address = setting(config, "base_url", "OWN_SERVER_BASE_URL") or ADDRESS
    caller, problem = ApiKey(key=None, missing_message=REMEDY), None
    try:
        read_url("base_url", address, example=ADDRESS)
        caller = credential(config)
    except ConfigurationError as error:
        problem = str(error)
    return Backend(
        profile=PROFILE,
        transport=SdkTransport(Endpoint(base_url=address, credential=caller)),
        defaults=Options(model="gpt-oss-120b"),
        own_keys=("base_url", "api_key"),
        config_fields=[
            ConfigField(id="base_url", display_name="Address", prompt="Address of the server", default=ADDRESS),
            ConfigField(
                id="api_key",
                display_name="Key",
                field_type="secret",
                prompt="Key of the server",
                env_var="OWN_SERVER_API_KEY",
                required=False,
            ),
        ],
        credential_env_vars=("OWN_SERVER_API_KEY",),
        problem=problem,
    )


class OwnServerProvider(AddressedProvider):
    """A provider for one server; hosts find the class by this name."""

    def build_backend(self, config: Mapping[str, Any]) -> Backend:
        """Build the backend from the settings."""
        return own_backend(config)


def create(config: Mapping[str, Any]) -> OwnServerProvider:
    """A provider without a host, for `register` and `create_provider`."""
    return OwnServerProvider(base_url=None, config=config)


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> Callable[[], Awaitable[None]]:
    """Mount the provider; without a key too, so that the first call can say what is missing."""
    return await mount_provider(coordinator, OwnServerProvider(base_url=None, config=config, coordinator=coordinator))
