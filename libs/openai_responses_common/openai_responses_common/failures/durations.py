"""Durations: how long a service asks us to wait, and a duration as text for people.

Reads no clock: a date counts from the date of the same response.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# Three hundred years. JSON and headers may also hold infinity or a number that no clock can add.
_MAX_DURATION_S = 1e10

_WAIT_PATTERN = re.compile(
    r"(?:try again in|retry after|retry in) "
    r"(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s|i))?(?:(\d{1,9}(?:\.\d+)?)\s*(ms|s|min|h))?",
    re.I,
)
_SECONDS_BY_UNIT: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}

# Each header, and its units per second. LiteLLM passes the headers of its upstream on with a prefix (run 2026-11-30).
_RETRY_HEADERS: tuple[tuple[str, float], ...] = (
    ("retry-after-ms", 1000.0),
    ("x-ms-retry-after-ms", 1000.0),
    ("retry-after", 1.0),
    ("llm_provider-retry-after-ms", 1000.0),
    ("llm_provider-retry-after", 1.0),
)


def format_duration(duration_s: float) -> str:
    """Return a duration in days, hours and minutes, rounded up to a minute: "1 d 2 h 5 min"."""
    minutes = math.ceil(duration_s / 60)
    units = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return " ".join(f"{count} {unit}" for count, unit in units if count)


def parse_seconds(value: object) -> float | None:
    """Return a number of seconds from a number or its text; a negative number gives 0.

    None if the value is not a number, or a number that nobody can wait for.
    """
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return max(0.0, seconds) if seconds < _MAX_DURATION_S else None


def read_retry_after_s(headers: Mapping[str, Any]) -> float | None:
    """Return the seconds to wait from `retry-after-ms`, or from `retry-after` as seconds or as a date.

    None if no header can be read.
    """
    for name, units_per_s in _RETRY_HEADERS:
        value = headers.get(name)
        if value is None:
            continue
        if (duration := parse_seconds(value)) is not None:
            return duration / units_per_s
        until, now = parse_date(value), parse_date(headers.get("date"))
        if until and now:
            return max(0.0, (until - now).total_seconds())
    return None


def read_reset_s(error: Mapping[str, Any], headers: Mapping[str, Any]) -> float | None:
    """Return the seconds until the limit of a plan resets, from `resets_in_seconds` or the Unix time `resets_at`.

    None if the error object has neither, or if the response has no date to count from.
    """
    if (duration := parse_seconds(error.get("resets_in_seconds"))) is not None:
        return duration
    reset_at, now = parse_seconds(error.get("resets_at")), parse_date(headers.get("date"))
    return max(0.0, reset_at - now.timestamp()) if reset_at is not None and now else None


def parse_wait_s(message: str) -> float | None:
    """Return the seconds to wait from a message such as "Please try again in 6m0s."; None if it holds no such text.

    A stream has sent its headers before it fails, so the message alone says it (recorded, `rate_limit_exceeded`).
    """
    match = _WAIT_PATTERN.search(message)
    if not match or not any(match.groups()):
        return None
    hours, minutes, rest, unit = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0) * _SECONDS_BY_UNIT[(unit or "s").lower()]


def parse_date(value: object) -> datetime | None:
    """Return the time that a header names. None if it is not a date: in an error event it may have any type."""
    if not isinstance(value, str):
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
