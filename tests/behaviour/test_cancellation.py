"""Cancelling: the connection closes, no task stays, the place is given back, and the events say so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from amplifier_core.models import HookResult
from responses_emulator import EventDelay, HoldOpen, ResponseIncomplete, Say, Silence, Turn, server_error

from tests.support.session import PATIENCE_S, OpenSession, Session, asking, other_tasks

pytestmark = pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")

ENDLESS = Turn(Say("word " * 400), EventDelay(0.02))
MUTE = Turn(Silence(30, before_event=-1))


async def cancelled(session: Session, task: asyncio.Task[Any]) -> None:
    """Cancel a call, and see that it is gone."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert not other_tasks()


@pytest.mark.promise("a cancelled call reports nothing", area="hazard")
async def test_in_mid_answer(session: Session) -> None:
    session.emulator.script(ENDLESS)
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(session.recorder.shown)
    await cancelled(session, task)
    assert await session.emulator.wait_until_async(lambda: session.emulator.aborted_requests)
    assert session.recorder.names[-2:] == ["llm:stream_aborted", "llm:response"]
    response = session.recorder.one("llm:response")
    assert response["status"] == "cancelled"
    assert response["request_id"] == session.recorder.one("llm:request")["request_id"]


async def test_before_the_first_byte(session: Session) -> None:
    session.emulator.script(MUTE)
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.sent)
    await cancelled(session, task)
    assert await session.emulator.wait_until_async(lambda: session.emulator.aborted_requests)
    assert session.recorder.names == ["llm:request", "llm:response"]
    assert session.recorder.one("llm:response")["status"] == "cancelled"


@pytest.mark.parametrize("name", ["llm:request", "llm:response"])
async def test_while_a_handler_of_a_frame_event_runs(session: Session, name: str) -> None:
    """Both events are told once, to every handler, also when the cancellation comes while one of them is at work."""
    at_work = asyncio.Event()
    told: list[str] = []

    async def slow(event: str, data: dict[str, Any]) -> HookResult:
        at_work.set()
        await asyncio.sleep(0.1)
        return HookResult(action="continue")

    async def last(event: str, data: dict[str, Any]) -> HookResult:
        told.append(data.get("status", event))
        return HookResult(action="continue")

    session.coordinator.hooks.register(name, slow, name="slow", priority=500)
    session.coordinator.hooks.register(name, last, name="last", priority=900)
    task = asyncio.create_task(session.ask("hello"))
    await at_work.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await session.provider.close()
    assert session.recorder.names.count("llm:request") == 1
    assert session.recorder.names.count("llm:response") == 1
    assert len(told) == 1


async def test_in_the_wait_before_a_retry(open_session: OpenSession) -> None:
    session = await open_session(min_retry_delay=5, max_retry_delay=20)
    session.emulator.script(server_error())
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.recorder.named("provider:retry"))
    await cancelled(session, task)
    assert session.recorder.one("llm:response")["status"] == "cancelled"
    assert session.sent == 1


async def test_in_a_continuation(session: Session) -> None:
    session.emulator.script(Turn(Say("one two three four"), ResponseIncomplete()), ENDLESS)
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.sent == 2 and len(session.recorder.shown()) > 20)
    await cancelled(session, task)
    assert session.recorder.one("llm:response")["status"] == "cancelled"


async def test_while_the_end_is_waited_for(session: Session) -> None:
    session.emulator.script(Turn(Say("done"), HoldOpen(30)))
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: session.recorder.named("llm:stream_block_end"))
    task.cancel()
    outcome: Any = (await asyncio.gather(task, return_exceptions=True))[0]
    assert isinstance(outcome, asyncio.CancelledError) or outcome.text == "done"
    assert not other_tasks()


async def test_the_place_is_given_back(open_session: OpenSession) -> None:
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
    await asyncio.sleep(0.05)
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
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await session.ask("hello")
    assert session.recorder.one("llm:response")["status"] == "cancelled"
    assert not other_tasks()


async def test_one_of_many_calls_is_cancelled_alone(session: Session) -> None:
    session.emulator.script(ENDLESS, ENDLESS)
    tasks = [asyncio.create_task(session.ask("hello")) for _ in range(2)]
    assert await session.emulator.wait_until_async(lambda: session.sent == 2)
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)
    assert await session.emulator.wait_until_async(lambda: len(session.emulator.aborted_requests) == 1)
    await asyncio.sleep(0.1)
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
    await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(await session.provider.list_models()) > 5
