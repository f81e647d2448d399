"""Reads a `Failure` from what a service or a proxy sent: an error response, or an error inside a stream.

An error body has many shapes: the API's own, FastAPI's, a bare string, an HTML page. None of them makes the reader
fail. Sources: the API's error-codes guide, recorded bodies, issue threads of compatible servers; all seen 2026-11-21.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from typing import Any, cast

from ..wire.json_values import SURROGATES, as_object, as_objects, loads_or_text
from ..wire.types import Event
from ._wrapped import find_error_object, unwrap_error
from .durations import parse_wait_s, read_reset_s, read_retry_after_s
from .failure import Failure

_MAX_MESSAGE_CHARS, _MAX_PAGE_CHARS, _MAX_REQUEST_ID_CHARS = 4000, 500, 100
_PAGE_NOTE = "a page instead of JSON"
_TOKEN_CHARS = f"{string.ascii_letters}{string.digits}-._~+/="

# The header of the gateway whose operator the user knows, the API's own, and those of edges in front of it. Sources:
# recorded responses, seen 2026-11-21 and 2026-11-30.
_REQUEST_ID_HEADERS = ("x-litellm-call-id", "x-request-id", "x-oai-request-id", "apim-request-id", "cf-ray")


def read_error_response(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """Return the failure that an error response describes.

    Args:
        status: the HTTP status.
        body: the parsed JSON, or the text if the body is not JSON.
        headers: the response headers, with names in lower case.
    """
    error = _join_details(unwrap_error(find_error_object(_read_stream_text(body))))
    if 300 <= status < 400:
        location = _remove_secrets(headers.get("location", "")) or "an address that it does not name"
        message = f"HTTP {status}: the service redirects to {location}"
    else:
        reason = error.get("message")
        if isinstance(reason, str) and reason.lstrip().startswith("<"):  # a gateway's page in the place of a text
            reason = _summarize_body(status, reason)
        text = reason or _describe_code(status, error) or _summarize_body(status, body)
        message = _truncate_text(text or f"the service responded with HTTP {status} and no message")
        message += _describe_content_filter(error)
    return Failure(
        kind="status",
        status=status,
        message=message,
        code=_read_short_text(error.get("code")),
        type=_read_short_text(error.get("type")),
        param=_read_short_text(error.get("param")),
        retry_after_s=read_retry_after_s(headers) or read_reset_s(error, headers) or _read_wait_s(status, message),
        request_id=_read_request_id(headers),
        headers=headers,
    )


def read_error_event(event: Event, headers: Mapping[str, str] | None = None) -> Failure:
    """Return the failure that a `response.failed` or `error` event describes.

    The fields of an `error` event are nested on the wire and flat in the SDK's type. Some gateways send the HTTP status
    of their upstream as the code.

    Args:
        event: the event.
        headers: those of the response that the event belongs to, with names in lower case; none by default.
    """
    response_headers = headers or {}
    response = as_object(event.get("response"))
    nested = response.get("error") or event.get("error") or event
    error = _join_details(unwrap_error(as_object(nested) or {"message": str(nested)}))
    message = error.get("message") or "the response failed and the service gave no reason"
    event_headers = as_object(error.get("headers") or event.get("headers"))
    return Failure(
        kind="event",
        status=_read_status(event.get("status") or event.get("status_code")) or _read_status_code(error.get("code")),
        message=f"{_truncate_text(message)}{_describe_content_filter(error, response)}",
        code=_read_short_text(error.get("code")),
        type=_read_short_text(error.get("type") if error is not event else None),
        param=_read_short_text(error.get("param")),
        retry_after_s=read_retry_after_s(event_headers)
        or read_reset_s(error, event_headers)
        or parse_wait_s(str(message))
        or read_retry_after_s(response_headers),
        request_id=_read_request_id({"x-request-id": str(response.get("id") or "")})
        or _read_request_id(response_headers),
    )


def read_error_frame(event: Event, headers: Mapping[str, str]) -> Failure | None:
    """Return the failure that an `error` frame of a WebSocket describes, as the error response over HTTP would be read.

    None for another event, and for an `error` event as it stands in a stream, which has no status. The headers stand in
    the frame or in its error. Sources: the API's guide, a capture of OpenAI's own client, and an older name of the
    status, seen 2026-11-30.

    Args:
        event: the frame.
        headers: of the response as far as they are known, with names in lower case.
    """
    status = next(filter(None, (_read_status_code(event.get(key)) for key in ("status", "status_code"))), None)
    if event.get("type") != "error" or status is None:
        return None
    error_fields = as_object(event.get("error"))
    frame_headers = {**as_object(event.get("headers")), **as_object(error_fields.get("headers"))}
    all_headers = {**headers, **{str(name).lower(): str(value) for name, value in frame_headers.items()}}
    body = {key: value for key, value in event.items() if key not in _FRAME_KEYS}
    if error_fields:
        body["error"] = {key: value for key, value in error_fields.items() if key != "headers"}
    return read_error_response(status, body, all_headers)


_FRAME_KEYS = frozenset({"type", "status", "status_code", "headers", "stream_id"})


def _remove_secrets(address: str) -> str:
    """Return scheme, host and path of an address: a user, a query and a fragment may be secret."""
    return re.sub(r"[^/\\]*@", "", re.split(r"[?#]", address)[0])


def _read_stream_text(body: object) -> object:
    """Return the JSON of an error that a gateway sent as the text of a stream, although the status says that it failed.

    Source: LiteLLM 1.108 at status 500 (run 2026-11-30).
    """
    if not isinstance(body, str) or not body.startswith(("data:", "event:")):
        return body
    data = "\n".join(line.removeprefix("data:") for line in body.splitlines() if line.startswith("data:"))
    return loads_or_text(data)


def _join_details(error: dict[str, Any]) -> dict[str, Any]:
    """Return an error whose message is under `detail`, as a text or as the list of FastAPI's 422."""
    detail: object = error.get("detail")
    if error.get("message") or detail is None:
        return error
    if isinstance(detail, list):
        return {**error, **_join_validation_errors(as_objects(cast(object, detail)))}
    return {**error, "message": detail}


def _describe_code(status: int, error: dict[str, Any]) -> str:
    """Return a message for an error that consists of its code; empty if it has none."""
    code: object = error.get("code") or error.get("type")
    is_alone = isinstance(code, str) and not error.keys() - {"message", "code", "type", "param"}
    return f"the service responded with HTTP {status} and the code {code}" if is_alone else ""


def _read_request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id of a request that fits in a message; some gateways make ids of hundreds of characters."""
    request_ids = (headers.get(name) for name in _REQUEST_ID_HEADERS)
    return next((value for value in request_ids if value and len(value) <= _MAX_REQUEST_ID_CHARS), None)


def _read_wait_s(status: int, message: str) -> float | None:
    """Return the wait that a message asks for, if the status says that waiting helps."""
    return parse_wait_s(message) if status in (429, 503) else None


def _join_validation_errors(validation_errors: list[dict[str, Any]]) -> dict[str, Any]:
    """Return message and param of FastAPI's 422.

    Its `detail` is a list: `[{"loc": ["body", "include"], "msg": "Extra inputs are not permitted"}]`.
    """
    texts = [f"{_format_location(row)}: {row.get('msg')}" for row in validation_errors]
    first = _list_steps(validation_errors[0]) if validation_errors else []
    return {"message": "; ".join(texts), "param": ".".join(filter(_PATH_STEP_PATTERN.fullmatch, first)) or None}


# The other steps are names of pydantic's types.
_PATH_STEP_PATTERN = re.compile(r"[a-z_][a-z0-9_]*|[0-9]+")


def _format_location(validation_error: dict[str, Any]) -> str:
    return ".".join(_list_steps(validation_error))


def _list_steps(validation_error: dict[str, Any]) -> list[str]:
    location = validation_error.get("loc")
    steps = cast(list[object], location) if isinstance(location, list) else []
    return [str(step) for step in steps if step != "body"]


def _describe_content_filter(*objects: dict[str, Any]) -> str:
    """Return the categories that a content filter reports, as " (filtered: hate high, jailbreak)"; else no text.

    Sources: a filtered prompt is reported in the error's `innererror.content_filter_result`, a filtered stream in
    `content_filter_result(s)` of the error or in `content_filters` of the response; recorded bodies, seen 2026-11-21.
    """
    categories = dict.fromkeys(category for each in objects for category in _list_filtered_categories(each))
    return f" (filtered: {', '.join(categories)})" if categories else ""


def _list_filtered_categories(error_or_response: dict[str, Any]) -> Iterator[str]:
    inner_error = as_object(error_or_response.get("innererror"))
    for holder in [error_or_response, inner_error, *as_objects(error_or_response.get("content_filters"))]:
        for key in ("content_filter_result", "content_filter_results"):
            for category, verdict in as_object(holder.get(key)).items():
                if as_object(verdict).get("filtered"):
                    severity = _read_short_text(as_object(verdict).get("severity"))
                    yield f"{category} {severity}" if severity else category


def _summarize_body(status: int, body: object) -> str:
    """Return a short text for a body that is not the API's JSON."""
    if not isinstance(body, str):
        return "" if body is None else _truncate_text(body, _MAX_PAGE_CHARS)
    page = read_page(body)
    return f"{page} (HTTP {status}, {_PAGE_NOTE})".lstrip() if body.lstrip().startswith("<") else page


def is_page(failure: Failure) -> bool:
    """Return whether the response was a page, which no service of this API sends."""
    return failure.message.endswith(f", {_PAGE_NOTE})")


def read_page(body: str) -> str:
    """Return a short text for a page: its title, or else the start of its text."""
    title = re.search(r"<title[^<>]*>([^<]*)</title>", body, re.I)
    text = title[1] if title else re.sub(r"<[^<>]+>", " ", _truncate_text(body))
    prefix = "Cloudflare: " if "cloudflare" in body.lower() and "cloudflare" not in text.lower() else ""
    return prefix + _truncate_text(" ".join(text.split()), _MAX_PAGE_CHARS)


def _truncate_text(value: object, max_chars: int = _MAX_MESSAGE_CHARS) -> str:
    """Return the start of a text, because some bodies are megabytes and many patterns search a message.

    It ends with a whole word: half of an echoed credential would not be recognised as the credential.
    """
    text = SURROGATES.sub("?", str(value))
    start = text[:max_chars]
    return text if start == text else start.rstrip(_TOKEN_CHARS) or start


def _read_short_text(value: object) -> str | None:
    return None if value is None or value == "" else _truncate_text(value, _MAX_PAGE_CHARS)


def _read_status(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _read_status_code(code: object) -> int | None:
    """Return a code that is the status of an HTTP error, as a number or its text."""
    text = str(code)
    return int(text) if text.isascii() and text.isdecimal() and len(text) == 3 and "400" <= text <= "599" else None
