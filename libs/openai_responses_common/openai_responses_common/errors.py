"""Neutral failures, and the one table that turns a failure into a kernel error.

A transport or the engine says what happened (`Failure`); the table says what that means. Codes are looked at before
types, types before texts, texts before bare statuses, and texts count only where a service gives nothing else.
Sources: the API's error-codes guide, `ResponseError.code` of openai 3.52, recorded bodies; all seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, cast

from amplifier_core import llm_errors as kernel

from .wire import Event, record, records


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong with one attempt, in no service's words but its own message.

    `status` is the HTTP status if there was a response; `retry_after_s` what the service asked us to wait.
    """

    kind: Literal["status", "event", "network", "timeout", "stream"]
    message: str
    status: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    retry_after_s: float | None = None
    request_id: str | None = None


class CallFailure(Exception):
    """Carries a `Failure` from where it was seen to where it is understood."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    error: type[kernel.LLMError]
    retryable: bool = False
    remedy: str = ""


_RATE = _Meaning(error=kernel.RateLimitError, retryable=True)
_QUOTA = _Meaning(error=kernel.QuotaExceededError, remedy="waiting will not help, check plan and billing")
_AUTH = _Meaning(error=kernel.AuthenticationError)
_DENIED = _Meaning(error=kernel.AccessDeniedError)
_CONTEXT = _Meaning(error=kernel.ContextLengthError, remedy="shorten or compact the conversation")
_FILTER = _Meaning(error=kernel.ContentFilterError)
_INVALID = _Meaning(error=kernel.InvalidRequestError)
_MISSING = _Meaning(error=kernel.NotFoundError)
_DOWN = _Meaning(error=kernel.ProviderUnavailableError, retryable=True)
_TIMEOUT = _Meaning(error=kernel.LLMTimeoutError, retryable=True)
_STREAM = _Meaning(error=kernel.StreamError, retryable=True)
_NETWORK = _Meaning(error=kernel.NetworkError, retryable=True)
_REDIRECT = _Meaning(
    error=kernel.ConfigurationError, remedy="redirects are not followed, set base_url to the final address"
)

_BY_CODE: Mapping[str, _Meaning] = {
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

_BY_TYPE: Mapping[str, _Meaning] = {
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

_BY_TEXT: tuple[tuple[frozenset[int | None], re.Pattern[str], _Meaning], ...] = (
    (
        frozenset({None, 400, 413, 422, 500}),
        re.compile(r"exceeds? the context window|context length|(prompt|input) is too long", re.I),
        _CONTEXT,
    ),
    (
        frozenset({400, 402, 403, 429}),
        re.compile(r"insufficient (balance|quota|credit)|current quota", re.I),
        _QUOTA,
    ),
    (frozenset({403}), re.compile(r"cloudflare|just a moment|attention required", re.I), _DOWN),
)

_BY_STATUS: Mapping[int, _Meaning] = {
    401: _AUTH,
    402: _QUOTA,
    403: _DENIED,
    404: _MISSING,
    408: _TIMEOUT,
    409: _DOWN,
    413: _CONTEXT,
    425: _DOWN,
    429: _RATE,
}

_BY_KIND: Mapping[str, _Meaning] = {"network": _NETWORK, "timeout": _TIMEOUT, "stream": _STREAM}


def kernel_error(
    failure: Failure, *, provider: str, model: str | None, max_retry_delay_s: float, auth_remedy: str = ""
) -> kernel.LLMError:
    """The kernel's error for a failure, with provider, model, status and `retry_after`.

    A wait that is longer than `max_retry_delay_s` makes the error final and says so: sleeping for hours inside a turn
    looks like a hang.
    """
    meaning = _meaning(failure)
    message, retryable = failure.message, meaning.retryable
    remedy = auth_remedy if meaning is _AUTH and auth_remedy else meaning.remedy
    wait_s = failure.retry_after_s
    if retryable and wait_s is not None and wait_s > max_retry_delay_s:
        retryable = False
        remedy = f"the service asks to wait {wait_s:.0f} s, more than max_retry_delay ({max_retry_delay_s:.0f} s)"
    if remedy:
        message = f"{message.rstrip('.')}: {remedy}" if message else remedy
    if failure.request_id:
        message = f"{message} [request {failure.request_id}]"
    error = meaning.error(message, provider=provider, model=model, status_code=failure.status, retryable=retryable)
    error.retry_after = wait_s
    return error


def _meaning(failure: Failure) -> _Meaning:
    if failure.kind in _BY_KIND:
        return _BY_KIND[failure.kind]
    if found := _BY_CODE.get((failure.code or "").lower()) or _BY_TYPE.get((failure.type or "").lower()):
        return found
    for statuses, pattern, meaning in _BY_TEXT:
        if failure.status in statuses and pattern.search(failure.message):
            return meaning
    if failure.status is None:
        return _INVALID if failure.type == "invalid_request_error" else _DOWN
    if 300 <= failure.status < 400:
        return _REDIRECT
    if failure.status >= 500:
        return _DOWN
    return _BY_STATUS.get(failure.status, _INVALID)


def failure_from_status(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """Read an error response.

    Args:
        status: HTTP status.
        body: parsed JSON, or the text when it is none.
        headers: response headers with lower-case names.
    """
    error = _error_object(body)
    message = error.get("message") or _text_of(body) or f"HTTP {status} without a message"
    if 300 <= status < 400:
        message = f"HTTP {status}: the service redirects to {headers.get('location', 'nowhere')}"
    return Failure(
        kind="status",
        status=status,
        message=str(message),
        code=_word(error.get("code")),
        type=_word(error.get("type")),
        param=_word(error.get("param")),
        retry_after_s=retry_after_s(headers),
        request_id=headers.get("x-request-id") or headers.get("apim-request-id"),
    )


def failure_from_event(event: Event) -> Failure:
    """Read `response.failed` or `error`, whose fields are nested on the wire and flat in the SDK's type."""
    response = record(event.get("response"))
    nested = response.get("error") or event.get("error") or event
    error = record(nested) or {"message": str(nested)}
    message = error.get("message") or "the response failed and the service gave no reason"
    headers = record(error.get("headers") or event.get("headers"))
    return Failure(
        kind="event",
        status=_status(event.get("status") or event.get("status_code")),
        message=str(message),
        code=_word(error.get("code")),
        type=_word(error.get("type") if error is not event else None),
        param=_word(error.get("param")),
        retry_after_s=retry_after_s(headers) or _wait_in_words(str(message)),
        request_id=_word(response.get("id")),
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: `retry-after-ms`, then `retry-after` as seconds or as a date against the response's own."""
    for name, scale in (("retry-after-ms", 1000.0), ("x-ms-retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) / scale)
        except ValueError:
            until, now = _date(value), _date(headers.get("date", ""))
            if until and now:
                return max(0.0, (until - now).total_seconds())
    return None


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _wait_in_words(message: str) -> float | None:
    """Streams have no headers left: "Please try again in 1.5s." is all there is (recorded, rate_limit_exceeded)."""
    match = re.search(r"try again in ([\d.]+)\s*(ms|s|m)\b", message)
    if not match:
        return None
    return float(match[1].rstrip(".")) * {"ms": 0.001, "s": 1.0, "m": 60.0}[match[2]]


def _error_object(body: object) -> dict[str, Any]:
    """The object with message, code, type and param, wherever a server puts it."""
    if not isinstance(body, dict):
        return {}
    record = cast(dict[str, Any], body)
    error: object = record.get("error", record)
    if not isinstance(error, dict):
        return {"message": error, "code": record.get("code")}
    found = cast(dict[str, Any], error)
    detail: object = found.get("detail")
    if found.get("message") or detail is None:
        return found
    if isinstance(detail, dict):
        return cast(dict[str, Any], detail)
    if isinstance(detail, list):
        return {**found, **_validation_errors(records(cast(object, detail)))}
    return {**found, "message": detail}


def _validation_errors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """FastAPI's 422: `[{"loc": ["body", "include"], "msg": "Extra inputs are not permitted"}]`."""
    texts = [f"{_path(row)}: {row.get('msg')}" for row in rows]
    return {"message": "; ".join(texts), "param": _path(rows[0]) if rows else None}


def _path(row: dict[str, Any]) -> str:
    location = cast(list[object], row.get("loc") or [])
    return ".".join(str(step) for step in location if step != "body")


def _text_of(body: object) -> str:
    """A short text for a body that is not the API's JSON: a proxy's page is reduced to its title."""
    if not isinstance(body, str):
        return "" if body is None else str(body)[:500]
    title = re.search(r"<title[^>]*>(.*?)</title>", body, re.I | re.S)
    text = title[1] if title else re.sub(r"<[^>]+>", " ", body)
    marker = "Cloudflare: " if "cloudflare" in body.lower() and "cloudflare" not in text.lower() else ""
    return marker + " ".join(text.split())[:500]


def _word(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _status(value: object) -> int | None:
    return value if isinstance(value, int) else None
