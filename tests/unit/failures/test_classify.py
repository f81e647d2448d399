"""Classifying failures: the table of errors, and which of code, type, text and status counts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from amplifier_core import llm_errors as kernel
from amplifier_module_provider_azure_openai_v2.quirks import PROFILE as AZURE_PROFILE
from amplifier_module_provider_chatgpt_oauth.plan_quirks import PLAN_PROFILE
from amplifier_module_provider_chatgpt_oauth.quirks import PROFILE as CHATGPT_PROFILE
from amplifier_module_provider_openai_v2.quirks import OTHER_SERVER_PROFILE
from amplifier_module_provider_openai_v2.quirks import PROFILE as OPENAI_PROFILE
from openai_responses_common.facts.backend_profile import BackendProfile, ErrorMeaning, KnownError
from openai_responses_common.failures import _meanings
from openai_responses_common.failures._meanings import PAGE_REMEDY
from openai_responses_common.failures.classify import (
    MAX_REASON_CHARS,
    MEANING_BY_CODE,
    MEANING_BY_TYPE,
    classify_failure,
)
from openai_responses_common.failures.connections import describe_connection_error
from openai_responses_common.failures.failure import Failure
from openai_responses_common.failures.read import read_error_event, read_error_response
from openai_responses_common.failures.server_sentences import SERVER_SENTENCES, ServerSentence

from tests.support.error_rows import CODES, ERROR_ROWS, MAX_RETRY_DELAY_S, TYPES, ErrorRow, refusal

QUOTA = "You exceeded your current quota, please check your plan and billing details."


def classify(failure: Failure, *, max_retry_delay_s: float = 60.0, **profile: Any) -> kernel.LLMError:
    return classify_failure(
        failure,
        profile=BackendProfile(name="p", display_name="P", **profile),
        model="m",
        max_retry_delay_s=max_retry_delay_s,
    )


def respond(status: int, body: object = None, **headers: str) -> kernel.LLMError:
    return classify(read_error_response(status, body, headers))


def refuse(status: int, message: str = "no", **error: Any) -> kernel.LLMError:
    return respond(status, {"error": {"message": message, **error}})


def fail_stream(message: str = "no", **error: Any) -> kernel.LLMError:
    return classify(read_error_event({"type": "response.failed", "response": {"error": {"message": message, **error}}}))


@pytest.mark.parametrize("row", ERROR_ROWS, ids=lambda row: row.name)
def test_row_of_the_table_of_errors(row: ErrorRow) -> None:
    error = classify(row.read(), max_retry_delay_s=MAX_RETRY_DELAY_S)
    assert (type(error).__name__, error.retryable, error.status_code) == (row.error, row.retryable, row.status)
    assert row.text in str(error)
    assert (error.provider, error.model) == ("p", "m")


@pytest.mark.parametrize(
    "profile",
    [OPENAI_PROFILE, OTHER_SERVER_PROFILE, AZURE_PROFILE, CHATGPT_PROFILE, PLAN_PROFILE],
    ids=lambda profile: profile.name,
)
def test_row_of_the_table_of_errors_means_the_same_for_every_service(profile: BackendProfile) -> None:
    for row in ERROR_ROWS:
        error = classify_failure(row.read(), profile=profile, model="m", max_retry_delay_s=MAX_RETRY_DELAY_S)
        assert (type(error).__name__, error.retryable, error.status_code) == (row.error, row.retryable, row.status), row


def test_all_codes_types_and_classes_are_in_the_table() -> None:
    assert {code.lower() for code in CODES} == set(MEANING_BY_CODE)
    assert set(TYPES) == set(MEANING_BY_TYPE)
    over_socket = {row.error for row in ERROR_ROWS if row.over_socket}
    assert over_socket == {row.error for row in ERROR_ROWS}, "each class is sent over a socket once"


@pytest.mark.parametrize("code", CODES)
def test_code_counts_more_than_status_type_and_text(code: str) -> None:
    for error in (
        refuse(400, QUOTA, code=code, type="rate_limit_error"),
        refuse(500, code=code),
        refuse(429, code=code.upper()),
        fail_stream(code=code),
    ):
        assert type(error).__name__ == CODES[code][1]


@pytest.mark.parametrize("kind", TYPES)
def test_type_counts_more_than_status_and_text(kind: str) -> None:
    assert type(refuse(400, "context length", type=kind, code=None)).__name__ == TYPES[kind]
    assert type(fail_stream("context length", type=kind.upper(), code="unheard_of")).__name__ == TYPES[kind]


@pytest.mark.parametrize("row", SERVER_SENTENCES, ids=lambda row: f"{row.server}: {row.sentence}")
def test_sentence_of_a_server_counts_at_its_statuses(row: ServerSentence) -> None:
    for status in row.statuses:
        error = fail_stream(row.sentence) if status is None else refuse(status, row.sentence, code=400)
        assert type(error) is row.meaning.error
        assert error.retryable is row.meaning.retryable
        assert row.meaning.remedy in str(error)


def test_sentence_does_not_count_at_other_statuses() -> None:
    assert type(refuse(429, "your context length and rate are both large")) is kernel.RateLimitError
    assert type(refuse(401, QUOTA)) is kernel.AuthenticationError
    assert type(respond(401, "<title>Just a moment...</title>")) is kernel.AuthenticationError
    assert type(refuse(403, "You may not use this model")) is kernel.AccessDeniedError


@pytest.mark.parametrize(
    "message",
    [
        "litellm.ContextWindowExceededError: This model's maximum context length is 8192 tokens",
        "the request exceeds the context window",
    ],
)
def test_other_spellings_of_context_overflow(message: str) -> None:
    assert type(fail_stream(message)) is kernel.ContextLengthError


@pytest.mark.parametrize("page", ["403 Forbidden</title><center>cloudflare</center>", "Attention Required!</title>"])
def test_page_of_the_edge_is_retried(page: str) -> None:
    error = respond(403, f"<title>{page}")
    assert type(error) is kernel.ProviderUnavailableError
    assert error.retryable


@pytest.mark.parametrize(
    "message",
    [
        "Unknown parameter: 'safety_identifier'.",
        "Unsupported parameter: 'safety_identifier' is not supported with this model.",
        "This request was blocked by your organization's proxy",
        "content filter settings are not a parameter",
    ],
)
def test_refusal_that_only_sounds_like_a_content_filter_is_an_invalid_request(message: str) -> None:
    assert type(refuse(400, message, code="unknown_parameter")) is kernel.InvalidRequestError


@pytest.mark.parametrize(
    ("kind", "error"),
    [("network", kernel.NetworkError), ("timeout", kernel.LLMTimeoutError), ("stream", kernel.StreamError)],
)
def test_failed_connection_is_retried(kind: Any, error: type[kernel.LLMError]) -> None:
    """No code that came with it counts, and no known error of a service: no response arrived."""
    everything = KnownError(meaning=ErrorMeaning(error=kernel.NotFoundError))
    classified = classify(Failure(kind=kind, message="gone", code="invalid_api_key"), errors=(everything,))
    assert type(classified) is error
    assert classified.retryable


def test_untrusted_certificate_is_final() -> None:
    problem = OSError("certificate verify failed: self-signed certificate")
    error = classify(Failure(kind="network", message=describe_connection_error("cannot reach x", problem)))
    assert (type(error), error.retryable) == (kernel.NetworkError, False)
    assert "SSL_CERT_FILE" in str(error)


CONTROLS = "\x1b[2J\x1b]0;owned\x07\x9b1A\u202e\x00\x08"


@pytest.mark.parametrize(
    ("body", "error_headers", "shown"),
    [
        ({"error": {"message": f"No{CONTROLS} way\r\nback"}}, {}, "No way back"),
        ({"error": {"message": "No", "param": f"in{CONTROLS}put"}}, {}, "No (parameter: input)"),
        ({"error": {"code": f"odd{CONTROLS}"}}, {}, "the code odd"),
        (f"No{CONTROLS} way", {}, "No way"),
        (f"<html><title>No{CONTROLS} way</title></html>", {}, "No way (HTTP 400, a page instead of JSON)"),
        ({"error": {"message": "No"}}, {"x-request-id": f"req{CONTROLS}_1"}, "No [request req_1]"),
        ({"error": {"message": "Ñandú 你好 👩\u200d💻 e\u0301"}}, {}, "Ñandú 你好 👩\u200d💻 e\u0301"),
    ],
    ids=["message", "parameter", "code", "text", "title", "request id", "ordinary"],
)
def test_what_a_server_sends_does_not_control_a_terminal(
    body: object, error_headers: dict[str, str], shown: str
) -> None:
    text = str(respond(400, body, **error_headers))
    assert shown in text
    assert "owned" not in text
    assert not set(text) & set("\x00\x07\x08\x1b\x9b\u202e\r\n")


def test_plan_limit_is_final_and_says_when_it_resets() -> None:
    error = {"type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "plus"}
    classified = respond(429, {"error": {**error, "resets_in_seconds": 3600 * 26}})
    assert not classified.retryable
    assert classified.retry_after == 3600 * 26
    assert str(classified) == "The usage limit has been reached: the limit resets in 1 d 2 h"
    assert "waiting does not help" in str(respond(429, {"error": error})), "the service does not say when"


def test_wait_within_the_maximum_is_left_to_the_retry() -> None:
    failure = Failure(kind="status", status=429, message="slow", retry_after_s=60.0)
    error = classify(failure, max_retry_delay_s=60.0)
    assert error.retryable
    assert error.retry_after == 60.0


@pytest.mark.parametrize("status", [429, 503, 408])
def test_wait_beyond_the_maximum_is_final_and_says_so(status: int) -> None:
    failure = Failure(kind="status", status=status, message="slow.", retry_after_s=3600.0)
    error = classify(failure, max_retry_delay_s=60.0)
    assert not error.retryable
    assert error.retry_after == 3600.0
    assert str(error) == "slow: the service asks us to wait 3600 s, but max_retry_delay is 60 s"


def test_remedy_of_the_profile_follows_the_message() -> None:
    failure = Failure(kind="status", status=401, message="Incorrect API key provided.")
    assert str(classify(failure, auth_remedy="set api_key")) == "Incorrect API key provided: set api_key"
    assert str(classify(failure)) == "Incorrect API key provided."
    denied = Failure(kind="status", status=403, message="No.")
    remedies: dict[str, Any] = {"auth_remedy": "set api_key", "access_remedy": "ask for the role"}
    assert str(classify(denied, **remedies)) == "No: ask for the role", "the key is valid, the permission is missing"


def test_failure_without_a_message_still_has_a_remedy() -> None:
    error = classify(Failure(kind="status", status=402, message=""))
    assert str(error) == "check your plan and billing; waiting does not help"


def test_request_id_stands_after_the_message() -> None:
    failure = Failure(kind="status", status=500, message="oops", request_id="req_1")
    assert str(classify(failure)) == "oops: try again later [request req_1]"


def test_redirect_names_the_remedy() -> None:
    assert str(respond(307, None, location="https://new.example/v1?key=secret")) == (
        "HTTP 307: the service redirects to https://new.example/v1: "
        "redirects are not followed; set base_url to the address to which the service redirects"
    )


SERVICE_ERRORS = (
    KnownError(code="nosuchthing", meaning=ErrorMeaning(error=kernel.NotFoundError, remedy="look elsewhere")),
    KnownError(
        status=401,
        text=re.compile("no role"),
        meaning=ErrorMeaning(error=kernel.AccessDeniedError, remedy="ask for one"),
    ),
    KnownError(
        code="gone",
        status=429,
        text=re.compile("for good"),
        meaning=ErrorMeaning(error=kernel.ProviderUnavailableError, retryable=True),
    ),
)


@pytest.mark.parametrize(
    ("status", "code", "message", "error", "text"),
    [
        (500, "NoSuchThing", "what?", kernel.NotFoundError, "what? (requested model: m): look elsewhere"),
        (401, None, "there is no role here", kernel.AccessDeniedError, "there is no role here: ask for one"),
        (401, "nosuchthing", "no role", kernel.NotFoundError, "no role (requested model: m): look elsewhere"),
        (401, None, "no key", kernel.AuthenticationError, "no key"),
        (403, None, "no role", kernel.AccessDeniedError, "no role: use a model, a project or a key that has access"),
        (429, "gone", "for good", kernel.ProviderUnavailableError, "for good"),
        (429, "gone", "for now", kernel.RateLimitError, "for now: wait, or lower max_concurrent_requests"),
    ],
)
def test_known_errors_of_a_service_count_more_than_the_tables(
    status: int, code: str | None, message: str, error: type[kernel.LLMError], text: str
) -> None:
    reply = refusal(status, code, message, type=None)
    classified = classify(read_error_response(status, reply.body, {}), errors=SERVICE_ERRORS)
    assert type(classified) is error
    assert str(classified) == text


NETWORK_REMEDIES = {
    "cannot reach http://x (connection refused)": "check the address, the network and the proxy",
    "cannot reach https://x (it does not speak TLS)": "need http:// ?",
    "cannot reach http://x/certificate/v1 (connection refused)": "check the address, the network and the proxy",
}


@pytest.mark.parametrize("message", NETWORK_REMEDIES)
def test_a_failed_connection_is_retried_and_has_a_remedy(message: str) -> None:
    error = classify(Failure(kind="network", message=message))
    assert error.retryable
    assert NETWORK_REMEDIES[message] in str(error)


@pytest.mark.parametrize("status", [404, 405])
def test_a_page_at_404_is_a_wrong_address_and_not_a_wrong_model(status: int) -> None:
    error = respond(status, "<title>Welcome to nginx!</title>")
    assert type(error) is kernel.NotFoundError
    assert f"Welcome to nginx! (HTTP {status}, a page instead of JSON): check base_url" in str(error)


def test_a_path_that_takes_no_post_is_a_wrong_address() -> None:
    assert "Method Not Allowed: check base_url" in str(respond(405, {"detail": "Method Not Allowed"}))


def test_an_invalid_request_names_the_parameter_once() -> None:
    unnamed = {"message": "Invalid value: 'lots'.", "param": "text.verbosity"}
    named = {"message": "Unknown parameter: 'verbosity'.", "param": "text.verbosity"}
    assert str(respond(400, {"error": unnamed})) == "Invalid value: 'lots' (parameter: text.verbosity)"
    assert str(respond(400, {"error": named})) == "Unknown parameter: 'verbosity'."


@pytest.mark.parametrize("code", ["model_not_found", None])
def test_an_unknown_model_has_a_remedy(code: str | None) -> None:
    error = respond(404, {"error": {"message": "The model `x` does not exist.", "code": code}})
    assert type(error) is kernel.NotFoundError
    assert "choose a model that the service lists" in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 502])
def test_a_page_has_a_remedy_of_its_own(status: int) -> None:
    """It does not speak for the service, whose remedies would send the user to the wrong place."""
    failure = read_error_response(status, "<title>Blocked</title>", {})
    error = classify(failure, auth_remedy="set api_key", access_remedy="assign the role")
    assert str(error) == f"Blocked (HTTP {status}, a page instead of JSON): {PAGE_REMEDY}"


@pytest.mark.parametrize("message", ["Please try again in 5s.", "You can retry your request."])
def test_a_service_that_says_to_try_again_is_not_repeated(message: str) -> None:
    assert str(classify(Failure(kind="status", status=500, message=message))) == message


def test_a_long_message_is_one_line_and_cut_at_a_word() -> None:
    error = classify(Failure(kind="status", status=400, message="first\r\nsecond " + "word " * 1000))
    assert str(error).startswith("first second word ")
    assert str(error).endswith("word …")
    assert len(str(error)) <= MAX_REASON_CHARS + 2


PROFILES = (OPENAI_PROFILE, OTHER_SERVER_PROFILE, AZURE_PROFILE, CHATGPT_PROFILE)
LONGEST_LINE = 300
"""Almost four lines of a terminal; nobody reads more to its end."""


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.display_name)
def test_every_known_error_is_one_line_of_bounded_length(profile: BackendProfile) -> None:
    for row in ERROR_ROWS:
        error = classify_failure(row.read(), profile=profile, model="gpt-5.6-sol", max_retry_delay_s=MAX_RETRY_DELAY_S)
        assert len(str(error).splitlines()) == 1, row.name
        assert len(str(error)) <= LONGEST_LINE, row.name
    for known in profile.errors:
        assert len(known.meaning.remedy) <= LONGEST_LINE * 2 / 3, known


def test_every_meaning_has_a_remedy_unless_the_profile_or_the_message_has_it() -> None:
    meanings = {name: value for name, value in vars(_meanings).items() if isinstance(value, ErrorMeaning)}
    without = {name for name, meaning in meanings.items() if not meaning.remedy}
    of_the_profile = {"AUTHENTICATION", "WRONG_PATH", "WRONG_ADDRESS"}
    # The service says what is wrong with a request, and the message of a timeout names the setting.
    assert without == of_the_profile | {"INVALID_REQUEST", "TIMEOUT"}
