"""A stream that arrives in any pieces, with any line ends: the answer and the deltas are those of the unsplit one.

`LONG_SWEEPS=1` splits at every byte with every line end; else the line ends take turns, as the ways of cutting do.
"""

from __future__ import annotations

import pytest

from tests.support.backends import BACKENDS, BackendUnderTest

from .host import Outcome, sweeping
from .recorded_stream import TEXT, THOUGHT, recording
from .replay_server import Plan
from .test_cuts import whole_answer

NEWLINES = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}
STRIDE = 11


def blocks(outcome: Outcome) -> list[tuple[str, int, str]]:
    """Which blocks began and ended, in order."""
    ends = ("llm:stream_block_start", "llm:stream_block_end")
    return [(name, data["block_index"], data["block_type"]) for name, data in outcome.events if name in ends]


async def same_as_whole(backend: BackendUnderTest, plans: list[Plan]) -> None:
    """Each of the plans gives what the whole stream gives."""
    stream = recording(backend.name)

    def answer(number: int, attempt: int) -> Plan:
        return plans[number] if number < len(plans) else Plan(pieces=(stream.raw,))

    async with sweeping(backend, answer, max_retries=0) as swept:
        expected = await whole_answer(swept, len(plans))
        shape = blocks(await swept.call(len(plans) + 1))
        outcomes = await swept.calls(list(range(len(plans))))
    for outcome in outcomes:
        sizes = [len(piece) for piece in plans[outcome.number].pieces[:2]]
        assert outcome.error is None, (sizes, outcome.error)
        assert outcome.answer.model_dump(mode="json") == expected, sizes
        assert (outcome.shown(), outcome.shown("thinking")) == (TEXT, THOUGHT), sizes
        assert blocks(outcome) == shape, sizes
        outcome.ends_with("ok")


@pytest.mark.parametrize("newline", NEWLINES)
async def test_a_stream_that_is_split_anywhere(backend: BackendUnderTest, newline: str) -> None:
    """In two chunks, or in two segments of one; with a line end of two bytes also between these."""
    stream = recording(backend.name)
    turn = BACKENDS.index(backend) + list(NEWLINES).index(newline)
    places = stream.places(NEWLINES[newline], STRIDE * len(NEWLINES), turn * STRIDE)
    framed = stream.framed(NEWLINES[newline])
    await same_as_whole(
        backend, [Plan(pieces=(framed[:place], framed[place:]), joined=place % 2 == 1) for place in places]
    )


async def test_a_stream_that_arrives_byte_by_byte(backend: BackendUnderTest) -> None:
    """As chunks of one byte; and as one chunk, whose bytes a read finds singly or a few at once."""
    stream = recording(backend.name)
    framed = [stream.framed(newline) for newline in NEWLINES.values()]
    singly = [tuple(raw[at : at + 1] for at in range(len(raw))) for raw in framed]
    await same_as_whole(backend, [*(Plan(pieces=pieces) for pieces in singly), Plan(pieces=singly[1], joined=True)])
