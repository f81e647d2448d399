"""Bytes to events, against a reader written from the standard: any framing, any cut, any damage."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.wire.sse import MalformedEvent, SseDecoder

from tests.generated.fuzz import plain_sse
from tests.generated.fuzz.amount import examples
from tests.generated.fuzz.streams import answers, framed, streams

Outcome = tuple[list[dict[str, Any]], bool]


def decode(pieces: Iterable[bytes]) -> Outcome:
    """The events that came out, and whether the stream was well-formed to its end."""
    decoder, events = SseDecoder(), []
    try:
        for piece in pieces:
            events += decoder.feed(piece)
        events += decoder.finish()
    except MalformedEvent:
        return events, False
    return events, True


def read_by_standard(stream: bytes) -> Outcome:
    """The same by the standard."""
    try:
        return plain_sse.read_events(stream), True
    except plain_sse.MalformedEvent as error:
        return error.events, False


def split_at(stream: bytes, places: list[int]) -> list[bytes]:
    """The pieces between some places."""
    places = sorted(min(place, len(stream)) for place in places)
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


def are_equal(first: Outcome, second: Outcome) -> bool:
    """Equal, also where a number is none."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


PLACES = st.lists(st.integers(0, 4000), max_size=8)


@given(streams(), PLACES)
@examples(250)
def test_any_cut_of_any_bytes_is_read_as_the_standard_says(stream: bytes, places: list[int]) -> None:
    """The same events come out before the same fault, wherever the bytes were cut."""
    wanted = read_by_standard(stream)
    assert are_equal(decode([stream]), wanted)
    assert are_equal(decode(split_at(stream, places)), wanted)
    assert are_equal(decode(split_at(stream, [at + 1 for at, byte in enumerate(stream) if byte == 13])), wanted)


@given(streams())
@examples(40)
def test_byte_by_byte_is_read_alike(stream: bytes) -> None:
    """The finest cut there is."""
    assert are_equal(decode(stream[at : at + 1] for at in range(len(stream))), decode([stream]))


@given(st.data())
@examples(80)
def test_every_framing_tells_the_same_answer(data: st.DataObject) -> None:
    """Line ends, comments, names and indentation are the server's taste."""
    _, events = data.draw(answers())
    told, whole = decode([data.draw(framed(events))])
    assert whole
    silent = plain_sse.ECHOES
    wanted = json.loads(json.dumps([event for event in events if event["type"] not in silent]).replace("\\ud800", "?"))
    assert told == wanted


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_the_work_grows_with_the_bytes(size: int) -> None:
    """Twice the stream costs twice the steps, in pieces of any size: no line is read again with each piece."""

    def steps(length: int) -> int:
        event = json.dumps({"type": "response.output_text.delta", "delta": "x" * length})
        stream = f"data: {event}\n\n".encode()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        count = 0

        def tell(*_: Any) -> Any:
            nonlocal count
            count += 1
            return tell

        before = sys.gettrace()
        sys.settrace(tell)
        try:
            decode(pieces)
        finally:
            sys.settrace(before)
        return count

    assert steps(20_000) < 2.5 * steps(10_000)
