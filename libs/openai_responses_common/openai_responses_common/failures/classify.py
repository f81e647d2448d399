"""The one table that turns a failure into a kernel error.

Codes are looked at before types, types before texts, texts before bare statuses, and texts count only where a service
gives nothing else. Sources: the API's error-codes guide, `ResponseError.code` of openai 3.52, recorded bodies; all seen
2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from amplifier_core import llm_errors as kernel

from ..facts.profile import BackendProfile, ErrorMeaning, KnownError
from .durations import format_duration
from .failure import Failure

_RATE_LIMIT = ErrorMeaning(error=kernel.RateLimitError, retryable=True)


_QUOTA = ErrorMeaning(error=kernel.QuotaExceededError, remedy="waiting will not help, check plan and billing")


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


_UNTRUSTED_CERTIFICATE = ErrorMeaning(error=kernel.NetworkError, remedy="a CA of your own goes into SSL_CERT_FILE")


_REDIRECT = ErrorMeaning(
    error=kernel.ConfigurationError, remedy="redirects are not followed, set base_url to the final address"
)


_MEANING_BY_CODE: Mapping[str, ErrorMeaning] = {
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


_MEANING_BY_TYPE: Mapping[str, ErrorMeaning] = {
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


_MEANING_BY_TEXT: tuple[tuple[frozenset[int | None], re.Pattern[str], ErrorMeaning], ...] = (
    (
        frozenset({None, 400, 413, 422, 500}),
        re.compile(
            r"exceeds? the (context window|max_model_len)|context (length|size)|maximum model length"
            r"|(prompt|input) is too long|input tokens exceed",
            re.I,
        ),
        _CONTEXT_LENGTH,
    ),
    (
        frozenset({400, 402, 403, 429}),
        re.compile(r"insufficient (balance|quota|credit)|current quota", re.I),
        _QUOTA,
    ),
    (frozenset({403}), re.compile(r"cloudflare|just a moment|attention required", re.I), _UNAVAILABLE),
)


_MEANING_BY_STATUS: Mapping[int, ErrorMeaning] = {
    401: _AUTHENTICATION,
    402: _QUOTA,
    403: _ACCESS_DENIED,
    404: _NOT_FOUND,
    407: ErrorMeaning(
        error=kernel.ConfigurationError, remedy="give the proxy's user and password in HTTPS_PROXY or HTTP_PROXY"
    ),
    408: _TIMEOUT,
    409: _UNAVAILABLE,
    413: _CONTEXT_LENGTH,
    425: _UNAVAILABLE,
    429: _RATE_LIMIT,
}


# A failed response has no status, so that its code alone says whose fault it was. Source: `ResponseError.code`.
_INVALID_REQUEST_CODE = re.compile(
    r"invalid_|unsupported_|unknown_|image_|empty_|failed_to_download_|data_residency|.*not_found$"
)


_MEANING_BY_KIND: Mapping[str, ErrorMeaning] = {"network": _NETWORK_ERROR, "timeout": _TIMEOUT, "stream": _STREAM_ERROR}


def classify_failure(
    failure: Failure, *, profile: BackendProfile, model: str | None, max_retry_delay_s: float, failure_count: int = 1
) -> kernel.LLMError:
    """The kernel's error for a failure, with provider, model, status and `retry_after`.

    The service's own words, which its profile lists, win over the tables of this file.

    A wait that is longer than `max_retry_delay_s` makes the error final and says so: sleeping for hours inside a turn
    looks like a hang. `failures` counts those of the call, this one included.
    """
    meaning = _find_meaning(failure, profile.errors)
    message, retryable = failure.message, meaning.retryable
    if meaning.most_retries is not None and failure_count > meaning.most_retries:
        retryable = False
    remedy = meaning.remedy or (profile.auth_remedy if meaning is _AUTHENTICATION else "")
    remedy = remedy or (profile.access_remedy if meaning is _ACCESS_DENIED else "")
    wait_s = failure.retry_after_s
    if retryable and wait_s is not None and wait_s > max_retry_delay_s:
        retryable = False
        remedy = f"the service asks to wait {wait_s:.0f} s, more than max_retry_delay ({max_retry_delay_s:.0f} s)"
    if issubclass(meaning.error, kernel.QuotaExceededError) and wait_s:
        remedy = f"the limit resets in {format_duration(wait_s)}"
    if issubclass(meaning.error, kernel.NotFoundError) and model and model not in message:
        message = f"{message.rstrip('.')} (asked for {model})"
    if remedy:
        message = f"{message.rstrip('.')}: {remedy}" if message else remedy
    if failure.request_id:
        message = f"{message} [request {failure.request_id}]"
    error = meaning.error(message, provider=profile.name, model=model, status_code=failure.status, retryable=retryable)
    error.retry_after = wait_s
    return error


def _matches_failure(known_error: KnownError, failure: Failure) -> bool:
    return (
        known_error.code in (None, (failure.code or "").lower())
        and known_error.status in (None, failure.status)
        and (known_error.text is None or known_error.text.search(failure.message) is not None)
    )


def _find_meaning(failure: Failure, known_errors: tuple[KnownError, ...]) -> ErrorMeaning:
    if failure.kind == "network" and "certificate" in failure.message.lower():
        return _UNTRUSTED_CERTIFICATE  # it does not become trusted by waiting
    if failure.kind in _MEANING_BY_KIND:
        return _MEANING_BY_KIND[failure.kind]
    for row in known_errors:
        if _matches_failure(row, failure):
            return row.meaning
    code, kind = (failure.code or "").lower(), (failure.type or "").lower()
    if found := _MEANING_BY_CODE.get(code) or _MEANING_BY_CODE.get(kind) or _MEANING_BY_TYPE.get(kind):
        return found
    for statuses, pattern, meaning in _MEANING_BY_TEXT:
        if failure.status in statuses and pattern.search(failure.message):
            return meaning
    if failure.status is None:
        return (
            _INVALID_REQUEST if kind == "invalid_request_error" or _INVALID_REQUEST_CODE.match(code) else _UNAVAILABLE
        )
    if 300 <= failure.status < 400:
        return _REDIRECT
    if failure.status >= 500:
        return _UNAVAILABLE
    return _MEANING_BY_STATUS.get(failure.status, _INVALID_REQUEST)
