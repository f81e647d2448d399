"""Rows: what stands between the bytes of a stream and an answer, without either being wrong."""

from __future__ import annotations

import gzip
import json

from responses_emulator import (
    EventDelay,
    ExtraEvent,
    Framing,
    HoldOpen,
    HttpReply,
    JoinEvents,
    Keepalive,
    NoTerminalOutput,
    RotateIds,
    Say,
    SplitBytes,
    Turn,
)

from tests.generated.faults.fault import (
    ADDED,
    COMPLETED,
    DELTA,
    DONE,
    EVENT_STREAM,
    HELLO,
    ITEM,
    Group,
    answer,
    event,
    response,
    row,
    sse,
    stream,
)

_ODD = "a\u2028b\u2029c\x85d \u00e9 \U0001f600"
_LONG = "word " * 600_000


def saying(text: str) -> tuple[dict, ...]:
    item = {**ITEM, "content": [{"type": "output_text", "text": text, "annotations": []}]}
    delta = {**DELTA, "delta": text}
    done = event("response.output_item.done", output_index=0, item=item)
    return ADDED, delta, done, event("response.completed", response=response("completed", item))


def _framed(name: str, framing: Framing):
    return row(name, Turn(Say("hello there"), framing), then=answer("hello there"))


_FRAMING = (
    _framed("CRLF", Framing(newline="\r\n")),
    _framed("CR", Framing(newline="\r")),
    row(
        "LF, CRLF and CR by turns",
        stream(sse(ADDED, newline=b"\r\n"), sse(DELTA, newline=b"\r"), sse(DONE), sse(COMPLETED, newline=b"\r\n")),
        then=answer("hello"),
    ),
    row(
        "an UTF-8 mark at its front",
        stream(b"\xef\xbb\xbf", COMPLETED),
        then=answer("hello", events="request response"),
    ),
    _framed("no `event:` lines", Framing(event_lines=False)),
    _framed("no sequence numbers", Framing(sequence_numbers=False)),
    _framed("no content type", Framing(content_type=None)),
    row("no space after `data:`", stream(sse(*HELLO).replace(b"data: ", b"data:")), then=answer("hello")),
    row(
        "an event over several lines",
        stream(
            *[
                b"data: " + b"\ndata: ".join(json.dumps(each, indent=1).encode().split(b"\n")) + b"\n\n"
                for each in HELLO
            ]
        ),
        then=answer("hello"),
    ),
    row("`id:` and `retry:` lines", stream(b"id: 1\nretry: 5\n", *HELLO), then=answer("hello")),
    row("lines of fields that nobody knows", stream(b"colour: blue\nnonsense\n", *HELLO), then=answer("hello")),
    row("empty events", stream(b"\n\n\nevent: x\n\n", *HELLO), then=answer("hello")),
    row("U+2028, U+2029 and U+0085 in its text", Turn(Say(_ODD, chunks=3)), then=answer(_ODD)),
    row(
        "the same, as escapes",
        stream(*[b"data: " + json.dumps(each).encode() + b"\n\n" for each in saying(_ODD)]),
        then=answer(_ODD),
    ),
    row(
        "cut into single bytes", Turn(Say("h\u00e9llo \U0001f600"), SplitBytes(1)), then=answer("h\u00e9llo \U0001f600")
    ),
    row("all in one piece", Turn(Say("hello there"), JoinEvents(0)), then=answer("hello there")),
    row("an event of 3 MB", stream(*saying(_LONG)), then=answer(_LONG)),
    row(
        "the half of a surrogate pair as an escape",
        stream(sse(*saying("a~b")).replace(b"~", b"\\ud83d")),
        then=answer("a\ufffdb"),
    ),
    row(
        "compressed",
        HttpReply(200, gzip.compress(sse(*HELLO)), {**EVENT_STREAM, "content-encoding": "gzip"}),
        then=answer("hello"),
    ),
    row(
        "no stream at all but the whole response as JSON",
        HttpReply(200, response("completed", ITEM)),
        then=answer("hello", events="request response"),
    ),
)
_LIFE = (
    row(
        "comments", stream(b": hello\n\n", ADDED, b":\n", DELTA, b": x\r\n\r\n", DONE, COMPLETED), then=answer("hello")
    ),
    row(
        "comments that fill a silence longer than `timeout`",
        Turn(Say("one two three"), Keepalive(every_events=8, comment=True, silence_s=0.09, count=4)),
        settings={"timeout": 0.3},
        then=answer("one two three"),
    ),
    row(
        "`keepalive` events that do",
        Turn(Say("one two three"), Keepalive(every_events=8, silence_s=0.09, count=4)),
        settings={"timeout": 0.3},
        then=answer("one two three"),
    ),
    row(
        "an answer that takes longer than `timeout`, but never falls silent",
        Turn(Say("one two three four five"), EventDelay(0.03)),
        settings={"timeout": 0.3},
        then=answer("one two three four five"),
    ),
    row(
        "a connection that is held open behind the terminal event",
        Turn(Say("hello"), HoldOpen(20)),
        then=answer("hello"),
    ),
    row(
        "events that nobody knows",
        Turn(Say("hello"), ExtraEvent(), ExtraEvent({"type": "codex.sparkle"}, after_events=4)),
        then=answer("hello"),
    ),
    row(
        "an item that nobody knows",
        stream(
            event("response.output_item.done", output_index=0, item={"type": "sparkle", "id": "sp_1", "glitter": [1]}),
            *[{**each, "output_index": 1} for each in HELLO[:3]],
            event("response.completed", response=response()),
        ),
        then=answer("hello"),
    ),
    row("item ids that change from event to event", Turn(Say("hello there"), RotateIds()), then=answer("hello there")),
    row("a terminal event without output", Turn(Say("hello there"), NoTerminalOutput()), then=answer("hello there")),
    row("no `done` event, the item in the terminal event alone", stream(ADDED, DELTA, COMPLETED), then=answer("hello")),
    row("nothing but the terminal event", stream(COMPLETED), then=answer("hello", events="request response")),
    row("items that are done without having begun", stream(DONE, COMPLETED), then=answer("hello")),
    row("deltas without an item that began", stream(DELTA, DONE, COMPLETED), then=answer("hello")),
    row(
        "no output index",
        stream(*[{k: v for k, v in each.items() if k != "output_index"} for each in HELLO]),
        then=answer("hello"),
    ),
)
GROUPS = (Group(title="A stream is written in another way", about="it has", rows=_FRAMING + _LIFE),)
