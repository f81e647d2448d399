"""Frames of a WebSocket become events, and the end of a response says what the service remembers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai_responses_common.failures.failure import CallFailure
from openai_responses_common.testing.fake_transport import build_body
from openai_responses_common.transport._frame_decoder import FrameDecoder

from tests.support.websocket_server import text_events, text_item


def feed(decoder: FrameDecoder, *events: dict[str, Any] | bytes) -> list[str]:
    """Feed events together, and return the types of those that come out."""
    frames = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    return [event["type"] for event in decoder.feed(frames)]


def test_complete_response_is_what_the_service_remembers() -> None:
    decoder, body = FrameDecoder(), build_body()
    assert feed(decoder, *text_events("hello")[:2]) == ["response.output_item.done"]
    assert not decoder.is_complete
    assert feed(decoder, text_events("hello")[2]) == ["response.completed"]
    assert decoder.is_complete
    assert not decoder.has_failed
    last = decoder.build_last_response(body)
    assert last is not None
    assert (last.id, last.body, last.output) == ("resp_1", body, [text_item("hello")])
    assert decoder.finish() == []


def test_output_that_the_terminal_event_leaves_out_is_remembered() -> None:
    decoder = FrameDecoder()
    (_, item, completed) = text_events("hello")
    feed(decoder, item, {**completed, "response": {**completed["response"], "output": []}})
    last = decoder.build_last_response(build_body())
    assert last is not None
    assert last.output == [text_item("hello")]


@pytest.mark.parametrize(
    "terminal",
    [
        {"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "error": {"message": "no"}}},
        {"type": "error", "error": {"message": "no"}},
        {"type": "response.incomplete", "response": {"id": "resp_1", "status": "incomplete"}},
        {"type": "response.completed", "response": {"status": "completed"}},
        {"type": "response.completed"},
    ],
)
def test_other_ends_leave_nothing_to_go_on_from(terminal: dict[str, Any]) -> None:
    decoder = FrameDecoder()
    feed(decoder, terminal)
    assert decoder.is_complete
    assert decoder.build_last_response(build_body()) is None
    assert decoder.has_failed == (terminal["type"] in {"response.failed", "error"})


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "msg_1"}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "hello"},
    ],
)
def test_response_with_an_item_that_never_ends_leaves_nothing_to_go_on_from(event: dict[str, Any]) -> None:
    decoder = FrameDecoder()
    feed(decoder, event, {"type": "response.completed", "response": {"id": "resp_1", "status": "completed"}})
    assert decoder.build_last_response(build_body()) is None


def test_response_without_an_end_is_not_remembered() -> None:
    decoder = FrameDecoder()
    feed(decoder, *text_events("hello")[:2])
    assert decoder.build_last_response(build_body()) is None


def test_events_of_a_lane_do_not_count_but_its_errors_do() -> None:
    decoder = FrameDecoder()
    assert feed(decoder, *({**event, "stream_id": "other"} for event in text_events("other"))) == []
    assert not decoder.is_complete
    assert feed(decoder, {"type": "error", "stream_id": "other", "error": {"message": "no"}}) == ["error"]
    assert decoder.has_failed


def test_frame_that_is_no_event_is_raised_after_the_events_before_it() -> None:
    decoder = FrameDecoder()
    assert feed(decoder, {"type": "keepalive"}, b"no JSON", {"type": "keepalive"}) == ["keepalive"]
    with pytest.raises(CallFailure, match="not JSON"):
        decoder.raise_fault()
    with pytest.raises(CallFailure, match="not JSON"):
        feed(FrameDecoder(), b"no JSON")
