"""Whole turns on the kernel's own session and loader, with the orchestrator of `examples/`: as in a host."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal

from responses_emulator import Emulator, EventDelay, Say, Turn

from tests.support.backends import BackendUnderTest
from tests.support.kernels import Start
from tests.support.session import items

SLOW = Turn(Say("word " * 400), EventDelay(0.02))


async def test_a_turn_with_tools(start: Start, emulator: Emulator, backend: BackendUnderTest) -> None:
    kernel = await start()
    assert not kernel.recorder.named("module:load_failed")
    text = await kernel.session.execute("What is 12 * 7?")
    assert "84" in text
    assert len(emulator.model_requests) == 2
    assert kernel.recorder.one("tool:post")["tool_name"] == "calculate"
    assert len(kernel.recorder.named("llm:request")) == len(kernel.recorder.named("llm:response")) == 2
    assert kernel.recorder.shown().endswith(text)
    if backend.priced:
        usages = [Decimal(event["usage"]["cost_usd"]) for event in kernel.recorder.named("llm:response")]
        assert await kernel.cost() == sum(usages) > 0


async def test_turn_after_turn_keeps_reasoning_and_prefix(start: Start, emulator: Emulator) -> None:
    kernel = await start()
    for question in ("What is 12 * 7?", "And what is 3 + 4?", "hello again"):
        await kernel.session.execute(question)
    bodies = emulator.request_bodies
    assert len(bodies) == 5
    for before, after in itertools.pairwise(bodies):
        assert after["input"][: len(before["input"])] == before["input"]
    assert len(items(bodies[-1], "reasoning")) == 4
    assert {body["prompt_cache_key"] for body in bodies} == {kernel.session.session_id}
    assert not kernel.recorder.named("provider:tool_sequence_repaired")


async def test_two_sessions_in_one_process(start: Start, emulator: Emulator) -> None:
    first, second = await start(), await start()
    texts = await asyncio.gather(first.session.execute("What is 2 * 3?"), second.session.execute("What is 5 * 5?"))
    assert ("6" in texts[0], "25" in texts[1]) == (True, True)
    assert len({body["prompt_cache_key"] for body in emulator.request_bodies}) == 2
    for kernel in (first, second):
        assert {event["session_id"] for event in kernel.recorder.named("llm:request")} == {kernel.session.session_id}
        assert await kernel.cost() == sum(
            Decimal(event["usage"]["cost_usd"] or 0) for event in kernel.recorder.named("llm:response")
        )


async def test_an_interrupted_turn_leaves_nothing_behind(start: Start, emulator: Emulator) -> None:
    kernel = await start()
    emulator.script(SLOW)
    turn = asyncio.ensure_future(kernel.session.execute("tell me a story"))
    assert await emulator.wait_until_async(kernel.recorder.shown)
    await kernel.coordinator.request_cancel(immediate=True)
    await kernel.coordinator.cancellation.trigger_callbacks()
    await asyncio.gather(turn, return_exceptions=True)
    assert await emulator.wait_until_async(lambda: emulator.aborted_requests)
    assert kernel.recorder.one("llm:response")["status"] == "cancelled"
