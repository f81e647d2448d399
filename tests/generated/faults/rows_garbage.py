"""Rows: replies that are not valid. `test_odd_streams.py` has more, without a socket."""

from __future__ import annotations

from responses_emulator import HttpReply

from tests.generated.faults.fault import (
    BODY,
    EVENT_STREAM,
    HELLO,
    LOST,
    Group,
    answer,
    event,
    hello_with,
    passing,
    response,
    row,
    sse,
    stream,
)

_JSON = {"content-type": "application/json"}
_BROKEN = passing("StreamError")

_ROWS = (
    row("an event that is not JSON", stream(b"data: {oops\n\n", *HELLO), then=_BROKEN, http_only=LOST),
    row(
        "bytes that are not UTF-8, in the text",
        stream(sse(*hello_with("a~b")).replace(b"~", b"\xff")),
        then=_BROKEN,
    ),
    row(
        "usage that is a text",
        stream(*HELLO[:3], event("response.completed", response=response(usage="much"))),
        then=answer("hello", paid=0),
    ),
    row(
        "half a response in JSON", HttpReply(200, b'{"id": "resp_1", "output": [', _JSON), then=_BROKEN, http_only=LOST
    ),
    row(
        "a body that is called compressed and is not",
        HttpReply(200, sse(*HELLO), {**EVENT_STREAM, "content-encoding": "gzip"}),
        then=_BROKEN,
        http_only=BODY,
    ),
)
GROUPS = (Group(title="A reply is not valid", about="it has", rows=_ROWS),)
