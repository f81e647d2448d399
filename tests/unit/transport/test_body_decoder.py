"""Tests of the decoders of a response body."""

from __future__ import annotations

import json

import pytest
from openai_responses_common.failures.failure import CallFailure
from openai_responses_common.transport.body_decoder import build_body_decoder

JSON = {"content-type": "application/json; charset=utf-8"}
DELTA = b'data: {"type": "response.output_text.delta", "delta": "a"}\n\n'
COMPLETED = b'data: {"type": "response.completed", "response": {"output": []}}\n\n'


def test_pieces_that_arrived_together_give_one_batch() -> None:
    decoder = build_body_decoder({"content-type": "text/event-stream"})
    assert decoder.feed([DELTA[:10]]) == []
    events = decoder.feed([DELTA[10:], COMPLETED])
    assert [event["type"] for event in events] == ["response.output_text.delta", "response.completed"]
    assert decoder.finish() == []


def test_end_of_a_stream_completes_its_last_event() -> None:
    decoder = build_body_decoder({})
    assert decoder.feed([COMPLETED.rstrip()]) == []
    assert [event["type"] for event in decoder.finish()] == ["response.completed"]


def test_garbage_after_the_terminal_event_does_not_discard_the_response() -> None:
    decoder = build_body_decoder({})
    assert [event["type"] for event in decoder.feed([COMPLETED, b"data: {garbage\n\n"])] == ["response.completed"]
    with pytest.raises(CallFailure, match="the stream is broken"):
        decoder.feed([b"\n"])


def test_garbage_is_a_failure_of_the_stream() -> None:
    with pytest.raises(CallFailure, match=r"the stream is broken: event .* is not JSON") as caught:
        build_body_decoder({}).feed([b"data: garbage\n\n"])
    assert caught.value.failure.kind == "stream"


def test_garbage_at_the_end_is_a_failure_of_the_stream() -> None:
    decoder = build_body_decoder({})
    decoder.feed([b"data: garbage"])
    with pytest.raises(CallFailure, match=r"the stream is broken: event .* is not JSON"):
        decoder.finish()


@pytest.mark.parametrize(
    ("body", "event_type"),
    [
        ({"output": []}, "response.completed"),
        ({"output": [], "status": "completed"}, "response.completed"),
        ({"output": [], "status": "incomplete"}, "response.incomplete"),
        ({"output": [], "status": "failed", "error": {}}, "response.failed"),
        ({"output": [], "status": "unheard of"}, "response.failed"),
    ],
)
def test_json_response_is_its_terminal_event(body: dict[str, object], event_type: str) -> None:
    decoder = build_body_decoder(JSON)
    text = json.dumps(body).encode()
    assert decoder.feed([text[:5], text[5:]]) == []
    assert decoder.finish() == [{"type": event_type, "response": body}]


def test_json_error_is_an_error_event() -> None:
    decoder = build_body_decoder(JSON)
    decoder.feed([b'{"error": {"message": "no"}}'])
    assert decoder.finish() == [{"type": "error", "error": {"message": "no"}}]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "the response is not JSON"),
        (b"<html>", "the response is not JSON"),
        (b"[" * 100_000, "the response is not JSON"),
        (b"[]", "not a response of the Responses API"),
        (b'{"id": "x"}', "not a response of the Responses API"),
    ],
    ids=["empty", "page", "nested", "list", "another object"],
)
def test_other_json_is_a_failure_of_the_stream(body: bytes, text: str) -> None:
    decoder = build_body_decoder(JSON)
    decoder.feed([body])
    with pytest.raises(CallFailure, match=text) as caught:
        decoder.finish()
    assert caught.value.failure.kind == "stream"
