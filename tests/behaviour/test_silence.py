"""Timeouts of a request, connections that are used again, and waits.

tests/generated/sweeps/test_stalls.py proves that a slow stream is no timeout and that a silent one is.
"""

from __future__ import annotations

import asyncio

import pytest
from amplifier_core.llm_errors import LLMTimeoutError
from responses_emulator import EventDelay, HoldOpen, Say, Turn, server_error

from tests.support.clock_leap import let_time_pass
from tests.support.run_clock import RunClock
from tests.support.session import OpenSession, Session, asking, other_tasks

pytestmark = pytest.mark.one_sign_in("a timeout knows no profile")


@pytest.mark.promise("the timeout of the request is ignored", area="hazard")
async def test_the_timeout_of_a_request_bounds_the_whole_call(session: Session) -> None:
    session.emulator.script(Turn(Say("word " * 2000), EventDelay(0.02)))
    call = asyncio.create_task(session.ask("hello", timeout=30))
    assert await session.emulator.wait_until_async(session.recorder.shown)
    let_time_pass(30)
    with pytest.raises(LLMTimeoutError, match=r"timeout of 30\.0 s") as caught:
        await call
    assert not caught.value.retryable
    assert session.sent == 1
    assert await session.emulator.wait_until_async(lambda: session.emulator.aborted_requests)
    assert not other_tasks()
    assert session.recorder.one("llm:response")["error_type"] == "LLMTimeoutError"
    assert session.recorder.names[-2:] == ["llm:stream_aborted", "llm:response"]


async def test_the_timeout_of_a_request_bounds_the_waits_too(open_session: OpenSession) -> None:
    session = await open_session(min_retry_delay=30, max_retry_delay=30)
    session.emulator.script(*[server_error()] * 5)
    with RunClock() as run_clock, pytest.raises(LLMTimeoutError):
        await session.provider.complete(asking("hello"), timeout="0.3")
    assert run_clock.elapsed_s < 15


async def test_a_request_within_its_timeout_is_not_touched(session: Session) -> None:
    session.emulator.script(Say("ok"))
    response = await session.ask("hello", timeout=30)
    assert response.text == "ok"


async def test_a_server_that_does_not_hang_up_costs_little(session: Session) -> None:
    """An answer is complete with its terminal event."""
    session.emulator.script(Turn(Say("done"), HoldOpen(30)))
    with RunClock() as run_clock:
        response = await session.ask("hello")
    assert run_clock.elapsed_s < 10
    assert response.text == "done"


@pytest.mark.one_transport("a WebSocket belongs to a conversation")
async def test_connections_are_used_again(session: Session) -> None:
    for _ in range(4):
        await session.ask("hello")
    assert len({request.connection for request in session.emulator.model_requests}) == 1


@pytest.mark.one_transport("a WebSocket belongs to a conversation")
async def test_connections_are_used_again_after_a_refusal(open_session: OpenSession) -> None:
    session = await open_session(max_retries=1)
    session.emulator.script(server_error(), Say("ok"), Say("ok"))
    await session.ask("hello")
    await session.ask("hello")
    assert len({request.connection for request in session.emulator.model_requests}) == 1


async def test_a_connection_that_was_left_open_is_not_used_again(session: Session) -> None:
    session.emulator.script(Turn(Say("done"), HoldOpen(30)), Say("ok"))
    await session.ask("hello")
    response = await session.ask("hello")
    assert response.text == "ok"
    assert len({request.connection for request in session.emulator.model_requests}) == 2


@pytest.mark.one_transport("a WebSocket belongs to a conversation")
async def test_a_wait_holds_no_slot_and_no_connection(open_session: OpenSession) -> None:
    session = await open_session(min_retry_delay=300, max_retry_delay=300, max_concurrent_requests=1)
    session.emulator.script(server_error(), Say("second"))
    first = asyncio.create_task(session.ask("first"))
    assert await session.emulator.wait_until_async(lambda: session.recorder.named("provider:retry"))
    assert (await session.ask("second")).text == "second"
    assert not first.done()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert len({request.connection for request in session.emulator.model_requests}) == 1
