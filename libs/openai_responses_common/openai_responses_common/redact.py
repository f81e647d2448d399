"""What leaves in an event: no secrets, and no pictures by the megabyte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from amplifier_core.utils import SENSITIVE_KEYS

_SECRET_KEYS = SENSITIVE_KEYS | {
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "x-api-key",
    "proxy-authorization",
    "cookie",
    "set-cookie",
}
_LONG_DATA_URL = 1024


def redact(value: Any, *, longest: int | None = None) -> Any:
    """A copy with the values of secret-bearing keys hidden and data URLs cut.

    Args:
        value: plain JSON.
        longest: also cut every string to this many characters.
    """
    if isinstance(value, Mapping):
        items = cast(Mapping[Any, Any], value).items()
        return {key: "[REDACTED]" if _is_secret(key, entry) else redact(entry, longest=longest) for key, entry in items}
    if isinstance(value, list):
        return [redact(entry, longest=longest) for entry in cast(list[Any], value)]
    if isinstance(value, str):
        limit = _LONG_DATA_URL if value.startswith("data:") else longest
        if limit is not None and len(value) > limit:
            return f"{value[: min(limit, 64) if limit == _LONG_DATA_URL else limit]}… ({len(value)} characters)"
    return value


def _is_secret(key: object, value: object) -> bool:
    return isinstance(key, str) and key.lower() in _SECRET_KEYS and value is not None
