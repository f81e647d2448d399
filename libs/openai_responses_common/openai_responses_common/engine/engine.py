"""One call: limit, attempt, amend, retry, continue.

There is one path. Streaming is always on at the wire; who does not want deltas passes no sink.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from amplifier_core.llm_errors import InvalidRequestError, LLMError, LLMTimeoutError
from amplifier_core.message_models import ChatRequest, Message
from amplifier_core.utils.retry import RetryConfig, retry_with_backoff

from ..facts.amendments import Amendments
from ..facts.profile import BackendProfile
from ..failures.classify import classify_failure
from ..failures.failure import CallFailure, Failure, scrub_failure
from ..failures.learn import learn_amendments
from ..failures.read import read_error_event
from ..options.model_info import traits_of
from ..options.options import Options
from ..translate.decode import DecodedResponse, decode_response, drop_cut_calls, read_incomplete_reason
from ..translate.deltas import Aborted, DeltaReader
from ..translate.encode import encode_request
from ..translate.usage import sum_usage
from ..transport.base import Document, Transport
from ..wire.accumulate import Accumulator
from ..wire.json_values import dump_body
from ..wire.types import Response
from ._call import Call, PreparedRequest, needs_continuation
from .limiter import get_limiter
from .telemetry import CallEvents, Sink

logger = logging.getLogger(__name__)


# Longer histories are encoded in a worker thread: the event loop keeps running in between. One of so many messages
# takes a millisecond (measured), a thread's start a fifth of it.
_MAX_INLINE_MESSAGES = 200


class Engine:
    """Makes calls over one transport.

    Args:
        transport: where the bodies go.
        profile: what the service is like.
        on_cost: told of every response that was paid for, also of those that came to nothing.
    """

    def __init__(
        self, transport: Transport, profile: BackendProfile, *, on_cost: Callable[[Decimal], None] | None = None
    ) -> None:
        self.transport = transport
        self.profile = profile
        self._on_cost = on_cost
        self._amendments: dict[str, Amendments] = {}
        self._logged_warnings: set[str] = set()

    def create_events(self, coordinator: Any, provider: str, options: Options) -> CallEvents:
        """The events of a call that is about to be made; `provider` is the name that they carry."""
        scrub, limits = self.transport.scrub, self.profile.limits
        return CallEvents(coordinator, provider=provider, options=options, scrub=scrub, limits=limits)

    async def run_call(
        self, request: ChatRequest, options: Options, events: CallEvents, sink: Sink | None
    ) -> DecodedResponse:
        """Make one call and give its answer.

        Raises:
            LLMError: one of the kernel's classes, with provider, model, status and `retry_after`.
        """
        try:
            async with asyncio.timeout(options.call_timeout_s):
                return await self._run_and_report(request, options, events, sink)
        except asyncio.CancelledError:
            await events.emit_cancellation()
            raise
        except TimeoutError:
            message = f"the call took longer than its timeout of {options.call_timeout_s} s"
            error = LLMTimeoutError(message, provider=self.profile.name, model=options.model, retryable=False)
        except LLMError as caught:
            error = caught
            error.provider = error.provider or self.profile.name
            error.model = error.model or options.model
        except Exception as unexpected:
            await events.emit_failure(unexpected)
            raise
        logger.error("[PROVIDER] %s API error: %s", self.profile.display_name, error)
        await events.emit_failure(error)
        raise error

    async def _run_and_report(
        self, request: ChatRequest, options: Options, events: CallEvents, sink: Sink | None
    ) -> DecodedResponse:
        await self.transport.prepare()
        prepared = await self._prepare_request(request, options)
        call = Call(request=request, options=options, events=events, sink=sink, prepared_request=prepared)
        encoded = prepared.encoded_request
        self._warn_once(encoded.dropped_options)
        await events.emit_request(
            encoded.body,
            message_count=len(request.messages),
            dropped=[*encoded.dropped_options, *encoded.dropped_content],
        )
        if encoded.repairs:
            await events.emit_repairs(encoded.repairs)
        responses = call.responses
        try:
            await self._collect_responses(call)
            usage = sum_usage(responses, model=options.model, profile=self.profile, model_info=options.model_info)
            answer = decode_response(responses, origin=self.transport.origin, usage=usage)
        except asyncio.CancelledError:
            await self._abort_deltas(call, "CancelledError", "the call was cancelled")
            raise
        except LLMError as error:
            await self._abort_deltas(call, type(error).__name__, str(error))
            raise
        await events.emit_response(answer, responses)
        return answer

    async def _collect_responses(self, call: Call) -> None:
        """Ask, and ask to go on as often as the answer ran out of tokens."""
        request, options, responses = call.request, call.options, call.responses
        while True:
            try:
                response = await self._send_with_retries(call)
            except LLMError as error:
                if not responses:
                    raise
                name = self.profile.display_name
                logger.warning("%s: the answer ends early, because it could not be continued: %s", name, error)
                await self._replay_deltas(call)
                break
            items = drop_cut_calls(response)
            responses.append({**response, "output": items})
            if not needs_continuation(response, items) or len(responses) > options.max_continuations:
                break
            await call.events.emit_continuation(len(responses), response, read_incomplete_reason(response))
            call.request = self._build_continuation(request, responses)
            call.prepared_request = await self._prepare_request(call.request, options)

    async def _abort_deltas(self, call: Call, error_type: str, message: str) -> None:
        """Take back what is to be seen of the answer."""
        if call.sink and call.has_visible_deltas:
            call.has_visible_deltas, call.was_aborted = False, True
            await call.sink([Aborted(error_type=error_type, message=message)])

    async def _prepare_request(self, request: ChatRequest, options: Options) -> PreparedRequest:
        amendments = self._amendments.get(options.model, Amendments())

        def encode() -> PreparedRequest:
            encoded = encode_request(
                request,
                options,
                profile=self.profile,
                traits=traits_of(options.model, options.model_info),
                amendments=amendments,
                origin=self.transport.origin,
            )
            return PreparedRequest(encoded_request=encoded, body_bytes=dump_body(encoded.body), amendments=amendments)

        prepared = encode() if len(request.messages) <= _MAX_INLINE_MESSAGES else await asyncio.to_thread(encode)
        if not prepared.encoded_request.body["input"] and not options.extra_body:
            raise InvalidRequestError("there is nothing to send: no message of the request has any content")
        return prepared

    def _build_continuation(self, request: ChatRequest, responses: list[Response]) -> ChatRequest:
        """The request that goes on from an unfinished answer: the answer so far is its newest assistant turn."""
        partial = decode_response(responses, origin=self.transport.origin, usage=None)
        turn = Message(role="assistant", content=partial.content)
        return request.model_copy(update={"messages": [*request.messages, turn]})

    def _warn_once(self, warnings: list[str]) -> None:
        for line in warnings:
            if line not in self._logged_warnings:
                self._logged_warnings.add(line)
                logger.warning("%s: %s", self.profile.display_name, line)

    async def _send_with_retries(self, call: Call) -> Response:
        options = call.options
        config = RetryConfig(
            max_retries=options.max_retries,
            initial_delay=options.min_retry_delay_s,
            max_delay=options.max_retry_delay_s,
        )

        async def before_wait(attempt: int, delay_s: float, error: LLMError) -> None:
            # The kernel's jitter also shortens what the service asked for; waiting too little earns the next refusal.
            missing_s = max(0.0, (error.retry_after or 0.0) - delay_s)
            await call.events.emit_retry(attempt, delay_s + missing_s, error)
            await asyncio.sleep(missing_s)

        return await retry_with_backoff(lambda: self._make_attempt(call), config, on_retry=before_wait)

    async def _make_attempt(self, call: Call) -> Response:
        """One attempt; a refusal that teaches something is answered at once, without waiting and without a retry."""
        while True:
            try:
                return await self._stream_response(call)
            except CallFailure as caught:
                failure = caught
            call.failure_count += 1
            call.events.headers = failure.failure.headers or call.events.headers
            known = self._amendments.get(call.options.model, Amendments())
            if known == call.prepared_request.amendments:
                lesson = learn_amendments(
                    failure.failure,
                    call.prepared_request.encoded_request.body,
                    known,
                    required_fields=self.profile.required_fields,
                    system_role=self.profile.system_role,
                )
                if lesson is None:
                    raise self._build_kernel_error(failure.failure, call.options, call.failure_count) from failure
                self._amendments[call.options.model], line = lesson
                self._warn_once([line])
            call.prepared_request = await self._prepare_request(call.request, call.options)

    async def _stream_response(self, call: Call) -> Response:
        await self._replay_deltas(call)
        received = Accumulator()
        reader = DeltaReader(first_index=call.next_block_index)
        try:
            async with (
                get_limiter(self.transport.origin).slot(call.options.max_concurrent_requests),
                self.transport.open(
                    call.prepared_request.body_bytes,
                    timeout_s=call.options.timeout_s,
                    headers=self._build_session_headers(call.options),
                ) as reply,
            ):
                call.events.headers = reply.headers
                async for batch in reply.batches:
                    for count, event in enumerate(batch, 1):
                        received.add_event(event)
                        call.events.read_event_limits(event)
                        if received.terminal_event:
                            del batch[count:]  # what comes after the end is no part of the answer
                            break
                    if call.sink and (deltas := reader.read_batch(batch)):
                        call.has_visible_deltas = True
                        await call.sink(deltas)
                    if received.terminal_event:
                        break
            response = self._finish_response(received, call.options)
        except (CallFailure, LLMError) as caught:
            if reader.has_emitted:
                error = (
                    caught if isinstance(caught, LLMError) else self._build_kernel_error(caught.failure, call.options)
                )
                await self._abort_deltas(call, type(error).__name__, str(error))
            raise
        call.next_block_index = reader.next_index
        return response

    async def _replay_deltas(self, call: Call) -> None:
        """After an abort: what still holds of the call, which is the answer before its continuation."""
        if call.sink is None or not call.was_aborted:
            return
        reader = DeltaReader()
        items = [item for response in call.responses for item in response["output"]]
        done = [
            {"type": "response.output_item.done", "output_index": index, "item": item}
            for index, item in enumerate(items)
        ]
        deltas = reader.read_batch(done)
        call.has_visible_deltas, call.was_aborted, call.next_block_index = reader.has_emitted, False, reader.next_index
        await call.sink(deltas)

    def _finish_response(self, accumulator: Accumulator, options: Options) -> Response:
        if accumulator.terminal_event is None:
            raise CallFailure(Failure(kind="stream", message="the stream ended without a terminal event"))
        response = accumulator.build_response()
        self._report_cost(response, options)
        if accumulator.has_failed():
            raise CallFailure(scrub_failure(read_error_event(accumulator.terminal_event), self.transport.scrub))
        return response

    def _report_cost(self, response: Response, options: Options) -> None:
        usage = sum_usage([response], model=options.model, profile=self.profile, model_info=options.model_info)
        if self._on_cost and usage and usage.cost_usd is not None:
            self._on_cost(usage.cost_usd)

    def _build_session_headers(self, options: Options) -> dict[str, str]:
        """The conversation's key, where the service routes by headers; a key that no header could carry stays out."""
        key = options.prompt_cache_key or ""
        return dict.fromkeys(self.profile.session_headers, key) if key.isascii() and key.isprintable() and key else {}

    def _build_kernel_error(self, failure: Failure, options: Options, failure_count: int = 1) -> LLMError:
        return classify_failure(
            failure,
            profile=self.profile,
            model=options.model,
            max_retry_delay_s=options.max_retry_delay_s,
            failure_count=failure_count,
        )

    async def fetch(self, path: str, options: Options, *, etag: str | None = None) -> Document:
        """GET a document of the service, with the same errors and retries as a call."""

        async def attempt() -> Document:
            try:
                return await self.transport.fetch(path, timeout_s=options.timeout_s, etag=etag)
            except CallFailure as failure:
                raise self._build_kernel_error(failure.failure, options) from failure

        config = RetryConfig(max_retries=min(options.max_retries, 2), initial_delay=options.min_retry_delay_s)
        return await retry_with_backoff(attempt, config)
