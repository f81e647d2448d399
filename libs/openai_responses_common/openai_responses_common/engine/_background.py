"""A response that runs in the background: it outlives its connection, so a call goes on with it and does not pay twice.

A stream that broke is resumed after its last event; a response without a stream is asked for until it has ended. A call
that is cancelled cancels the response at the service.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from amplifier_core.llm_errors import LLMError, StreamError

from ..failures.failure import CallFailure, Failure
from ..options.options import Options
from ..transport.base import Transport
from ..wire.accumulate import Accumulator
from ..wire.background_response import PENDING_STATUSES, BackgroundResponse, make_status_event
from ..wire.json_values import as_object
from ..wire.plain_text import find_word, join_lines
from ..wire.types import TERMINAL_STATUS
from ._call import Call

logger = logging.getLogger(__name__)

# The wait between two questions for a response without a stream, in seconds. The guide keeps a response of the
# background for some ten minutes, so the longest wait is far below that (seen 2026-12-01).
_FIRST_POLL_S = 1.0
_LONGEST_POLL_S = 30.0
# A cancellation holds up the end of a call for no longer.
_CANCEL_TIMEOUT_S = 1.5
_MAX_ID_CHARACTERS = 100
_GONE = frozenset({404, 410})


class BackgroundReader:
    """Reads a background response to its end.

    Args:
        transport: where the service is asked.
        name: of the service, for the log.
        classify: returns the kernel's error of a failure, with the number of failures so far.
        read: reads events into an accumulator.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        name: str,
        classify: Callable[[Failure, Options, int], LLMError],
        read: Callable[[Any, Accumulator, Call], Awaitable[None]],
    ) -> None:
        self._transport = transport
        self._name = name
        self._classify = classify
        self._read = read

    async def finish(self, call: Call, accumulator: Accumulator, failure: Failure | None) -> None:
        """Read what is left of the response.

        Args:
            call: the call; `call.background` says which response.
            accumulator: gathers the rest.
            failure: what ended the connection; None if it ended without a failure.

        Raises:
            LLMError: the service cannot be reached any more. The response is not asked for anew.
        """
        background = call.background
        assert background is not None
        failure_count, poll_s = 0, _FIRST_POLL_S
        if failure is None and background.is_streamed:
            failure = Failure(kind="stream", message=accumulator.describe_fault())
        while accumulator.terminal_event is None:
            if failure is None:
                await asyncio.sleep(poll_s)
                poll_s = min(poll_s * 1.5, _LONGEST_POLL_S)
            else:
                failure_count += 1
                await self._wait(call, background, failure, failure_count)
            newest = background.last_number
            try:
                failure = await self._read_on(call, background, accumulator)
            except CallFailure as caught:
                failure = caught.failure
            if background.last_number != newest or failure is None:
                failure_count = 0

    async def _read_on(self, call: Call, background: BackgroundResponse, accumulator: Accumulator) -> Failure | None:
        """Read the rest of the stream, or ask for the response once. Returns why the stream ended before its end."""
        timeout_s = call.options.timeout_s
        if background.is_streamed:
            resumed = self._transport.resume(background.response_id, after=background.last_number, timeout_s=timeout_s)
            async with resumed as reply:
                await self._read(reply.batches, accumulator, call)
            return Failure(kind="stream", message=accumulator.describe_fault())
        document = await self._transport.fetch(f"/responses/{background.response_id}", timeout_s=timeout_s)
        response = as_object(document.body)
        if (status := response.get("status")) not in (*PENDING_STATUSES, *TERMINAL_STATUS.values()):
            name = find_word(status, self._transport.scrub) or "unknown"
            return Failure(kind="stream", message=f"the status of the response is {name}")
        accumulator.add_event(make_status_event(response))
        return None

    async def _wait(self, call: Call, background: BackgroundResponse, failure: Failure, failure_count: int) -> None:
        """Wait before the service is asked again.

        Raises:
            LLMError: that cannot help, or was tried too often.
        """
        options = call.options
        response_id = join_lines(self._transport.scrub(background.response_id))[:_MAX_ID_CHARACTERS]
        error = self._classify(failure, options, failure_count)
        may_pass = error.retryable or isinstance(error, StreamError)
        if not may_pass or failure_count > options.max_retries:
            error.retryable = False  # a retry would begin, and pay for, another response
            name = f"the background response {response_id}"
            is_gone = failure.status in _GONE
            problem = f"the service no longer has {name}: ask again" if is_gone else ""
            error.args = (problem or f"{error}; {name} may go on at the service",)
            raise error
        delay_s = min(options.min_retry_delay_s * 2 ** (failure_count - 1), options.max_retry_delay_s)
        delay_s = max(delay_s, error.retry_after or 0.0)
        logger.info("%s: the background response %s is resumed: %s", self._name, response_id, error)
        await call.events.emit_retry(failure_count, delay_s, error)
        await asyncio.sleep(delay_s)

    async def cancel(self, background: BackgroundResponse) -> None:
        """Cancel a response at the service, as far as that is possible in a short time."""
        if not background.response_id:
            return
        with suppress(CallFailure, LLMError, TimeoutError):
            async with asyncio.timeout(_CANCEL_TIMEOUT_S):
                await self._transport.cancel(background.response_id, timeout_s=_CANCEL_TIMEOUT_S)
