"""Server-sent events: bytes in, events out, however the bytes were cut.

Only CR, LF and CRLF end a line; U+2028, U+2029 and U+0085 are ordinary characters inside JSON strings, which is why
no `str.splitlines` and no HTTP client's line iterator is used here. Nothing grows with the number of pieces in which
an event arrives.
"""

from __future__ import annotations

import re
from typing import cast

from .json_values import load
from .types import Event

# The request is echoed back, whole, in each of these: some 100 kB with 40 tools. The terminal event says it all again.
_ECHOES = frozenset({b"response.created", b"response.in_progress", b"response.queued"})


# What the fields that we read must be; one that is something else counts as left out.
_TYPES = {"type": str, "delta": str, "output_index": int, "content_index": int, "summary_index": int}


# A sign of life without an event, and the word that some servers end with.
_NOTHING = frozenset({b"", b"[DONE]"})


_TYPE = re.compile(rb'\s*\{\s*"type"\s*:\s*"([^"\\]*)"')


class MalformedEvent(ValueError):
    """An event's data is not a JSON object."""


class SseDecoder:
    """Collects bytes and gives the events that are complete."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._name = b""
        self._data: list[bytes] = []
        self._after_cr = False
        self._at_start = True
        self._broken: MalformedEvent | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes; return the events that they complete.

        Raises:
            MalformedEvent: an event's data is not a JSON object. Events that came before it in the same bytes are
                given first: one of them may have ended the response.
        """
        if self._broken:
            raise self._broken
        events: list[Event] = []
        for line in self._lines(chunk):
            if line:
                self._field(line)
                continue
            try:
                event = self._dispatch()
            except MalformedEvent as error:
                if not events:
                    raise
                self._broken = error
                break
            if event is not None:
                events.append(event)
        return events

    def finish(self) -> list[Event]:
        """The event that the end of the stream completes: some servers close without the last blank line."""
        events = self.feed(b"\n\n") if self._pending or self._data or self._broken else []
        self._pending.clear()
        return events

    def _lines(self, chunk: bytes) -> list[bytes]:
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *rest = chunk.split(b"\n")
        self._pending.append(first)
        if not rest:
            return []
        line = b"".join(self._pending)
        self._pending = [rest.pop()]
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        return [line, *rest]

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._name = value.removeprefix(b" ")

    def _dispatch(self) -> Event | None:
        name, self._name = self._name, b""
        if not self._data:
            return None
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        return _parse(name, data)


def _parse(name: bytes, data: bytes) -> Event | None:
    if not name and (match := _TYPE.match(data)):
        name = match[1]
    if name in _ECHOES or data.strip() in _NOTHING:
        return None
    try:
        event = load(data)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent(f"event {name.decode(errors='replace') or '(unnamed)'} is not JSON: {error}") from None
    if not isinstance(event, dict):
        raise MalformedEvent(f"event {name.decode(errors='replace') or '(unnamed)'} is not a JSON object")
    event = cast(Event, event)
    for key, kind in _TYPES.items():
        if key in event and not isinstance(event[key], kind):
            del event[key]
    if "type" not in event:
        event["type"] = name.decode(errors="replace") or ("error" if "error" in event else "")
    return event
