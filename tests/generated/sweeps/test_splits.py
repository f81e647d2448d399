"""A stream arrives in any pieces with any line ends: response and deltas are those of the whole stream."""

from __future__ import annotations

import pytest

from tests.support.backends import BackendUnderTest
from tests.support.jump_clock import on_jump_clock

from .recorded_stream import NEWLINES, choose_offsets, record_stream
from .replay_server import Reply
from .swept_provider import CallResult, sweep_provider
from .test_cuts import SOME_OR_MANY


def block_frames(result: CallResult) -> list[tuple[str, int, str]]:
    """Return which blocks began and ended, in order."""
    names = ("llm:stream_block_start", "llm:stream_block_end")
    return [(name, data["block_index"], data["block_type"]) for name, data in result.events if name in names]


async def check_same_results(backend: BackendUnderTest, replies: list[Reply]) -> None:
    """Check that each of the replies gives what the whole stream in one piece gives."""
    whole = Reply(pieces=(record_stream(backend.name).raw,))

    async with sweep_provider(
        backend, lambda number, attempt: [whole, *replies][number], max_retries=0, timeout=600
    ) as swept:
        expected, *results = await swept.call_all(range(len(replies) + 1))
    for result in results:
        sizes = [len(piece) for piece in replies[result.number - 1].pieces[:2]]
        result.check_recorded_response()
        assert result.response.model_dump(mode="json") == expected.response.model_dump(mode="json"), sizes
        assert block_frames(result) == block_frames(expected), sizes


_ONE_TRANSPORT = pytest.mark.one_transport("frames have no line ends")
_NEWLINES = [
    pytest.param(newline, id=name, marks=[] if newline == b"\n" else _ONE_TRANSPORT)
    for name, newline in NEWLINES.items()
]


@pytest.mark.parametrize("newline", _NEWLINES)
@pytest.mark.parametrize("count", SOME_OR_MANY)
@on_jump_clock
async def test_stream_in_two_pieces_gives_the_same_response(
    backend: BackendUnderTest, newline: bytes, count: int
) -> None:
    """The pieces are two chunks or, at odd offsets, two TCP segments of one chunk."""
    framed = record_stream(backend.name).frame_with(newline)
    offsets = choose_offsets(len(framed), count)
    await check_same_results(
        backend, [Reply(pieces=(framed[:at], framed[at:]), one_chunk=at % 2 == 1) for at in offsets]
    )


@on_jump_clock
async def test_stream_in_single_bytes_gives_the_same_response(backend: BackendUnderTest) -> None:
    """Each byte is a chunk; or all are one chunk, of which a read finds one or a few bytes."""
    stream = record_stream(backend.name)
    newlines = NEWLINES.values() if backend.transport is None else [b"\n"]
    framed = [stream.frame_with(newline) for newline in newlines]
    single = [tuple(raw[at : at + 1] for at in range(len(raw))) for raw in framed]
    await check_same_results(
        backend, [*(Reply(pieces=each) for each in single), Reply(pieces=single[-1], one_chunk=True)]
    )
