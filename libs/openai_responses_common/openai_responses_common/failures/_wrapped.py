"""Unwraps errors that a gateway received and passes on inside its own error.

Gateways put them into `error.metadata.raw` (OpenRouter) or, as JSON or as Python prints it, into the message (LiteLLM,
bridges). What is inside says what is wrong; what is outside says who passes it on. Sources: computer#293, zed#64424,
LiteLLM 1.108 and codex-relay 0.5 (run), seen 2026-11-30.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any, cast

from ..wire.json_values import as_object, is_too_deep

_MAX_LEVELS = 4
_MAX_CHARS = 20_000
_FIELDS = ("message", "code", "type", "param")


def find_error_object(body: object) -> dict[str, Any]:
    """Return the object with `message`, `code`, `type` and `param`, at whatever level a server puts it.

    An error object without a message has the validation errors of FastAPI, or a text, under `detail`.
    """
    if not isinstance(body, dict):
        return {}
    fields = cast(dict[str, Any], body)
    error: object = fields.get("error", fields)
    if not isinstance(error, dict):
        return {"message": error, "code": fields.get("code")}
    error_fields = cast(dict[str, Any], error)
    if isinstance(error_fields.get("error"), dict) and not error_fields.get("message"):
        error_fields = cast(dict[str, Any], error_fields["error"])
    detail: object = error_fields.get("detail")
    if error_fields.get("message") or not isinstance(detail, dict):
        return error_fields
    reason = cast(dict[str, Any], detail)
    # All that stands in a refusal of an expired token by the API's own edge (a client's probes, seen 2026-12-01).
    return {"code": reason["error_code"]} if reason.keys() == {"error_code"} else reason


def unwrap_error(error: dict[str, Any]) -> dict[str, Any]:
    """Return the error with the message, code, type and param of the innermost error, as far as it has them."""
    for _ in range(_MAX_LEVELS):
        inner, lead = _read_inner_error(error)
        if not inner:
            break
        merged = {name: inner.get(name) or error.get(name) for name in _FIELDS}
        merged["message"] = f"{lead}: {inner['message']}" if lead else inner["message"]
        error = {**error, **inner, **merged, "metadata": inner.get("metadata")}
    return error


def _read_inner_error(error: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the error inside an error, and the text that stands before it; an empty object if there is none."""
    metadata = as_object(error.get("metadata"))
    raw: object = metadata.get("raw")
    if raw:
        provider: object = metadata.get("provider_name")
        fields = as_object(raw)
        inner = find_error_object(fields) if fields else _parse_error(str(raw))[0]
        inner = _require_message(inner) or {"message": str(raw)}
        return inner, provider if isinstance(provider, str) else ""
    message: object = error.get("message")
    if not isinstance(message, str):
        return {}, ""
    inner, lead = _parse_error(message)
    return _require_message(inner), lead


def _require_message(error: dict[str, Any]) -> dict[str, Any]:
    return error if isinstance(error.get("message"), str) and error["message"] else {}


def _parse_error(text: str) -> tuple[dict[str, Any], str]:
    """Return the error object that a text holds, and the text before it.

    An object behind other words must have an error's form, because messages also quote what a request holds.
    """
    start = text.find("{")
    if start < 0 or len(text) > _MAX_CHARS:
        return {}, ""
    value = _parse_object(text[start:])
    lead = text[:start].removesuffix("b'").rstrip(" \n-:")
    is_error = bool(as_object(value).keys() & {"error", "code", "type"}) if lead else True
    return find_error_object(value) if is_error else {}, lead


def _parse_object(text: str) -> object:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text[: text.rfind("}") + 1])
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    return None if is_too_deep(value) else value
