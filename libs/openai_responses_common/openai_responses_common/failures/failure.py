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

from ..wire.json_values import HALVES, record, records
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


def scrubbed(failure: Failure, scrub: Callable[[str], str]) -> Failure:
    """The failure without the credential: some proxies echo it in their errors."""
    texts = {key: getattr(failure, key) for key in ("message", "code", "type", "param", "request_id")}
    headers = {name: scrub(value) for name, value in failure.headers.items()}
    return replace(failure, headers=headers, **{key: scrub(text) for key, text in texts.items() if text})


def failure_from_status(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """Read an error response.

    Args:
        status: HTTP status.
        body: parsed JSON, or the text when it is none.
        headers: response headers with lower-case names.
    """
    error = _error_object(body)
    message = error.get("message") or _text_of(body) or f"HTTP {status} without a message"
    message = f"{_short(message)}{_filtered(error)}"
    if 300 <= status < 400:
        message = f"HTTP {status}: the service redirects to {headers.get('location', 'nowhere')}"
    return Failure(
        kind="status",
        status=status,
        message=message,
        code=_word(error.get("code")),
        type=_word(error.get("type")),
        param=_word(error.get("param")),
        retry_after_s=retry_after_s(headers) or _reset_s(error, headers),
        request_id=next((headers[name] for name in _REQUEST_IDS if headers.get(name)), None),
        headers=headers,
    )


_LONGEST, _PAGE = 4000, 500
_OF_TOKENS = f"{string.ascii_letters}{string.digits}-._~+/="
_FOREVER_S = 1e10

# The API's own, then those of gateways and edges in front of it. Sources: recorded responses, seen 2026-11-21.
_REQUEST_IDS = ("x-request-id", "x-oai-request-id", "apim-request-id", "cf-ray")


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
        message=f"{_short(message)}{_filtered(error, response)}",
        code=_word(error.get("code")),
        type=_word(error.get("type") if error is not event else None),
        param=_word(error.get("param")),
        retry_after_s=retry_after_s(headers) or _reset_s(error, headers) or _wait_in_words(str(message)),
        request_id=_word(response.get("id")),
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: `retry-after-ms`, then `retry-after` as seconds or as a date against the response's own."""
    for name, scale in (("retry-after-ms", 1000.0), ("x-ms-retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return _seconds(float(value) / scale)
        except ValueError:
            until, now = _date(value), _date(headers.get("date", ""))
            if until and now:
                return max(0.0, (until - now).total_seconds())
    return None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


_WAIT = re.compile(r"try again in (?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9}(?:\.\d+)?)\s*(ms|s))?")


def _wait_in_words(message: str) -> float | None:
    """Streams have no headers left: "Please try again in 6m0s." is all there is (recorded, rate_limit_exceeded)."""
    match = _WAIT.search(message)
    if not match or not any(match.groups()):
        return None
    hours, minutes, rest, unit = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0) * (0.001 if unit == "ms" else 1.0)


def _reset_s(error: dict[str, Any], headers: Mapping[str, str]) -> float | None:
    """Seconds until a plan's limit resets: told as such, or as Unix time against the response's own date."""
    if isinstance(seconds := error.get("resets_in_seconds"), int | float):
        return _seconds(seconds)
    now = _date(headers.get("date", ""))
    if isinstance(at := error.get("resets_at"), int | float) and now:
        return _seconds(at - now.timestamp())
    return None


def _seconds(value: float) -> float | None:
    """A wait that somebody could keep; JSON and headers may also say NaN, infinity, or what is no number of seconds."""
    return max(0.0, float(value)) if value < _FOREVER_S else None


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


def _filtered(*places: dict[str, Any]) -> str:
    """What a content filter found: " (filtered: hate high, jailbreak)"; nothing where none says so.

    Sources: a filtered prompt is told in the error's `innererror.content_filter_result`, a filtered stream in
    `content_filter_result(s)` of the error or in `content_filters` of the response; recorded bodies, seen 2026-11-21.
    """
    found: dict[str, None] = {}
    for place in places:
        holders = [place, record(place.get("innererror")), *records(place.get("content_filters"))]
        for holder in holders:
            for key in ("content_filter_result", "content_filter_results"):
                for name, verdict in record(holder.get(key)).items():
                    if record(verdict).get("filtered"):
                        found[" ".join(filter(None, (name, _word(record(verdict).get("severity")))))] = None
    return f" (filtered: {', '.join(found)})" if found else ""


def _text_of(body: object) -> str:
    """A short text for a body that is not the API's JSON: a proxy's page is reduced to its title."""
    if not isinstance(body, str):
        return "" if body is None else _short(body, _PAGE)
    title = re.search(r"<title[^<>]*>([^<]*)</title>", body, re.I)
    text = title[1] if title else re.sub(r"<[^<>]+>", " ", _short(body))
    marker = "Cloudflare: " if "cloudflare" in body.lower() and "cloudflare" not in text.lower() else ""
    return marker + _short(" ".join(text.split()), _PAGE)


def _short(message: object, longest: int = _LONGEST) -> str:
    """So much of a message as anybody reads: some bodies are megabytes, and many patterns are tried on a message.

    It ends with a whole word, since half a credential that was echoed would not be known for one.
    """
    text = HALVES.sub("?", str(message))
    cut = text[:longest]
    return text if cut == text else cut.rstrip(_OF_TOKENS) or cut


def _word(value: object) -> str | None:
    return None if value is None or value == "" else _short(value, _PAGE)


def _status(value: object) -> int | None:
    return value if isinstance(value, int) else None
