"""Reading failures: whatever a service, a proxy or a broken stream left behind becomes one record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.failures.failure import Failure
from openai_responses_common.failures.read import read_error_event, read_error_frame, read_error_response

CLOUDFLARE = """<!DOCTYPE html><html><head><title>Just a moment...</title></head>
<body><script src="/cdn-cgi/challenge-platform/x.js"></script>Enable JavaScript. Ray ID: 1, Cloudflare</body></html>"""
PAGE = " (HTTP 400, a page instead of JSON)"
BAD_GATEWAY = "<html>\r\n<head><title>502\r\n Bad Gateway</title></head>\r\n<body><hr>cloudflare</body>\r\n</html>\r\n"
JSON = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["Please try again in 6m0s", "try again in ..s", "-1", "Wed, 21 Oct 2026 07:28:00 -0000"])
)
KEYS = st.sampled_from(["error", "message", "code", "type", "param", "detail", "loc", "msg", "resets_at", "headers"])
BODIES = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4)
)


def read(status: int, body: object, **headers: str) -> Failure:
    return read_error_response(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def test_the_error_object_of_the_api() -> None:
    body = {
        "error": {
            "message": "Unknown parameter: 'x'.",
            "type": "invalid_request_error",
            "param": "x",
            "code": "unknown",
        }
    }
    assert read(400, body, x_request_id="req_1") == Failure(
        kind="status",
        status=400,
        message="Unknown parameter: 'x'.",
        type="invalid_request_error",
        param="x",
        code="unknown",
        request_id="req_1",
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"message": "m", "code": None, "type": "", "param": None}}, {"message": "m"}),
        ({"message": "m", "code": 400, "type": "BadRequestError"}, {"code": "400", "type": "BadRequestError"}),
        ({"statusCode": 401, "message": "Access denied"}, {"message": "Access denied"}),
        ({"error": 'model "x" not found', "code": "nope"}, {"message": 'model "x" not found', "code": "nope"}),
        ({"detail": "Unsupported model"}, {"message": "Unsupported model"}),
        ({"detail": {"message": "m", "code": "token_expired"}}, {"message": "m", "code": "token_expired"}),
        (
            {"detail": {"code": "token_expired"}},
            {"message": "the service responded with HTTP 400 and the code token_expired"},
        ),
        (
            {"detail": {"error_code": "invalid_token"}},
            {"message": "the service responded with HTTP 400 and the code invalid_token"},
        ),
        ({"error": {"detail": "inner"}}, {"message": "inner"}),
        ({"message": "kept", "detail": "more"}, {"message": "kept"}),
        ({"error": None}, {"message": "{'error': None}"}),
        ({}, {"message": "{}"}),
        ([], {"message": "[]"}),
        (["no"], {"message": "['no']"}),
        (None, {"message": "the service responded with HTTP 400 and no message"}),
        ("", {"message": "the service responded with HTTP 400 and no message"}),
        ("upstream connect error", {"message": "upstream connect error"}),
        ("<p>no <b>title</b></p>", {"message": f"no title{PAGE}"}),
        ('data: {"error": {"message": "m", "code": "500"}}\n\n', {"message": "m", "code": "500"}),
        ("event: error\ndata: no JSON", {"message": "event: error data: no JSON"}),
        (CLOUDFLARE, {"message": f"Cloudflare: Just a moment...{PAGE}"}),
        (BAD_GATEWAY, {"message": f"Cloudflare: 502 Bad Gateway{PAGE}"}),
        ({"error": {"message": BAD_GATEWAY}}, {"message": f"Cloudflare: 502 Bad Gateway{PAGE}"}),
        ("<title>Attention Required! | Cloudflare</title>", {"message": f"Attention Required! | Cloudflare{PAGE}"}),
    ],
)
def test_bodies_of_every_shape_give_a_message(body: object, expected: dict[str, str]) -> None:
    failure = read(400, body)
    assert {name: getattr(failure, name) for name in expected} == expected


def test_a_validation_error_names_every_place_and_the_first_as_param() -> None:
    detail = [
        {"type": "extra_forbidden", "loc": ["body", "include"], "msg": "Extra inputs are not permitted", "input": []},
        {"type": "missing", "loc": ["body", "input", 0, "role"], "msg": "Field required"},
    ]
    failure = read(422, {"detail": detail})
    assert failure.message == "include: Extra inputs are not permitted; input.0.role: Field required"
    assert failure.param == "include"


@pytest.mark.parametrize("detail", [[], ["text"], [{"msg": "odd"}], [{"loc": 7, "msg": "odd"}]])
def test_a_validation_error_without_a_place(detail: list[Any]) -> None:
    failure = read(422, {"detail": detail})
    assert failure.param is None
    assert failure.message


def test_a_long_page_is_cut() -> None:
    assert len(read(500, "x" * 10_000).message) == 500
    assert len(read(500, {"unheard": "x y " * 9_000}).message) in (499, 500), "at a word, which may be a secret"


def test_a_redirect_says_where_to() -> None:
    assert read(307, None, location="https://elsewhere.example/").message == (
        "HTTP 307: the service redirects to https://elsewhere.example/"
    )
    assert (
        read(302, {"error": {"message": "moved"}}).message
        == "HTTP 302: the service redirects to an address that it does not name"
    )


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://user:secretpw@evil.example:8/x/y?key=s#t", "https://evil.example:8/x/y"),
        ("//secretpw@evil.example/x#secretpw", "//evil.example/x"),
        ("https://a:secret@pw@evil.example/", "https://evil.example/"),
        ("https://[::1]:9/v1", "https://[::1]:9/v1"),
        ("https://[bad", "https://[bad"),
        ("/v2/responses", "/v2/responses"),
        ("?key=secretpw", "an address that it does not name"),
    ],
)
def test_a_redirect_is_quoted_without_what_may_be_secret(location: str, shown: str) -> None:
    assert read(307, None, location=location).message == f"HTTP 307: the service redirects to {shown}"


def test_the_request_id_of_either_header() -> None:
    assert read(500, None, apim_request_id="apim").request_id == "apim"
    assert read(500, None, x_request_id="x", apim_request_id="apim").request_id == "x"
    assert read(500, None).request_id is None


def test_a_nested_error_event() -> None:
    event = {
        "type": "error",
        "sequence_number": 3,
        "error": {"type": "invalid_request_error", "code": "bad", "message": "m", "param": "input"},
    }
    assert read_error_event(event) == Failure(
        kind="event", message="m", type="invalid_request_error", code="bad", param="input"
    )


def test_a_flat_error_event_has_no_type_of_its_own() -> None:
    """The flat form's `type` is the event's, and says nothing about the failure."""
    assert read_error_event({"type": "error", "code": "server_error", "message": "m", "param": None}) == Failure(
        kind="event", message="m", code="server_error"
    )


def test_a_failed_response() -> None:
    response = {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "m"}}
    assert read_error_event({"type": "response.failed", "response": response}) == Failure(
        kind="event", message="m", code="server_error", request_id="resp_1"
    )


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.failed", "response": {"error": None}},
        {"type": "response.failed", "response": None},
        {"type": "response.failed"},
        {"type": "error"},
    ],
)
def test_a_failure_without_a_reason_says_so(event: dict[str, Any]) -> None:
    failure = read_error_event(event)
    assert failure.message == "the response failed and the service gave no reason"
    assert failure.type is None


def test_an_error_event_may_be_a_bare_text() -> None:
    assert read_error_event({"type": "error", "error": "boom"}).message == "boom"


def test_an_error_event_may_bring_status_and_headers() -> None:
    event = {"type": "error", "status": 429, "error": {"message": "m"}, "headers": {"retry-after": "7"}}
    assert (read_error_event(event).status, read_error_event(event).retry_after_s) == (429, 7.0)
    assert read_error_event({"type": "error", "status_code": 500}).status == 500
    assert read_error_event({"type": "error", "status": "failed"}).status is None


@pytest.mark.parametrize("value", [7, True, None, ["7"], {"s": 7}])
def test_headers_in_an_error_event_may_have_any_type(value: object) -> None:
    """They are JSON and not HTTP headers, so no type is certain."""
    error = {"message": "m", "headers": {"retry-after": value, "date": value}, "resets_at": 7}
    assert read_error_event({"type": "error", "error": error}).message == "m"


def test_a_plan_limit_in_an_event_brings_its_reset() -> None:
    error = {"type": "usage_limit_reached", "message": "The usage limit has been reached", "resets_in_seconds": 3600}
    assert read_error_event({"type": "error", "status": 429, "error": error}).retry_after_s == 3600.0


def test_waits_of_a_response_are_read() -> None:
    error = {"resets_in_seconds": 1234}
    assert read_error_response(429, {"error": error}, {}).retry_after_s == 1234.0
    assert read_error_response(429, {"error": error}, {"retry-after": "5"}).retry_after_s == 5.0


def test_waits_of_an_event_are_read() -> None:
    message = "Rate limit reached for m. Please try again in 6m0s."
    assert read_error_event({"type": "error", "error": {"message": message}}).retry_after_s == 360.0


def test_header_counts_more_than_the_message() -> None:
    event = {"type": "error", "error": {"message": "try again in 9s", "headers": {"retry-after-ms": "2000"}}}
    assert read_error_event(event).retry_after_s == 2.0


@given(st.integers(300, 599), BODIES, st.dictionaries(st.sampled_from(["retry-after", "date"]), st.text(max_size=5)))
def test_no_body_breaks_the_reading(status: int, body: object, headers: dict[str, str]) -> None:
    assert read_error_response(status, body, headers).message


@given(st.dictionaries(KEYS | st.just("response"), BODIES, max_size=5))
def test_no_event_breaks_the_reading(event: dict[str, Any]) -> None:
    assert read_error_event(event).kind == "event"


FILTERED = {
    "hate": {"filtered": True, "severity": "high"},
    "jailbreak": {"filtered": True, "detected": True},
    "sexual": {"filtered": False, "severity": "safe"},
    "custom": None,
}


@pytest.mark.parametrize(
    "error",
    [
        {"innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": FILTERED}},
        {"content_filter_results": FILTERED},
        {"content_filters": [{"blocked": True, "content_filter_results": FILTERED}]},
    ],
)
def test_what_a_content_filter_found_is_told(error: dict[str, Any]) -> None:
    body = {"error": {"message": "Filtered.", "code": "content_filter", **error}}
    assert read_error_response(400, body, {}).message == "Filtered. (filtered: hate high, jailbreak)"


def test_what_a_content_filter_found_in_a_stream_is_told() -> None:
    response = {
        "error": {"code": "content_filter", "message": "Filtered."},
        "content_filters": [{"content_filter_results": FILTERED}, {"content_filter_results": FILTERED}, None],
    }
    failure = read_error_event({"type": "response.failed", "response": response})
    assert failure.message == "Filtered. (filtered: hate high, jailbreak)"


LIMITED = {"type": "rate_limit_exceeded", "code": "rate_limit_exceeded", "message": "slow down", "param": None}
LIMIT_HEADERS = {"Retry-After": 7, "x-codex-primary-used-percent": "100.0"}


@pytest.mark.parametrize(
    "frame",
    [
        {"status": 429, "error": LIMITED, "headers": LIMIT_HEADERS},
        {"status_code": 429, "error": {**LIMITED, "headers": LIMIT_HEADERS}},
        {"status": "429", "error": LIMITED, "headers": LIMIT_HEADERS, "stream_id": "main"},
        {"status": 429, "code": "rate_limit_exceeded", "message": "slow down", "headers": LIMIT_HEADERS},
    ],
)
def test_error_frame_is_read_as_the_error_response_over_http(frame: dict[str, Any]) -> None:
    failure = read_error_frame({"type": "error", **frame}, {"date": "Wed, 21 Oct 2026 07:28:00 GMT"})
    assert failure is not None
    assert (failure.kind, failure.status, failure.code) == ("status", 429, "rate_limit_exceeded")
    assert (failure.message, failure.retry_after_s) == ("slow down", 7.0)
    assert failure.headers["x-codex-primary-used-percent"] == "100.0"
    assert failure.headers["date"] == "Wed, 21 Oct 2026 07:28:00 GMT"


def test_error_frame_without_the_error_of_the_api() -> None:
    detail = read_error_frame({"type": "error", "status": 400, "detail": "Unsupported parameter: x"}, {})
    assert detail is not None
    assert detail.message == "Unsupported parameter: x"
    text = read_error_frame({"type": "error", "status": 502, "error": "bad gateway"}, {})
    assert text is not None
    assert text.message == "bad gateway"


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "error", "error": LIMITED},
        {"type": "error", "status": "failed", "error": LIMITED},
        {"type": "error", "status": 200, "error": LIMITED},
        {"type": "response.failed", "status": 429},
        {"status": 429},
    ],
)
def test_error_without_a_status_and_other_events_are_no_error_frames(frame: dict[str, Any]) -> None:
    assert read_error_frame(frame, {}) is None


@given(st.dictionaries(KEYS | st.sampled_from(["status", "status_code"]), BODIES | st.just(400), max_size=5))
def test_no_error_frame_breaks_the_reader(frame: dict[str, Any]) -> None:
    read_error_frame({**frame, "type": "error"}, {})
