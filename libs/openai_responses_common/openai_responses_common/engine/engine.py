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
from ..failures.classify import kernel_error
from ..failures.failure import CallFailure, Failure, failure_from_event, scrubbed
from ..failures.learn import amend
from ..options.model_info import traits_for
from ..options.options import Options
from ..translate.decode import DecodedResponse, decode_response, incomplete_reason, usable_items
from ..translate.deltas import Aborted, DeltaReader
from ..translate.encode import encode_request
from ..translate.usage import total_usage
from ..transport.base import Document, Transport
from ..wire.accumulate import Accumulator
from ..wire.json_values import dump_body
from ..wire.types import Response
from .call import Sink, _Call, _continues, _Prepared
from .limiter import gate
from .telemetry import CallEvents

logger = logging.getLogger(__name__)


# Longer histories are encoded in a worker thread: the event loop keeps running in between. One of so many messages
# takes a millisecond (measured), a thread's start a fifth of it.
_ENCODE_INLINE = 200


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
        self._learned: dict[str, Amendments] = {}
        self._warned: set[str] = set()

    def events(self, coordinator: Any, provider: str, options: Options) -> CallEvents:
        """The events of a call that is about to be made; `provider` is the name that they carry."""
        scrub, limits = self.transport.scrub, self.profile.limits
        return CallEvents(coordinator, provider=provider, options=options, scrub=scrub, limits=limits)

    async def run(
        self, request: ChatRequest, options: Options, events: CallEvents, sink: Sink | None
    ) -> DecodedResponse:
        """Make one call and give its answer.

        Raises:
            LLMError: one of the kernel's classes, with provider, model, status and `retry_after`.
        """
        try:
            async with asyncio.timeout(options.call_timeout_s):
                return await self._run(request, options, events, sink)
        except asyncio.CancelledError:
            await events.cancelled()
            raise
        except TimeoutError:
            message = f"the call took longer than its timeout of {options.call_timeout_s} s"
            error = LLMTimeoutError(message, provider=self.profile.name, model=options.model, retryable=False)
        except LLMError as caught:
            error = caught
            error.provider = error.provider or self.profile.name
            error.model = error.model or options.model
        except Exception as unexpected:
            await events.failed(unexpected)
            raise
        logger.error("[PROVIDER] %s API error: %s", self.profile.display_name, error)
        await events.failed(error)
        raise error

    async def _run(
        self, request: ChatRequest, options: Options, events: CallEvents, sink: Sink | None
    ) -> DecodedResponse:
        await self.transport.prepare()
        prepared = await self._prepare(request, options)
        call = _Call(request=request, options=options, events=events, sink=sink, prepared=prepared)
        encoded = prepared.encoded
        self._warn(encoded.dropped)
        await events.request(
            encoded.body, message_count=len(request.messages), dropped=[*encoded.dropped, *encoded.left_out]
        )
        if encoded.repairs:
            await events.repaired(encoded.repairs)
        responses = call.responses
        try:
            await self._answer(call)
            usage = total_usage(responses, model=options.model, profile=self.profile, model_info=options.model_info)
            answer = decode_response(responses, origin=self.transport.origin, usage=usage)
        except asyncio.CancelledError:
            await self._void(call, "CancelledError", "the call was cancelled")
            raise
        except LLMError as error:
            await self._void(call, type(error).__name__, str(error))
            raise
        await events.response(answer, responses)
        return answer

    async def _answer(self, call: _Call) -> None:
        """Ask, and ask to go on as often as the answer ran out of tokens."""
        request, options, responses = call.request, call.options, call.responses
        while True:
            try:
                response = await self._with_retries(call)
            except LLMError as error:
                if not responses:
                    raise
                name = self.profile.display_name
                logger.warning("%s: the answer ends early, because it could not be continued: %s", name, error)
                await self._show_again(call)
                break
            items = usable_items(response)
            responses.append({**response, "output": items})
            if not _continues(response, items) or len(responses) > options.max_continuations:
                break
            await call.events.continuation(len(responses), response, incomplete_reason(response))
            call.request = self._with_partial(request, responses)
            call.prepared = await self._prepare(call.request, options)

    async def _void(self, call: _Call, error_type: str, message: str) -> None:
        """Take back what is to be seen of the answer."""
        if call.sink and call.shown:
            call.shown, call.voided = False, True
            await call.sink([Aborted(error_type=error_type, message=message)])

    async def _prepare(self, request: ChatRequest, options: Options) -> _Prepared:
        amendments = self._learned.get(options.model, Amendments())

        def encode() -> _Prepared:
            encoded = encode_request(
                request,
                options,
                profile=self.profile,
                traits=traits_for(options.model, options.model_info),
                amendments=amendments,
                origin=self.transport.origin,
            )
            return _Prepared(encoded=encoded, content=dump_body(encoded.body), amendments=amendments)

        prepared = encode() if len(request.messages) <= _ENCODE_INLINE else await asyncio.to_thread(encode)
        if not prepared.encoded.body["input"] and not options.extra_body:
            raise InvalidRequestError("there is nothing to send: no message of the request has any content")
        return prepared

    def _with_partial(self, request: ChatRequest, responses: list[Response]) -> ChatRequest:
        """The request that goes on from an unfinished answer: the answer so far is its newest assistant turn."""
        partial = decode_response(responses, origin=self.transport.origin, usage=None)
        turn = Message(role="assistant", content=partial.content)
        return request.model_copy(update={"messages": [*request.messages, turn]})

    def _warn(self, lines: list[str]) -> None:
        for line in lines:
            if line not in self._warned:
                self._warned.add(line)
                logger.warning("%s: %s", self.profile.display_name, line)

    async def _with_retries(self, call: _Call) -> Response:
        options = call.options
        config = RetryConfig(
            max_retries=options.max_retries,
            initial_delay=options.min_retry_delay_s,
            max_delay=options.max_retry_delay_s,
        )

        async def before_wait(attempt: int, delay_s: float, error: LLMError) -> None:
            # The kernel's jitter also shortens what the service asked for; waiting too little earns the next refusal.
            missing_s = max(0.0, (error.retry_after or 0.0) - delay_s)
            await call.events.retry(attempt, delay_s + missing_s, error)
            await asyncio.sleep(missing_s)

        return await retry_with_backoff(lambda: self._attempt(call), config, on_retry=before_wait)

    async def _attempt(self, call: _Call) -> Response:
        """One attempt; a refusal that teaches something is answered at once, without waiting and without a retry."""
        while True:
            try:
                return await self._exchange(call)
            except CallFailure as caught:
                failure = caught
            call.failures += 1
            call.events.headers = failure.failure.headers or call.events.headers
            known = self._learned.get(call.options.model, Amendments())
            if known == call.prepared.amendments:
                lesson = amend(
                    failure.failure,
                    call.prepared.encoded.body,
                    known,
                    needs=self.profile.needs,
                    system_role=self.profile.system_role,
                )
                if lesson is None:
                    raise self._error(failure.failure, call.options, call.failures) from failure
                self._learned[call.options.model], line = lesson
                self._warn([line])
            call.prepared = await self._prepare(call.request, call.options)

    async def _exchange(self, call: _Call) -> Response:
        await self._show_again(call)
        received = Accumulator()
        reader = DeltaReader(first_index=call.next_block)
        try:
            async with (
                gate(self.transport.origin).place(call.options.max_concurrent_requests),
                self.transport.open(
                    call.prepared.content, timeout_s=call.options.timeout_s, headers=self._headers(call.options)
                ) as reply,
            ):
                call.events.headers = reply.headers
                async for batch in reply.batches:
                    for count, event in enumerate(batch, 1):
                        received.add(event)
                        call.events.heard_limits(event)
                        if received.terminal:
                            del batch[count:]  # what comes after the end is no part of the answer
                            break
                    if call.sink and (deltas := reader.read(batch)):
                        call.shown = True
                        await call.sink(deltas)
                    if received.terminal:
                        break
            response = self._ended(received, call.options)
        except (CallFailure, LLMError) as caught:
            if reader.shown:
                error = caught if isinstance(caught, LLMError) else self._error(caught.failure, call.options)
                await self._void(call, type(error).__name__, str(error))
            raise
        call.next_block = reader.next_index
        return response

    async def _show_again(self, call: _Call) -> None:
        """After an abort: what still holds of the call, which is the answer before its continuation."""
        if call.sink is None or not call.voided:
            return
        reader = DeltaReader()
        items = [item for response in call.responses for item in response["output"]]
        done = [
            {"type": "response.output_item.done", "output_index": index, "item": item}
            for index, item in enumerate(items)
        ]
        deltas = reader.read(done)
        call.shown, call.voided, call.next_block = reader.shown, False, reader.next_index
        await call.sink(deltas)

    def _ended(self, received: Accumulator, options: Options) -> Response:
        if received.terminal is None:
            raise CallFailure(Failure(kind="stream", message="the stream ended without a terminal event"))
        response = received.response()
        self._count(response, options)
        if received.failed():
            raise CallFailure(scrubbed(failure_from_event(received.terminal), self.transport.scrub))
        return response

    def _count(self, response: Response, options: Options) -> None:
        usage = total_usage([response], model=options.model, profile=self.profile, model_info=options.model_info)
        if self._on_cost and usage and usage.cost_usd is not None:
            self._on_cost(usage.cost_usd)

    def _headers(self, options: Options) -> dict[str, str]:
        """The conversation's key, where the service routes by headers; a key that no header could carry stays out."""
        key = options.prompt_cache_key or ""
        return dict.fromkeys(self.profile.session_headers, key) if key.isascii() and key.isprintable() and key else {}

    def _error(self, failure: Failure, options: Options, failures: int = 1) -> LLMError:
        return kernel_error(
            failure,
            profile=self.profile,
            model=options.model,
            max_retry_delay_s=options.max_retry_delay_s,
            failures=failures,
        )

    async def fetch(self, path: str, options: Options, *, etag: str | None = None) -> Document:
        """GET a document of the service, with the same errors and retries as a call."""

        async def attempt() -> Document:
            try:
                return await self.transport.fetch(path, timeout_s=options.timeout_s, etag=etag)
            except CallFailure as failure:
                raise self._error(failure.failure, options) from failure

        config = RetryConfig(max_retries=min(options.max_retries, 2), initial_delay=options.min_retry_delay_s)
        return await retry_with_backoff(attempt, config)
