"""Rows: streams that hold what no service should send."""

from __future__ import annotations

from responses_emulator import HttpReply

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
    passing,
    response,
    row,
    sse,
    stream,
)
from tests.generated.faults.rows_frames import saying


def _beside(item: object) -> HttpReply:
    """An odd item before the answer."""
    odd = event("response.output_item.done", output_index=0, item=item)
    rest = [{**each, "output_index": 1} for each in HELLO[:3]]
    return stream(odd, *rest, event("response.completed", response=response()))


_GARBAGE = (
    row("an event that is no JSON", stream(b"data: {oops\n\n", *HELLO), then=passing("StreamError")),
    row("an event that is a list", stream(b"data: [1]\n\n", *HELLO), then=passing("StreamError")),
    row("an event that is a number", stream(b"data: 7\n\n"), then=passing("StreamError")),
    row("an event without a type", stream({"odd": 1}, *HELLO), then=answer("hello")),
    row("an event whose type is null", stream({"type": None}, *HELLO), then=answer("hello")),
    row("an event whose type is a list", stream({"type": ["x"]}, *HELLO), then=answer("hello")),
    row(
        "an event 100,000 deep",
        stream(b'data: {"type": "response.sparkle", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n", *HELLO),
        then=passing("StreamError"),
    ),
    row(
        "a JSON response 100,000 deep",
        HttpReply(200, b'{"output": ' + b"[" * 100_000, {"content-type": "application/json"}),
        then=passing("StreamError"),
    ),
    row("an event whose type is a number", stream({"type": 7}, *HELLO), then=answer("hello")),
    row(
        "bytes that are no UTF-8, in an answer",
        stream(sse(*saying("a~b")).replace(b"~", b"\xff")),
        then=passing("StreamError"),
    ),
    row("bytes that are no UTF-8, in a comment", stream(b": \xff\xfe\n\n", *HELLO), then=answer("hello")),
    row("zeros", stream(b"\x00" * 2000), then=passing("StreamError")),
    row(
        "NaN where JSON has none",
        stream(b'data: {"type": "response.sparkle", "x": NaN}\n\n', *HELLO),
        then=answer("hello"),
    ),
    row(
        "an item that is null",
        stream({**DONE, "item": None}, {**DONE, "output_index": 1}, COMPLETED),
        then=answer("hello"),
    ),
    row("a delta that is null", stream(ADDED, {**DELTA, "delta": None}, *HELLO[1:]), then=answer("hello")),
    row("a delta that is a number", stream(ADDED, {**DELTA, "delta": 7}, *HELLO[1:]), then=answer("hello")),
    row(
        "an output index that is a text",
        stream(*[{**each, "output_index": "0"} for each in HELLO[:3]], COMPLETED),
        then=answer("hello"),
    ),
    row(
        "an output index that is a list",
        stream(*[{**each, "output_index": []} for each in HELLO[:3]], COMPLETED),
        then=answer("hello"),
    ),
    row(
        "an output index of 10 to the 12",
        stream(*[{**each, "output_index": 10**12} for each in HELLO[:3]], COMPLETED),
        then=answer("hello"),
    ),
    row("an item whose type is a list", _beside({"type": ["x"], "id": "x_1"}), then=answer("hello")),
    row("an item that is a list", _beside([1, 2]), then=answer("hello")),
    row("a message whose content is a text", _beside({**ITEM, "content": "hello"}), then=answer("hello")),
    row("a message whose parts are texts", _beside({**ITEM, "content": ["hello", None, 7]}), then=answer("hello")),
    row(
        "a message whose text is a number",
        _beside({**ITEM, "content": [{"type": "output_text", "text": 7}]}),
        then=answer("7\n\nhello", events="request start delta end start delta end response"),
    ),
    row("a message without role and id", _beside({"type": "message", "content": []}), then=answer("hello")),
    row(
        "reasoning whose summary is a text",
        _beside({"type": "reasoning", "id": "rs_1", "summary": "Hm."}),
        then=answer("hello"),
    ),
    row(
        "citations that are none",
        stream(
            *[
                {
                    **each,
                    **(
                        {"item": {**ITEM, "content": [{"type": "output_text", "text": "hello", "annotations": "x"}]}}
                        if "item" in each
                        else {}
                    ),
                }
                for each in (DONE,)
            ],
            COMPLETED,
        ),
        then=answer("hello"),
    ),
    row(
        "a search without what it searched for",
        _beside({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": None}),
        then=answer("hello"),
    ),
    row(
        "an image that is a number",
        _beside({"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": 7}),
        then=answer("hello"),
    ),
    row(
        "ids that are numbers",
        stream({**DONE, "item": {**ITEM, "id": 7}}, event("response.completed", response=response(id=7, model=7))),
        then=answer("hello"),
    ),
    row(
        "a status that is a list",
        stream(*HELLO[:3], event("response.completed", response=response("", ITEM, status=["x"]))),
        then=answer("hello"),
    ),
    row(
        "an output that is a text",
        stream(*HELLO[:3], event("response.completed", response=response("completed", output="hello"))),
        then=answer("hello"),
    ),
    row(
        "a terminal event without a response",
        stream(ADDED, DELTA, DONE, event("response.completed")),
        then=answer("hello", paid=0),
    ),
    row(
        "a terminal event whose response is null",
        stream(ADDED, DELTA, DONE, event("response.completed", response=None)),
        then=answer("hello", paid=0),
    ),
    row(
        "usage that is null",
        stream(*HELLO[:3], event("response.completed", response=response("completed", ITEM, usage=None))),
        then=answer("hello", paid=0),
    ),
    row(
        "usage in words",
        stream(*HELLO[:3], event("response.completed", response=response("completed", ITEM, usage="much"))),
        then=answer("hello", paid=0),
    ),
    row(
        "numbers of tokens that are null",
        stream(
            *HELLO[:3],
            event(
                "response.completed",
                response=response("completed", ITEM, usage={"input_tokens": None, "output_tokens": None}),
            ),
        ),
        then=answer("hello", paid=0),
    ),
    row(
        "an answer without content",
        stream({**DONE, "item": {**ITEM, "content": None}}, event("response.completed", response=response())),
        then=answer("(The model ended its turn without an answer; status completed.)", events="request response"),
    ),
    row("JSON that is no response", HttpReply(200, {"hello": "world"}), then=passing("StreamError")),
    row(
        "JSON with an error, though its status was 200",
        HttpReply(200, {"error": {"message": "x", "code": "server_error"}}),
        then=passing("ProviderUnavailableError"),
    ),
    row(
        "half a JSON response",
        HttpReply(200, b'{"id": "resp_1", "output": [', {"content-type": "application/json"}),
        then=passing("StreamError"),
    ),
    row(
        "called compressed and not",
        HttpReply(200, sse(*HELLO), {**EVENT_STREAM, "content-encoding": "gzip"}),
        then=passing("StreamError"),
    ),
)

GROUPS = (Group(title="Garbage is in the stream", about="it has", rows=_GARBAGE),)
