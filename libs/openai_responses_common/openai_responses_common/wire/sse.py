"""Server-sent events: bytes in, events out, however the bytes were cut.

Only CR, LF and CRLF end a line; U+2028, U+2029 and U+0085 are ordinary characters inside JSON strings, which is why
no `str.splitlines` and no HTTP client's line iterator is used here. Nothing grows with the number of pieces in which
an event arrives.
"""

from __future__ import annotations

import re
from typing import cast

from .json_values import loads
from .types import Event

# The request is echoed back, whole, in each of these: some 100 kB with 40 tools. The terminal event says it all again.
_ECHO_EVENT_TYPES = frozenset({b"response.created", b"response.in_progress", b"response.queued"})


# What the fields that we read must be; one that is something else counts as left out.
_FIELD_TYPES = {"type": str, "delta": str, "output_index": int, "content_index": int, "summary_index": int}


# A sign of life without an event, and the word that some servers end with.
_EMPTY_DATA = frozenset({b"", b"[DONE]"})


_TYPE_PATTERN = re.compile(rb'\s*\{\s*"type"\s*:\s*"([^"\\]*)"')


class MalformedEvent(ValueError):
    """An event's data is not a JSON object."""


class SseDecoder:
    """Collects bytes and gives the events that are complete."""

    def __init__(self) -> None:
        self._line_pieces: list[bytes] = []
        self._event_type = b""
        self._data_lines: list[bytes] = []
        self._ends_with_cr = False
        self._at_stream_start = True
        self._error: MalformedEvent | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes; return the events that they complete.

        Raises:
            MalformedEvent: an event's data is not a JSON object. Events that came before it in the same bytes are
                given first: one of them may have ended the response.
        """
        if self._error:
            raise self._error
        events: list[Event] = []
        for line in self._split_lines(chunk):
            if line:
                self._read_field(line)
                continue
            try:
                event = self._complete_event()
            except MalformedEvent as error:
                if not events:
                    raise
                self._error = error
                break
            if event is not None:
                events.append(event)
        return events

    def finish(self) -> list[Event]:
        """The event that the end of the stream completes: some servers close without the last blank line."""
        events = self.feed(b"\n\n") if self._line_pieces or self._data_lines or self._error else []
        self._line_pieces.clear()
        return events

    def _split_lines(self, chunk: bytes) -> list[bytes]:
        if self._ends_with_cr and chunk:
            self._ends_with_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._ends_with_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *rest = chunk.split(b"\n")
        self._line_pieces.append(first)
        if not rest:
            return []
        line = b"".join(self._line_pieces)
        self._line_pieces = [rest.pop()]
        if self._at_stream_start:
            self._at_stream_start = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        return [line, *rest]

    def _read_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data_lines.append(value.removeprefix(b" "))
        elif name == b"event":
            self._event_type = value.removeprefix(b" ")

    def _complete_event(self) -> Event | None:
        name, self._event_type = self._event_type, b""
        if not self._data_lines:
            return None
        data = self._data_lines[0] if len(self._data_lines) == 1 else b"\n".join(self._data_lines)
        self._data_lines.clear()
        return _parse_event(name, data)


def _parse_event(event_type: bytes, data: bytes) -> Event | None:
    if not event_type and (match := _TYPE_PATTERN.match(data)):
        event_type = match[1]
    if event_type in _ECHO_EVENT_TYPES or data.strip() in _EMPTY_DATA:
        return None
    try:
        event = loads(data)
    except ValueError as error:
        raise MalformedEvent(
            f"event {event_type.decode(errors='replace') or '(unnamed)'} is not JSON: {error}"
        ) from None
    if not isinstance(event, dict):
        raise MalformedEvent(f"event {event_type.decode(errors='replace') or '(unnamed)'} is not a JSON object")
    event = cast(Event, event)
    for key, kind in _FIELD_TYPES.items():
        if key in event and not isinstance(event[key], kind):
            del event[key]
    if "type" not in event:
        event["type"] = event_type.decode(errors="replace") or ("error" if "error" in event else "")
    return event
