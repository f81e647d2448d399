"""Silence at many places of a stream ends a call as a timeout; slowness never does."""

from __future__ import annotations

from itertools import pairwise

from amplifier_core.llm_errors import LLMTimeoutError

from tests.support.backends import BackendUnderTest

from .host import sweeping
from .recorded_stream import TEXT, THOUGHT, recording
from .replay_server import Plan
from .test_cuts import whole_answer

# Long beside what a loaded machine takes for a call, and short beside the patience of a test.
_SILENCE_S = 1.0
# Service and client share an event loop: one that is held up for so long would find its own timers over first.
_LONGER_S = 1.5
STRIDE = 61


async def test_a_stream_that_stops_anywhere(backend: BackendUnderTest) -> None:
    """Nothing more comes, and the connection stays: a timeout, unless the last event was there already."""
    stream = recording(backend.name)
    places = [*range(0, len(stream.raw), STRIDE), len(stream.raw) - 1, len(stream.raw)]

    def answer(number: int, attempt: int) -> Plan:
        if number >= len(places):
            return Plan(pieces=(stream.raw,))
        return Plan(pieces=(stream.raw[: places[number]],), end="hang", joined=number % 2 == 1)

    async with sweeping(backend, answer, max_retries=0, timeout=_SILENCE_S) as swept:
        expected = await whole_answer(swept, len(places))
        outcomes = await swept.calls(list(range(len(places))), at_once=len(places))
        await swept.service.until(lambda: not swept.service.answering)
    *stalled, last = outcomes
    for outcome in stalled:
        assert outcome.retryable(LLMTimeoutError), (places[outcome.number], outcome.error)
        outcome.ends_with("error")
    assert last.answer.model_dump(mode="json") == expected


async def test_after_a_silence_the_second_attempt_answers(backend: BackendUnderTest) -> None:
    stream = recording(backend.name)
    places = range(0, stream.whole_at, 5 * STRIDE)

    def answer(number: int, attempt: int) -> Plan:
        if attempt:
            return Plan(pieces=(stream.raw,))
        return Plan(pieces=(stream.raw[: places[number]],), end="hang")

    async with sweeping(backend, answer, max_retries=1, timeout=_SILENCE_S) as swept:
        outcomes = await swept.calls(list(range(len(places))), at_once=len(places))
        assert [swept.service.attempts[outcome.number] for outcome in outcomes] == [2] * len(places)
    for outcome in outcomes:
        outcome.ends_with("ok")
        assert outcome.answer.text == outcome.shown() == TEXT
        assert outcome.shown("thinking") == THOUGHT


async def test_a_trickle_is_never_cut(backend: BackendUnderTest) -> None:
    """It takes longer than the timeout in all, and is never silent for long; cut in other places each time."""
    stream = recording(backend.name)
    pieces, pause_s = 16, _LONGER_S / 14
    size = len(stream.raw) // pieces

    def answer(number: int, attempt: int) -> Plan:
        first = number * size // 20
        cuts = [0, *range(first, len(stream.raw), size), len(stream.raw)]
        parts = tuple(stream.raw[at:end] for at, end in pairwise(cuts))
        return Plan(pieces=parts, pauses_s=dict.fromkeys(range(1, len(parts)), pause_s), joined=number % 2 == 1)

    async with sweeping(backend, answer, max_retries=0, timeout=_LONGER_S) as swept:
        outcomes = await swept.calls(list(range(1, 20)), at_once=20)
    for outcome in outcomes:
        assert outcome.error is None, outcome.error
        assert outcome.answer.text == outcome.shown() == TEXT
        assert outcome.events[-1][1]["duration_ms"] > 1000 * _LONGER_S
