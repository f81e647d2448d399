"""A provider whose address and key a host may pass to the constructor, apart from the config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from amplifier_core.llm_errors import ConfigurationError

from ..transport.http_transport import HttpTransport
from ..transport.switching_transport import SwitchingTransport
from .backend import Backend
from .environment import override_config
from .provider import ResponsesProvider

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class AddressedProvider(ResponsesProvider):
    """A provider whose host may pass an address and a key separately from the config.

    A module derives its class from this one and overrides `build_backend`.

    Args:
        base_url: the address of the service; wins over the config's address. None, `""` and a host's placeholder count
            as absent. A required keyword, because only then hosts that probe constructors pass the user's address.
        api_key: the key; wins over the config's key. None, by default, leaves the config's key.
        config: the settings; None, by default, is an empty config. The module's README lists the settings.
        coordinator: the session's coordinator, for hook events; None, by default, emits no events.

    Attributes:
        address_key: the config key of the address; `base_url` by default.
    """

    address_key: ClassVar[str] = "base_url"

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str | None = None,
        config: Mapping[str, Any] | None = None,
        coordinator: Any = None,
    ) -> None:
        overridden_config = override_config(config, **{self.address_key: base_url, "api_key": api_key})
        super().__init__(self.build_backend(overridden_config), config=config, coordinator=coordinator)

    async def create_openai_client(self) -> AsyncOpenAI:
        """Return a client of the `openai` SDK for the same account, for what a chat provider does not do.

        That is files, batches, embeddings, images. It has the address, the headers, the key or token source, the proxy
        and the certificates of this provider, and the SDK's own timeout and retries. Close it after use. If the
        credential fails later, that error is the cause of the SDK's.

        Raises:
            ConfigurationError: a setting is not valid, or the SDK cannot be imported.
            LLMError: there is no credential.
        """
        from ..transport.openai_client import build_openai_client

        self.check_settings()
        transport = self._backend.transport
        http = transport.http if isinstance(transport, SwitchingTransport) else transport
        if not isinstance(http, HttpTransport):
            raise ConfigurationError(f"{type(http).__name__} sends no requests over HTTP, as the SDK does")
        return await build_openai_client(http.endpoint)

    def build_backend(self, config: Mapping[str, Any]) -> Backend:
        """Build the backend of the service; must not raise, so that a bad setting becomes `Backend.problem`.

        Args:
            config: the settings, with the address and the key that the host passed separately.
        """
        raise NotImplementedError
