"""A stream that ends at any byte: the whole answer once its last event has come whole, an error worth a retry before.

`LONG_SWEEPS=1` cuts every byte in every way; else the ways take turns, at every line end, within every multibyte
character and at every eleventh byte besides.
"""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core.llm_errors import NetworkError, StreamError

from tests.support.backends import BACKENDS, BackendUnderTest

from .host import Outcome, Swept, sweeping
from .recorded_stream import ARGUMENTS, LONG, TEXT, THOUGHT, recording
from .replay_server import End, Plan, head_of

WAYS: tuple[End, ...] = ("fin", "clean", "reset")
STRIDE = 11


def cases(backend: BackendUnderTest) -> list[tuple[int, End]]:
    """Places and ways."""
    turn = BACKENDS.index(backend)
    places = recording(backend.name).places(b"\n", STRIDE, turn)
    if LONG:
        return [(place, way) for place in places for way in WAYS]
    found: list[tuple[int, End]] = [(place, way) for place in places[-4:] for way in WAYS]
    return found + [(place, WAYS[(place + turn) % len(WAYS)]) for place in places[:-4]]


async def whole_answer(swept: Swept, number: int) -> dict[str, Any]:
    """What the call of a case that nothing is done to gives, which is known to be all of it."""
    outcome = await swept.call(number)
    outcome.ends_with("ok")
    assert outcome.answer.text == TEXT
    assert outcome.answer.content[0].thinking == THOUGHT
    assert outcome.answer.tool_calls[0].arguments == ARGUMENTS
    assert outcome.answer.usage.total_tokens > 0
    assert (outcome.shown(), outcome.shown("thinking")) == (TEXT, THOUGHT)
    return outcome.answer.model_dump(mode="json")


def test_the_stream_has_everything_in_it(backend: BackendUnderTest) -> None:
    raw = recording(backend.name).raw
    assert b"encrypted_content" in raw
    assert b"response.function_call_arguments.delta" in raw
    assert TEXT.encode() in raw
    assert raw.startswith(b"event: response.created")
    assert recording(backend.name).events[-1].startswith(b"event: response.completed")


async def test_a_stream_that_is_cut_anywhere(backend: BackendUnderTest) -> None:
    stream, table = recording(backend.name), cases(backend)
    whole = len(table)

    def answer(number: int, attempt: int) -> Plan:
        if number == whole:
            return Plan(pieces=(stream.raw,))
        place, way = table[number]
        return Plan(pieces=(stream.raw[:place],), end=way)

    async with sweeping(backend, answer, max_retries=0) as swept:
        expected = await whole_answer(swept, whole)
        outcomes = await swept.calls(list(range(len(table))))
        assert sum(swept.service.attempts.values()) == len(table) + 1
    wrong = []
    for outcome, (place, way) in zip(outcomes, table, strict=True):
        try:
            if place < stream.whole_at or (outcome.error and place < len(stream.raw)):
                assert outcome.retryable(StreamError, NetworkError), repr(outcome.error)
                outcome.ends_with("error")
            else:
                assert outcome.error is None, repr(outcome.error)
                outcome.ends_with("ok")
                assert outcome.answer.model_dump(mode="json") == expected
        except AssertionError as error:
            wrong.append((place, way, stream.raw[max(0, place - 30) : place], str(error)))
    assert not wrong, f"{len(wrong)} of {len(table)}: {wrong[:3]}"


async def test_a_reply_that_is_cut_in_its_head(backend: BackendUnderTest) -> None:
    """No byte of the body came, so nothing was shown and nothing is taken back."""
    length = len(head_of(Plan()))

    def answer(number: int, attempt: int) -> Plan:
        return Plan(head=number // 2, end="reset" if number % 2 else "fin")

    async with sweeping(backend, answer, max_retries=0) as swept:
        outcomes = await swept.calls(list(range(0, 2 * length, 7)))
    for outcome in outcomes:
        assert outcome.retryable(StreamError, NetworkError), repr(outcome.error)
        assert outcome.names == ["llm:request", "llm:response"]


@pytest.mark.parametrize("way", WAYS)
async def test_the_second_attempt_gives_what_the_first_could_not(backend: BackendUnderTest, way: End) -> None:
    """Of what was shown of the first nothing is left standing, and of the second everything."""
    stream = recording(backend.name)
    places = range(0, stream.whole_at, 97)

    def answer(number: int, attempt: int) -> Plan:
        if attempt or number >= len(places):
            return Plan(pieces=(stream.raw,))
        return Plan(pieces=(stream.raw[: places[number]],), end=way)

    async with sweeping(backend, answer, max_retries=1) as swept:
        expected = await whole_answer(swept, len(places))
        outcomes = await swept.calls(list(range(len(places))))
        attempts = [swept.service.attempts[number] for number in range(len(places))]
    assert attempts == [2] * len(places)
    for outcome in outcomes:
        outcome.ends_with("ok")
        assert outcome.answer.model_dump(mode="json") == expected
        in_order(outcome)


def in_order(outcome: Outcome) -> None:
    """One retry; an abort before it if anything was shown, and nothing of the first attempt after it."""
    names = outcome.names
    assert names.count("provider:retry") == 1
    before = names[: names.index("provider:retry")]
    assert before[-1] == ("llm:stream_aborted" if len(before) > 1 else "llm:request")
    assert names.count("llm:stream_aborted") == (1 if len(before) > 1 else 0)
    assert (outcome.shown(), outcome.shown("thinking")) == (TEXT, THOUGHT)
