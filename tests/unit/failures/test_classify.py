"""The table of errors: one meaning for every failure, codes before types before texts before statuses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from amplifier_core import llm_errors as kernel
from openai_responses_common.facts.profile import BackendProfile, ErrorMeaning, KnownError
from openai_responses_common.failures import classify as errors
from openai_responses_common.failures.classify import classify_failure
from openai_responses_common.failures.failure import Failure
from openai_responses_common.failures.read import read_error_event, read_error_response

QUOTA = "You exceeded your current quota, please check your plan and billing details."
CLOUDFLARE = "<html><head><title>Just a moment...</title></head><body>Cloudflare</body></html>"


def understood(
    failure: Failure, *, max_retry_delay_s: float = 60.0, auth_remedy: str = "", known: tuple[KnownError, ...] = ()
) -> kernel.LLMError:
    profile = BackendProfile(name="p", display_name="P", auth_remedy=auth_remedy, errors=known)
    return classify_failure(failure, profile=profile, model="m", max_retry_delay_s=max_retry_delay_s)


def answered(status: int, body: object = None, **headers: str) -> kernel.LLMError:
    return understood(read_error_response(status, body, headers))


def refused(status: int, message: str = "no", **error: Any) -> kernel.LLMError:
    return answered(status, {"error": {"message": message, **error}})


def streamed(message: str = "no", **error: Any) -> kernel.LLMError:
    return understood(
        read_error_event({"type": "response.failed", "response": {"error": {"message": message, **error}}})
    )


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (400, kernel.InvalidRequestError, False),
        (401, kernel.AuthenticationError, False),
        (402, kernel.QuotaExceededError, False),
        (403, kernel.AccessDeniedError, False),
        (404, kernel.NotFoundError, False),
        (405, kernel.InvalidRequestError, False),
        (408, kernel.LLMTimeoutError, True),
        (409, kernel.ProviderUnavailableError, True),
        (413, kernel.ContextLengthError, False),
        (422, kernel.InvalidRequestError, False),
        (425, kernel.ProviderUnavailableError, True),
        (429, kernel.RateLimitError, True),
        (500, kernel.ProviderUnavailableError, True),
        (502, kernel.ProviderUnavailableError, True),
        (503, kernel.ProviderUnavailableError, True),
        (504, kernel.ProviderUnavailableError, True),
        (529, kernel.ProviderUnavailableError, True),
        (301, kernel.ConfigurationError, False),
        (307, kernel.ConfigurationError, False),
        (399, kernel.ConfigurationError, False),
    ],
)
def test_a_bare_status(status: int, error: type[kernel.LLMError], retryable: bool) -> None:
    understanding = answered(status, "no")
    assert type(understanding) is error
    assert understanding.retryable is retryable
    assert understanding.status_code == status
    assert (understanding.provider, understanding.model) == ("p", "m")


@pytest.mark.parametrize(
    ("kind", "error"),
    [("network", kernel.NetworkError), ("timeout", kernel.LLMTimeoutError), ("stream", kernel.StreamError)],
)
def test_faults_of_the_connection_are_retried(kind: Any, error: type[kernel.LLMError]) -> None:
    # Whatever code came with it: the answer never arrived.
    understanding = understood(Failure(kind=kind, message="gone", code="invalid_api_key"))
    assert type(understanding) is error
    assert understanding.retryable


CODES: dict[str, type[kernel.LLMError]] = {
    **dict.fromkeys(
        [
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "billing_not_active",
            "usage_limit_reached",
            "usage_not_included",
        ],
        kernel.QuotaExceededError,
    ),
    **dict.fromkeys(["rate_limit_exceeded", "slow_down", "too_many_requests"], kernel.RateLimitError),
    "context_length_exceeded": kernel.ContextLengthError,
    **dict.fromkeys(
        [
            "content_filter",
            "content_policy_violation",
            "invalid_prompt",
            "bio_policy",
            "cyber_policy",
            "misalignment_policy_violation",
            "image_content_policy_violation",
        ],
        kernel.ContentFilterError,
    ),
    **dict.fromkeys(["invalid_api_key", "account_deactivated", "token_expired"], kernel.AuthenticationError),
    **dict.fromkeys(["unsupported_country_region_territory", "insufficient_permissions"], kernel.AccessDeniedError),
    **dict.fromkeys(["model_not_found", "DeploymentNotFound"], kernel.NotFoundError),
    **dict.fromkeys(
        [
            "server_is_overloaded",
            "engine_overloaded",
            "overloaded",
            "server_error",
            "internal_error",
            "internal_server_error",
            "service_unavailable",
        ],
        kernel.ProviderUnavailableError,
    ),
    "vector_store_timeout": kernel.LLMTimeoutError,
}
RETRIED = {kernel.RateLimitError, kernel.ProviderUnavailableError, kernel.LLMTimeoutError}


@pytest.mark.parametrize("code", CODES)
def test_a_code_counts_more_than_status_type_and_text(code: str) -> None:
    for understanding in (
        refused(400, QUOTA, code=code, type="rate_limit_error"),
        refused(500, code=code),
        refused(429, code=code.upper()),
        streamed(code=code),
    ):
        assert type(understanding) is CODES[code]
        assert understanding.retryable is (CODES[code] in RETRIED)


def test_every_row_of_codes_is_tested() -> None:
    assert {code.lower() for code in CODES} == set(errors.MEANING_BY_CODE)


TYPES: dict[str, type[kernel.LLMError]] = {
    "insufficient_quota": kernel.QuotaExceededError,
    "tokens": kernel.RateLimitError,
    "requests": kernel.RateLimitError,
    "rate_limit_error": kernel.RateLimitError,
    "authentication_error": kernel.AuthenticationError,
    "permission_error": kernel.AccessDeniedError,
    "not_found_error": kernel.NotFoundError,
    "server_error": kernel.ProviderUnavailableError,
    "overloaded_error": kernel.ProviderUnavailableError,
    "service_unavailable_error": kernel.ProviderUnavailableError,
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_counts_more_than_status_and_text(kind: str) -> None:
    assert type(refused(400, "context length", type=kind, code=None)) is TYPES[kind]
    assert type(streamed("context length", type=kind.upper(), code="unheard_of")) is TYPES[kind]


def test_every_row_of_types_is_tested() -> None:
    assert set(TYPES) == set(errors.MEANING_BY_TYPE)


@pytest.mark.parametrize(
    "message",
    [
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "Input tokens exceed the configured limit of 922000 tokens. Please reduce the length of the messages.",
        "The engine prompt length 227861 exceeds the max_model_len 131072. Please reduce prompt.",
        "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
        "the request exceeds the available context size, try increasing it",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "litellm.ContextWindowExceededError: This model's maximum context length is 8192 tokens",
        "the input length exceeds the context length",
    ],
)
def test_context_overflow_in_the_words_of_each_server(message: str) -> None:
    for status in (400, 413, 422, 500):
        assert type(refused(status, message, type="invalid_request_error", code=400)) is kernel.ContextLengthError
    assert type(streamed(message)) is kernel.ContextLengthError
    assert "shorten or compact" in str(streamed(message))


def test_a_text_counts_only_at_the_statuses_where_it_says_something() -> None:
    assert type(refused(429, "your context length and rate are both large")) is kernel.RateLimitError
    assert type(refused(401, QUOTA)) is kernel.AuthenticationError


@pytest.mark.parametrize("status", [400, 402, 403, 429])
@pytest.mark.parametrize("message", [QUOTA, "Insufficient Balance", "insufficient credits"])
def test_an_empty_account_in_words_is_final(status: int, message: str) -> None:
    understanding = refused(status, message)
    assert type(understanding) is kernel.QuotaExceededError
    assert not understanding.retryable
    assert str(understanding).endswith("check your plan and billing; waiting does not help")


@pytest.mark.parametrize(
    "page",
    [
        "<title>403 Forbidden</title><hr><center>cloudflare</center>",
        "<title>Just a moment...</title>",
        "<title>Attention Required!</title>",
    ],
)
def test_a_page_of_the_edge_is_known_by_any_of_its_words(page: str) -> None:
    assert type(answered(403, page)) is kernel.ProviderUnavailableError
    assert type(answered(401, page)) is kernel.AuthenticationError


def test_a_challenge_of_the_edge_is_retried_and_a_refusal_is_not() -> None:
    assert type(answered(403, CLOUDFLARE)) is kernel.ProviderUnavailableError
    assert answered(403, CLOUDFLARE).retryable
    assert type(refused(403, "You may not use this model")) is kernel.AccessDeniedError
    assert "Cloudflare: Just a moment..." in str(answered(403, CLOUDFLARE))


@pytest.mark.parametrize(
    "message",
    [
        "Unknown parameter: 'safety_identifier'.",
        "Unsupported parameter: 'safety_identifier' is not supported with this model.",
        "This request was blocked by your organization's proxy",
        "content filter settings are not a parameter",
    ],
)
def test_a_refusal_that_merely_sounds_like_a_filter_is_none(message: str) -> None:
    assert type(refused(400, message, code="unknown_parameter")) is kernel.InvalidRequestError


def test_a_filter_is_known_by_its_code() -> None:
    body = {"error": {"message": "The response was filtered", "code": "content_filter", "innererror": {"code": "x"}}}
    assert type(answered(400, body)) is kernel.ContentFilterError


@pytest.mark.parametrize(
    "code",
    [
        "data_residency_mismatch",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
        "previous_response_not_found",
        "invalid_encrypted_content",
        "unsupported_parameter",
        "unknown_parameter",
    ],
)
def test_a_failed_response_names_a_code_of_the_api(code: str) -> None:
    """A stream has no status: the code alone tells the caller's fault from the service's."""
    assert type(streamed(code=code)) is kernel.InvalidRequestError


def test_a_stream_error_without_a_known_code() -> None:
    assert type(streamed(type="invalid_request_error")) is kernel.InvalidRequestError
    assert type(streamed()) is kernel.ProviderUnavailableError
    assert type(streamed(code="something_new")) is kernel.ProviderUnavailableError
    assert streamed().retryable


def test_a_stream_error_with_a_status_is_read_by_it() -> None:
    event = {"type": "error", "status": 401, "error": {"message": "no"}}
    assert type(understood(read_error_event(event))) is kernel.AuthenticationError


def test_a_plan_limit_is_final_and_says_when_it_resets() -> None:
    error = {"type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "plus"}
    understanding = answered(429, {"error": {**error, "resets_in_seconds": 3600 * 26}})
    assert type(understanding) is kernel.QuotaExceededError
    assert not understanding.retryable
    assert understanding.retry_after == 3600 * 26
    assert str(understanding).endswith("the limit resets in 1 d 2 h")
    assert "waiting does not help" in str(answered(429, {"error": error})), "where the service does not say when"
    assert type(answered(429, {"error": {**error, "type": "usage_not_included"}})) is kernel.QuotaExceededError


@pytest.mark.parametrize(
    ("wait_s", "words"),
    [(5.0, "1 min"), (90.0, "2 min"), (3600.0, "1 h"), (3660.0, "1 h 1 min"), (86_400.0 * 3 + 60, "3 d 1 min")],
)
def test_the_time_until_a_reset_is_told_in_words(wait_s: float, words: str) -> None:
    failure = Failure(kind="status", status=402, message="no", retry_after_s=wait_s)
    assert str(understood(failure)) == f"no: the limit resets in {words}"


def test_a_wait_within_the_maximum_is_kept_for_the_retry() -> None:
    failure = Failure(kind="status", status=429, message="slow", retry_after_s=60.0)
    understanding = understood(failure, max_retry_delay_s=60.0)
    assert understanding.retryable
    assert understanding.retry_after == 60.0


@pytest.mark.parametrize("status", [429, 503, 408])
def test_a_wait_beyond_the_maximum_is_final_and_says_so(status: int) -> None:
    failure = Failure(kind="status", status=status, message="slow.", retry_after_s=3600.0)
    understanding = understood(failure, max_retry_delay_s=60.0)
    assert not understanding.retryable
    assert understanding.retry_after == 3600.0
    assert str(understanding) == "slow: the service asks us to wait 3600 s, but max_retry_delay is 60 s"


def test_a_rejected_credential_says_what_to_do() -> None:
    failure = Failure(kind="status", status=401, message="Incorrect API key provided.")
    assert str(understood(failure, auth_remedy="set api_key")) == "Incorrect API key provided: set api_key"
    assert str(understood(failure)) == "Incorrect API key provided."
    denied = Failure(kind="status", status=403, message="no")
    assert str(understood(denied, auth_remedy="set api_key")) == "no", "the key is good, the permission is missing"


def test_a_failure_without_words_still_says_something() -> None:
    assert str(understood(Failure(kind="status", status=402, message=""))) == (
        "check your plan and billing; waiting does not help"
    )


def test_the_request_id_stands_behind_the_message() -> None:
    failure = Failure(kind="status", status=500, message="oops", request_id="req_1")
    assert str(understood(failure)) == "oops [request req_1]"


def test_a_redirect_names_the_remedy() -> None:
    assert str(answered(307, None, location="https://new.example/v1")) == (
        "HTTP 307: the service redirects to https://new.example/v1: "
        "redirects are not followed; set base_url to the address to which the service redirects"
    )


OWN = (
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
        (403, None, "no role", kernel.AccessDeniedError, "no role"),
        (429, "gone", "for good", kernel.ProviderUnavailableError, "for good"),
        (429, "gone", "for now", kernel.RateLimitError, "for now"),
    ],
)
def test_a_services_own_errors_win_over_the_tables(
    status: int, code: str | None, message: str, error: type[kernel.LLMError], text: str
) -> None:
    failure = read_error_response(status, {"error": {"message": message, "code": code}}, {})
    understanding = understood(failure, known=OWN)
    assert type(understanding) is error
    assert str(understanding) == text


def test_a_broken_connection_is_never_a_services_own_error() -> None:
    everything = KnownError(meaning=ErrorMeaning(error=kernel.NotFoundError))
    failure = Failure(kind="network", message="no route")
    assert type(understood(failure, known=(everything,))) is kernel.NetworkError


def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    failure = Failure(kind="network", message="cannot reach x: certificate verify failed: self-signed certificate")
    error = understood(failure)
    assert (type(error), error.retryable) == (kernel.NetworkError, False)
    assert "SSL_CERT_FILE" in str(error)


def test_a_permission_that_is_missing_names_its_own_remedy() -> None:
    profile = BackendProfile(name="p", display_name="P", auth_remedy="set api_key", access_remedy="ask for the role")
    failure = read_error_response(403, {"error": {"message": "No."}}, {})
    error = classify_failure(failure, profile=profile, model="m", max_retry_delay_s=60)
    assert str(error) == "No: ask for the role"
