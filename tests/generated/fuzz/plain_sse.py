"""A second reader of event streams, written line by line from the rules of the HTML standard, whole bytes in.

It shares nothing with the library. What the library does otherwise on purpose is said where it happens.
"""

from __future__ import annotations

import json
import re
from typing import Any

# The service repeats the whole request in these; the library does not parse them.
_KINDS = {"type": str, "delta": str, "output_index": int, "content_index": int, "summary_index": int}
ECHOES = frozenset({"response.created", "response.in_progress", "response.queued"})


class NotJson(ValueError):
    """An event is no JSON object: the events before it, and nothing after it."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        super().__init__("an event is no JSON object")
        self.events = events


def read(stream: bytes) -> list[dict[str, Any]]:
    """The events of a whole stream.

    Raises:
        NotJson: see there.
    """
    text = stream.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    events: list[dict[str, Any]] = []
    data: list[str] = []
    name = ""
    # The standard throws away what no blank line ended; some servers end without one, so that end counts as one.
    for line in [*re.split("\r\n|\n|\r", text), ""]:
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data.append(value)
            elif field == "event":
                name = value
            continue
        if data:
            event = _event(name, "\n".join(data), events)
            if event is not None:
                events.append(event)
        data, name = [], ""
    return events


def _event(name: str, data: str, before: list[dict[str, Any]]) -> dict[str, Any] | None:
    if data.strip(" \t\n\r\x0b\x0c") in {"", "[DONE]"} or name in ECHOES:
        return None
    try:
        event = _with_whole_characters(json.loads(data.encode("utf-8", "surrogateescape").decode("utf-8")))
    except (ValueError, RecursionError):
        # Only the first words of an echo are looked at, so that it may be broken.
        found = re.match(r'\s*\{\s*"type"\s*:\s*"([^"\\]*)"', data)
        if not name and found and found[1] in ECHOES:
            return None
        raise NotJson(before) from None
    if not isinstance(event, dict):
        raise NotJson(before)
    found = re.match(r'\s*\{\s*"type"\s*:\s*"([^"\\]*)"', data)
    if not name and found and found[1] in ECHOES:
        return None
    # The library drops these where they are something else, as if they were left out.
    for key, kind in _KINDS.items():
        if key in event and not isinstance(event[key], kind):
            del event[key]
    if "type" not in event:
        event["type"] = name or ("error" if "error" in event else "")
    return event


def _with_whole_characters(value: Any) -> Any:
    """The library puts U+FFFD for halves of surrogate pairs, which no hook and no file would take."""
    match value:
        case str():
            return re.sub("[\ud800-\udfff]", "\ufffd", value)
        case dict():
            return {_with_whole_characters(key): _with_whole_characters(each) for key, each in value.items()}
        case list():
            return [_with_whole_characters(each) for each in value]
        case _:
            return value
