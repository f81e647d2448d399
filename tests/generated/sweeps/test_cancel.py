"""A host cancels a call at every suspension that the call has: nothing is left behind, and the next call works.

The sweep meets every `await` that really waits, and of each also the moment at which its result is ready: a resource
that was just acquired is lost most easily then.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError, InvalidRequestError
from openai_responses_common.engine import engine
from openai_responses_common.engine.event_names import STREAM_EVENTS
from openai_responses_common.engine.telemetry import CallEvents

from tests.support.backends import BACKENDS, BackendUnderTest
from tests.support.jump_clock import on_jump_clock
from tests.support.session import asking, assistant

from ...support.leftovers import nothing_left
from .cancelled_at import MOMENTS, CancelledAt, Moment, wait_for_end
from .recorded_stream import RecordedStream, record_stream
from .replay_server import Reply, Script
from .swept_provider import LOOK_TOOL, SweptProvider, sweep_provider, use_call_number

HEALTHY = 0
"""The number of the calls that get a complete reply at once; the cancelled calls have the numbers from 1."""
_MIN_SUSPENSIONS = 8
_ENCODE_THREAD_MESSAGES = engine._MAX_INLINE_MESSAGES + 2

SCRIPTS = ("a response", "two retries", "a refusal", "a continuation")
SECOND_CANCELLATIONS = [
    pytest.param(backend, later, id=f"{backend.name}-{later}", marks=[] if is_short else pytest.mark.slow)
    for backend in BACKENDS
    for later in [(1,), (2,), (3,), (1, 2, 3)]
    for is_short in [backend is BACKENDS[0] and later == (1,)]
]


def replies_of(stream: RecordedStream, name: str) -> list[Reply]:
    """Return the replies of a script, one for each attempt."""
    complete = Reply(pieces=stream.events)
    match name:
        case "a response":  # the end of the body comes later than the terminal event
            return [Reply(pieces=stream.events, pauses_s={len(stream.events): 0.01})]
        case "two retries":  # a part of the first reply is shown
            return [Reply(pieces=stream.events[:8], ending="fin"), Reply(status=429), complete]
        case "a refusal":
            return [Reply(status=400)]
        case _:
            return [Reply(pieces=stream.make_incomplete_events()), complete]


def script_of(backend: BackendUnderTest, name: str = "a response") -> Script:
    """Return a script for the cancelled calls; healthy calls get a complete reply."""
    stream = record_stream(backend.name)
    replies = replies_of(stream, name)

    def script(number: int, attempt: int) -> Reply:
        return Reply(pieces=stream.events) if number == HEALTHY else replies[min(attempt, len(replies) - 1)]

    return script


class CancellationSweep:
    """Calls of one provider, each cancelled at another suspension than the call before.

    Args:
        swept: the provider.
        history: the messages before the message of the user.
        options: keyword arguments of each call.
    """

    def __init__(self, swept: SweptProvider, *history: Any, **options: Any) -> None:
        self._swept = swept
        self._history = history
        self._options = options
        self._numbers = itertools.count(HEALTHY + 1)

    async def cancel_at_every_suspension(self, moment: Moment, *later: int) -> int:
        """Make calls until one is not cancelled; return the number of suspensions.

        Args:
            moment: see `Moment`.
            later: how many suspensions after the first cancellation to cancel again.
        """
        await self.check_healthy_call()
        for first in itertools.count():
            if not await self.cancel_at(first, *(first + more for more in later), moment=moment):
                return first
            if first % 3 == 0:
                await self.check_healthy_call()
        raise AssertionError

    async def cancel_at(self, *suspensions: int, moment: Moment) -> bool:
        """Make one call and cancel it at these suspensions; return whether it reached the first of them."""
        number = next(self._numbers)
        request = asking(*self._history, f"call {number}", tools=[LOOK_TOOL])
        cancelled = CancelledAt(self._swept.provider.complete(request, **self._options), *suspensions, moment=moment)
        async with nothing_left(), asyncio.timeout(10):
            with use_call_number(number):
                task = cancelled.create_task()
            await wait_for_end(task)
        if not cancelled.waiting_functions:
            assert isinstance(task.exception(), InvalidRequestError | ConfigurationError | None), task.exception()
            return False
        description = f"cancelled at {suspensions}, {moment}, in {cancelled.waiting_functions}"
        assert task.cancelled(), description
        self._check_events(number, cancelled.waiting_functions[0], description)
        await self._swept.server.wait_until(lambda: not self._swept.server.open_exchanges)
        return True

    def _check_events(self, number: int, waiting_functions: str, description: str) -> None:
        """Check that the call has both its request and its response event, or neither."""
        events = self._swept.recorder.events[number]
        names = [name for name, _ in events]
        description = f"{description}: {names}"
        assert names.count("llm:request") == names.count("llm:response") <= 1, description
        if not names:
            return
        assert (names[0], names[-1]) == ("llm:request", "llm:response"), description
        status = events[-1][1]["status"]
        if status == "cancelled":
            assert [name for name in names if name in STREAM_EVENTS][-1:] in ([], ["llm:stream_aborted"]), description
        else:  # a cancellation does not call back a response event that is already being emitted
            assert CallEvents._emit_end_once.__name__ in waiting_functions, description

    async def check_healthy_call(self) -> None:
        (await self._swept.call(HEALTHY)).check_recorded_response()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", SCRIPTS)
@on_jump_clock
async def test_call_leaves_nothing_behind_at_any_suspension(
    backend: BackendUnderTest, name: str, moment: Moment
) -> None:
    settings: dict[str, Any] = {"yields_per_event": 1, "max_retries": 2, "max_concurrent_requests": 1}
    async with sweep_provider(backend, script_of(backend, name), **settings) as swept:
        suspensions = await CancellationSweep(swept).cancel_at_every_suspension(moment)
    assert suspensions > _MIN_SUSPENSIONS or name == "a refusal"


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("backend", "later"), SECOND_CANCELLATIONS)
@on_jump_clock
async def test_second_cancellation_does_not_disturb_the_cleanup_of_the_first(
    backend: BackendUnderTest, later: tuple[int, ...], moment: Moment
) -> None:
    settings: dict[str, Any] = {"yields_per_event": 2, "max_retries": 2, "max_concurrent_requests": 1}
    async with sweep_provider(backend, script_of(backend, "two retries"), **settings) as swept:
        suspensions = await CancellationSweep(swept).cancel_at_every_suspension(moment, *later)
    assert suspensions > _MIN_SUSPENSIONS


@pytest.mark.parametrize("moment", MOMENTS)
@on_jump_clock
async def test_call_that_fails_before_its_request_has_both_events(backend: BackendUnderTest, moment: Moment) -> None:
    async with sweep_provider(backend, script_of(backend), yields_per_event=2) as swept:
        sweep = CancellationSweep(swept, temperature="hot")
        assert await sweep.cancel_at_every_suspension(moment) >= 1


@pytest.mark.parametrize("moment", MOMENTS)
@on_jump_clock
async def test_call_can_be_cancelled_while_a_thread_encodes_it(backend: BackendUnderTest, moment: Moment) -> None:
    history = [
        assistant(f"answer {number}") if number % 2 else f"question {number}"
        for number in range(_ENCODE_THREAD_MESSAGES)
    ]
    async with sweep_provider(backend, script_of(backend), yields_per_event=1) as swept:
        suspensions = await CancellationSweep(swept, *history).cancel_at_every_suspension(moment)
    assert suspensions > _MIN_SUSPENSIONS


@pytest.mark.parametrize("moment", MOMENTS)
@on_jump_clock
async def test_first_call_can_be_cancelled_while_it_builds_the_client(
    backend: BackendUnderTest, moment: Moment
) -> None:
    """Only the first call of a provider builds a client, so each suspension needs a new provider."""
    for suspension in range(3):
        async with sweep_provider(backend, script_of(backend)) as swept:
            sweep = CancellationSweep(swept)
            assert await sweep.cancel_at(suspension, moment=moment)
            await sweep.check_healthy_call()


@pytest.mark.parametrize("moment", MOMENTS)
@on_jump_clock
async def test_call_that_waits_for_a_slot_can_be_cancelled(backend: BackendUnderTest, moment: Moment) -> None:
    """Another call has the only slot, and goes on undisturbed."""
    stream = record_stream(backend.name)

    def script(number: int, attempt: int) -> Reply:
        return Reply(pieces=stream.events, pauses_s={3: 1.0} if number == HEALTHY else {})

    async with sweep_provider(backend, script, yields_per_event=1, max_concurrent_requests=1) as swept:
        (await swept.call(HEALTHY)).check_recorded_response()
        for suspension in itertools.count():
            slot_holder = asyncio.create_task(swept.call(HEALTHY))
            await swept.server.wait_until(lambda: swept.server.open_exchanges)
            request = asking(f"call {suspension + 1}")
            cancelled = CancelledAt(swept.provider.complete(request), suspension, moment=moment)
            async with nothing_left(), asyncio.timeout(10):
                with use_call_number(suspension + 1):
                    task = cancelled.create_task()
                await wait_for_end(task)
                (await slot_holder).check_recorded_response()
            if not task.cancelled():
                assert suspension > _MIN_SUSPENSIONS
                return
