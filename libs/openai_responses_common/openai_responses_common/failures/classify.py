"""Turns a failure into a kernel error, by tables.

The service's own errors in its profile come first, then codes, then types, then texts, then a gateway's classes, then
bare statuses. A text counts only if the service sends no code and no telling type that the tables have. Sources: the
API's error-codes guide, `ResponseError.code` of openai 3.52, recorded bodies; all seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from amplifier_core import llm_errors as kernel

from ..facts.backend_profile import BackendProfile, ErrorMeaning, KnownError
from ..wire.plain_text import join_lines
from ._learn_images import IMAGE_REFUSAL_CODES
from ._meanings import (
    ACCESS_DENIED,
    AUTHENTICATION,
    BAD_IMAGE,
    CONTENT_FILTER,
    CONTEXT_LENGTH,
    INVALID_REQUEST,
    LATER_REMEDY,
    NETWORK_ERROR,
    NO_MODEL,
    NO_TLS,
    NOT_FOUND,
    PAGE_REMEDY,
    PROXY_LOGIN,
    QUOTA,
    RATE_LIMIT,
    REDIRECT,
    REFUSED_GATEWAY_KEY,
    STREAM_ERROR,
    TIMEOUT,
    TOO_LARGE_FOR_RATE_LIMIT,
    UNAVAILABLE,
    UNKNOWN_GATEWAY_KEY,
    UNTRUSTED_CERTIFICATE,
    WRONG_ADDRESS,
    WRONG_PATH,
)
from .connections import NO_TLS_REASON, is_certificate_error
from .durations import format_duration
from .failure import Failure
from .read import is_page
from .server_sentences import GATEWAY_CLASS_PATTERN, SERVER_SENTENCES, find_meaning_by_gateway_class

MAX_REASON_CHARS = 500
"""The most characters of a service's own message in an error."""


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
    message, remedy, retryable = _shorten(failure.message), _find_remedy(meaning, profile, failure), meaning.retryable
    if meaning.most_retries is not None and failure_count > meaning.most_retries:
        retryable = False
    wait_s = failure.retry_after_s
    if retryable and wait_s is not None and wait_s > max_retry_delay_s:
        retryable = False
        remedy = f"the service asks us to wait {wait_s:.0f} s, but max_retry_delay is {max_retry_delay_s:.0f} s"
    if issubclass(meaning.error, kernel.QuotaExceededError) and wait_s:
        remedy = f"the limit resets in {format_duration(wait_s)}"
    if issubclass(meaning.error, kernel.NotFoundError) and meaning is not WRONG_PATH and model and model not in message:
        message = f"{message.rstrip('.')} (requested model: {model})"
    if meaning is INVALID_REQUEST and failure.param and failure.param.rpartition(".")[2] not in message:
        message = f"{message.rstrip('.')} (parameter: {failure.param})"
    if remedy:
        message = f"{message.rstrip('.')}: {remedy}" if message else remedy
    if failure.request_id:
        message = f"{message} [request {failure.request_id}]"
    error = meaning.error(
        join_lines(message), provider=profile.name, model=model, status_code=failure.status, retryable=retryable
    )
    error.retry_after = wait_s
    return error


def _shorten(message: str) -> str:
    """Return a message in one line that a person reads to its end; some servers echo the whole request."""
    line = join_lines(message)
    return line if len(line) <= MAX_REASON_CHARS else f"{line[:MAX_REASON_CHARS].rpartition(' ')[0]} …"


def _find_remedy(meaning: ErrorMeaning, profile: BackendProfile, failure: Failure) -> str:
    if is_page(failure) and meaning in _MEANINGS_OF_PAGES:
        return PAGE_REMEDY
    if meaning.remedy == LATER_REMEDY and re.search(r"\b(retry|try again)\b", failure.message, re.I):
        return ""
    if meaning is AUTHENTICATION:
        return profile.auth_remedy
    if meaning is ACCESS_DENIED:
        return profile.access_remedy or meaning.remedy
    if meaning is UNKNOWN_GATEWAY_KEY:
        return "; ".join(filter(None, (meaning.remedy, profile.auth_remedy)))
    if meaning is WRONG_PATH or meaning is WRONG_ADDRESS:
        return profile.address_remedy
    return meaning.remedy


def _find_meaning(failure: Failure, known_errors: tuple[KnownError, ...]) -> ErrorMeaning:
    if failure.kind == "network" and is_certificate_error(failure.message):
        return UNTRUSTED_CERTIFICATE
    if failure.kind == "network" and NO_TLS_REASON in failure.message:
        return NO_TLS
    if failure.kind in _MEANING_BY_KIND:
        return _MEANING_BY_KIND[failure.kind]
    known_error = next((row.meaning for row in known_errors if _matches_failure(row, failure)), None)
    if known_error:
        return known_error
    if _is_too_large_for_rate_limit(failure):
        return TOO_LARGE_FOR_RATE_LIMIT
    meaning = (
        _find_meaning_by_code(failure)
        or next((row.meaning for row in SERVER_SENTENCES if row.matches(failure)), None)
        or find_meaning_by_gateway_class(failure)
        or MEANING_BY_VAGUE_TYPE.get((failure.type or "").lower())
        or _find_meaning_by_status(failure)
    )
    is_of_gateway = meaning is AUTHENTICATION and GATEWAY_CLASS_PATTERN.match(failure.message)
    return REFUSED_GATEWAY_KEY if is_of_gateway else meaning


# What a bare status means, without a word of the service.
_MEANINGS_OF_PAGES = (AUTHENTICATION, ACCESS_DENIED, UNAVAILABLE, INVALID_REQUEST, RATE_LIMIT)
_MEANING_BY_KIND: Mapping[str, ErrorMeaning] = {"network": NETWORK_ERROR, "timeout": TIMEOUT, "stream": STREAM_ERROR}


def _matches_failure(known_error: KnownError, failure: Failure) -> bool:
    return (
        known_error.code in (None, (failure.code or "").lower())
        and known_error.status in (None, failure.status)
        and (known_error.text is None or known_error.text.search(failure.message) is not None)
    )


# "Request too large for gpt-4o … on tokens per min (TPM): Limit 30000, Requested 36278. The input or output tokens must
# be reduced …", at 429 with code rate_limit_exceeded (aider#1880, seen 2026-12-01).
_RATE_LIMIT_NUMBERS_PATTERN = re.compile(r"limit:? ([\d,]{1,15}).{0,60}?requested:? ([\d,]{1,15})", re.I | re.S)


def _is_too_large_for_rate_limit(failure: Failure) -> bool:
    """Return whether a request alone is larger than the limit per minute, so that it can never fit."""
    if failure.status != 429 and failure.code != "rate_limit_exceeded":
        return False
    numbers = _RATE_LIMIT_NUMBERS_PATTERN.search(failure.message)
    if numbers is None:
        return False
    limit, requested = (int(number.replace(",", "") or 0) for number in numbers.groups())
    return requested > limit


# Codes and types


MEANING_BY_CODE: Mapping[str, ErrorMeaning] = {
    "insufficient_quota": QUOTA,
    "credit_balance_exhausted": QUOTA,
    "billing_hard_limit_reached": QUOTA,
    "billing_not_active": QUOTA,
    "usage_limit_reached": QUOTA,
    "usage_not_included": QUOTA,
    "insufficient_user_quota": QUOTA,  # one-api and new-api (free_chatgpt_api#78)
    "pre_consume_token_quota_failed": QUOTA,
    "rate_limit_exceeded": RATE_LIMIT,
    "slow_down": RATE_LIMIT,
    "too_many_requests": RATE_LIMIT,
    "context_length_exceeded": CONTEXT_LENGTH,
    "content_filter": CONTENT_FILTER,
    "content_policy_violation": CONTENT_FILTER,
    "invalid_prompt": CONTENT_FILTER,
    "bio_policy": CONTENT_FILTER,
    "cyber_policy": CONTENT_FILTER,
    "misalignment_policy_violation": CONTENT_FILTER,
    "image_content_policy_violation": CONTENT_FILTER,
    "invalid_api_key": AUTHENTICATION,
    "account_deactivated": AUTHENTICATION,
    "token_expired": AUTHENTICATION,
    "unsupported_country_region_territory": ACCESS_DENIED,
    "insufficient_permissions": ACCESS_DENIED,
    "model_not_found": NO_MODEL,
    "deploymentnotfound": NOT_FOUND,
    "server_is_overloaded": UNAVAILABLE,
    "engine_overloaded": UNAVAILABLE,
    "overloaded": UNAVAILABLE,
    "server_error": UNAVAILABLE,
    "internal_error": UNAVAILABLE,
    "internal_server_error": UNAVAILABLE,
    "service_unavailable": UNAVAILABLE,
    "vector_store_timeout": TIMEOUT,
    **dict.fromkeys(IMAGE_REFUSAL_CODES, BAD_IMAGE),
}

MEANING_BY_TYPE: Mapping[str, ErrorMeaning] = {
    "insufficient_quota": QUOTA,
    "tokens": RATE_LIMIT,
    "requests": RATE_LIMIT,
    "rate_limit_error": RATE_LIMIT,
    "authentication_error": AUTHENTICATION,
    "permission_error": ACCESS_DENIED,
    "not_found_error": NOT_FOUND,
    # LiteLLM's own types: its keys, and what they may do (run 2026-11-30; its tests and users, seen 2026-12-01).
    "no_db_connection": UNKNOWN_GATEWAY_KEY,
    "token_not_found_in_db": UNKNOWN_GATEWAY_KEY,
    "expired_key": AUTHENTICATION,
    "key_model_access_denied": ACCESS_DENIED,
    "budget_exceeded": QUOTA,
    "overloaded_error": UNAVAILABLE,
    "service_unavailable_error": UNAVAILABLE,
}


MEANING_BY_VAGUE_TYPE: Mapping[str, ErrorMeaning] = {"server_error": UNAVAILABLE}
"""Types that servers give to errors of every kind, so that a known sentence counts more."""


def _find_meaning_by_code(failure: Failure) -> ErrorMeaning | None:
    code, error_type = (failure.code or "").lower(), (failure.type or "").lower()
    if meaning := MEANING_BY_CODE.get(code):
        return meaning
    if error_type in MEANING_BY_VAGUE_TYPE:
        return None
    return MEANING_BY_CODE.get(error_type) or MEANING_BY_TYPE.get(error_type)


# Statuses


_MEANING_BY_STATUS: Mapping[int, ErrorMeaning] = {
    200: WRONG_ADDRESS,  # a page, or JSON of another kind
    401: AUTHENTICATION,
    402: QUOTA,
    403: ACCESS_DENIED,
    404: NOT_FOUND,
    407: PROXY_LOGIN,
    408: TIMEOUT,
    409: UNAVAILABLE,
    413: CONTEXT_LENGTH,
    425: UNAVAILABLE,
    429: RATE_LIMIT,
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
        return INVALID_REQUEST if is_invalid else UNAVAILABLE
    if 300 <= status < 400:
        return REDIRECT
    if status >= 500:
        return UNAVAILABLE
    return _MEANING_BY_STATUS.get(status, INVALID_REQUEST)
