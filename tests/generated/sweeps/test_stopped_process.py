"""A process that is stopped in mid-answer and goes on later: what came meanwhile is read, nothing is asked again."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.backends import BackendUnderTest

from .recorded_stream import ARGUMENTS, TEXT, Recording, recording
from .replay_server import Plan, Replay
from .worker_process import Worker, working

_STOPPED_S = 0.8
_WHOLE = {"answer": TEXT, "calls": [ARGUMENTS]}


def first_text(stream: Recording) -> int:
    """The number of the event that shows the first of the text."""
    return next(at for at, event in enumerate(stream.events) if b"response.output_text.delta" in event)


def arriving(stream: Recording) -> list[dict[int, float]]:
    """Pauses after the first text: all of the rest comes while the process stands still, or little by little, or some
    of it, and the rest later."""
    at, end = first_text(stream) + 1, len(stream.events)
    return [{at: 0.2}, dict.fromkeys(range(at, end), 0.06), {at: 0.2, at + 3: _STOPPED_S}]


@pytest.mark.slow
@pytest.mark.parametrize("timeout_s", [5.0, 0.3])
async def test_what_came_while_it_stood_still_is_read(backend: BackendUnderTest, timeout_s: float) -> None:
    stream = recording(backend.name)
    pauses = arriving(stream)
    cases = range(1, len(pauses) + 1)

    def answer(number: int, attempt: int) -> Plan:
        return Plan(pieces=stream.events, pauses_s=pauses[number - 1] if number else {})

    async with Replay(answer, prefix=stream.prefix) as service:
        settings = backend.config(service.base_url, backend.secret)
        settings |= {"default_model": backend.model, "timeout": timeout_s, "max_retries": 0}
        async with working(backend, settings) as worker:
            worker.ask(0)
            assert (await worker.outcomes(0))[0] == _WHOLE
            await stand_still(worker, *cases)
            assert await worker.outcomes(*cases) == dict.fromkeys(cases, _WHOLE)
        assert [service.attempts[number] for number in cases] == [1] * len(cases)


async def stand_still(worker: Worker, *cases: int) -> None:
    """For a while, as soon as some of the text of each case was shown."""
    for number in cases:
        worker.ask(number)
    left = set(cases)
    while left:
        left.discard((await worker.hear(lambda line: str(line.get("text", "")).startswith(TEXT[0])))["number"])
    worker.stop()
    await asyncio.sleep(_STOPPED_S)
    worker.go_on()
