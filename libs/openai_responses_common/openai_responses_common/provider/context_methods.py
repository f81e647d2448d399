"""The methods of a provider by which hosts handle long conversations; `context_hooks` does the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from amplifier_core.llm_errors import InvalidRequestError, LLMError
from amplifier_core.message_models import ChatRequest, Message

from ..options.options import Options
from .context_hooks import ContextHooks
from .host_cancellation import HostCancellation

if TYPE_CHECKING:
    from ..engine.engine import Engine


class ContextMethods:
    """A part of `ResponsesProvider`, which has the rest.

    Attributes:
        native_compaction_requires_request_context: False: a conversation is compacted without its tools.
    """

    native_compaction_requires_request_context = False

    name: str
    coordinator: Any
    _context: ContextHooks
    _running: dict[HostCancellation, None]

    if TYPE_CHECKING:

        def check_settings(self) -> None: ...
        def _get_default_options(self) -> Options: ...
        def _resolve_options(self, request: ChatRequest, kwargs: Mapping[str, Any]) -> Options: ...
        async def _load_engine(self) -> Engine: ...

    def request_budget(
        self,
        request: ChatRequest,
        *,
        context_estimate: int = 0,
        request_options: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> dict[str, Any] | None:
        """Return whether a request fits into the window of its model; hosts ask before a call.

        The result holds an estimate. If the input may be too long and the service counts, it can also be awaited, for a
        result with the count of the service under `measurement`. Never raises. Returns None if the limit of the model
        is not known.

        Args:
            request: the chat request.
            context_estimate: the host's estimate of the tokens of its messages. 0, the default, if it has none: then
                the service counts, if it can.
            request_options: the keyword arguments of the call.
        """
        return self._context.make_budget(request, context_estimate, request_options)

    def recover_context_overflow(
        self,
        request: ChatRequest,
        error: Exception,
        *,
        context_estimate: int = 0,
        request_options: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> dict[str, Any] | None:
        """Return to what the host has to shorten a request that was too long, so that it may be sent once more.

        The next call reports what the host took out of it. Never raises. Returns None if shortening cannot help.

        Args:
            request: the request that was refused.
            error: the error of its call.
            context_estimate: the host's estimate of the tokens of its messages.
            request_options: the keyword arguments of the call.
        """
        return self._context.recover(request, error, context_estimate, request_options)

    def supports_native_compaction(self) -> bool:
        """Return whether a host may let the service compact a conversation."""
        return self._context.can_compact(self._get_default_options())

    def validate_compacted_context(self, message: Message | Mapping[str, Any]) -> bool:
        """Return whether a message carries a compacted conversation that the configured model of this account reads."""
        return self._context.is_valid_window(message, self._get_default_options())

    async def compact_context(self, request: ChatRequest, **kwargs: Any) -> dict[str, Any]:
        """Let the service compact a conversation, and return the message that stands for it.

        The result has the keys `kind`, which is `native`, `message` and `usage`. The message goes in front of what is
        new; the host sends system text again.

        Args:
            request: the whole conversation.
            kwargs: options of this call.

        Raises:
            LLMError: one of the kernel's classes.
        """
        engine = await self._load_engine()
        async with HostCancellation(self.coordinator, provider=self.name, running=self._running):
            try:
                self.check_settings()
                if not isinstance(request, ChatRequest):  # pyright: ignore[reportUnnecessaryIsInstance]
                    raise InvalidRequestError(f"compact_context takes a ChatRequest, not {type(request).__name__}")
                options = self._resolve_options(request, kwargs)
                events = engine.create_events(self.coordinator, self.name, options)
                return await self._context.compact(request, options, events)
            except LLMError as error:
                error.provider = error.provider or self.name
                raise
