"""The methods of a provider that describe its settings to a person, and what it does not do itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amplifier_core.llm_errors import ConfigurationError

from ..options.options import Options
from ..transport.switching_transport import SwitchingTransport
from .backend import Backend
from .shutdowns import describe_shutdown_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class DescriptionMethods:
    """A part of `ResponsesProvider`, which has the rest."""

    _backend: Backend
    _configured_options: Options

    if TYPE_CHECKING:

        def _get_default_options(self) -> Options: ...

    def describe_shutdown(self) -> str:
        """Return when the service ends the default model, as "ends on 2026-12-11, use gpt-6.1-sol".

        Returns an empty text if no end is announced for the next 30 days.
        """
        return describe_shutdown_of(self._get_default_options(), self._backend.profile)

    def describe_transport(self) -> str:
        """Return how requests travel, as "http", or with what `auto` means at this address; sends nothing."""
        choice, transport = self._configured_options.transport, self._backend.transport
        if choice != "auto":
            return choice
        prefers_websocket = isinstance(transport, SwitchingTransport) and transport.prefers_websocket
        later = ", and over a WebSocket from the second request of a conversation on" if prefers_websocket else ""
        return f"auto (over HTTP{later})"

    async def create_openai_client(self) -> AsyncOpenAI:
        """Return a client of the `openai` SDK for the same account, for what a chat provider does not do.

        Raises:
            ConfigurationError: the service only chats, which is so unless a class overrides this.
        """
        name = self._backend.profile.display_name
        raise ConfigurationError(f"{name} only chats: files, batches, embeddings and images need another service")
