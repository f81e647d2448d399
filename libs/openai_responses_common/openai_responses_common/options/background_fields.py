"""Reads the setting `background_options`."""

from __future__ import annotations

from typing import Any

from .readers import json_object, lower_text

COMPLETION_WINDOWS = ("soonest", "2h", "8h")
"""The completion windows of the background. Source: the types of openai 3.57.0, seen 2026-12-01."""


def background_fields(value: object) -> dict[str, Any]:
    """Return `{completion_window, continuation_id}`; the window may stand alone."""
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        value = {"completion_window": lower_text(value)}
    expected = f"{{completion_window: one of {', '.join(COMPLETION_WINDOWS)}, continuation_id: a text}}"
    fields = json_object(value)
    is_known = fields.keys() <= {"completion_window", "continuation_id"}
    window, continuation_id = (fields.get(key) for key in ("completion_window", "continuation_id"))
    if not is_known or window not in (None, *COMPLETION_WINDOWS) or not isinstance(continuation_id, str | None):
        raise ValueError(expected)
    return {key: entry for key, entry in fields.items() if entry is not None}
