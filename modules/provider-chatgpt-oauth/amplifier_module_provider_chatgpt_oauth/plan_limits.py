"""Describes for a user how much of a plan is used, from the document of the service about it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from openai_responses_common.failures.durations import format_duration
from openai_responses_common.wire.json_values import as_object, as_objects

from .quirks import LIMIT_WINDOWS

# A window is named by its length in minutes, because its position in the document has no meaning.
_WINDOW_NAMES = {300: "5 hours", 1440: "day", 10_080: "week", 43_200: "month"}


def describe_usage(usage: Mapping[str, Any]) -> dict[str, str]:
    """Describe a usage document for a user: one line per limit, by name."""
    details = _describe_limit("", as_object(usage.get("rate_limit")))
    for more in as_objects(usage.get("additional_rate_limits")):
        details |= _describe_limit(
            f"{more.get('limit_name') or more.get('metered_feature')}, ", as_object(more.get("rate_limit"))
        )
    paid = as_object(usage.get("credits"))
    if paid.get("unlimited") is True:
        details["credits"] = "unlimited"
    elif paid.get("has_credits") is True:
        details["credits"] = str(paid.get("balance"))
    if reached := as_object(usage.get("rate_limit_reached_type")).get("type"):
        details["limit reached"] = str(reached)
    return details


def _describe_limit(prefix: str, limit: Mapping[str, Any]) -> dict[str, str]:
    windows: dict[int, dict[str, Any]] = {}
    for name in LIMIT_WINDOWS:
        if window := as_object(limit.get(f"{name}_window")):
            windows[int(window.get("limit_window_seconds") or 0) // 60] = window
    return {
        f"limit per {prefix}{_WINDOW_NAMES.get(minutes) or format_duration(minutes * 60.0)}": _describe_window(
            windows[minutes]
        )
        for minutes in sorted(windows)
    }


def _describe_window(window: Mapping[str, Any]) -> str:
    used = f"{window.get('used_percent')} % used"
    left_s = window.get("reset_after_seconds")
    if not isinstance(left_s, int | float):
        return used
    at = time.strftime("%a %H:%M", time.localtime(time.time() + left_s))
    return f"{used}, resets in {format_duration(left_s)} ({at})"
