"""Rows: correct replies in an unusual form. `test_odd_streams.py` has more, without a socket."""

from __future__ import annotations

import gzip
import json

from responses_emulator import HoldOpen, HttpReply, Say, Turn

from tests.generated.faults.fault import (
    BODY,
    EVENT_STREAM,
    HELLO,
    ITEM,
    Group,
    answer,
    hello_with,
    response,
    row,
    sse,
    stream,
)

_LONG_TEXT = "word " * 600_000
_SEVERAL_LINES = [
    b"data: " + b"\ndata: ".join(json.dumps(event, indent=1).encode().split(b"\n")) + b"\n\n" for event in HELLO
]

_ROWS = (
    row("events over several lines", stream(*_SEVERAL_LINES), then=answer("hello")),
    row("an event of 3 MB", stream(*hello_with(_LONG_TEXT)), then=answer(_LONG_TEXT)),
    row(
        "a compressed body",
        HttpReply(200, gzip.compress(sse(*HELLO)), {**EVENT_STREAM, "content-encoding": "gzip"}),
        then=answer("hello"),
        http_only=BODY,
    ),
    row(
        "the whole response as JSON instead of a stream",
        HttpReply(200, response("completed", ITEM)),
        then=answer("hello"),
        http_only=BODY,
    ),
    row(
        "a connection that stays open after the terminal event",
        Turn(Say("hello"), HoldOpen(20)),
        then=answer("hello"),
        http_only="a WebSocket always stays open",
    ),
)
GROUPS = (Group(title="A stream is written in another way", about="it has", rows=_ROWS),)
