"""No handler of a host's hooks ends a call, stops it for good or holds up a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from openai_responses_common.engine._hooks import HANDLERS_TIMEOUT_S, SLOW_HANDLERS_TIMEOUT_S, HookEmitter

from tests.support.jump_clock import on_jump_clock

_LONGEST_HOLD_S = 2.0


class Odd(BaseException):
    pass


class Hooks:
    """The hooks of a host with one handler, which does as the event's name says.

    Attributes:
        finished_events: the events whose handler came to its end.
    """

    def __init__(self, error: BaseException | None = None) -> None:
        self.finished_events: list[str] = []
        self._error = error

    async def emit(self, event: str, data: Mapping[str, Any]) -> None:
        await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        if event.startswith("hangs"):
            await asyncio.sleep(1e9)
        if event.startswith("takes a second"):
            await asyncio.sleep(1)
        if event.startswith("stubborn"):
            while len(self.finished_events) < 9:
                try:
                    await asyncio.sleep(1e9)
                except asyncio.CancelledError:
                    self.finished_events.append("a cancellation that it ignored")
        self.finished_events.append(event)


def now_s() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    "error",
    [RuntimeError("Invalid JSON"), TimeoutError(), asyncio.CancelledError(), SystemExit(1), Odd()],
    ids=lambda error: type(error).__name__,
)
async def test_what_a_handler_raises_is_logged_once_and_ends_nothing(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = HookEmitter(Hooks(error))
    for _ in range(3):
        await emitter.emit("framed", {})
        await emitter.emit_at_once("delta", {})
    assert [record.getMessage().split()[3] for record in caplog.records] == ["framed", "delta"]
    assert all(type(error).__name__ in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("emit", [HookEmitter.emit, HookEmitter.emit_at_once])
@on_jump_clock
async def test_a_handler_that_hangs_is_cut_off_and_sooner_the_next_time(emit: Any) -> None:
    slow_events: dict[str, float] = {}
    durations_s = []
    for _ in range(2):
        emitter, started_s = HookEmitter(Hooks(), slow_events), now_s()
        await emit(emitter, "hangs", {})
        durations_s.append(now_s() - started_s)
    assert durations_s[0] == pytest.approx(HANDLERS_TIMEOUT_S, abs=0.2)
    assert durations_s[1] == pytest.approx(SLOW_HANDLERS_TIMEOUT_S, abs=0.2)
    await asyncio.sleep(600)
    started_s = now_s()
    await emit(HookEmitter(Hooks(), slow_events), "hangs", {})
    assert now_s() - started_s > SLOW_HANDLERS_TIMEOUT_S, "a slow event is not slow for ever"


@on_jump_clock
async def test_a_handler_that_needs_a_second_is_waited_for() -> None:
    hooks = Hooks()
    emitter = HookEmitter(hooks)
    await emitter.emit("takes a second", {})
    await emitter.emit_at_once("takes a second", {})
    assert hooks.finished_events == ["takes a second"] * 2


@pytest.mark.parametrize("event", ["hangs", "stubborn"])
@on_jump_clock
async def test_a_cancellation_is_held_for_no_more_than_two_seconds_by_all_events(event: str) -> None:
    hooks = Hooks()
    emitter = HookEmitter(hooks)

    async def call() -> None:
        try:
            await emitter.emit(event, {})
        finally:
            emitter.limit_end()
            await emitter.emit(event, {})
            await emitter.emit(event, {})
            await emitter.emit("quick", {})

    task = asyncio.create_task(call())
    await asyncio.sleep(0.1)
    started_s = now_s()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert now_s() - started_s < _LONGEST_HOLD_S
    assert "quick" in hooks.finished_events, "a handler that hangs leaves time to the others"
    hooks.finished_events += [""] * 9
    for other in asyncio.all_tasks() - {asyncio.current_task()}:
        other.cancel()


@on_jump_clock
async def test_a_handler_that_is_at_work_ends_its_work_after_a_cancellation() -> None:
    hooks = Hooks()
    task = asyncio.create_task(HookEmitter(hooks).emit("takes a second", {}))
    await asyncio.sleep(0.5)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([task])
    assert task.cancelled()
    assert hooks.finished_events == ["takes a second"]


@on_jump_clock
async def test_a_handler_that_ignores_its_end_does_not_cancel_the_call() -> None:
    hooks = Hooks()
    hooks.finished_events += [""] * 8
    await HookEmitter(hooks).emit_at_once("stubborn", {})
    assert hooks.finished_events[-2:] == ["a cancellation that it ignored", "stubborn"]
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    await asyncio.sleep(60)


@on_jump_clock
async def test_a_delta_is_given_up_at_once_if_the_call_is_cancelled() -> None:
    task = asyncio.create_task(HookEmitter(Hooks()).emit_at_once("hangs", {}))
    await asyncio.sleep(0.1)
    started_s = now_s()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert now_s() - started_s < 0.1


@on_jump_clock
async def test_the_time_of_a_call_limits_its_handlers_too() -> None:
    emitter = HookEmitter(Hooks())
    call_end_s = now_s() + 3
    emitter.limit_end(call_end_s)
    for _ in range(5):
        await emitter.emit("hangs", {})
    assert now_s() < call_end_s + _LONGEST_HOLD_S


async def test_without_a_session_nothing_is_emitted() -> None:
    emitter = HookEmitter(None)
    await emitter.emit("event", {})
    await emitter.emit_at_once("event", {})
    assert not emitter.has_listeners
