"""Rows: errors inside a stream, and streams that end wrongly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from responses_emulator import CutStream, Disconnect, ErrorEvent, HttpReply, ResponseFailed, Say, Silence, Turn

from tests.generated.faults.fault import (
    ADDED,
    COMPLETED,
    DELTA,
    DONE,
    HALF_SHOWN_TWICE,
    HELLO,
    ITEM,
    LOST,
    Fault,
    Group,
    answer,
    event,
    faults_of,
    final,
    passing,
    response,
    row,
    sse,
    stream,
)
from tests.support.error_rows import ERROR_EVENT_ROWS, FAILED_EVENT_ROWS

HALF = Say("half of it all")
_SHOWN: dict[str, Any] = {"events": HALF_SHOWN_TWICE}
_WHOLE_SHOWN: dict[str, Any] = {"events": "request start delta end aborted retry start delta end aborted response"}

_DOWN = passing("ProviderUnavailableError")
_FAILED = (
    row(
        "without an error",
        stream(event("response.failed", response=response("failed", error=None, usage=None))),
        then=passing("ProviderUnavailableError"),
    ),
    row("without a response", stream(event("response.failed")), then=passing("ProviderUnavailableError")),
    row(
        "after half an answer was shown",
        Turn(HALF, ResponseFailed(after_events=6)),
        then=passing("ProviderUnavailableError", **_SHOWN),
    ),
    row(
        "with usage: paid for, and in the sum of the session",
        stream(event("response.failed", response=response("failed", error={"code": "server_error", "message": "x"}))),
        then=passing("ProviderUnavailableError", paid=2),
    ),
    row(
        "a response that was cancelled",
        stream(event("response.failed", response=response("cancelled", usage=None))),
        then=passing("ProviderUnavailableError"),
    ),
    row(
        "as a whole response in JSON",
        HttpReply(200, response("failed", error={"code": "rate_limit_exceeded", "message": "x"}, usage=None)),
        then=passing("RateLimitError"),
    ),
    row("a list in place of the response", stream(event("response.failed", response=[])), then=_DOWN),
    row(
        "called `response.completed`",
        stream(
            event(
                "response.completed",
                response=response("failed", error={"code": "invalid_prompt", "message": "x"}, usage=None),
            )
        ),
        then=final("ContentFilterError"),
    ),
)
_ERRORS = (
    row("nested, as the service sends it", ErrorEvent(), then=passing("ProviderUnavailableError")),
    row("flat, as documented", ErrorEvent(nested=False), then=passing("ProviderUnavailableError")),
    row("then a failed response", ErrorEvent(then_failed=True), then=passing("ProviderUnavailableError")),
    row(
        "only the event's name says that it is an error",
        stream(b'event: error\ndata: {"error": {"code": "invalid_prompt", "message": "x"}}\n\n'),
        then=final("ContentFilterError"),
    ),
    row(
        "only its key says that it is an error",
        stream(b'data: {"error": {"code": "invalid_prompt", "message": "x"}}\n\n'),
        then=final("ContentFilterError"),
    ),
    row(
        "after half an answer was shown",
        Turn(HALF, ErrorEvent(after_events=6)),
        then=passing("ProviderUnavailableError", **_SHOWN),
    ),
    row(
        "after a whole answer was shown",
        stream(ADDED, DELTA, DONE, event("error", error={"message": "x"})),
        then=passing("ProviderUnavailableError", **_WHOLE_SHOWN),
    ),
)
_ENDS = (
    row("before the first event", Turn(HALF, CutStream(0)), then=passing("StreamError"), http_only=LOST),
    row("after an event", Turn(HALF, CutStream(6)), then=passing("StreamError", **_SHOWN)),
    row("in the middle of an event", Turn(HALF, CutStream(6, mid_event=True)), then=passing("StreamError", **_SHOWN)),
    row("by a reset", Turn(HALF, CutStream(6, reset=True)), then=passing("StreamError", **_SHOWN)),
    row("politely, but without a terminal event", stream(ADDED, DELTA), then=passing("StreamError", **_SHOWN)),
    row("politely, all items done", stream(ADDED, DELTA, DONE), then=passing("StreamError", **_WHOLE_SHOWN)),
    row("with `[DONE]` alone", stream(b"data: [DONE]\n\n"), then=passing("StreamError"), http_only=LOST),
    row(
        "with `[DONE]` and no terminal event",
        stream(ADDED, DELTA, DONE, b"data: [DONE]\n\n"),
        then=passing("StreamError", **_WHOLE_SHOWN),
    ),
    row(
        "with the head: 200 without a body",
        HttpReply(200, b"", {"content-type": "text/event-stream"}),
        then=passing("StreamError"),
        http_only=LOST,
    ),
    row("after comments alone", stream(b": hello\n\n: hello\n\n"), then=passing("StreamError"), http_only=LOST),
    row("with the head: 204", HttpReply(204, b"", {}), then=passing("StreamError"), http_only=LOST),
    row(
        "in silence after the first words",
        Turn(HALF, Silence(60, before_event=6)),
        settings={"timeout": 30, "max_retries": 0},
        silent_after="llm:stream_block_delta",
        then=passing("LLMTimeoutError", events="request start delta aborted response", requests=1),
    ),
    row("before any reply", Disconnect(), then=passing("NetworkError"), http_only=LOST),
    row("before any reply, by a reset", Disconnect(reset=True), then=passing("NetworkError"), http_only=LOST),
    row(
        "inside the terminal event",
        stream(ADDED, DELTA, DONE, sse(COMPLETED)[:-30]),
        then=passing("StreamError", **_WHOLE_SHOWN),
    ),
    row(
        "without the blank line behind the terminal event",
        stream(ADDED, DELTA, DONE, sse(COMPLETED).rstrip()),
        then=answer("hello"),
    ),
    row("after a terminal event, by a reset", Turn(Say("hello"), CutStream(99)), then=answer("hello")),
)
_MORE = (
    row("twice", stream(*HELLO, COMPLETED), then=answer("hello")),
    row(
        "and then a failed response",
        stream(*HELLO, event("response.failed", response=response("failed"))),
        then=answer("hello"),
    ),
    row(
        "and then an error",
        stream(*HELLO, event("error", error={"message": "x"})),
        then=answer("hello"),
    ),
    row(
        "and then, after a failed one, comes the answer",
        stream(
            event("response.failed", response=response("failed", error={"code": "invalid_prompt"}, usage=None)), *HELLO
        ),
        then=final("ContentFilterError"),
    ),
    row("and then more deltas", stream(*HELLO, ADDED, DELTA), then=answer("hello")),
    row("and then garbage", stream(*HELLO, b"data: {oops\n\n"), then=answer("hello")),
    row("and then `[DONE]`", stream(*HELLO, b"data: [DONE]\n\n"), then=answer("hello")),
    row(
        "as `response.done`",
        stream(ADDED, DELTA, DONE, event("response.done", response=response("completed", ITEM))),
        then=answer("hello"),
    ),
)


def _in(event_name: str, rows: tuple[Fault, ...]) -> tuple[Fault, ...]:
    return tuple(replace(each, name=f"`{event_name}`, {each.name}") for each in rows)


GROUPS = (
    Group(
        title="The stream tells of a failure",
        about="an event",
        rows=_in("response.failed", faults_of(FAILED_EVENT_ROWS) + _FAILED)
        + _in("error", faults_of(ERROR_EVENT_ROWS) + _ERRORS),
    ),
    Group(title="The stream ends, or does not", about="its end comes", rows=_ENDS + _MORE),
)
