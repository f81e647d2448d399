"""Errors inside errors: what is inside says what is wrong, and what is outside says who passes it on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai_responses_common.failures._wrapped import find_error_object, unwrap_error
from openai_responses_common.failures.read import read_error_event, read_error_response

INNER = {"message": "Too long.", "type": "invalid_request_error", "param": "input", "code": "context_length_exceeded"}
AS_JSON = json.dumps({"error": INNER}, indent=1)
OUTER = {"message": "Provider returned error", "code": 400}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({**OUTER, "metadata": {"raw": AS_JSON, "provider_name": "Crucible"}}, "Crucible: Too long."),
        ({**OUTER, "metadata": {"raw": AS_JSON}}, "Too long."),
        ({**OUTER, "metadata": {"raw": {"error": INNER}, "provider_name": 7}}, "Too long."),
        ({**OUTER, "metadata": {"raw": json.dumps(INNER)}}, "Too long."),
        ({"message": AS_JSON, "code": "400"}, "Too long."),
        ({"message": f"litellm.BadRequestError: OpenAIException - {AS_JSON}. Received Model Group=x"}, None),
        ({"message": f"litellm.BadRequestError: OpenAIException - b'{json.dumps({'error': INNER})}'"}, None),
        ({"message": f"litellm.BadRequestError: OpenAIException - { ({'error': INNER}) }"}, None),
        ({"message": f"litellm.BadRequestError: OpenAIException - {json.dumps({**INNER, 'message': AS_JSON})}"}, None),
    ],
)
def test_the_innermost_error_counts(error: dict[str, Any], message: str | None) -> None:
    unwrapped = unwrap_error(error)
    assert unwrapped["message"] == (message or "litellm.BadRequestError: OpenAIException: Too long.")
    assert {key: unwrapped[key] for key in ("type", "param", "code")} == {
        key: INNER[key] for key in ("type", "param", "code")
    }


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Unexpected character '{' in the schema"},
        {"message": "{not json} and not {'python': }"},
        {"message": '{"hello": "world"}'},
        {"message": 'Invalid input: {"message": "a text of the user"}'},
        {"message": '{"error": {"message": ""}}'},
        {"message": '{"error": {"message": 7}}'},
        {"message": '{"a":' * 900},
        {"message": "{" + "x" * 30_000},
        {"message": "no", "metadata": {"raw": None}},
        {"message": "no", "metadata": "text"},
        {"message": 7},
        {},
    ],
)
def test_what_holds_no_error_stays_as_it_is(error: dict[str, Any]) -> None:
    assert unwrap_error(error) == error


def test_text_of_an_upstream_is_the_message() -> None:
    error = {**OUTER, "metadata": {"raw": "temporarily rate-limited upstream", "provider_name": "BaseTen"}}
    assert unwrap_error(error)["message"] == "BaseTen: temporarily rate-limited upstream"


def test_an_upstream_without_a_message_is_shown_as_it_is() -> None:
    assert (
        unwrap_error({**OUTER, "metadata": {"raw": '{"error": {"code": "x"}}'}})["message"]
        == '{"error": {"code": "x"}}'
    )


def test_errors_within_errors_end() -> None:
    text = "stop"
    for _ in range(9):
        text = json.dumps({"error": {"message": text}})
    assert "error" in unwrap_error({"message": text})["message"], "the walk has an end"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"error": {"message": "m", "code": 402}, "code": 402}}, {"message": "m", "code": 402}),
        ({"error": {"message": "m"}}, {"message": "m"}),
        ({"detail": {"code": "c"}}, {"code": "c"}),
        ({"detail": "d"}, {"detail": "d"}),
        ({"error": "e", "code": "c"}, {"message": "e", "code": "c"}),
        (["no"], {}),
    ],
)
def test_the_error_object_is_found_at_every_level(body: object, expected: dict[str, Any]) -> None:
    assert find_error_object(body) == expected


def test_request_ids_that_fill_a_message_are_left_out() -> None:
    long_id = "resp_" + "x" * 350
    event = {"type": "response.failed", "response": {"id": long_id, "error": {"message": "m"}}}
    assert read_error_event(event).request_id is None
    assert read_error_event(event, {"x-litellm-call-id": "abc"}).request_id == "abc"
    assert read_error_response(500, None, {"x-request-id": long_id, "cf-ray": "r"}).request_id == "r"
    both = {"x-request-id": "upstream", "x-litellm-call-id": "gateway"}
    assert read_error_response(500, None, both).request_id == "gateway"


def test_the_wait_of_the_head_counts_for_an_event_that_names_none() -> None:
    event = {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "slow"}}
    assert read_error_event(event, {"retry-after": "7"}).retry_after_s == 7.0
    event["error"] = {"code": "rate_limit_exceeded", "message": "Please try again in 2s"}
    assert read_error_event(event, {"retry-after": "7"}).retry_after_s == 2.0


@pytest.mark.parametrize(
    ("status", "message", "wait_s"),
    [
        (429, "Please try again in 1s", 1.0),
        (429, "Try again in 5 seconds.", 5.0),
        (429, "Please retry after 10 seconds.", 10.0),
        (503, "try again in 2 minutes", 120.0),
        (429, "try again in 2 hours", 7200.0),
        (429, "retry after a while", None),
        (400, "try again in 5 seconds", None),
    ],
)
def test_a_wait_in_words_is_read(status: int, message: str, wait_s: float | None) -> None:
    assert read_error_response(status, {"error": {"message": message}}, {}).retry_after_s == wait_s
