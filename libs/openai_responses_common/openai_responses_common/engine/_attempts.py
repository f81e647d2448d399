"""The attempts of one request: send, show, learn from a refusal, wait, try again.

Knows the prepared request of a call and not how it is encoded, continued or decoded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal

from amplifier_core.llm_errors import LLMError, LLMTimeoutError, ProviderUnavailableError
from amplifier_core.message_models import Usage
from amplifier_core.utils.retry import RetryConfig, retry_with_backoff

from ..facts.backend_profile import BackendProfile
from ..failures.classify import classify_failure
from ..failures.failure import CallFailure, Failure, scrub_failure
from ..failures.read import read_error_event
from ..options.options import Options
from ..transport.base import Reply, Transport, TransportSwitch
from ..wire.accumulate import Accumulator
from ..wire.background_response import BackgroundResponse
from ..wire.plain_text import join_lines
from ..wire.types import Response
from ._background import BackgroundReader
from ._call import Call, sum_call_usage
from ._read_stream import read_stream
from .lessons import amend_call, confirm_trial
from .limiter import get_limiter
from .spending import SpendingGuard

logger = logging.getLogger(__name__)


class Attempts:
    """Makes the attempts of all requests of an engine.

    Args:
        transport: sends the bodies.
        profile: the facts about the service.
        encode: prepares the request of the next attempt, after a refusal that taught something.
        warn_once: logs each sentence that was not logged before.
        on_cost: see `Engine`.
        spending: holds the requests to the limits of their calls.
    """

    def __init__(
        self,
        transport: Transport,
        profile: BackendProfile,
        *,
        encode: Callable[[Call], Awaitable[None]],
        warn_once: Callable[[list[str]], None],
        on_cost: Callable[[Decimal], None] | None,
        spending: SpendingGuard,
    ) -> None:
        self._transport = transport
        self._profile = profile
        self._encode = encode
        self._warn_once = warn_once
        self._on_cost = on_cost
        self._background = BackgroundReader(
            transport, name=profile.display_name, classify=self._build_kernel_error, read=read_stream
        )
        self._spending = spending

    async def send(self, call: Call) -> Response:
        """Make attempts until one succeeds, with a wait before each retry.

        Raises:
            LLMError: the last attempt failed, or a retry cannot help.
        """
        options = call.options
        config = RetryConfig(
            max_retries=options.max_retries,
            initial_delay=options.min_retry_delay_s,
            max_delay=options.max_retry_delay_s,
        )

        async def before_wait(attempt: int, delay_s: float, error: LLMError) -> None:
            # The kernel's jitter also shortens a delay that the service asked for; a retry before that is refused.
            missing_s = max(0.0, (error.retry_after or 0.0) - delay_s)
            await call.events.emit_retry(attempt, delay_s + missing_s, error)
            await asyncio.sleep(missing_s)

        try:
            return await retry_with_backoff(lambda: self._measure_silence(call), config, on_retry=before_wait)
        except LLMError:
            if call.trial is None:
                raise
            trial = call.trial
        # The amendments that were tried did not help, so the error is that of the request as the caller made it.
        call.amendments, call.trial = trial.amendments, None
        raise trial.error from trial.cause

    async def _measure_silence(self, call: Call) -> Response:
        """Make one attempt; a service that stays silent is soon asked no more."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        try:
            return await self._make_attempt(call)
        except LLMTimeoutError as error:
            call.silence.add(min(loop.time() - started_s, call.options.timeout_s))
            error.retryable = error.retryable and call.silence.allows_retry()
            raise

    async def _make_attempt(self, call: Call) -> Response:
        """Make one attempt; after a refusal that teaches an amendment send the amended request at once.

        Such a request is not a retry: it neither waits nor counts towards `max_retries`.
        """
        while True:
            try:
                async with self._spending.reserve(call):
                    response = await self._stream_response(call)
            except CallFailure as failure:
                self._learn(call, failure)
            else:
                self._warn_once(confirm_trial(call, self._transport.origin))
                return response
            await self._encode(call)

    def _learn(self, call: Call, failure: CallFailure) -> None:
        """Amend the call by what a refusal teaches.

        Raises:
            LLMError: the failure teaches nothing.
        """
        call.failure_count += 1
        call.events.headers = failure.failure.headers or call.events.headers
        error = self._build_kernel_error(failure.failure, call.options, call.failure_count)
        self._warn_once(amend_call(call, failure, error, origin=self._transport.origin, profile=self._profile))

    async def _stream_response(self, call: Call) -> Response:
        """Send the request, show the deltas as they arrive, and return the finished response."""
        accumulator, options = Accumulator(), call.options
        await call.deltas.begin_attempt(call.responses, call.tool_names)
        await call.events.progress.start_attempt()
        try:
            async with get_limiter(self._transport.origin).slot(options.max_concurrent_requests):
                await self._read_response(call, accumulator)
            response = self._finish_response(accumulator, call)
        except asyncio.CancelledError:
            if call.background is not None and accumulator.terminal_event is None:
                await self._background.cancel(call.background)
            if accumulator.terminal_event is not None:  # the response is complete, so it is paid for
                with suppress(CallFailure, LLMError):
                    self._finish_response(accumulator, call)
            raise
        except Exception as caught:
            error = self._build_kernel_error(caught.failure, options) if isinstance(caught, CallFailure) else caught
            await call.deltas.abort_attempt(type(error).__name__, str(error))
            raise
        finally:
            call.charge.has_output = accumulator.has_items()
        await call.deltas.complete_attempt(response["output"])
        return response

    async def _read_response(self, call: Call, accumulator: Accumulator) -> None:
        """Send the request and read its response, which outlives its connection if it runs in the background."""
        fields = call.prepared_request.body.fields
        is_background, is_streamed = fields.get("background") is True, fields.get("stream") is True
        call.background = BackgroundResponse(is_streamed=is_streamed) if is_background else None
        lost: Failure | None = None
        try:
            async with self._open(call) as reply:
                call.events.headers = reply.headers
                await read_stream(reply.batches, accumulator, call)
        except CallFailure as caught:
            if call.background is None or not call.background.response_id:
                raise
            lost = caught.failure
        if call.background is not None and call.background.response_id:
            call.charge.is_in_background = True
            await self._background.finish(call, accumulator, lost)

    @asynccontextmanager
    async def _open(self, call: Call) -> AsyncGenerator[Reply, None]:
        """Send the request of a call, and report each switch of its transport, also if it fails."""
        options = call.options
        switches: list[TransportSwitch] = []
        async with AsyncExitStack() as stack:
            try:
                reply = await stack.enter_async_context(
                    self._transport.open(
                        call.prepared_request.body,
                        timeout_s=options.timeout_s,
                        headers=self.build_session_headers(options),
                        choice=options.transport,
                        on_switch=switches.append,
                    )
                )
            finally:
                for switch in switches:
                    await self._report_switch(call, switch)
            yield reply

    async def _report_switch(self, call: Call, switch: TransportSwitch) -> None:
        """Log that a request travels in another way, and emit the event."""
        switch = replace(switch, reason=join_lines(self._transport.scrub(switch.reason)))
        if switch.from_transport == switch.to_transport:
            level, text = logging.INFO, "a WebSocket was lost, so the request goes over a new one"
        else:
            level, text = logging.WARNING, "the request goes over HTTP, not over a WebSocket"
        logger.log(level, "%s: %s: %s", self._profile.display_name, text, switch.reason)
        await call.events.emit_switch(switch)

    def _finish_response(self, accumulator: Accumulator, call: Call) -> Response:
        """Return the response of a stream that has ended, add it to what was paid for, and report its cost.

        Raises:
            CallFailure: the stream has no terminal event or a call without its end, or the service says that it failed.
            ProviderUnavailableError: somebody cancelled the background response, so it is not created anew.
        """
        if accumulator.terminal_event is None:
            raise CallFailure(Failure(kind="stream", message=accumulator.describe_fault()))
        response = accumulator.build_response()
        usage = sum_call_usage([response], call.options, self._profile)
        self.report_cost(usage)
        call.charge.has_failed = accumulator.has_failed()
        if usage is not None and usage.cost_usd is not None:
            call.charge.is_reported = True
            call.reported_usd += usage.cost_usd
        if call.background is not None and accumulator.read_status() == "cancelled":
            message, name = "the background response was cancelled at the service", self._profile.name
            raise ProviderUnavailableError(message, provider=name, model=call.options.model, retryable=False)
        if call.charge.has_failed:
            failure = read_error_event(accumulator.terminal_event, call.events.headers)
            raise CallFailure(scrub_failure(failure, self._transport.scrub))
        if fault := accumulator.describe_fault():
            raise CallFailure(Failure(kind="stream", message=fault))
        call.billed_responses.append(response)
        return response

    def report_cost(self, usage: Usage | None) -> None:
        """Hand over the cost of a response, if it is known."""
        if self._on_cost is None or usage is None or usage.cost_usd is None:
            return
        try:
            self._on_cost(usage.cost_usd)
        except Exception:  # code of a caller, which must not cost a response that was paid for
            logger.exception("%s: the cost of a response could not be added up", self._profile.display_name)

    def build_session_headers(self, options: Options) -> dict[str, str]:
        """Return the conversation's key under each header by which the service routes.

        Returns no headers for a key that a header cannot carry.
        """
        key = options.prompt_cache_key or ""
        return dict.fromkeys(self._profile.session_headers, key) if key.isascii() and key.isprintable() and key else {}

    def _build_kernel_error(self, failure: Failure, options: Options, failure_count: int = 1) -> LLMError:
        return classify_failure(
            failure,
            profile=self._profile,
            model=options.model,
            max_retry_delay_s=options.max_retry_delay_s,
            failure_count=failure_count,
        )
