"""Turns a failure into a kernel error, by tables.

The service's own errors in its profile come first, then codes, then types, then texts, then bare statuses. A text
counts only if the service sends no code and no type that the tables have. Sources: the API's error-codes guide,
`ResponseError.code` of openai 3.52, recorded bodies; all seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from amplifier_core import llm_errors as kernel

from ..facts.backend_profile import BackendProfile, ErrorMeaning, KnownError
from .certificates import CERTIFICATE_REMEDY, is_certificate_error
from .durations import format_duration
from .failure import Failure

_RATE_LIMIT = ErrorMeaning(error=kernel.RateLimitError, retryable=True)
_QUOTA = ErrorMeaning(error=kernel.QuotaExceededError, remedy="check your plan and billing; waiting does not help")
_AUTHENTICATION = ErrorMeaning(error=kernel.AuthenticationError)
_ACCESS_DENIED = ErrorMeaning(error=kernel.AccessDeniedError)
_CONTEXT_LENGTH = ErrorMeaning(error=kernel.ContextLengthError, remedy="shorten or compact the conversation")
_CONTENT_FILTER = ErrorMeaning(error=kernel.ContentFilterError)
_INVALID_REQUEST = ErrorMeaning(error=kernel.InvalidRequestError)
_NOT_FOUND = ErrorMeaning(error=kernel.NotFoundError)
_UNAVAILABLE = ErrorMeaning(error=kernel.ProviderUnavailableError, retryable=True)
_TIMEOUT = ErrorMeaning(error=kernel.LLMTimeoutError, retryable=True)
_STREAM_ERROR = ErrorMeaning(error=kernel.StreamError, retryable=True)
_NETWORK_ERROR = ErrorMeaning(error=kernel.NetworkError, retryable=True)
_UNTRUSTED_CERTIFICATE = ErrorMeaning(error=kernel.NetworkError, remedy=CERTIFICATE_REMEDY)
_REDIRECT = ErrorMeaning(
    error=kernel.ConfigurationError,
    remedy="redirects are not followed; set base_url to the address to which the service redirects",
)
_PROXY_LOGIN = ErrorMeaning(
    error=kernel.ConfigurationError,
    remedy="the proxy requires a login; add its user name and password to the URL in HTTPS_PROXY or HTTP_PROXY",
)


def classify_failure(
    failure: Failure, *, profile: BackendProfile, model: str | None, max_retry_delay_s: float, failure_count: int = 1
) -> kernel.LLMError:
    """Return the kernel's error for a failure, with provider, model, status and `retry_after`.

    Args:
        failure: what went wrong.
        profile: the service, with its own errors and remedies.
        model: the model of the request. None if there is none.
        max_retry_delay_s: longest wait in seconds. If the service asks for more, the error is final and says so,
            because a call that sleeps for hours looks like a hang.
        failure_count: failures of this call, with this one; 1 by default.
    """
    meaning = _find_meaning(failure, profile.errors)
    message, remedy, retryable = failure.message, _find_remedy(meaning, profile), meaning.retryable
    if meaning.most_retries is not None and failure_count > meaning.most_retries:
        retryable = False
    wait_s = failure.retry_after_s
    if retryable and wait_s is not None and wait_s > max_retry_delay_s:
        retryable = False
        remedy = f"the service asks us to wait {wait_s:.0f} s, but max_retry_delay is {max_retry_delay_s:.0f} s"
    if issubclass(meaning.error, kernel.QuotaExceededError) and wait_s:
        remedy = f"the limit resets in {format_duration(wait_s)}"
    if issubclass(meaning.error, kernel.NotFoundError) and model and model not in message:
        message = f"{message.rstrip('.')} (requested model: {model})"
    if remedy:
        message = f"{message.rstrip('.')}: {remedy}" if message else remedy
    if failure.request_id:
        message = f"{message} [request {failure.request_id}]"
    error = meaning.error(message, provider=profile.name, model=model, status_code=failure.status, retryable=retryable)
    error.retry_after = wait_s
    return error


def _find_remedy(meaning: ErrorMeaning, profile: BackendProfile) -> str:
    if meaning is _AUTHENTICATION:
        return profile.auth_remedy
    if meaning is _ACCESS_DENIED:
        return profile.access_remedy
    return meaning.remedy


def _find_meaning(failure: Failure, known_errors: tuple[KnownError, ...]) -> ErrorMeaning:
    if failure.kind == "network" and is_certificate_error(failure.message):
        return _UNTRUSTED_CERTIFICATE
    if failure.kind in _MEANING_BY_KIND:
        return _MEANING_BY_KIND[failure.kind]
    return (
        next((row.meaning for row in known_errors if _matches_failure(row, failure)), None)
        or _find_meaning_by_code(failure)
        or next((row.meaning for row in SERVER_SENTENCES if row.matches(failure)), None)
        or _find_meaning_by_status(failure)
    )


_MEANING_BY_KIND: Mapping[str, ErrorMeaning] = {"network": _NETWORK_ERROR, "timeout": _TIMEOUT, "stream": _STREAM_ERROR}


def _matches_failure(known_error: KnownError, failure: Failure) -> bool:
    return (
        known_error.code in (None, (failure.code or "").lower())
        and known_error.status in (None, failure.status)
        and (known_error.text is None or known_error.text.search(failure.message) is not None)
    )


# Codes and types


MEANING_BY_CODE: Mapping[str, ErrorMeaning] = {
    "insufficient_quota": _QUOTA,
    "credit_balance_exhausted": _QUOTA,
    "billing_hard_limit_reached": _QUOTA,
    "billing_not_active": _QUOTA,
    "usage_limit_reached": _QUOTA,
    "usage_not_included": _QUOTA,
    "rate_limit_exceeded": _RATE_LIMIT,
    "slow_down": _RATE_LIMIT,
    "too_many_requests": _RATE_LIMIT,
    "context_length_exceeded": _CONTEXT_LENGTH,
    "content_filter": _CONTENT_FILTER,
    "content_policy_violation": _CONTENT_FILTER,
    "invalid_prompt": _CONTENT_FILTER,
    "bio_policy": _CONTENT_FILTER,
    "cyber_policy": _CONTENT_FILTER,
    "misalignment_policy_violation": _CONTENT_FILTER,
    "image_content_policy_violation": _CONTENT_FILTER,
    "invalid_api_key": _AUTHENTICATION,
    "account_deactivated": _AUTHENTICATION,
    "token_expired": _AUTHENTICATION,
    "unsupported_country_region_territory": _ACCESS_DENIED,
    "insufficient_permissions": _ACCESS_DENIED,
    "model_not_found": _NOT_FOUND,
    "deploymentnotfound": _NOT_FOUND,
    "server_is_overloaded": _UNAVAILABLE,
    "engine_overloaded": _UNAVAILABLE,
    "overloaded": _UNAVAILABLE,
    "server_error": _UNAVAILABLE,
    "internal_error": _UNAVAILABLE,
    "internal_server_error": _UNAVAILABLE,
    "service_unavailable": _UNAVAILABLE,
    "vector_store_timeout": _TIMEOUT,
}

MEANING_BY_TYPE: Mapping[str, ErrorMeaning] = {
    "insufficient_quota": _QUOTA,
    "tokens": _RATE_LIMIT,
    "requests": _RATE_LIMIT,
    "rate_limit_error": _RATE_LIMIT,
    "authentication_error": _AUTHENTICATION,
    "permission_error": _ACCESS_DENIED,
    "not_found_error": _NOT_FOUND,
    "server_error": _UNAVAILABLE,
    "overloaded_error": _UNAVAILABLE,
    "service_unavailable_error": _UNAVAILABLE,
}


def _find_meaning_by_code(failure: Failure) -> ErrorMeaning | None:
    code, error_type = (failure.code or "").lower(), (failure.type or "").lower()
    return MEANING_BY_CODE.get(code) or MEANING_BY_CODE.get(error_type) or MEANING_BY_TYPE.get(error_type)


# Texts


@dataclass(frozen=True, slots=True)
class ServerSentence:
    """A sentence by which one server says what is wrong, if it sends no code for it.

    Attributes:
        server: who writes it.
        sentence: an example, as the server writes it.
        pattern: what to search for, in lower or upper case.
        statuses: the statuses at which it counts; None is an error inside a stream.
        meaning: what it means.
    """

    server: str
    sentence: str
    pattern: str
    statuses: frozenset[int | None]
    meaning: ErrorMeaning

    def matches(self, failure: Failure) -> bool:
        """Return whether the failure says this at a status at which it counts."""
        return failure.status in self.statuses and re.search(self.pattern, failure.message, re.I) is not None


def _too_long(server: str, sentence: str, pattern: str) -> ServerSentence:
    return ServerSentence(server, sentence, pattern, frozenset({None, 400, 413, 422, 500}), _CONTEXT_LENGTH)


def _no_credit(server: str, sentence: str, pattern: str) -> ServerSentence:
    return ServerSentence(server, sentence, pattern, frozenset({400, 402, 403, 429}), _QUOTA)


def _challenge(server: str, sentence: str, pattern: str) -> ServerSentence:
    return ServerSentence(server, sentence, pattern, frozenset({403}), _UNAVAILABLE)


SERVER_SENTENCES: tuple[ServerSentence, ...] = (
    _too_long(
        "OpenAI",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "exceeds? the context window",
    ),
    _too_long(
        "OpenAI, of the length that is configured",
        "Input tokens exceed the configured limit of 922000 tokens. Please reduce the length of the messages.",
        "input tokens exceed",
    ),
    _too_long(
        "OpenAI's older API, and LiteLLM and vLLM after it",
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "context length",
    ),
    _too_long(
        "vLLM",
        "The engine prompt length 227861 exceeds the max_model_len 131072. Please reduce prompt.",
        "exceeds? the max_model_len",
    ),
    _too_long(
        "vLLM, of the decoder",
        "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
        "maximum model length",
    ),
    _too_long("llama.cpp", "the request exceeds the available context size, try increasing it", "context size"),
    _too_long("Ollama", "the input length exceeds the context length", "context length"),
    _too_long(
        "Anthropic, behind a gateway", "prompt is too long: 210000 tokens > 200000 maximum", "prompt is too long"
    ),
    _too_long("Bedrock, behind a gateway", "Input is too long for requested model.", "input is too long"),
    _no_credit(
        "OpenAI",
        "You exceeded your current quota, please check your plan and billing details.",
        "current quota|insufficient quota",
    ),
    _no_credit("DeepSeek", "Insufficient Balance", "insufficient balance"),
    _no_credit("OpenRouter and other gateways", "Insufficient credits.", "insufficient credit"),
    _challenge("Cloudflare, its page of errors", "Cloudflare: 403 Forbidden", "cloudflare"),
    _challenge("Cloudflare, its page while it checks the client", "Just a moment...", "just a moment"),
    _challenge("Cloudflare, its page that blocks the client", "Attention Required!", "attention required"),
)


# Statuses


_MEANING_BY_STATUS: Mapping[int, ErrorMeaning] = {
    401: _AUTHENTICATION,
    402: _QUOTA,
    403: _ACCESS_DENIED,
    404: _NOT_FOUND,
    407: _PROXY_LOGIN,
    408: _TIMEOUT,
    409: _UNAVAILABLE,
    413: _CONTEXT_LENGTH,
    425: _UNAVAILABLE,
    429: _RATE_LIMIT,
}

# An error inside a stream has no status, so its code alone shows whether the request caused it.
# Source: `ResponseError.code` of openai 3.52.
_INVALID_REQUEST_CODE = re.compile(
    r"invalid_|unsupported_|unknown_|image_|empty_|failed_to_download_|data_residency|.*not_found$"
)


def _find_meaning_by_status(failure: Failure) -> ErrorMeaning:
    status = failure.status
    if status is None:
        code, error_type = (failure.code or "").lower(), (failure.type or "").lower()
        is_invalid = error_type == "invalid_request_error" or _INVALID_REQUEST_CODE.match(code)
        return _INVALID_REQUEST if is_invalid else _UNAVAILABLE
    if 300 <= status < 400:
        return _REDIRECT
    if status >= 500:
        return _UNAVAILABLE
    return _MEANING_BY_STATUS.get(status, _INVALID_REQUEST)
