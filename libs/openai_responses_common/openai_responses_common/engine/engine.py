"""One call: encode, send, continue, decode; `_attempts` makes the attempts.

Every call takes this one path. Every request asks for a stream; a caller that wants no deltas passes no sink. The
engine knows neither credentials nor services: the transport and the profile hold what differs between services.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from amplifier_core.llm_errors import AbortError, InvalidRequestError, LLMError, LLMTimeoutError, StreamError
from amplifier_core.message_models import ChatRequest, Message, Usage

from ..facts.backend_profile import BackendProfile
from ..options.options import Options
from ..translate.cut_calls import find_cut_calls
from ..translate.decode import (
    DecodedResponse,
    decode_response,
    find_notice,
    reached_output_limit,
)
from ..translate.encode import encode_request
from ..translate.encoding_cache import EncodingCache
from ..translate.output_items import read_incomplete_reason
from ..transport.base import Transport
from ..wire.request_body import RequestBody
from ..wire.types import Response
from ._attempts import Attempts
from ._call import Call, PreparedRequest, VisibleDeltas, begins_anew, find_pricing, sum_call_usage
from .cache_watch import CacheWatch, digest_prompt
from .context_calls import ContextCalls
from .lessons import LESSONS
from .spending import SessionSpending, SpendingGuard
from .telemetry import CANCELLED, CallEvents, Sink
from .tracing import trace_call

logger = logging.getLogger(__name__)


# The engine encodes longer histories in a worker thread, so that the event loop can run meanwhile. To encode this many
# messages takes a millisecond (measured), to start a thread a fifth of that.
_MAX_INLINE_MESSAGES = 200


class Engine:
    """Makes calls over one transport.

    Args:
        transport: sends the bodies.
        profile: the facts about the service.
        on_cost: gets the cost, in US dollars, of every response with a known price, also if the call then fails. None,
            by default, if nobody sums up the cost.
        get_spending: returns the spending of the session, for `max_session_cost_usd`. None, by default, if there is no
            session.
    """

    def __init__(
        self,
        transport: Transport,
        profile: BackendProfile,
        *,
        on_cost: Callable[[Decimal], None] | None = None,
        get_spending: Callable[[], SessionSpending] | None = None,
    ) -> None:
        self.transport = transport
        self.profile = profile
        spending = SpendingGuard(profile, warn_once=self._warn_once, get_session=get_spending)
        self._attempts = Attempts(
            transport,
            profile,
            encode=self._encode,
            warn_once=self._warn_once,
            on_cost=on_cost,
            spending=spending,
        )
        self.context = ContextCalls(transport, profile, attempts=self._attempts, spending=spending, encode=self._encode)
        self._encoding_cache = EncodingCache(lock=threading.Lock())
        self._cache_watch = CacheWatch(profile, scrub=transport.scrub)
        self._logged_warnings: set[str] = set()
        self._slow_events: dict[str, float] = {}

    def create_events(self, coordinator: Any, provider: str, options: Options) -> CallEvents:
        """Return the emitter of the hook events of one call; `provider` is the name that the events carry."""
        return CallEvents(
            coordinator,
            provider=provider,
            options=options,
            scrub=self.transport.scrub,
            limits=self.profile.limits,
            slow_events=self._slow_events,
        )

    async def run_call(
        self, request: ChatRequest, options: Options, events: CallEvents, sink: Sink | None
    ) -> DecodedResponse:
        """Make one call and return its response.

        Args:
            request: the host's chat request.
            options: the options of this call.
            events: emits the hook events of this call.
            sink: takes the deltas; None if nobody reads them.

        Raises:
            LLMError: one of the kernel's classes, with provider, model, status and `retry_after`.
        """
        with trace_call(options, self.profile, self._warn_once, self.transport.scrub) as note_response:
            response = await self._run_call(request, options, events, sink)
            note_response(response)
        return response

    async def _run_call(
        self, request: ChatRequest, options: Options, events: CallEvents, sink: Sink | None
    ) -> DecodedResponse:
        call = Call(request=request, options=options, events=events, deltas=VisibleDeltas(sink))
        if options.call_timeout_s is not None:
            call.end_s = asyncio.get_running_loop().time() + options.call_timeout_s
            events.limit_end(call.end_s)
        limit = asyncio.timeout_at(call.end_s)
        try:
            async with limit:
                await self.transport.prepare()
                await self._encode(call)
                await self._report_request(call)
                response = await self._attempts.send(call)
            self._watch_cache(call, response)
            await self._add_response(call, response)
            while call.is_unfinished:
                await self._continue(call)
            decoded_response = self._decode(call)
            await self._show_rest(call, decoded_response)
        except asyncio.CancelledError:
            await self._report_cancellation(call, asyncio.CancelledError.__name__, CANCELLED)
            raise
        except Exception as caught:
            error = self._build_final_error(caught, options, time_is_up=limit.expired())
            await self._report_failure(call, error)
            if error is caught:
                raise
            raise error from None
        await events.emit_response(decoded_response, call.responses, call.cache_miss)
        return decoded_response

    async def _report_cancellation(self, call: Call, error_type: str, problem: str) -> None:
        """Report that the host ended the call. That is not a failure, so the log does not mention it."""
        call.events.limit_end()
        try:
            await call.deltas.abort(error_type, problem)
        finally:
            usage = sum_call_usage(call.billed_responses, call.options, self.profile)
            await call.events.emit_cancellation(problem, usage)

    async def _report_failure(self, call: Call, error: Exception) -> None:
        if isinstance(error, AbortError):  # the host closed the provider
            await self._report_cancellation(call, type(error).__name__, str(error))
            return
        await call.deltas.abort(type(error).__name__, str(error))
        await call.events.emit_failure(error)

    def _build_final_error(self, error: Exception, options: Options, *, time_is_up: bool) -> Exception:
        """Return the error with which a call ends: one of the kernel's, unless it is a fault in the code."""
        if isinstance(error, TimeoutError):
            cause = f"timed out: {error}" if str(error) else "timed out"
            message = f"the call took longer than its timeout of {options.call_timeout_s} s" if time_is_up else cause
            error = LLMTimeoutError(message, retryable=not time_is_up)
        if isinstance(error, LLMError):
            error.provider = error.provider or self.profile.name
            error.model = error.model or options.model
        return error

    def _watch_cache(self, call: Call, response: Response) -> None:
        """Find out whether the cache missed the first request of a call, and warn if that cost much."""
        options, prompt = call.options, call.prompt
        if (earlier := call.earlier_prompt) is not None:
            pricing = find_pricing(options, self.profile)
            call.cache_miss = self._cache_watch.find_miss(earlier, prompt, response, pricing)
        self._cache_watch.add(prompt, response, options)
        miss, limit_usd = call.cache_miss, options.cache_miss_warning_usd
        if miss and limit_usd is not None and miss.extra_cost_usd is not None and miss.extra_cost_usd >= limit_usd:
            logger.warning("%s: %s", self.profile.display_name, miss.describe())

    async def _show_rest(self, call: Call, decoded_response: DecodedResponse) -> None:
        """Show what the reader does not see yet of the response that the host receives."""
        await call.deltas.show_again(call.responses)
        if (notice := find_notice(decoded_response)) is not None:
            await call.deltas.show_notice(notice)

    async def _encode(self, call: Call) -> None:
        """Encode the request of the next attempt, with the amendments that are known by now.

        Raises:
            InvalidRequestError: the request has no content, or JSON cannot hold it.
        """
        request, options = self._build_request(call), call.options
        call.amendments = call.amendments.merge(LESSONS.find(self.transport.origin, options.model))
        amendments = call.amendments

        def encode() -> PreparedRequest:
            encoded = encode_request(
                request,
                options,
                profile=self.profile,
                traits=options.model_info.traits_of(options.model),
                amendments=amendments,
                origin=self.transport.origin,
                is_continuation=bool(call.responses),
                cache=self._encoding_cache,
            )
            fields: dict[str, Any] = {**encoded.body}
            body = RequestBody(fields, [*fields.pop("input"), *call.trailing_items])
            try:
                body.write()
            except (TypeError, ValueError, RecursionError) as error:
                raise InvalidRequestError(f"the request cannot be written as JSON: {error!s:.200}") from None
            prompt = digest_prompt(body)
            earlier = self._cache_watch.find_earlier(prompt, options)
            if not call.responses:
                call.prompt, call.earlier_prompt = prompt, earlier
            if earlier is not None:
                encoded, body = self._cache_watch.ask_for_reason(encoded, body, earlier, options, amendments)
            return PreparedRequest(encoded_request=encoded, body=body)

        is_short = len(request.messages) <= _MAX_INLINE_MESSAGES
        call.prepared_request = encode() if is_short else await asyncio.to_thread(encode)
        if not call.prepared_request.encoded_request.body["input"] and not options.extra_body:
            raise InvalidRequestError("there is nothing to send: no message of the request has any content")

    def _build_request(self, call: Call) -> ChatRequest:
        """Return the chat request of the next attempt; a continuation adds the response so far as an assistant turn."""
        if not call.responses:
            return call.request
        partial = self._decode_responses(call, call.responses)
        turn = Message(role="assistant", content=partial.content)
        return call.request.model_copy(update={"messages": [*call.request.messages, turn]})

    async def _report_request(self, call: Call) -> None:
        """Emit the events of the request, and log what it leaves out."""
        encoded = call.prepared_request.encoded_request
        dropped = [*encoded.dropped_options, *encoded.dropped_content]
        self._warn_once(dropped)
        await call.events.emit_request(
            encoded.body,
            message_count=len(call.request.messages),
            dropped=[*dropped, *encoded.dropped_by_amendments],
        )
        if encoded.repairs:
            await call.events.emit_repairs(encoded.repairs)

    async def _continue(self, call: Call) -> None:
        """Let the model go on from an unfinished response; if that fails, the call ends with the response so far."""
        try:
            async with asyncio.timeout_at(call.end_s):
                response = await self._send_continuation(call)
            if response is not None:
                self._check_continuation(call, response)
        except Exception as error:  # noqa: BLE001 - whatever it is, the first part was paid for
            problem = str(error) or type(error).__name__
            name = self.profile.display_name
            logger.warning("%s: the response ends early, because it could not be continued: %s", name, problem)
            await call.deltas.abort_attempt(type(error).__name__, problem)
            response = None
        if response is None:
            call.is_unfinished = False
        else:
            await self._add_response(call, response)

    async def _add_response(self, call: Call, response: Response) -> None:
        """Add a response to the call, and take back what is shown of a tool call that was cut off."""
        call.add_response(response)
        if find_cut_calls(call.responses[-1]["output"]):
            await call.deltas.abort("InvalidToolCallError", "a tool call was cut off, so no tool runs it")

    async def _send_continuation(self, call: Call) -> Response | None:
        """Return the response to the next request; None if that would say no more than the last one."""
        newest, last_request = call.responses[-1], call.prepared_request
        await self._encode(call)
        if not call.prepared_request.says_more_than(last_request):
            return None
        await call.events.emit_continuation(len(call.responses), newest, read_incomplete_reason(newest))
        return await self._attempts.send(call)

    def _check_continuation(self, call: Call, response: Response) -> None:
        """Check that a response goes on from the responses so far.

        Raises:
            InvalidToolCallError: it has a call whose arguments are not a JSON object.
            StreamError: it begins anew.
        """
        self._decode_responses(call, [call.make_usable(response)])
        if begins_anew(call.responses, response):
            raise StreamError("the model did not go on but began its answer anew")

    def _decode(self, call: Call) -> DecodedResponse:
        """Decode the responses of a call into one chat response with the usage of all of them."""
        usage = sum_call_usage(call.billed_responses, call.options, self.profile)
        body = call.prepared_request.encoded_request.body
        if reached_output_limit(call.responses[-1], body):
            limit = body.get("max_output_tokens")
            self._warn_once([f"the service calls a response complete that ends at max_output_tokens ({limit})"])
        return self._decode_responses(call, call.responses, usage)

    def _decode_responses(
        self, call: Call, responses: Sequence[Response], usage: Usage | None = None
    ) -> DecodedResponse:
        return decode_response(
            responses,
            origin=self.transport.origin,
            usage=usage,
            model=call.options.model,
            tool_names=call.tool_names,
            body=call.prepared_request.encoded_request.body,
            effort=call.prepared_request.encoded_request.effort,
            scrub=self.transport.scrub,
        )

    def _warn_once(self, warnings: list[str]) -> None:
        """Log each warning that this engine has not logged before."""
        for line in warnings:
            if line not in self._logged_warnings:
                self._logged_warnings.add(line)
                logger.warning("%s: %s", self.profile.display_name, line)
