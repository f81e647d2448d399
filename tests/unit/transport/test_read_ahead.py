"""Tests of `ReadAhead`: what arrived meanwhile is one batch, nothing is lost, nothing is left running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from openai_responses_common.failures.failure import CallFailure, Failure
from openai_responses_common.transport._read_ahead import ReadAhead
from openai_responses_common.transport._silence import StreamTimeout
from openai_responses_common.wire.types import Event

from tests.support.jump_clock import JumpClockLoop, on_jump_clock


class Source:
    """Pieces that arrive when the test says so; `None` ends them, an error breaks them off."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        self.reads = 0
        self.is_closed = False

    async def pieces(self) -> AsyncGenerator[str, None]:
        try:
            while (piece := await self.queue.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                self.reads += 1
                yield piece
        finally:
            self.is_closed = True

    def send(self, *pieces: str | Exception | None) -> None:
        for piece in pieces:
            self.queue.put_nowait(piece)


class LetterDecoder:
    """Every letter is an event. Other characters complete none, and `!` is a fault."""

    def feed(self, pieces: list[str]) -> list[Event]:
        text = "".join(pieces)
        if text.startswith("!"):
            raise CallFailure(Failure(kind="stream", message="a fault"))
        return [{"type": "x", "delta": each} for each in text if each.isalpha()]

    def finish(self) -> list[Event]:
        return [{"type": "end", "delta": "."}]


def read(source: Source) -> ReadAhead[str]:
    return ReadAhead(source.pieces(), LetterDecoder(), read_timeout_s=60)


async def take_text(ahead: ReadAhead[str]) -> str:
    """The deltas of the next batch; empty at the end."""
    return "".join(event["delta"] for event in await ahead.take_batch())


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_events_that_arrive_while_nobody_takes_are_one_batch() -> None:
    source = Source()
    async with read(source) as ahead:
        source.send("a")
        assert await take_text(ahead) == "a"
        source.send("b", "", "c", "d")
        await settle()
        assert await take_text(ahead) == "bcd"
        source.send(None)
        assert await take_text(ahead) == ".", "what the end completes"
        assert await ahead.take_batch() == []
        assert await ahead.take_batch() == []


async def test_first_event_after_a_silence_is_handed_over_before_more_is_read() -> None:
    source = Source()
    async with read(source) as ahead:
        for first, others in (("a", "bc"), ("d", "ef")):
            taking = asyncio.ensure_future(take_text(ahead))
            await settle()
            source.send("", first, *others)
            assert await taking == first
            await settle()
            assert await take_text(ahead) == others


async def test_all_events_before_an_error_come_before_it() -> None:
    source = Source()
    async with read(source) as ahead:
        source.send("a", "b", OSError("reset"))
        await settle()
        assert await take_text(ahead) == "ab"
        with pytest.raises(OSError, match="reset"):
            await ahead.take_batch()


async def test_piece_without_an_event_is_not_a_batch() -> None:
    source = Source()
    async with read(source) as ahead:
        taking = asyncio.ensure_future(take_text(ahead))
        for piece in (":", ":", "a"):
            await settle()
            assert not taking.done()
            source.send(piece)
        assert await taking == "a"


async def test_fault_is_raised_after_all_events_before_it() -> None:
    source = Source()
    async with read(source) as ahead:
        source.send("a")
        assert await take_text(ahead) == "a"
        source.send("!")
        with pytest.raises(CallFailure, match="a fault"):
            await ahead.take_batch()


async def test_late_consumer_holds_the_service_up() -> None:
    source = Source()
    async with read(source) as ahead:
        source.send(*[letter + ":" * 400_000 for letter in "abcde"], None)
        await settle()
        assert source.reads == 3
        assert await take_text(ahead) == "abc"
        await settle()
        assert source.reads == 5
        assert await take_text(ahead) == "de"
        assert await take_text(ahead) == "."
        assert await ahead.take_batch() == []


async def test_leaving_ends_the_reading_and_closes_the_source() -> None:
    source = Source()
    async with read(source) as ahead:
        source.send("a")
        assert await take_text(ahead) == "a"
    assert source.is_closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_error_that_nobody_waits_for_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    async with read(source):
        source.send(OSError("reset"))
        await settle()
    assert not caplog.records


async def test_cancellation_while_leaving_leaves_nothing_behind() -> None:
    closed = asyncio.Event()

    async def slow_to_close() -> AsyncGenerator[str, None]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            await closed.wait()

    async def use() -> None:
        async with ReadAhead(slow_to_close(), LetterDecoder(), read_timeout_s=60) as ahead:
            await ahead.take_batch()
            await settle()

    using = asyncio.ensure_future(use())
    await settle()
    for _ in range(3):
        using.cancel()
        await settle()
        assert not using.done()
    closed.set()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert asyncio.all_tasks() == {asyncio.current_task()}


@on_jump_clock
async def test_silence_that_is_too_long_is_raised_after_all_events_before_it() -> None:
    source = Source()
    async with read(source) as ahead:
        source.send("a")
        assert await take_text(ahead) == "a"
        source.send("b")
        await settle()
        assert await take_text(ahead) == "b"
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(StreamTimeout, match=r"no data from the service for 60 s .* \(setting 'timeout'\)"):
            await ahead.take_batch()
        assert 60 <= asyncio.get_running_loop().time() - began_s < 61


@pytest.mark.parametrize("piece", ["a", ":"], ids=["event", "no event"])
@on_jump_clock
async def test_signs_of_life_are_not_silence(piece: str) -> None:
    source = Source()
    async with read(source) as ahead:
        for _ in range(10):
            await asyncio.sleep(50)
            source.send(piece)
        source.send("b", None)
        texts = []
        while batch := await take_text(ahead):
            texts.append(batch)
    assert "".join(texts) == piece.strip(":") * 10 + "b."


@on_jump_clock
async def test_late_consumer_is_not_silence() -> None:
    source = Source()
    async with read(source) as ahead:
        source.send("a" + ":" * (1 << 20), "b", None)
        await asyncio.sleep(3600)
        assert await take_text(ahead) == "a"
        assert await take_text(ahead) == "b"
        assert await take_text(ahead) == "."


@on_jump_clock
async def test_event_that_arrived_while_the_process_stood_still_is_read() -> None:
    """The timer of a process that was stopped runs out first; the loop sees what arrived one turn later."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, JumpClockLoop)
    source = Source()
    async with read(source) as ahead:
        source.send("a")
        assert await take_text(ahead) == "a"
        await settle()
        loop.move_clock(7200)
        loop.call_later(0.01, source.send, "b")
        assert await take_text(ahead) == "b"
