"""Reading ahead: what came meanwhile is one piece, nothing is lost, nothing is left running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from openai_responses_common.transport._read_ahead import ReadAhead, StreamTimeout


class Wire:
    """What a service sends, when the test says so; `None` ends it, an error breaks it."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.read = 0

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        while (sent := await self.sent.get()) is not None:
            if isinstance(sent, Exception):
                raise sent
            self.read += 1
            yield sent

    def send(self, *chunks: bytes | Exception | None) -> None:
        for chunk in chunks:
            self.sent.put_nowait(chunk)


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_came_while_nobody_took_is_one_piece() -> None:
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=60) as ahead:
        wire.send(b"a")
        assert await ahead.take_buffer() == b"a"
        wire.send(b"b", b"", b"c", b"d")
        await settle()
        assert await ahead.take_buffer() == b"bcd"
        wire.send(None)
        assert await ahead.take_buffer() == b""
        assert await ahead.take_buffer() == b""


async def test_what_comes_first_after_a_silence_is_handed_over_before_more_is_read() -> None:
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=60) as ahead:
        for first, others in ((b"a", b"bc"), (b"d", b"ef")):
            taking = asyncio.ensure_future(ahead.take_buffer())
            await settle()
            wire.send(first, *(bytes([byte]) for byte in others))
            assert await taking == first
            await settle()
            assert await ahead.take_buffer() == others


async def test_all_that_came_before_a_failure_is_given_before_it() -> None:
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=60) as ahead:
        wire.send(b"a", b"b", OSError("reset"))
        await settle()
        assert await ahead.take_buffer() == b"ab"
        with pytest.raises(OSError, match="reset"):
            await ahead.take_buffer()


async def test_who_falls_behind_holds_the_service_up() -> None:
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=60) as ahead:
        wire.send(*[bytes(400_000)] * 5, None)
        await settle()
        assert wire.read == 3
        assert len(await ahead.take_buffer()) == 1_200_000
        await settle()
        assert wire.read == 5
        assert len(await ahead.take_buffer()) == 800_000
        assert await ahead.take_buffer() == b""


async def test_leaving_ends_the_reading() -> None:
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=60) as ahead:
        wire.send(b"a")
        assert await ahead.take_buffer() == b"a"
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_failure_that_nobody_waits_for_is_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=60):
        wire.send(OSError("reset"))
        await settle()
    assert not caplog.records


async def test_being_cancelled_while_leaving_leaves_nothing_behind() -> None:
    closed = asyncio.Event()

    async def slow_to_close() -> AsyncGenerator[bytes, None]:
        try:
            yield b"a"
            await asyncio.Event().wait()
        finally:
            await closed.wait()

    async def use() -> None:
        async with ReadAhead(slow_to_close(), read_timeout_s=60) as ahead:
            await ahead.take_buffer()
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


async def test_a_silence_that_is_too_long_is_told_after_all_that_came_before() -> None:
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=0.05) as ahead:
        wire.send(b"a")
        assert await ahead.take_buffer() == b"a"
        wire.send(b"b")
        await settle()
        assert await ahead.take_buffer() == b"b"
        with pytest.raises(StreamTimeout):
            await ahead.take_buffer()


async def test_signs_of_life_are_no_silence() -> None:
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=0.2) as ahead:
        for _ in range(10):
            await asyncio.sleep(0.04)
            wire.send(b"a")
        wire.send(None)
        pieces = [piece async for piece in _all(ahead)]
    assert b"".join(pieces) == b"a" * 10


async def test_a_reader_that_is_held_up_is_no_silence() -> None:
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=0.05) as ahead:
        wire.send(bytes(1 << 20), b"a", None)
        await asyncio.sleep(0.3)
        assert len(await ahead.take_buffer()) == 1 << 20
        assert await ahead.take_buffer() == b"a"


async def test_what_came_while_the_clock_ran_out_is_read() -> None:
    """As when a process is stopped and goes on: the timer comes first, what arrived comes a turn later."""
    wire = Wire()
    async with ReadAhead(wire.chunks(), read_timeout_s=3600) as ahead:
        wire.send(b"a")
        assert await ahead.take_buffer() == b"a"
        ahead._last_chunk_s -= 7200
        ahead._check_read_timeout()
        wire.send(b"b")
        assert await ahead.take_buffer() == b"b"


async def _all(ahead: ReadAhead) -> AsyncGenerator[bytes, None]:
    while piece := await ahead.take_buffer():
        yield piece
