"""A prepared reply as the frames of a WebSocket, cut and split at the places at which its event stream is."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from responses_emulator.service.websocket import error_frame
from responses_emulator.transport.server import Reply as WholeReply
from websockets.frames import Frame, Opcode

_EVENT = re.compile(rb".+?(?:\r\n\r\n|\n\n|\r\r|\Z)", re.S)
_DATA_LINE = re.compile(rb"^data: ?([^\r\n]*)", re.M)
_TERMINAL_TYPE = re.compile(rb'"type": ?"(?:response\.(?:completed|incomplete|failed|done)|error)"')
_NO_EVENT = (b"", b"[DONE]")


def frame_pieces(pieces: Sequence[bytes]) -> list[bytes]:
    """Return pieces of an event stream as pieces of frames: an event is a frame, and a comment is a ping.

    An event that is cut off is a frame that is cut off.
    """
    wire, offsets, wire_offsets = b"", [0], [0]
    for event in _EVENT.finditer(b"".join(pieces)):
        lines = list(_DATA_LINE.finditer(event[0]))
        data = b"\n".join(line[1] for line in lines)
        frame, head_size = _frame(event[0], data)
        begin = event.start() + lines[0].start(1) if lines else event.end()
        end = event.start() + lines[-1].end() if lines else event.end()
        offsets += [event.start(), begin, end]
        wire_offsets += [len(wire), len(wire) + head_size, len(wire) + len(frame)]
        wire += frame
    offsets.append(sum(map(len, pieces)))
    wire_offsets.append(len(wire))

    def find(offset: int) -> int:
        at = bisect_right(offsets, offset) - 1
        limit = wire_offsets[min(at + 1, len(offsets) - 1)]
        return min(wire_offsets[at] + offset - offsets[at], limit)

    cuts = [find(offset) for offset in accumulate(map(len, pieces), initial=0)]
    return [wire[start:end] for start, end in pairwise(cuts)]


def frame_refusal(status: int, pieces: Iterable[bytes], headers: Iterable[tuple[str, str]]) -> bytes:
    """Return an error response as the frame that stands for it."""
    reply = WholeReply(status=status, body=b"".join(pieces), headers=list(headers))
    return _text_frame(json.dumps(error_frame(reply, in_error=False)).encode())


def ends_response(pieces: Iterable[bytes]) -> bool:
    """Return whether an event of these pieces ends the response, and is whole."""
    events = [b"\n".join(_DATA_LINE.findall(event)) for event in _EVENT.findall(b"".join(pieces))]
    return any(_TERMINAL_TYPE.search(data) and _is_json(data) for data in events)


def _frame(event: bytes, data: bytes) -> tuple[bytes, int]:
    """Return the frame of an event, and the size of its head."""
    if event.startswith(b":"):
        return Frame(Opcode.PING, b"alive").serialize(mask=False), 0
    if data in _NO_EVENT:
        # Of an event that is cut off before its data, one byte of its frame.
        return (b"", 0) if event.endswith((b"\n", b"\r")) else (b"\x81", 1)
    if event.endswith((b"\n", b"\r")) or _is_json(data):
        frame = _text_frame(data)
        return frame, len(frame) - len(data)
    frame = _text_frame(data + b" ")[:-1]  # promises one byte more than it has
    return frame, len(frame) - len(data)


def _text_frame(data: bytes) -> bytes:
    return Frame(Opcode.TEXT, data).serialize(mask=False)


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True
