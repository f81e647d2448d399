"""A cancelled call closes its connection, leaves no task, frees its slot, and reports that it was cancelled.

tests/generated/sweeps/test_cancel.py cancels calls at every suspension.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from amplifier_core.models import HookResult
from openai_responses_common.engine.limiter import get_limiter
from responses_emulator import EventDelay, HoldOpen, ResponseIncomplete, Say, Silence, Turn, server_error

from tests.support.session import PATIENCE_S, OpenSession, Session, asking, other_tasks

pytestmark = pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")

ENDLESS = Turn(Say("word " * 400), EventDelay(0.02))
MUTE = Turn(Silence(30, before_event=-1))


async def cancelled(session: Session, task: asyncio.Task[Any]) -> None:
    """Cancel a call, and check that it leaves no task behind."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert not other_tasks()


@pytest.mark.promise("a cancelled call reports nothing", area="hazard")
async def test_a_call_can_be_cancelled_in_mid_response(session: Session) -> None:
    session.emulator.script(ENDLESS)
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(session.recorder.shown)
    await cancelled(session, task)
    assert await session.emulator.wait_until_async(lambda: session.emulator.aborted_requests)
    assert session.recorder.names[-2:] == ["llm:stream_aborted", "llm:response"]
    response = session.recorder.one("llm:response")
    assert response["status"] == "cancelled"
    assert response["request_id"] == session.recorder.one("llm:request")["request_id"]


async def test_a_call_can_be_cancelled_before_the_first_byte(session: Session) -> None:
    session.emulator.script(MUTE)
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.sent)
    await cancelled(session, task)
    assert await session.emulator.wait_until_async(lambda: session.emulator.aborted_requests)
    assert session.recorder.names == ["llm:request", "llm:response"]
    assert session.recorder.one("llm:response")["status"] == "cancelled"


@pytest.mark.parametrize("name", ["llm:request", "llm:response"])
async def test_a_call_can_be_cancelled_while_a_handler_of_its_events_runs(session: Session, name: str) -> None:
    """Every handler gets both events once, even if the cancellation comes while one of them runs."""
    at_work, go_on = asyncio.Event(), asyncio.Event()
    received: list[str] = []

    async def slow(event: str, data: dict[str, Any]) -> HookResult:
        at_work.set()
        await go_on.wait()
        return HookResult(action="continue")

    async def last(event: str, data: dict[str, Any]) -> HookResult:
        received.append(data.get("status", event))
        return HookResult(action="continue")

    session.coordinator.hooks.register(name, slow, name="slow", priority=500)
    session.coordinator.hooks.register(name, last, name="last", priority=900)
    task = asyncio.create_task(session.ask("hello"))
    await at_work.wait()
    task.cancel()
    go_on.set()
    await asyncio.gather(task, return_exceptions=True)
    await session.provider.close()
    assert session.recorder.names.count("llm:request") == 1
    assert session.recorder.names.count("llm:response") == 1
    assert len(received) == 1


async def test_a_call_can_be_cancelled_while_it_waits_for_a_retry(open_session: OpenSession) -> None:
    session = await open_session(min_retry_delay=5, max_retry_delay=20)
    session.emulator.script(server_error())
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.recorder.named("provider:retry"))
    await cancelled(session, task)
    assert session.recorder.one("llm:response")["status"] == "cancelled"
    assert session.sent == 1


async def test_a_call_can_be_cancelled_in_a_continuation(session: Session) -> None:
    session.emulator.script(Turn(Say("one two three four"), ResponseIncomplete()), ENDLESS)
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.sent == 2 and len(session.recorder.shown()) > 20)
    await cancelled(session, task)
    assert session.recorder.one("llm:response")["status"] == "cancelled"


async def test_a_call_can_be_cancelled_while_the_connection_stays_open(session: Session) -> None:
    session.emulator.script(Turn(Say("done"), HoldOpen(30)))
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.recorder.named("llm:stream_block_end"))
    task.cancel()
    outcome: Any = (await asyncio.gather(task, return_exceptions=True))[0]
    assert isinstance(outcome, asyncio.CancelledError) or outcome.text == "done"
    assert not other_tasks()


async def test_a_cancelled_call_frees_its_slot(open_session: OpenSession) -> None:
    session = await open_session(max_concurrent_requests=1)
    for _ in range(3):
        session.emulator.script(ENDLESS)
        before = session.sent
        task = asyncio.create_task(session.ask("hello"))
        assert await session.emulator.wait_until_async(lambda before=before: session.sent > before)
        await cancelled(session, task)
    session.emulator.script(Say("free"))
    async with asyncio.timeout(PATIENCE_S):
        assert (await session.ask("hello")).text == "free"


@pytest.mark.promise("a cancelled waiter keeps its slot", area="hazard")
async def test_a_waiter_in_the_queue_leaves_nothing_behind(open_session: OpenSession) -> None:
    session = await open_session(max_concurrent_requests=1)
    session.emulator.script(ENDLESS)
    running = asyncio.create_task(session.ask("first"))
    assert await session.emulator.wait_until_async(lambda: session.sent)
    waiting = [asyncio.create_task(session.ask(f"waiting {number}")) for number in range(3)]
    limiter = get_limiter(session.provider._backend.transport.origin)
    assert await session.emulator.wait_until_async(lambda: len(limiter._waiters) == 3)
    for task in waiting[:2]:
        task.cancel()
    await asyncio.gather(*waiting[:2], return_exceptions=True)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    async with asyncio.timeout(PATIENCE_S):
        assert (await waiting[2]).text
        assert (await session.ask("last")).text
    statuses = [event["status"] for event in session.recorder.named("llm:response")]
    assert sorted(statuses) == ["cancelled", "cancelled", "cancelled", "ok", "ok"]
    assert session.sent == 3


async def test_a_timeout_of_the_caller_is_a_cancellation(session: Session) -> None:
    session.emulator.script(ENDLESS)

    async def ask_until_sent() -> None:
        async with asyncio.timeout(None) as limit:
            sent = asyncio.create_task(session.emulator.wait_until_async(lambda: session.sent))
            sent.add_done_callback(lambda _: limit.reschedule(0))
            await session.ask("hello")

    with pytest.raises(TimeoutError):
        await ask_until_sent()
    assert session.recorder.one("llm:response")["status"] == "cancelled"
    assert not other_tasks()


async def test_one_of_many_calls_is_cancelled_alone(session: Session) -> None:
    session.emulator.script(ENDLESS, ENDLESS)
    tasks = [asyncio.create_task(session.ask("hello")) for _ in range(2)]
    assert await session.emulator.wait_until_async(lambda: session.sent == 2)
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)
    assert await session.emulator.wait_until_async(lambda: len(session.emulator.aborted_requests) == 1)
    await asyncio.sleep(0.1)  # time for a cancellation of both to show; a slow machine cannot make this fail
    assert not tasks[1].done()
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)


async def test_after_a_cancelled_call_the_next_one_works(session: Session) -> None:
    session.emulator.script(ENDLESS, Say("fine"))
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(session.recorder.shown)
    await cancelled(session, task)
    response = await session.provider.complete(asking("again"))
    assert response.text == "fine"


async def test_list_models_can_be_cancelled(session: Session) -> None:
    task = asyncio.create_task(session.provider.list_models())
    for _ in range(3):  # it has begun, and cannot have ended, since a reply takes more turns of the loop
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await session.provider.list_models()
