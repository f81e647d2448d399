"""The records of the fault matrix: what a service or a network does, and the outcome that the call must have.

A reply is a script of the emulator or bytes written by hand. An outcome is a response or an error, with the number of
requests and with the hook events by their names in `SHORT_EVENT_NAMES`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from responses_emulator import HttpReply
from responses_emulator.service.state import ScriptedReply

from tests.generated.faults.raw import OpenLocation
from tests.support.backends import ALL_BACKENDS, WEBSOCKET_BACKENDS, BackendUnderTest
from tests.support.error_rows import ErrorRow
from tests.support.session import RecordedEvent

SHORT_EVENT_NAMES: Mapping[str, str] = {
    "llm:request": "request",
    "llm:response": "response",
    "llm:stream_block_start": "start",
    "llm:stream_block_delta": "delta",
    "llm:stream_block_end": "end",
    "llm:stream_aborted": "aborted",
    "provider:retry": "retry",
    "provider:throttle": "throttle",
    "provider:incomplete_continuation": "continuation",
}
SHOWN = "request start delta end response"
# Reasons for which a fault happens over HTTP alone.
LOST = "what a WebSocket loses before the first event travels over HTTP"
BODY = "it is about a body over HTTP"
HALF_SHOWN_TWICE = "request start delta aborted retry start delta aborted response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome that a call must have.

    Attributes:
        events: the short names of all its events in order, with the deltas of a block as one.
        requests: the number of requests that the service received; the default is 1.
        error: the name of the kernel's error class; empty, the default, for a response.
        retryable: whether the error is retryable; the default is false.
        status: the HTTP status of the error; None, the default, if it has none.
        says: a part of the error's message.
        finish: the finish reason of the response; the default is "stop".
        text: the text of the response.
        calls: the arguments of the tool calls in the response.
        paid: the number of responses whose usage the service reported; the default is 0.
    """

    events: str
    requests: int = 1
    error: str = ""
    retryable: bool = False
    status: int | None = None
    says: str = ""
    finish: str = "stop"
    text: str = ""
    calls: tuple[Mapping[str, Any], ...] = ()
    paid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row of the matrix.

    Attributes:
        name: what happens, for a reader.
        replies: the reply to each request; the last one is repeated.
        outcome: the outcome that the call must have.
        open_location: opens what the provider connects to; None, the default, is the emulator.
        differs: the outcomes of backends that have another one.
        only: the backends that it can happen with; empty, the default, for all.
        why: the reason for a difference, for a reader.
        settings: settings of the provider.
        request_fields: fields of the chat request.
        silent_after: the event after which the time of the setting `timeout` passes; empty, the default, for none.
        over_socket: whether the matrix runs it; false if a unit test alone covers it. The default is true.
        http_only: why it can happen over HTTP alone; empty, the default, if it happens over WebSocket too.
    """

    name: str
    replies: tuple[ScriptedReply, ...]
    outcome: Outcome
    open_location: OpenLocation | None = None
    differs: Mapping[str, Outcome] = field(default_factory=dict[str, Outcome])
    only: tuple[str, ...] = ()
    why: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    request_fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    silent_after: str = ""
    over_socket: bool = True
    http_only: str = ""

    def outcome_for(self, backend: str) -> Outcome:
        """Return the outcome that a call of this backend must have."""
        return self.differs.get(backend, self.outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of one kind, with a heading and the text that stands before each name on the page."""

    title: str
    about: str
    rows: tuple[Fault, ...]


def choose_backends(fault: Fault, *, for_each_profile: bool = False) -> list[BackendUnderTest]:
    """Return the backends that meet a fault over a socket.

    Each meets the errors that only its service sends. What is the same for all services, one meets in turn over HTTP
    and one over WebSocket: neither a transport nor the table of errors knows a service, and the unit test of
    `classify_failure` tries that table with the profile of each.

    Args:
        fault: the fault.
        for_each_profile: whether each backend meets it over HTTP. The default is False.
    """
    own, in_turn = {*fault.only, *fault.differs}, crc32(fault.name.encode())
    rows: list[BackendUnderTest] = []
    for table in (ALL_BACKENDS, WEBSOCKET_BACKENDS):
        chosen = table[in_turn % len(table)]
        meet_all = for_each_profile and table is ALL_BACKENDS
        rows += [row for row in table if row.service in own or (not fault.only and (meet_all or row is chosen))]
    return [row for row in rows if row.transport is None or not fault.http_only]


def row(name: str, *replies: ScriptedReply, then: Outcome, **more: Any) -> Fault:
    """Return a row of the matrix."""
    return Fault(name=name, replies=replies, outcome=then, **more)


def final(error: str, status: int | None = None, **more: Any) -> Outcome:
    """An error after one request, which trying again would not mend."""
    events = "request throttle response" if error == "QuotaExceededError" else "request response"
    return Outcome(**{"events": events, "error": error, "status": status, **more})


def passing(error: str, status: int | None = None, **more: Any) -> Outcome:
    """An error that is tried again: once, as the matrix sets it."""
    throttle = "throttle " if error == "RateLimitError" else ""
    events = f"request {throttle}retry response"
    return Outcome(**{"events": events, "requests": 2, "error": error, "retryable": True, "status": status, **more})


def answer(text: str, **more: Any) -> Outcome:
    """An answer that was shown as it came, and paid for."""
    return Outcome(**{"events": SHOWN, "text": text, "paid": 1, **more})


def faults_of(rows: Iterable[ErrorRow]) -> tuple[Fault, ...]:
    """Return the faults for rows of the table of errors; those without `over_socket` are tested by the unit test."""
    return tuple(_fault_of(row) for row in rows)


def _fault_of(row: ErrorRow) -> Fault:
    outcome = passing if row.retryable else final
    reply = row.reply or stream(row.event or {})
    then = outcome(row.error, row.status, says=row.text)
    return Fault(name=row.name, replies=(reply,), outcome=then, over_socket=row.over_socket)


def shorten_event_names(events: list[RecordedEvent]) -> str:
    """The events of a call in one word each, the deltas of a block as one; without those that time decides."""
    found: list[str] = []
    for event in events:
        if event.name == "llm:progress":
            continue
        word = SHORT_EVENT_NAMES.get(event.name, event.name)
        if word != "delta" or found[-1:] != ["delta"]:
            found.append(word)
    return " ".join(found)


# Streams by hand

EVENT_STREAM = {"content-type": "text/event-stream"}
ITEM: Mapping[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "hello", "annotations": []}],
}
USAGE: Mapping[str, Any] = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
CALL: Mapping[str, Any] = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "look",
    "arguments": '{"at":"x"}',
    "status": "completed",
}


def response(status: str = "completed", /, *items: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A response whose usage is `USAGE`."""
    made = {"id": "resp_1", "object": "response", "model": "gpt-5.6-sol", "status": status, "output": list(items)}
    return {**made, "usage": USAGE, **fields}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """One event."""
    return {"type": kind, **fields}


ADDED = event("response.output_item.added", output_index=0, item={**ITEM, "status": "in_progress", "content": []})
DELTA = event("response.output_text.delta", output_index=0, content_index=0, delta="hello")
DONE = event("response.output_item.done", output_index=0, item=ITEM)
COMPLETED = event("response.completed", response=response("completed", ITEM))
HELLO = (ADDED, DELTA, DONE, COMPLETED)


def hello_with(text: str) -> tuple[dict[str, Any], ...]:
    """Return the events of `HELLO` with another text."""
    item = {**ITEM, "content": [{"type": "output_text", "text": text, "annotations": []}]}
    completed = event("response.completed", response=response("completed", item))
    return ADDED, {**DELTA, "delta": text}, {**DONE, "item": item}, completed


def sse(*events: Mapping[str, Any] | bytes, newline: bytes = b"\n") -> bytes:
    """The body of a stream; bytes stand as they are."""
    return b"".join(
        each if isinstance(each, bytes) else b"data: " + json.dumps(each, ensure_ascii=False).encode() + newline * 2
        for each in events
    )


def stream(*events: Mapping[str, Any] | bytes, newline: bytes = b"\n", **headers: str) -> HttpReply:
    """A reply with these events."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(200, sse(*events, newline=newline), {**EVENT_STREAM, **named})
