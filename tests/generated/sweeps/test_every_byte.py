"""The decoder reads a recorded stream that is cut or split at every byte; no socket is needed for that."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest
from openai_responses_common.wire.sse import MalformedEvent, SseDecoder

from tests.generated.fuzz import plain_sse
from tests.support.backends import BACKENDS

from .recorded_stream import NEWLINES, RecordedStream, record_stream


@pytest.fixture(scope="module")
def stream() -> RecordedStream:
    return record_stream(BACKENDS[0].name)


def decode(*pieces: bytes) -> list[dict[str, Any]]:
    """Return the events that the pieces complete, up to a malformed one."""
    decoder, events = SseDecoder(), []
    try:
        for piece in pieces:
            events += decoder.feed(piece)
        events += decoder.finish()
    except MalformedEvent:
        pass
    return events


@pytest.mark.parametrize("newline", NEWLINES.values(), ids=NEWLINES.keys())
def test_stream_cut_at_any_byte_gives_the_events_before_it(stream: RecordedStream, newline: bytes) -> None:
    framed = stream.frame_with(newline)
    expected = plain_sse.read_events(framed)
    first, *frames = [frame for frame in framed.split(newline * 2) if frame]
    *ends, _ = accumulate((len(frame) + 2 * len(newline) for frame in frames), initial=len(first) + 2 * len(newline))
    complete_at = [end + len(frame) for end, frame in zip(ends, frames, strict=True)]
    assert len(complete_at) == len(expected)  # the first event echoes the request and is not read
    for offset in range(len(framed) + 1):
        count = sum(offset >= at for at in complete_at)
        assert decode(framed[:offset]) == expected[:count], offset


@pytest.mark.parametrize("newline", NEWLINES.values(), ids=NEWLINES.keys())
def test_stream_split_at_any_byte_gives_the_same_events(stream: RecordedStream, newline: bytes) -> None:
    framed = stream.frame_with(newline)
    expected = plain_sse.read_events(framed)
    for offset in range(len(framed) + 1):
        assert decode(framed[:offset], framed[offset:]) == expected, offset
