"""How much of a plan is used: the table of headers and of the stream's event, and the words for a person.

Sources: header names as recorded on 2026-05-21; the event and the usage document as OpenAI's own client reads them
(rate_limits.rs, backend-client), seen 2026-11-21.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from openai_responses_common import LimitTable
from openai_responses_common.failures.durations import format_duration
from openai_responses_common.wire.json_values import as_object, as_objects

LIMIT_WINDOWS = ("primary", "secondary")
_CREDIT_FIELDS = ("has_credits", "unlimited", "balance")

LIMIT_TABLE = LimitTable(
    headers={
        "plan": "x-codex-plan-type",
        **{f"{window}_used_percent": f"x-codex-{window}-used-percent" for window in LIMIT_WINDOWS},
        **{f"{window}_window_minutes": f"x-codex-{window}-window-minutes" for window in LIMIT_WINDOWS},
        **{f"{window}_resets_at": f"x-codex-{window}-reset-at" for window in LIMIT_WINDOWS},
        **{f"credits_{what}": f"x-codex-credits-{what.replace('_', '-')}" for what in _CREDIT_FIELDS},
    },
    event="codex.rate_limits",
    event_fields={
        "plan": ("plan_type",),
        **{f"{window}_used_percent": ("rate_limits", window, "used_percent") for window in LIMIT_WINDOWS},
        **{f"{window}_window_minutes": ("rate_limits", window, "window_minutes") for window in LIMIT_WINDOWS},
        **{f"{window}_resets_at": ("rate_limits", window, "reset_at") for window in LIMIT_WINDOWS},
        **{f"credits_{what}": ("credits", what) for what in _CREDIT_FIELDS},
    },
)

# Which slot a window is told in says nothing: its length does.
_WINDOW_NAMES = {300: "5 hours", 1440: "day", 10_080: "week", 43_200: "month"}


def describe_usage(usage: Mapping[str, Any]) -> dict[str, str]:
    """A usage document as lines for a person, each with its name."""
    found = _describe_limit("", as_object(usage.get("rate_limit")))
    for more in as_objects(usage.get("additional_rate_limits")):
        found |= _describe_limit(
            f"{more.get('limit_name') or more.get('metered_feature')}, ", as_object(more.get("rate_limit"))
        )
    paid = as_object(usage.get("credits"))
    if paid.get("unlimited") is True:
        found["credits"] = "unlimited"
    elif paid.get("has_credits") is True:
        found["credits"] = str(paid.get("balance"))
    if reached := as_object(usage.get("rate_limit_reached_type")).get("type"):
        found["limit reached"] = str(reached)
    return found


def _describe_limit(prefix: str, limit: Mapping[str, Any]) -> dict[str, str]:
    found: dict[int, dict[str, Any]] = {}
    for slot in LIMIT_WINDOWS:
        if window := as_object(limit.get(f"{slot}_window")):
            found[int(window.get("limit_window_seconds") or 0) // 60] = window
    return {
        f"limit per {prefix}{_WINDOW_NAMES.get(minutes) or format_duration(minutes * 60.0)}": _describe_window(
            found[minutes]
        )
        for minutes in sorted(found)
    }


def _describe_window(window: Mapping[str, Any]) -> str:
    used = f"{window.get('used_percent')} % used"
    left_s = window.get("reset_after_seconds")
    if not isinstance(left_s, int | float):
        return used
    at = time.strftime("%a %H:%M", time.localtime(time.time() + left_s))
    return f"{used}, resets in {format_duration(left_s)} ({at})"
