"""From events to bytes: SSE framing, and every way in which a stream can be slow, split, padded or cut.

Invariant: without delivery parts each event is one piece, framed `event: …`, `data: …`, blank line, as recorded.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

from responses_emulator.script.turn import (
    CutStream,
    EventDelay,
    ExtraEvent,
    Framing,
    HoldOpen,
    JoinEvents,
    Keepalive,
    Silence,
    SplitBytes,
    Turn,
)
from responses_emulator.transport.server import CloseConnection

Event = dict[str, Any]


def sse_frame(event: Event, framing: Framing) -> bytes:
    """Return one event as SSE."""
    if not framing.sequence_numbers:
        event = {key: value for key, value in event.items() if key != "sequence_number"}
    data = f"data: {json.dumps(event, ensure_ascii=False, separators=(',', ':'))}"
    lines = [f"event: {event['type']}", data] if framing.event_lines else [data]
    return (framing.newline.join(lines) + framing.newline * 2).encode()


async def sse_stream(turn: Turn, events: list[Event], *, word_delay_s: float = 0.0) -> AsyncIterator[bytes]:
    """Yield the pieces of a streamed reply as the delivery parts of the turn shape them.

    Args:
        word_delay_s: seconds to wait before each delta. The default is 0.

    Raises:
        CloseConnection: the turn cuts the stream.
    """
    framing = next(iter(turn.parts_of_type(Framing)), Framing())
    cut = next(iter(turn.parts_of_type(CutStream)), None)
    joined = next(iter(turn.parts_of_type(JoinEvents)), JoinEvents(1)).count
    pending = b""
    for number, event in enumerate(_with_extra_events(events, turn)):
        if cut is not None and number >= cut.after_events:
            if cut.mid_event:
                pending += sse_frame(event, framing)[:20]
            if pending:
                yield pending
            raise CloseConnection(reset=cut.reset)
        async for sign in _pauses_before(number, turn, framing):
            if pending:
                yield pending
                pending = b""
            yield sign
        if word_delay_s and event["type"].endswith(".delta"):
            await asyncio.sleep(word_delay_s)
        pending += sse_frame(event, framing)
        if joined and (number + 1) % joined == 0:
            for piece in _split_bytes(pending, turn):
                yield piece
                await asyncio.sleep(0)
            pending = b""
    if framing.done_tail:
        pending += b"data: [DONE]" + (framing.newline * 2).encode()
    for piece in _split_bytes(pending, turn):
        yield piece
    for hold in turn.parts_of_type(HoldOpen):
        await asyncio.sleep(hold.seconds)


async def _pauses_before(number: int, turn: Turn, framing: Framing) -> AsyncIterator[bytes]:
    """Wait before one event, and yield the keepalives before it."""
    for slow in turn.parts_of_type(EventDelay):
        await asyncio.sleep(slow.delay_s)
    for silent in turn.parts_of_type(Silence):
        if silent.before_event == number:
            await asyncio.sleep(silent.seconds)
    for alive in turn.parts_of_type(Keepalive):
        if number and number % alive.every_events == 0:
            for _ in range(alive.count):
                await asyncio.sleep(alive.silence_s)
                yield _keepalive_bytes(alive, number, framing)


def _keepalive_bytes(alive: Keepalive, number: int, framing: Framing) -> bytes:
    if alive.comment:
        return f": keepalive{framing.newline * 2}".encode()
    return sse_frame({"type": "keepalive", "sequence_number": number}, framing)


def _with_extra_events(events: list[Event], turn: Turn) -> Iterator[Event]:
    unknown = turn.parts_of_type(ExtraEvent)
    for number, event in enumerate(events):
        for each in unknown:
            if each.after_events == number:
                yield dict(each.event)
        yield event


def _split_bytes(data: bytes, turn: Turn) -> Iterator[bytes]:
    split = next(iter(turn.parts_of_type(SplitBytes)), None)
    if split is None:
        if data:
            yield data
        return
    chance = None if split.seed is None else random.Random(split.seed)
    at = 0
    while at < len(data):
        size = split.size if chance is None else chance.randint(1, split.size)
        yield data[at : at + size]
        at += size
