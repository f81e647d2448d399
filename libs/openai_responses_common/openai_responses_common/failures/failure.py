"""What went wrong with one attempt, read from whatever a service, a proxy or a broken connection left behind.

Bodies come in many shapes: the API's own, FastAPI's, a bare string, a page of HTML. Sources: the API's error-codes
guide, recorded bodies, issue threads of compatible servers; all seen 2026-11-21.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, cast

from ..wire.json_values import SURROGATES, as_object, as_objects
from ..wire.types import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong with one attempt, in no service's words but its own message.

    `status` is the HTTP status if there was a response, `headers` its own, with names in lower case; `retry_after_s`
    what the service asked us to wait.
    """

    kind: Literal["status", "event", "network", "timeout", "stream"]
    message: str
    status: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    retry_after_s: float | None = None
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)


class CallFailure(Exception):
    """Carries a `Failure` from where it was seen to where it is understood."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def scrub_failure(failure: Failure, scrub: Callable[[str], str]) -> Failure:
    """The failure without the credential: some proxies echo it in their errors."""
    texts = {key: getattr(failure, key) for key in ("message", "code", "type", "param", "request_id")}
    headers = {name: scrub(value) for name, value in failure.headers.items()}
    return replace(failure, headers=headers, **{key: scrub(text) for key, text in texts.items() if text})


def read_error_response(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """Read an error response.

    Args:
        status: HTTP status.
        body: parsed JSON, or the text when it is none.
        headers: response headers with lower-case names.
    """
    error = _find_error_object(body)
    message = error.get("message") or _summarize_body(body) or f"HTTP {status} without a message"
    message = f"{_truncate_text(message)}{_describe_content_filter(error)}"
    if 300 <= status < 400:
        message = f"HTTP {status}: the service redirects to {headers.get('location', 'nowhere')}"
    return Failure(
        kind="status",
        status=status,
        message=message,
        code=_read_short_text(error.get("code")),
        type=_read_short_text(error.get("type")),
        param=_read_short_text(error.get("param")),
        retry_after_s=read_retry_after_s(headers) or _read_reset_s(error, headers),
        request_id=next((headers[name] for name in _REQUEST_ID_HEADERS if headers.get(name)), None),
        headers=headers,
    )


_MAX_MESSAGE_CHARS, _MAX_PAGE_CHARS = 4000, 500
_TOKEN_CHARS = f"{string.ascii_letters}{string.digits}-._~+/="
_MAX_WAIT_S = 1e10

# The API's own, then those of gateways and edges in front of it. Sources: recorded responses, seen 2026-11-21.
_REQUEST_ID_HEADERS = ("x-request-id", "x-oai-request-id", "apim-request-id", "cf-ray")


def read_error_event(event: Event) -> Failure:
    """Read `response.failed` or `error`, whose fields are nested on the wire and flat in the SDK's type."""
    response = as_object(event.get("response"))
    nested = response.get("error") or event.get("error") or event
    error = as_object(nested) or {"message": str(nested)}
    message = error.get("message") or "the response failed and the service gave no reason"
    headers = as_object(error.get("headers") or event.get("headers"))
    return Failure(
        kind="event",
        status=_read_status(event.get("status") or event.get("status_code")),
        message=f"{_truncate_text(message)}{_describe_content_filter(error, response)}",
        code=_read_short_text(error.get("code")),
        type=_read_short_text(error.get("type") if error is not event else None),
        param=_read_short_text(error.get("param")),
        retry_after_s=read_retry_after_s(headers) or _read_reset_s(error, headers) or _parse_wait_s(str(message)),
        request_id=_read_short_text(response.get("id")),
    )


def read_retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: `retry-after-ms`, then `retry-after` as seconds or as a date against the response's own."""
    for name, scale in (("retry-after-ms", 1000.0), ("x-ms-retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return _limit_wait_s(float(value) / scale)
        except ValueError:
            until, now = _parse_date(value), _parse_date(headers.get("date", ""))
            if until and now:
                return max(0.0, (until - now).total_seconds())
    return None


def _parse_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


_WAIT_PATTERN = re.compile(r"try again in (?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9}(?:\.\d+)?)\s*(ms|s))?")


def _parse_wait_s(message: str) -> float | None:
    """Streams have no headers left: "Please try again in 6m0s." is all there is (recorded, rate_limit_exceeded)."""
    match = _WAIT_PATTERN.search(message)
    if not match or not any(match.groups()):
        return None
    hours, minutes, rest, unit = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0) * (0.001 if unit == "ms" else 1.0)


def _read_reset_s(error: dict[str, Any], headers: Mapping[str, str]) -> float | None:
    """Seconds until a plan's limit resets: told as such, or as Unix time against the response's own date."""
    if isinstance(seconds := error.get("resets_in_seconds"), int | float):
        return _limit_wait_s(seconds)
    now = _parse_date(headers.get("date", ""))
    if isinstance(at := error.get("resets_at"), int | float) and now:
        return _limit_wait_s(at - now.timestamp())
    return None


def _limit_wait_s(value: float) -> float | None:
    """A wait that somebody could keep; JSON and headers may also say NaN, infinity, or what is no number of seconds."""
    return max(0.0, float(value)) if value < _MAX_WAIT_S else None


def _find_error_object(body: object) -> dict[str, Any]:
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
        return {**found, **_join_validation_errors(as_objects(cast(object, detail)))}
    return {**found, "message": detail}


def _join_validation_errors(validation_errors: list[dict[str, Any]]) -> dict[str, Any]:
    """FastAPI's 422: `[{"loc": ["body", "include"], "msg": "Extra inputs are not permitted"}]`."""
    texts = [f"{_format_location(row)}: {row.get('msg')}" for row in validation_errors]
    return {"message": "; ".join(texts), "param": _format_location(validation_errors[0]) if validation_errors else None}


def _format_location(validation_error: dict[str, Any]) -> str:
    location = cast(list[object], validation_error.get("loc") or [])
    return ".".join(str(step) for step in location if step != "body")


def _describe_content_filter(*error_objects: dict[str, Any]) -> str:
    """What a content filter found: " (filtered: hate high, jailbreak)"; nothing where none says so.

    Sources: a filtered prompt is told in the error's `innererror.content_filter_result`, a filtered stream in
    `content_filter_result(s)` of the error or in `content_filters` of the response; recorded bodies, seen 2026-11-21.
    """
    found: dict[str, None] = {}
    for place in error_objects:
        holders = [place, as_object(place.get("innererror")), *as_objects(place.get("content_filters"))]
        for holder in holders:
            for key in ("content_filter_result", "content_filter_results"):
                for name, verdict in as_object(holder.get(key)).items():
                    if as_object(verdict).get("filtered"):
                        found[" ".join(filter(None, (name, _read_short_text(as_object(verdict).get("severity")))))] = (
                            None
                        )
    return f" (filtered: {', '.join(found)})" if found else ""


def _summarize_body(body: object) -> str:
    """A short text for a body that is not the API's JSON: a proxy's page is reduced to its title."""
    if not isinstance(body, str):
        return "" if body is None else _truncate_text(body, _MAX_PAGE_CHARS)
    title = re.search(r"<title[^<>]*>([^<]*)</title>", body, re.I)
    text = title[1] if title else re.sub(r"<[^<>]+>", " ", _truncate_text(body))
    marker = "Cloudflare: " if "cloudflare" in body.lower() and "cloudflare" not in text.lower() else ""
    return marker + _truncate_text(" ".join(text.split()), _MAX_PAGE_CHARS)


def _truncate_text(value: object, max_chars: int = _MAX_MESSAGE_CHARS) -> str:
    """So much of a message as anybody reads: some bodies are megabytes, and many patterns are tried on a message.

    It ends with a whole word, since half a credential that was echoed would not be known for one.
    """
    text = SURROGATES.sub("?", str(value))
    cut = text[:max_chars]
    return text if cut == text else cut.rstrip(_TOKEN_CHARS) or cut


def _read_short_text(value: object) -> str | None:
    return None if value is None or value == "" else _truncate_text(value, _MAX_PAGE_CHARS)


def _read_status(value: object) -> int | None:
    return value if isinstance(value, int) else None
