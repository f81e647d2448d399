"""The one table that turns a failure into a kernel error.

Codes are looked at before types, types before texts, texts before bare statuses, and texts count only where a service
gives nothing else. Sources: the API's error-codes guide, `ResponseError.code` of openai 3.52, recorded bodies; all seen
2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from amplifier_core import llm_errors as kernel

from ..facts.profile import BackendProfile, KnownError, Meaning
from .durations import in_words
from .failure import Failure

_RATE = Meaning(error=kernel.RateLimitError, retryable=True)


_QUOTA = Meaning(error=kernel.QuotaExceededError, remedy="waiting will not help, check plan and billing")


_AUTH = Meaning(error=kernel.AuthenticationError)


_DENIED = Meaning(error=kernel.AccessDeniedError)


_CONTEXT = Meaning(error=kernel.ContextLengthError, remedy="shorten or compact the conversation")


_FILTER = Meaning(error=kernel.ContentFilterError)


_INVALID = Meaning(error=kernel.InvalidRequestError)


_MISSING = Meaning(error=kernel.NotFoundError)


_DOWN = Meaning(error=kernel.ProviderUnavailableError, retryable=True)


_TIMEOUT = Meaning(error=kernel.LLMTimeoutError, retryable=True)


_STREAM = Meaning(error=kernel.StreamError, retryable=True)


_NETWORK = Meaning(error=kernel.NetworkError, retryable=True)


_UNTRUSTED = Meaning(error=kernel.NetworkError, remedy="a CA of your own goes into SSL_CERT_FILE")


_REDIRECT = Meaning(
    error=kernel.ConfigurationError, remedy="redirects are not followed, set base_url to the final address"
)


_BY_CODE: Mapping[str, Meaning] = {
    "insufficient_quota": _QUOTA,
    "credit_balance_exhausted": _QUOTA,
    "billing_hard_limit_reached": _QUOTA,
    "billing_not_active": _QUOTA,
    "usage_limit_reached": _QUOTA,
    "usage_not_included": _QUOTA,
    "rate_limit_exceeded": _RATE,
    "slow_down": _RATE,
    "too_many_requests": _RATE,
    "context_length_exceeded": _CONTEXT,
    "content_filter": _FILTER,
    "content_policy_violation": _FILTER,
    "invalid_prompt": _FILTER,
    "bio_policy": _FILTER,
    "cyber_policy": _FILTER,
    "misalignment_policy_violation": _FILTER,
    "image_content_policy_violation": _FILTER,
    "invalid_api_key": _AUTH,
    "account_deactivated": _AUTH,
    "token_expired": _AUTH,
    "unsupported_country_region_territory": _DENIED,
    "insufficient_permissions": _DENIED,
    "model_not_found": _MISSING,
    "deploymentnotfound": _MISSING,
    "server_is_overloaded": _DOWN,
    "engine_overloaded": _DOWN,
    "overloaded": _DOWN,
    "server_error": _DOWN,
    "internal_error": _DOWN,
    "internal_server_error": _DOWN,
    "service_unavailable": _DOWN,
    "vector_store_timeout": _TIMEOUT,
}


_BY_TYPE: Mapping[str, Meaning] = {
    "insufficient_quota": _QUOTA,
    "tokens": _RATE,
    "requests": _RATE,
    "rate_limit_error": _RATE,
    "authentication_error": _AUTH,
    "permission_error": _DENIED,
    "not_found_error": _MISSING,
    "server_error": _DOWN,
    "overloaded_error": _DOWN,
    "service_unavailable_error": _DOWN,
}


_BY_TEXT: tuple[tuple[frozenset[int | None], re.Pattern[str], Meaning], ...] = (
    (
        frozenset({None, 400, 413, 422, 500}),
        re.compile(
            r"exceeds? the (context window|max_model_len)|context (length|size)|maximum model length"
            r"|(prompt|input) is too long|input tokens exceed",
            re.I,
        ),
        _CONTEXT,
    ),
    (
        frozenset({400, 402, 403, 429}),
        re.compile(r"insufficient (balance|quota|credit)|current quota", re.I),
        _QUOTA,
    ),
    (frozenset({403}), re.compile(r"cloudflare|just a moment|attention required", re.I), _DOWN),
)


_BY_STATUS: Mapping[int, Meaning] = {
    401: _AUTH,
    402: _QUOTA,
    403: _DENIED,
    404: _MISSING,
    407: Meaning(
        error=kernel.ConfigurationError, remedy="give the proxy's user and password in HTTPS_PROXY or HTTP_PROXY"
    ),
    408: _TIMEOUT,
    409: _DOWN,
    413: _CONTEXT,
    425: _DOWN,
    429: _RATE,
}


# A failed response has no status, so that its code alone says whose fault it was. Source: `ResponseError.code`.
_CALLERS_FAULT = re.compile(
    r"invalid_|unsupported_|unknown_|image_|empty_|failed_to_download_|data_residency|.*not_found$"
)


_BY_KIND: Mapping[str, Meaning] = {"network": _NETWORK, "timeout": _TIMEOUT, "stream": _STREAM}


def kernel_error(
    failure: Failure, *, profile: BackendProfile, model: str | None, max_retry_delay_s: float, failures: int = 1
) -> kernel.LLMError:
    """The kernel's error for a failure, with provider, model, status and `retry_after`.

    The service's own words, which its profile lists, win over the tables of this file.

    A wait that is longer than `max_retry_delay_s` makes the error final and says so: sleeping for hours inside a turn
    looks like a hang. `failures` counts those of the call, this one included.
    """
    meaning = _meaning(failure, profile.errors)
    message, retryable = failure.message, meaning.retryable
    if meaning.most_retries is not None and failures > meaning.most_retries:
        retryable = False
    remedy = meaning.remedy or (profile.auth_remedy if meaning is _AUTH else "")
    remedy = remedy or (profile.access_remedy if meaning is _DENIED else "")
    wait_s = failure.retry_after_s
    if retryable and wait_s is not None and wait_s > max_retry_delay_s:
        retryable = False
        remedy = f"the service asks to wait {wait_s:.0f} s, more than max_retry_delay ({max_retry_delay_s:.0f} s)"
    if issubclass(meaning.error, kernel.QuotaExceededError) and wait_s:
        remedy = f"the limit resets in {in_words(wait_s)}"
    if issubclass(meaning.error, kernel.NotFoundError) and model and model not in message:
        message = f"{message.rstrip('.')} (asked for {model})"
    if remedy:
        message = f"{message.rstrip('.')}: {remedy}" if message else remedy
    if failure.request_id:
        message = f"{message} [request {failure.request_id}]"
    error = meaning.error(message, provider=profile.name, model=model, status_code=failure.status, retryable=retryable)
    error.retry_after = wait_s
    return error


def _fits(known: KnownError, failure: Failure) -> bool:
    return (
        known.code in (None, (failure.code or "").lower())
        and known.status in (None, failure.status)
        and (known.text is None or known.text.search(failure.message) is not None)
    )


def _meaning(failure: Failure, known: tuple[KnownError, ...]) -> Meaning:
    if failure.kind == "network" and "certificate" in failure.message.lower():
        return _UNTRUSTED  # it does not become trusted by waiting
    if failure.kind in _BY_KIND:
        return _BY_KIND[failure.kind]
    for row in known:
        if _fits(row, failure):
            return row.meaning
    code, kind = (failure.code or "").lower(), (failure.type or "").lower()
    if found := _BY_CODE.get(code) or _BY_CODE.get(kind) or _BY_TYPE.get(kind):
        return found
    for statuses, pattern, meaning in _BY_TEXT:
        if failure.status in statuses and pattern.search(failure.message):
            return meaning
    if failure.status is None:
        return _INVALID if kind == "invalid_request_error" or _CALLERS_FAULT.match(code) else _DOWN
    if 300 <= failure.status < 400:
        return _REDIRECT
    if failure.status >= 500:
        return _DOWN
    return _BY_STATUS.get(failure.status, _INVALID)
