"""A host cancels its session at once, as after a second Ctrl-C, and does not cancel the task of the call.

test_cancellation.py cancels the task.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from amplifier_core.llm_errors import AbortError
from openai_responses_common.engine.limiter import get_limiter
from responses_emulator import Emulator, EventDelay, ResponseIncomplete, Say, Silence, Turn, server_error

from tests.support.kernels import Start
from tests.support.session import OpenSession, Session, other_tasks

pytestmark = pytest.mark.one_sign_in("a cancellation knows no profile")

ENDLESS = Turn(Say("word " * 400), EventDelay(0.02))
MUTE = Turn(Silence(600, before_event=-1))
CUT = Turn(Say("one two three four"), ResponseIncomplete())

SITUATIONS: dict[str, tuple[list[Any], int, str]] = {
    "in mid-response": ([ENDLESS], 1, "llm:stream_block_delta"),
    "before the first byte": ([MUTE], 1, "llm:request"),
    "during the wait for a retry": ([server_error()], 1, "provider:retry"),
    "in a continuation": ([CUT, ENDLESS], 2, "provider:incomplete_continuation"),
}
"""What the service does, how many requests it gets, and the newest event when the host cancels."""


async def aborted(call: asyncio.Task[Any]) -> AbortError:
    """Return the error of a call that was cancelled by its host, after a check that the call left no task behind."""
    with pytest.raises(AbortError, match="the call was cancelled") as caught:
        await call
    assert not other_tasks()
    return caught.value


@pytest.mark.promise("a cancelled session goes on streaming", area="hazard")
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_a_call_ends_with_its_session(
    open_session: OpenSession, situation: str, caplog: pytest.LogCaptureFixture
) -> None:
    replies, requests, newest_event = SITUATIONS[situation]
    session = await open_session(min_retry_delay=600, max_retry_delay=600)
    session.emulator.script(*replies)
    call = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(
        lambda: session.sent == requests and session.recorder.named(newest_event)
    )
    session.coordinator.cancellation.request_immediate()
    error = await aborted(call)
    assert not error.retryable
    assert error.provider == session.provider.name
    if replies[-1] in (ENDLESS, MUTE):
        assert await session.emulator.wait_until_async(lambda: session.emulator.aborted_requests)
    assert session.sent == requests
    assert session.recorder.shown() == ""
    assert session.recorder.one("llm:response")["status"] == "cancelled"
    assert session.recorder.names[-1] == "llm:response"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_call_that_waits_for_a_slot_ends_with_its_session(open_session: OpenSession) -> None:
    session = await open_session(max_concurrent_requests=1)
    session.emulator.script(ENDLESS)
    calls = [asyncio.create_task(session.ask("hello")) for _ in range(2)]
    assert await session.emulator.wait_until_async(lambda: session.sent)
    limiter = get_limiter(session.provider._backend.transport.origin)
    assert await session.emulator.wait_until_async(lambda: limiter._waiters)
    session.coordinator.cancellation.request_immediate()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [AbortError, AbortError]
    assert session.sent == 1
    assert not limiter.slots_in_use
    assert not other_tasks()


async def test_a_graceful_cancellation_lets_the_response_finish(session: Session) -> None:
    session.emulator.script(Turn(Say("one two three four"), EventDelay(0.02)))
    call = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(session.recorder.shown)
    session.coordinator.cancellation.request_graceful()
    assert (await call).text == "one two three four"
    assert session.recorder.one("llm:response")["status"] == "ok"


async def test_nothing_is_sent_until_the_host_begins_its_next_turn(session: Session) -> None:
    token = session.coordinator.cancellation
    token.request_immediate()
    await aborted(asyncio.create_task(session.ask("hello")))
    assert session.recorder.names == ["llm:request", "llm:response"]
    assert session.recorder.one("llm:response")["status"] == "cancelled"
    with pytest.raises(AbortError):
        await session.provider.list_models()
    assert not session.emulator.requests
    token.reset()
    assert (await session.ask("again")).text
    assert await session.provider.list_models()


async def test_the_usage_of_a_response_that_was_complete_is_reported(session: Session) -> None:
    """A continuation of it is cancelled."""
    session.emulator.script(CUT, ENDLESS)
    call = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.sent == 2)
    session.coordinator.cancellation.request_immediate()
    await aborted(call)
    usage, reported = session.made(0)["usage"], session.recorder.one("llm:response")["usage"]
    assert reported["output_tokens"] == usage["output_tokens"] > 0


async def test_the_request_ends_if_the_host_stops_waiting_for_its_session(start: Start, emulator: Emulator) -> None:
    """The command line of Amplifier does this. The kernel does not pass the cancellation on to the orchestrator."""
    kernel = await start()
    emulator.script(ENDLESS, Say("fine"))
    turn = asyncio.ensure_future(kernel.session.execute("hello"))
    assert await emulator.wait_until_async(kernel.recorder.shown)
    kernel.coordinator.cancellation.request_immediate()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert await emulator.wait_until_async(lambda: kernel.recorder.named("orchestrator:complete"))
    assert emulator.aborted_requests
    kernel.coordinator.cancellation.reset()
    assert await kernel.session.execute("again") == "fine"
