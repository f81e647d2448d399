"""What hosts ask a provider about a long conversation: whether it fits, what to do if it did not, and to compact it.

The service counts only what may be too long. Whatever fails there, the caller gets an estimate: to ask never costs the
call. Only a compaction that a host asks for may fail. Sources of what hosts call: loop-streaming and
bundle-context-managed, seen 2026-12-01.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from amplifier_core.llm_errors import (
    AbortError,
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ContextLengthError,
    InvalidRequestError,
    LLMError,
    RateLimitError,
)
from amplifier_core.message_models import ChatRequest, Message

from ..options.options import Options
from ..translate.compaction import holds_window, read_window
from ..translate.input_estimate import estimate_message_tokens, estimate_tool_tokens, has_window
from ..wire.json_values import as_object
from .backend import Backend
from .context_budget import BudgetDecision, InputSize, make_decision, make_recovery, read_estimate
from .shortened import ShortenedRequest

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..engine.telemetry import CallEvents

logger = logging.getLogger(__name__)

BUDGET_CAPABILITY = "request_budget"
COUNT_CAPABILITY = "request_budget:provider_count"
COMPACTION_CAPABILITY = "native_compaction"

# A shorter input is far from the limit, so that an estimate is enough.
_NEAR = 0.5
_COUNT_TIMEOUT_S = 20.0
# A service that does not count is asked again after so many seconds.
_NO_COUNT_S = 600.0
# A host that shortens a request sends it again at once.
_NOTE_S = 300.0
# The part of what is known that the limit in a refusal has to reach, so that no other number is taken for it.
_LEAST_LIMIT = 1 / 8
_COMPACTION_PURPOSE = "context-compaction"

ResolveOptions = Callable[[ChatRequest, Mapping[str, Any]], Options]


class ContextHooks:
    """The hooks of one provider.

    Args:
        backend: the service.
        resolve_options: returns the options of a call.
        load_engine: returns the engine.
    """

    def __init__(
        self, backend: Backend, *, resolve_options: ResolveOptions, load_engine: Callable[[], Awaitable[Engine]]
    ) -> None:
        self._backend = backend
        self._resolve_options = resolve_options
        self._load_engine = load_engine
        self._no_count_until_s = 0.0
        # Once an input was near the limit, the host tries shorter ones and compares their counts, until a call is made.
        self._counts_all = False
        self._refused: ShortenedRequest | None = None
        self._refused_until_s = 0.0

    def counts_input(self, options: Options) -> bool:
        """Return whether the service counts the tokens of an input."""
        return self._wants_count(options) and time.monotonic() >= self._no_count_until_s

    def can_compact(self, options: Options) -> bool:
        """Return whether a host may let the service compact a conversation.

        A host that may has no other way out. So by default it may only where its conversation is counted, too.
        """
        return self._has_compaction(options, counts=self.counts_input(options))

    def list_capabilities(self, options: Options) -> list[str]:
        """Return what hosts may ask, in their vocabulary."""
        names = {
            BUDGET_CAPABILITY: True,
            COUNT_CAPABILITY: self.counts_input(options),
            COMPACTION_CAPABILITY: self.can_compact(options),
        }
        return [name for name, holds in names.items() if holds]

    def make_budget(
        self, request: ChatRequest, context_estimate: object, request_options: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Return a decision, see `ResponsesProvider.request_budget`; never raises."""
        try:
            host_tokens = read_estimate(context_estimate)
            options = self._resolve_options(request, request_options or {})
            limit = self._find_limit(options)
            if limit is None:
                return None
            size = self._estimate(request, host_tokens, limit)
            decision = self._decide(size, options, limit)
            if not self._needs_count(request, size, limit) or not self.counts_input(options):
                return decision
        except Exception:  # whatever a host hands over: to ask never costs the call
            logger.exception("%s: the budget of a request could not be estimated", self._backend.profile.display_name)
            return None
        self._counts_all = True
        return BudgetDecision(decision, lambda: self._count(request, options, size, limit))

    def recover(
        self,
        request: ChatRequest,
        error: Exception,
        context_estimate: object,
        request_options: Mapping[str, Any] | None,
    ) -> dict[str, Any] | None:
        """Return a decision, see `ResponsesProvider.recover_context_overflow`; never raises."""
        if not isinstance(error, ContextLengthError):
            return None
        try:
            from ..engine.context_requests import read_overflow

            options = self._resolve_options(request, request_options or {})
            size, known_limit = self._estimate(request, read_estimate(context_estimate), 0), self._find_limit(options)
            numbers = read_overflow(error, floor=int((known_limit or size.tokens) * _LEAST_LIMIT))
            limit = numbers.limit or known_limit
            decision = make_recovery(
                size,
                limit=limit,
                refused_tokens=numbers.tokens,
                max_output_tokens=request.max_output_tokens,
            )
        except Exception:
            logger.exception("%s: no budget for a shorter request", self._backend.profile.display_name)
            return None
        self._counts_all = True
        self._refused = None
        if decision is not None:
            budget = decision["context_token_budget"]
            facts = {"input_limit_tokens": limit, "input_tokens": numbers.tokens, "context_budget_tokens": budget}
            self._refused = ShortenedRequest(request.messages, facts)
            self._refused_until_s = time.monotonic() + _NOTE_S
        return decision

    async def begin_call(self, request: ChatRequest, events: CallEvents) -> None:
        """Note that a call is made, and report what the host took out of it if the one before was too long."""
        self._counts_all = False
        refused = self._refused
        if refused is None:
            return
        if time.monotonic() >= self._refused_until_s:
            self._refused = None
        elif refused.is_continued_by(request.messages):  # a call of another conversation may come first
            self._refused = None
            if (report := refused.describe(request.messages)) is not None:
                await events.emit_shortened(report)

    async def compact(self, request: ChatRequest, options: Options, events: CallEvents) -> dict[str, Any]:
        """Let the service compact a conversation, see `ResponsesProvider.compact_context`."""
        from ..engine.telemetry import describe_usage

        if not self.can_compact(options):
            raise ConfigurationError(
                "this service does not compact conversations here: let the host summarize, or set native_compaction"
            )
        compacted = await (await self._load_engine()).context.compact(request, options, events)
        return {"kind": "native", "message": compacted.message, "usage": describe_usage(compacted.usage)}

    def is_valid_window(self, message: object, options: Options) -> bool:
        """Return whether a message carries a window that the configured model can read."""
        metadata = message.metadata if isinstance(message, Message) else _read_metadata(message)
        # What was compacted stays readable while the service does not count.
        if not self._has_compaction(options, counts=self._wants_count(options)) or not holds_window(
            as_object(metadata)
        ):
            return False
        names = (options.model, options.model_info.find_table_id(options.model))
        try:
            read_window(as_object(metadata), model_names=names, origin=self._backend.transport.origin)
        except LLMError:
            return False
        return True

    def _wants_count(self, options: Options) -> bool:
        return self._backend.profile.counts_input if options.count_input is None else options.count_input

    def _has_compaction(self, options: Options, *, counts: bool) -> bool:
        if self._backend.profile.compaction is None or options.native_compaction is False:
            return False
        return options.native_compaction is True or (counts and options.model_info.traits_of(options.model).is_listed)

    def _find_limit(self, options: Options) -> int | None:
        """Return how many input tokens the model accepts; None if that is only a guess."""
        traits, entry = options.model_info.traits_of(options.model), options.model_info.find_entry(options.model)
        if not options.model or not (traits.is_listed or "context_window" in entry.traits):
            return None
        return traits.find_input_limit(options.max_output_tokens)

    def _estimate(self, request: ChatRequest, context_estimate: int, limit: int) -> InputSize:
        """Return how long an input is, by the host's estimate unless that is near the limit or missing."""
        tool_estimate = estimate_tool_tokens(request.tools)
        tokens = context_estimate + tool_estimate
        if not context_estimate or tokens >= limit * _NEAR:
            tokens = estimate_message_tokens(request.messages) + tool_estimate
        return InputSize(tokens=tokens, context_estimate=context_estimate, tool_estimate=tool_estimate)

    def _needs_count(self, request: ChatRequest, size: InputSize, limit: int) -> bool:
        if size.tokens >= limit * _NEAR or self._counts_all or not size.context_estimate:
            return True
        is_compaction = (request.metadata or {}).get("purpose") == _COMPACTION_PURPOSE
        return is_compaction or has_window(request.messages)

    def _decide(self, size: InputSize, options: Options, limit: int, counted_by: str | None = None) -> dict[str, Any]:
        traits = options.model_info.traits_of(options.model)
        takes_limit = traits.shares_window and "max_output_tokens" not in self._backend.profile.refused_fields
        max_output_tokens = options.max_output_tokens or traits.max_output_tokens
        return make_decision(
            size, limit=limit, max_output_tokens=max_output_tokens if takes_limit else None, counted_by=counted_by
        )

    async def _count(self, request: ChatRequest, options: Options, size: InputSize, limit: int) -> dict[str, Any]:
        """Return the decision by the count of the service, or by the estimate if it does not count."""
        from ..engine.context_requests import COUNT_PATH

        name = self._backend.profile.display_name
        try:
            async with asyncio.timeout(min(_COUNT_TIMEOUT_S, options.timeout_s)):
                tokens = await (await self._load_engine()).context.count_input(request, options)
        except Exception as error:  # noqa: BLE001 - whatever it is, an estimate does, and the call meets it too
            if _shows_no_count(error):
                self._no_count_until_s = time.monotonic() + _NO_COUNT_S
            reason = str(error) or type(error).__name__
            logger.warning("%s: the input is estimated, because the service did not count it: %s", name, reason)
            return self._decide(size, options, limit)
        counted = InputSize(tokens=tokens, context_estimate=size.context_estimate, tool_estimate=size.tool_estimate)
        return self._decide(counted, options, limit, counted_by=COUNT_PATH)


def _read_metadata(message: object) -> object:
    return cast("Mapping[str, object]", message).get("metadata") if isinstance(message, Mapping) else None


def _shows_no_count(error: Exception) -> bool:
    """Return whether a count failed because the service does not count, and not because of this request or moment."""
    match error:
        case RateLimitError() | ContextLengthError() | AbortError():
            return False
        case AuthenticationError():
            return isinstance(error, AccessDeniedError)
        case InvalidRequestError():
            return error.status_code is not None  # without a status nothing was sent
        case _:
            return True
