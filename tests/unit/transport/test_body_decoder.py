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


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_response_of_the_background_has_not_ended(status: str) -> None:
    decoder = build_body_decoder(JSON, keeps_echoes=True)
    response = {"id": "resp_1", "status": status}
    assert decoder.feed([json.dumps(response).encode()]) == []
    assert decoder.finish() == [{"type": f"response.{status}", "response": response}]


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
        ({"id": "resp_1", "status": "failed"}, "response.failed"),
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


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b'{"output": [{"type"'], ids=["empty", "nested", "cut off"])
def test_broken_json_is_a_failure_of_the_stream(body: bytes) -> None:
    decoder = build_body_decoder(JSON)
    decoder.feed([body])
    with pytest.raises(CallFailure, match="the response is not JSON") as caught:
        decoder.finish()
    assert caught.value.failure.kind == "stream"


@pytest.mark.parametrize("headers", [JSON, {}, {"content-type": "text/html"}], ids=["as JSON", "unnamed", "as a page"])
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\n <!doctype html><title>Open WebUI</title>", "at this address \\(Open WebUI\\)"),
        (b"<p>Please log in", "at this address \\(Please log in\\)"),
        (b'{"id": "x"}', "JSON that is not a response"),
    ],
    ids=["page", "piece of a page", "another object"],
)
def test_what_is_not_of_the_api_is_a_failure_of_the_address(body: bytes, text: str, headers: dict[str, str]) -> None:
    decoder = build_body_decoder(headers)
    decoder.feed([body[:5]])
    decoder.feed([body[5:]])
    with pytest.raises(CallFailure, match=text) as caught:
        decoder.finish()
    assert (caught.value.failure.kind, caught.value.failure.status) == ("status", 200)


def test_json_without_a_content_type_is_a_response() -> None:
    decoder = build_body_decoder({})
    decoder.feed([b'{"output": []}'])
    assert [event["type"] for event in decoder.finish()] == ["response.completed"]
