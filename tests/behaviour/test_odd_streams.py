"""Responses in every form that servers send: framings, one JSON body, other terminal events, and failures in them.

tests/unit/wire/test_sse.py cuts every framing at every byte.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError, ProviderUnavailableError, RateLimitError, StreamError
from responses_emulator import (
    Framing,
    HttpReply,
    Say,
    SplitBytes,
    Turn,
)

from tests.support.session import OpenSession, Session

pytestmark = pytest.mark.one_sign_in("what is decoded does not depend on the profile")

MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "hello", "annotations": []}],
}
USAGE = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "output": [MESSAGE], "usage": USAGE}
STREAM = {"content-type": "text/event-stream"}


DIALECTS = [
    Framing(newline="\r", sequence_numbers=False),
    Framing(event_lines=False, newline="\r\n", done_tail=True, content_type=None),
    Framing(),
]


@pytest.mark.promise("a line separator of Unicode splits a line of the stream", area="hazard")
@pytest.mark.parametrize("cut", [None, SplitBytes(1)], ids=["whole", "bytes"])
async def test_every_dialect_of_the_stream_is_read(session: Session, cut: SplitBytes | None) -> None:
    text = "a\u2028b\x85c é \U0001f600"
    for dialect in DIALECTS:
        session.recorder.events.clear()
        session.emulator.script(Turn(Say(text, chunks=4), dialect, *([cut] if cut else [])))
        response = await session.ask("hello")
        assert (response.text, session.recorder.shown()) == (text, text), dialect


FRAMES = [
    "data:{json}\n\n",
    "event:{kind}\ndata:{json}\n\n",
    "data: {lines}\n\n",
    ": hi\nid: 1\nretry: 5\ndata: {json}\n\n",
]


def frame_event(template: str, kind: str, event: dict[str, Any]) -> str:
    """Return the text of an event, with its JSON in one line or in several."""
    document = {"type": kind, **event}
    lines = "\ndata: ".join(json.dumps(document, indent=1).split("\n"))
    return template.format(kind=kind, json=json.dumps(document), lines=lines)


@pytest.mark.promise("unusual framing loses events", area="hazard")
async def test_every_way_to_write_an_event_is_read(session: Session) -> None:
    events = [
        ("response.output_item.added", {"output_index": 0, "item": {**MESSAGE, "content": []}}),
        ("response.output_text.delta", {"output_index": 0, "content_index": 0, "delta": "hello"}),
        ("response.output_item.done", {"output_index": 0, "item": MESSAGE}),
        ("response.completed", {"response": RESPONSE}),
    ]
    for template in FRAMES:
        session.recorder.events.clear()
        session.emulator.script(HttpReply(200, "".join(frame_event(template, *event) for event in events), STREAM))
        response = await session.ask("hello")
        assert response.text == session.recorder.shown() == "hello", template
        assert response.usage.total_tokens == 12


@pytest.mark.promise("usage is read from one type of terminal event only", area="hazard")
async def test_the_other_name_of_the_last_event(session: Session) -> None:
    done = {"type": "response.done", "response": {**RESPONSE, "status": None}}
    session.emulator.script(HttpReply(200, f"data: {json.dumps(done)}\n\n", STREAM))
    response = await session.ask("hello")
    assert (response.text, response.finish_reason, response.usage.total_tokens) == ("hello", "stop", 12)


@pytest.mark.promise("a whole response instead of a stream is lost", area="hazard")
@pytest.mark.one_transport("a WebSocket streams")
async def test_a_server_that_does_not_stream_is_understood(session: Session) -> None:
    session.emulator.script(HttpReply(200, RESPONSE))
    response = await session.ask("hello")
    assert (response.text, response.usage.total_tokens) == ("hello", 12)


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
@pytest.mark.one_transport("a frame has no content type")
async def test_a_body_is_what_its_start_shows_and_not_what_its_header_says(session: Session, content_type: str) -> None:
    stream = f"data: {json.dumps({'type': 'response.completed', 'response': RESPONSE})}\n\n"
    large = {**RESPONSE, "metadata": {"padding": "x" * 100_000}}
    for body in (stream, json.dumps(RESPONSE), "\n" + json.dumps(large, indent=1)):
        session.emulator.script(HttpReply(200, body, {"content-type": content_type}))
        assert (await session.ask("hello")).text == "hello", body[:40]


@pytest.mark.promise("a failed response counts as a success", area="hazard")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({**RESPONSE, "status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow"}}, RateLimitError),
        ({**RESPONSE, "status": "failed", "error": None}, ProviderUnavailableError),
        ({**RESPONSE, "status": "cancelled"}, ProviderUnavailableError),
        ({"error": {"message": "odd", "code": "server_error"}}, ProviderUnavailableError),
        ([], LLMError),
    ],
)
@pytest.mark.parametrize(
    "streamed",
    [True, pytest.param(False, marks=pytest.mark.one_transport("a WebSocket streams"))],
    ids=["stream", "whole"],
)
async def test_a_response_that_failed_is_never_an_answer(
    open_session: OpenSession, body: Any, kind: type[Exception], streamed: bool
) -> None:
    session = await open_session(max_retries=0)
    event = json.dumps({"type": "response.failed", "response": body})
    whole = HttpReply(200, json.dumps(body), {"content-type": "application/json"})
    session.emulator.script(HttpReply(200, f"data: {event}\n\n", STREAM) if streamed else whole)
    with pytest.raises((kind, StreamError)):
        await session.ask("hello")
    assert session.recorder.one("llm:response")["status"] == "error"
