"""The rate limits that a service reports, in the headers of its responses and in an event of their streams."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..facts.backend_profile import LimitTable
from ..wire.json_values import as_object
from ..wire.types import Event

_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")


class RateLimits:
    """The limits of one call.

    Args:
        table: where the service reports them.
        scrub: removes the credential from a text.
    """

    def __init__(self, table: LimitTable, scrub: Callable[[str], str]) -> None:
        self._table = table
        self._scrub = scrub
        self._event_limits: dict[str, Any] = {}

    def read_event(self, event: Event) -> None:
        """Read the limits from an event of the stream, if it is the one that carries them."""
        if event["type"] != self._table.event:
            return
        for key, path in self._table.event_fields.items():
            value: Any = event
            for step in path:
                value = as_object(value).get(step)
            if isinstance(value, str | int | float):
                self._event_limits[key] = value

    def collect(self, headers: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the newest limits by name; None if the service reports none.

        Args:
            headers: those of the newest response, with names in lower case.
        """
        from_headers = {
            key: _parse_number(self._scrub(headers[name]))
            for key, name in self._table.headers.items()
            if name in headers
        }
        return {**from_headers, **self._event_limits} or None

    def describe_fullest(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the name, the rest and the size of the limit that is closest to its end; see `collect`."""
        limits = self.collect(headers) or {}
        percents = {key: value for key, value in limits.items() if key.endswith("_used_percent") and _is_number(value)}
        if percents:
            fullest = max(percents, key=lambda key: percents[key])
            minutes = limits.get(fullest.replace("_used_percent", "_window_minutes"))
            dimension = f"{minutes} minutes" if minutes else fullest.removesuffix("_used_percent")
            return {"dimension": dimension, "remaining": max(0, 100 - percents[fullest]), "limit": 100}
        dimension = "tokens" if str(limits.get("tokens_remaining")) == "0" else "requests"
        return {
            "dimension": dimension,
            "remaining": limits.get(f"{dimension}_remaining"),
            "limit": limits.get(f"{dimension}_limit"),
        }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parse_number(text: str) -> int | float | str:
    return int(text) if text.isdecimal() else float(text) if _DECIMAL.fullmatch(text) else text
