"""Cancelling a call at every suspension that it has: nothing of it stays behind, and the next call works.

A step is a suspension of the call's task, so the sweep meets every `await` that really waits; of each also the moment
in which what was waited for is there already, when a resource that was just got is lost most easily.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, get_args

import pytest
from amplifier_core.llm_errors import ConfigurationError, InvalidRequestError
from openai_responses_common.engine import engine

from tests.support.backends import BackendUnderTest
from tests.support.session import STREAM_EVENTS, asking, assistant

from ...support.leftovers import nothing_left
from .host import LOOK, Swept, case_of, sweeping
from .recorded_stream import TEXT, Recording, recording
from .replay_server import Plan
from .stepped_task import Moment, Stepped

MOMENTS: tuple[Moment, ...] = get_args(Moment)
_STEPS = 400


def whole(stream: Recording) -> Plan:
    return Plan(pieces=stream.events)


def broken_off(stream: Recording) -> Plan:
    """With something shown of it."""
    return Plan(pieces=stream.events[:8], end="fin")


def left_open(stream: Recording) -> Plan:
    """The end of the body comes a moment after that of the answer."""
    return Plan(pieces=stream.events, pauses_s={len(stream.events): 0.01})


Plans = Callable[[Recording], list[Plan]]

SCENES: dict[str, Plans] = {
    "an answer": lambda stream: [left_open(stream)],
    "two retries": lambda stream: [broken_off(stream), Plan(status=429), whole(stream)],
    "a failure": lambda stream: [Plan(status=400)],
    "a continuation": lambda stream: [Plan(pieces=stream.cut_short()), whole(stream)],
}


def answering(backend: BackendUnderTest, scene: str) -> Callable[[int, int], Plan]:
    """Odd cases play the scene, even ones are whole."""
    plans = SCENES[scene](recording(backend.name))

    def answer(number: int, attempt: int) -> Plan:
        return plans[attempt] if number % 2 and attempt < len(plans) else plans[-1] if number % 2 else whole_plan

    whole_plan = whole(recording(backend.name))
    return answer


async def ended(task: asyncio.Task[Any]) -> None:
    """The end of a task, and of the generators within httpx, which it leaves to the event loop to close in a turn."""
    await asyncio.wait([task])
    for _ in range(3):
        await asyncio.sleep(0)


class Sweep:
    """Calls of one provider, each cancelled at other suspensions than the one before."""

    def __init__(self, swept: Swept, *history: Any, **options: Any) -> None:
        self.swept = swept
        self.history = history
        self.options = options
        self.numbers = itertools.count(1, 2)

    async def step(self, *at: int, moment: Moment) -> bool:
        """One call, cancelled at these suspensions; whether it got as far as the first of them."""
        number = next(self.numbers)
        request = asking(*self.history, f"case {number}", tools=[LOOK])
        stepped = Stepped(self.swept.provider.complete(request, **self.options), *at, moment=moment)
        async with nothing_left():
            with case_of(number):
                task = stepped.task()
            async with asyncio.timeout(10):
                await ended(task)
        names = [name for name, _ in self.swept.host.seen[number]]
        about = f"cancelled at {at}, {moment}, in {stepped.where}: {names}"
        if stepped.where:
            assert task.cancelled(), about
            assert names.count("llm:request") == names.count("llm:response") <= 1, about
            if names:
                assert (names[0], names[-1]) == ("llm:request", "llm:response"), about
                status = self.swept.host.seen[number][-1][1]["status"]
                # An event that is on its way already is not called back.
                assert status == "cancelled" or "_emit_end" in stepped.where[0], about
                if status == "cancelled":
                    assert [name for name in names if name in STREAM_EVENTS][-1:] in ([], ["llm:stream_aborted"]), about
            await self.swept.service.until(lambda: not self.swept.service.answering)
        elif error := task.exception():
            assert isinstance(error, InvalidRequestError | ConfigurationError), about
        return bool(stepped.where)

    async def next_call(self) -> None:
        """A call that nothing is done to."""
        outcome = await self.swept.call(next(self.numbers) + 1)
        assert outcome.error is None
        assert outcome.answer.text == TEXT


@pytest.mark.parametrize("scene", SCENES)
async def test_at_every_suspension(backend: BackendUnderTest, scene: str) -> None:
    async with sweeping(backend, answering(backend, scene), turns=1, max_retries=2, max_concurrent_requests=1) as swept:
        sweep = Sweep(swept)
        await sweep.next_call()
        for moment in MOMENTS:
            steps = 0
            while await sweep.step(steps, moment=moment):
                if steps % 3 == 0 or moment == "waiting":
                    await sweep.next_call()
                steps += 1
            assert 8 < steps < _STEPS or scene == "a failure"


@pytest.mark.parametrize("moment", MOMENTS)
async def test_while_a_long_history_is_encoded_in_a_thread(backend: BackendUnderTest, moment: Moment) -> None:
    turns = range(engine._MAX_INLINE_MESSAGES // 2 + 1)
    history = [each for number in turns for each in (f"question {number}", assistant(f"answer {number}"))]
    async with sweeping(backend, answering(backend, "an answer"), turns=1) as swept:
        sweep = Sweep(swept, *history)
        await sweep.next_call()
        steps = 0
        while await sweep.step(steps, moment=moment):
            steps += 1
        await sweep.next_call()
        assert steps > 8


@pytest.mark.parametrize("moment", MOMENTS)
async def test_while_the_client_is_built(backend: BackendUnderTest, moment: Moment) -> None:
    """A provider of its own for each step: only the first call builds one, and the next takes what it began."""
    for steps in range(3):
        async with sweeping(backend, answering(backend, "an answer")) as swept:
            sweep = Sweep(swept)
            assert await sweep.step(steps, moment=moment)
            await sweep.next_call()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_while_it_waits_for_a_place(backend: BackendUnderTest, moment: Moment) -> None:
    """The only place is another call's, which goes on as if nothing had been."""
    stream = recording(backend.name)

    def answer(number: int, attempt: int) -> Plan:
        return whole(stream) if number % 2 else Plan(pieces=stream.events, pauses_s={3: 0.005})

    async with sweeping(backend, answer, turns=1, max_concurrent_requests=1) as swept:
        sweep = Sweep(swept)
        await sweep.next_call()
        steps, going = 0, True
        while going:
            holder = asyncio.create_task(swept.call(next(sweep.numbers) + 1))
            await swept.service.until(lambda: swept.service.answering)
            number = next(sweep.numbers)
            stepped = Stepped(swept.provider.complete(asking(f"case {number}")), steps, moment=moment)
            with case_of(number):
                task = stepped.task()
            async with nothing_left(), asyncio.timeout(10):
                await ended(task)
                outcome = await holder
            assert outcome.error is None
            assert outcome.answer.text == TEXT
            going = task.cancelled()
            assert going or task.result().text == TEXT
            steps += 1
        assert steps > 8


async def test_while_nothing_comes(backend: BackendUnderTest) -> None:
    """The exchange is ended at once, although nobody says a word in it any more."""
    stream = recording(backend.name)
    async with sweeping(
        backend, lambda number, attempt: Plan(pieces=stream.events[:9], end="hang"), timeout=8
    ) as swept:
        call = asyncio.create_task(swept.call(1))
        await swept.service.until(lambda: "llm:stream_block_delta" in dict(swept.host.seen[1]))
        async with nothing_left(), asyncio.timeout(5):
            call.cancel()
            await ended(call)
        call.result().ends_with("cancelled")
        await swept.service.until(lambda: not swept.service.answering)
