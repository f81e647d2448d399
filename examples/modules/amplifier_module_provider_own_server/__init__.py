"""Amplifier provider for your own Responses server: the worked example of docs/backend.md.

The server of this example expects its key in the header `X-Api-Key`, has one service tier, does not let a request
choose how long a prompt is cached, loads models on demand, and is paid by the hour.
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
    HttpTransport,
    KnownError,
    Options,
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
    system_text_role="system",
    ciphertext_family="",
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
    """Return the credential of the server.

    Raises:
        ConfigurationError: an HTTP header cannot carry the key.
    """
    key = setting(config, "api_key", "OWN_SERVER_API_KEY")
    if key:
        sendable("api_key (OWN_SERVER_API_KEY)", key)
    return ApiKey(
        key=key, header="X-Api-Key", missing_message=f"no key is set: {REMEDY}", description="the key of the own server"
    )


def own_backend(config: Mapping[str, Any]) -> Backend:
    """Return everything that the library needs to know about the server; a bad setting becomes its `problem`."""
    address = setting(config, "base_url", "OWN_SERVER_BASE_URL") or ADDRESS
    key, problem = ApiKey(key=None, missing_message=REMEDY), None
    try:
        read_url("base_url", address, example=ADDRESS)
        key = credential(config)
    except ConfigurationError as error:
        problem = str(error)
    return Backend(
        profile=PROFILE,
        transport=HttpTransport(Endpoint(base_url=address, credential=key)),
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
    """A provider for one server; hosts look for a class of this name."""

    def build_backend(self, config: Mapping[str, Any]) -> Backend:
        """Build the backend from the settings."""
        return own_backend(config)


def create(config: Mapping[str, Any]) -> OwnServerProvider:
    """Return a provider without a host, for `register` and `create_provider`."""
    return OwnServerProvider(base_url=None, config=config)


async def mount(coordinator: Any, config: Mapping[str, Any] | None = None) -> Callable[[], Awaitable[None]]:
    """Mount the provider, also if the key is missing, so that the first call can say so."""
    return await mount_provider(coordinator, OwnServerProvider(base_url=None, config=config, coordinator=coordinator))
