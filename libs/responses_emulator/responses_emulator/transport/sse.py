"""From events to bytes over HTTP: SSE framing.

Invariant: without delivery parts each event is one piece, framed `event: …`, `data: …`, blank line, as recorded.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from responses_emulator.script.turn import ExtraFrame, Framing, Turn
from responses_emulator.transport.delivery import Delivered, End, HalfEvent, Ping, deliver, split_bytes

Event = dict[str, Any]
_HALF = 20


def sse_frame(event: Event, framing: Framing) -> bytes:
    """Return one event as SSE."""
    data = f"data: {event_text(event, framing)}"
    lines = [f"event: {event['type']}", data] if framing.event_lines else [data]
    return (framing.newline.join(lines) + framing.newline * 2).encode()


def event_text(event: Event, framing: Framing) -> str:
    """Return one event as JSON."""
    if not framing.sequence_numbers:
        event = {key: value for key, value in event.items() if key != "sequence_number"}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


async def sse_stream(turn: Turn, events: list[Event], *, word_delay_s: float = 0.0) -> AsyncIterator[bytes]:
    """Yield the pieces of a streamed reply as the delivery parts of the turn shape them.

    Args:
        word_delay_s: seconds to wait before each delta. The default is 0.

    Raises:
        CloseConnection: the turn cuts the stream.
    """
    framing = next(iter(turn.parts_of_type(Framing)), Framing())
    async for burst in deliver(turn, events, word_delay_s=word_delay_s):
        for piece in split_bytes(b"".join(_frame(each, framing) for each in burst), turn):
            yield piece
            await asyncio.sleep(0)


def _frame(delivered: Delivered, framing: Framing) -> bytes:
    match delivered:
        case Ping(comment=True):
            return f": keepalive{framing.newline * 2}".encode()
        case Ping(number=number):
            return sse_frame({"type": "keepalive", "sequence_number": number}, framing)
        case HalfEvent(event=event):
            return sse_frame(event, framing)[:_HALF]
        case End():
            return b"data: [DONE]" + (framing.newline * 2).encode() if framing.done_tail else b""
        case ExtraFrame():  # only a WebSocket has frames
            return b""
        case event:
            return sse_frame(event, framing)
