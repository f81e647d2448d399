"""Handlers of the host that hang or raise cost no response and hold up no cancellation; the kernel runs them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMTimeoutError
from openai_responses_common.engine import _hooks
from responses_emulator import EventDelay, Say, Turn

from tests.support.run_clock import RunClock
from tests.support.session import PATIENCE_S, Session, other_tasks

pytestmark = pytest.mark.one_sign_in("hooks know no profile")

STREAM_EVENTS = ("llm:stream_block_start", "llm:stream_block_delta", "llm:stream_block_end", "llm:stream_aborted")
ALL_EVENTS = ("llm:request", *STREAM_EVENTS, "llm:response")
_LAST = 999
ENDLESS = Turn(Say("word " * 400), EventDelay(0.02))


async def hang(event: str, data: dict[str, Any]) -> None:
    await asyncio.sleep(3600)


class Odd(BaseException):
    pass


async def raise_odd(event: str, data: dict[str, Any]) -> None:
    raise Odd


async def wait_for_kernel() -> None:
    """Wait until the kernel has ended the handlers that were cut off, for which it needs a moment."""
    if tasks := other_tasks():
        await asyncio.wait(tasks, timeout=PATIENCE_S)
    assert not other_tasks()


def register(session: Session, handler: Any, *events: str) -> None:
    """Register a handler behind the recorder."""
    for event in events:
        session.coordinator.hooks.register(event, handler, name=f"bad:{event}", priority=_LAST)


@pytest.mark.promise("a stuck hook makes a call immortal", area="hazard")
@pytest.mark.parametrize("handler", [hang, raise_odd])
async def test_bad_handlers_of_all_events_cost_no_response(
    session: Session, monkeypatch: pytest.MonkeyPatch, handler: Any
) -> None:
    monkeypatch.setattr(_hooks, "HANDLERS_TIMEOUT_S", 1.0)
    register(session, handler, *ALL_EVENTS)
    session.emulator.script(Say("hello there"))
    response = await session.ask("hello")
    assert response.text == "hello there"
    names = session.recorder.names
    assert (names[0], names[-1]) == ("llm:request", "llm:response")
    assert (names.count("llm:request"), names.count("llm:response")) == (1, 1)
    assert session.recorder.shown() == response.text
    await wait_for_kernel()


@pytest.mark.promise("a stuck hook holds up a cancellation", area="hazard")
@pytest.mark.parametrize("events", [("llm:request",), ("llm:stream_block_delta",), ALL_EVENTS], ids=" ".join)
async def test_a_cancellation_waits_less_than_two_seconds_for_handlers_that_hang(
    session: Session, events: tuple[str, ...]
) -> None:
    await session.ask("so that there is a client")
    session.recorder.events.clear()
    register(session, hang, *events)
    session.emulator.script(ENDLESS)
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(lambda: events[0] in session.recorder.names)
    with RunClock() as run_clock:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()
    assert run_clock.elapsed_s < 8, "a handler that hangs has ten seconds otherwise"
    assert session.recorder.one("llm:response")["status"] == "cancelled"
    await wait_for_kernel()


async def test_the_timeout_of_a_request_waits_no_longer_either(session: Session) -> None:
    await session.ask("so that there is a client")
    register(session, hang, *ALL_EVENTS)
    with RunClock() as run_clock, pytest.raises(LLMTimeoutError, match=r"timeout of 1\.0 s"):
        await session.ask("hello", timeout=1)
    assert run_clock.elapsed_s < 8, "a handler that hangs has ten seconds otherwise"
    assert [event["status"] for event in session.recorder.named("llm:response")] == ["ok", "error"]
    await wait_for_kernel()
