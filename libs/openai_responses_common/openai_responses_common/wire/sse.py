"""Reads server-sent events: bytes in, events out, wherever the bytes are cut.

Only CR, LF and CRLF end a line; U+2028, U+2029 and U+0085 are ordinary characters inside JSON strings, so
neither `str.splitlines` nor the line iterator of an HTTP client would do. No cost grows with the number of pieces in
which an event arrives.
"""

from __future__ import annotations

import re
from typing import cast

from .json_values import loads
from .types import Event

# Each of these echoes the whole request: some 100 kB with 40 tools. The terminal event repeats what matters.
_ECHO_EVENT_TYPES = frozenset({b"response.created", b"response.in_progress", b"response.queued"})


# The types of the fields that we read. A number may be written as a text; another value of another type counts as left
# out.
_FIELD_TYPES = {"type": str, "delta": str, "output_index": int, "content_index": int, "summary_index": int}


# Data without an event: a keep-alive, and the text with which some servers end a stream.
_EMPTY_DATA = frozenset({b"", b"[DONE]"})


_TYPE_PATTERN = re.compile(rb'\s*\{\s*"type"\s*:\s*"([^"\\]*)"')


class MalformedEvent(ValueError):
    """An event's data is not a JSON object."""


class SseDecoder:
    """Collects bytes and returns the events that they complete.

    Args:
        keeps_echoes: whether events that echo the request are returned, for the id of the response; false by default.
    """

    def __init__(self, *, keeps_echoes: bool = False) -> None:
        self._keeps_echoes = keeps_echoes
        self._line_pieces: list[bytes] = []
        self._event_type = b""
        self._data_lines: list[bytes] = []
        self._ends_with_cr = False
        self._at_stream_start = True
        self._error: MalformedEvent | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that the next bytes complete.

        Raises:
            MalformedEvent: the data of an event is not a JSON object. If events come before it in the same bytes, this
                call returns them and the next one raises, because one of them may have ended the response.
        """
        if self._error:
            raise self._error
        events: list[Event] = []
        for line in self._split_lines(chunk):
            if line:
                name, _, value = line.partition(b":")
                if name == b"data":
                    self._data_lines.append(value.removeprefix(b" "))
                elif name == b"event":
                    self._event_type = value.removeprefix(b" ")
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
        """Return the events that the end of the stream completes: some servers close without the last blank line."""
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

    def _complete_event(self) -> Event | None:
        name, self._event_type = self._event_type, b""
        if not self._data_lines:
            return None
        data = self._data_lines[0] if len(self._data_lines) == 1 else b"\n".join(self._data_lines)
        self._data_lines.clear()
        return parse_event(name, data, keeps_echoes=self._keeps_echoes)


def read_event_type(data: bytes) -> bytes:
    """Return the type of an event whose data begins with it; empty if the data begins with anything else."""
    match = _TYPE_PATTERN.match(data)
    return match[1] if match else b""


def parse_event(event_type: bytes, data: bytes, *, keeps_echoes: bool = False) -> Event | None:
    """Return the event that the data holds. None for an empty event, and for one that only echoes the request.

    Args:
        event_type: what the stream says beside the data; empty if it says nothing.
        data: the JSON of the event.
        keeps_echoes: whether one that only echoes the request is returned, too; false by default.

    Raises:
        MalformedEvent: the data is not a JSON object.
    """
    event_type = event_type or read_event_type(data)
    is_echo = event_type in _ECHO_EVENT_TYPES and not keeps_echoes
    if is_echo or (not data.startswith(b"{") and data.strip() in _EMPTY_DATA):
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
        if key in event and not isinstance(value := event[key], kind):
            del event[key]
            if kind is int and isinstance(value, str) and value.isdecimal():
                event[key] = int(value)
    if "type" not in event:
        event["type"] = event_type.decode(errors="replace") or ("error" if "error" in event else "")
    return event
