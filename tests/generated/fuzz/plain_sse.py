"""A second reader of event streams, written line by line from the rules of the HTML standard; it reads whole streams.

It shares nothing with the library. A comment stands where the library differs from the standard on purpose.
"""

from __future__ import annotations

import json
import re
from typing import Any

_FIELD_TYPES = {"type": str, "delta": str, "output_index": int, "content_index": int, "summary_index": int}
# The service repeats the whole request in these; the library does not parse them.
ECHOES = frozenset({"response.created", "response.in_progress", "response.queued"})


class MalformedEvent(ValueError):
    """The data of an event is not a JSON object.

    Attributes:
        events: the events before it.
    """

    def __init__(self, events: list[dict[str, Any]]) -> None:
        super().__init__("an event is not a JSON object")
        self.events = events


def read_events(stream: bytes, *, skipped_types: frozenset[str] = ECHOES) -> list[dict[str, Any]]:
    """Return the events of a whole stream.

    Args:
        stream: all of its bytes.
        skipped_types: the event types to leave out; the default is those that the library leaves out.

    Raises:
        MalformedEvent: the data of an event is not a JSON object.
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
            event = _parse_event(name, "\n".join(data), events, skipped_types)
            if event is not None:
                events.append(event)
        data, name = [], ""
    return events


def _parse_event(
    name: str, data: str, before: list[dict[str, Any]], skipped_types: frozenset[str]
) -> dict[str, Any] | None:
    if data.strip(" \t\n\r\x0b\x0c") in {"", "[DONE]"} or name in skipped_types:
        return None
    # The library looks only at the first bytes of an echo, so that the rest of it may be broken.
    match = re.match(r'\s*\{\s*"type"\s*:\s*"([^"\\]*)"', data)
    is_skipped = not name and match is not None and match[1] in skipped_types
    try:
        event = _replace_surrogates(json.loads(data.encode("utf-8", "surrogateescape").decode("utf-8")))
    except (ValueError, RecursionError):
        if is_skipped:
            return None
        raise MalformedEvent(before) from None
    if not isinstance(event, dict):
        raise MalformedEvent(before)
    if is_skipped:
        return None
    # The library drops these fields if they have another type.
    for key, kind in _FIELD_TYPES.items():
        if key in event and not isinstance(event[key], kind):
            del event[key]
    if "type" not in event:
        event["type"] = name or ("error" if "error" in event else "")
    return event


def _replace_surrogates(value: Any) -> Any:
    """Return the value as the library does, with U+FFFD for halves of surrogate pairs: hooks and files take no half."""
    match value:
        case str():
            return re.sub("[\ud800-\udfff]", "\ufffd", value)
        case dict():
            return {_replace_surrogates(key): _replace_surrogates(each) for key, each in value.items()}
        case list():
            return [_replace_surrogates(each) for each in value]
        case _:
            return value
