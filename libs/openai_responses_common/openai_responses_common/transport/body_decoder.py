"""The events of an HTTP response body."""

from __future__ import annotations

from collections.abc import Mapping

from ..failures.failure import CallFailure, Failure
from ..failures.read import read_page
from ..wire.background_response import PENDING_STATUSES, make_status_event
from ..wire.json_values import as_object, loads
from ..wire.sse import MalformedEvent, SseDecoder
from ..wire.types import TERMINAL_STATUS, Event
from ._read_ahead import EventDecoder

# Of a response that runs in the background.
# More than a page needs to its title.
_MAX_START_BYTES = 64_000


# How the lines of a stream of events begin.
_SSE_STARTS = (b"data:", b"event:", b":", b"id:", b"retry:")
_BOM = b"\xef\xbb\xbf"


def build_body_decoder(headers: Mapping[str, str], *, keeps_echoes: bool = False) -> EventDecoder[bytes]:
    """Return the decoder of a response body.

    Args:
        headers: of the response, with names in lower case. A server that does not stream responds with JSON.
        keeps_echoes: see `SseDecoder`.
    """
    is_json = headers.get("content-type", "").startswith("application/json")
    return _Body(is_json=is_json, keeps_echoes=keeps_echoes)


class _Body:
    """A body that its start shows to be a stream or JSON, because some servers label it wrongly; see `EventDecoder`.

    Args:
        is_json: what the server calls it, for a start that does not say.
        keeps_echoes: see `SseDecoder`.
    """

    def __init__(self, *, is_json: bool, keeps_echoes: bool) -> None:
        self._keeps_echoes = keeps_echoes
        self._is_json = is_json
        self._start = b""
        self._decoder: EventDecoder[bytes] | None = None

    def feed(self, pieces: list[bytes]) -> list[Event]:
        if self._decoder is None:
            self._start += b"".join(pieces)
            start = self._start.lstrip().removeprefix(_BOM).lstrip()
            if len(start) < max(map(len, _SSE_STARTS)) and not start.startswith(b"{"):
                return []
            pieces = [self._start]
            self._decoder = self._choose_decoder(start)
        return self._decoder.feed(pieces)

    def finish(self) -> list[Event]:
        if self._decoder is None:
            self._decoder = self._choose_decoder(self._start.strip())
            return [*self._decoder.feed([self._start]), *self._decoder.finish()]
        return self._decoder.finish()

    def _choose_decoder(self, start: bytes) -> EventDecoder[bytes]:
        is_json = start.startswith(b"{") or (self._is_json and not start.startswith(_SSE_STARTS))
        return _JsonBody() if is_json else _SseBody(keeps_echoes=self._keeps_echoes)


class _SseBody:
    """A stream of server-sent events; see `EventDecoder`.

    A wrong address may respond with a page, and with status 200. Without any event, the start of the body says so.
    """

    def __init__(self, *, keeps_echoes: bool) -> None:
        self._decoder = SseDecoder(keeps_echoes=keeps_echoes)
        self._start = b""  # of a body without any event so far
        self._has_events = False

    def feed(self, pieces: list[bytes]) -> list[Event]:
        content = b"".join(pieces)
        try:
            return self._note_events(content, self._decoder.feed(content))
        except MalformedEvent as error:
            raise _build_failure(error) from error

    def finish(self) -> list[Event]:
        try:
            events = self._note_events(b"", self._decoder.finish())
        except MalformedEvent as error:
            raise _build_failure(error) from error
        start = self._start.strip()
        if start.startswith(b"<"):
            raise _build_address_failure(read_page(start.decode(errors="replace")))
        return events

    def _note_events(self, content: bytes, events: list[Event]) -> list[Event]:
        if events or self._has_events:
            self._has_events, self._start = True, b""
        elif len(self._start) < _MAX_START_BYTES:
            self._start += content[:_MAX_START_BYTES]
        return events


class _JsonBody:
    """A whole response as JSON, which is its terminal event; see `EventDecoder`."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def feed(self, pieces: list[bytes]) -> list[Event]:
        self._chunks += pieces
        return []

    def finish(self) -> list[Event]:
        return [_read_json_response(b"".join(self._chunks))]


def _build_failure(error: MalformedEvent) -> CallFailure:
    return CallFailure(Failure(kind="stream", message=f"the stream is broken: {error}"))


def _build_address_failure(content: str) -> CallFailure:
    """A response of something else at status 200: the address is wrong, and stays so."""
    return CallFailure(
        Failure(kind="status", status=200, message=f"there is no Responses API at this address ({content})")
    )


def _read_json_response(content: bytes) -> Event:
    if content.lstrip().startswith(b"<"):
        raise _build_address_failure(read_page(content[:_MAX_START_BYTES].decode(errors="replace")))
    try:
        response = loads(content.lstrip().removeprefix(_BOM))
    except ValueError as error:
        reason = error if content.strip() else "it is empty"
        raise CallFailure(Failure(kind="stream", message=f"the response is not JSON: {reason}")) from error
    body = as_object(response)
    if "error" in body and "output" not in body and "status" not in body:
        return {"type": "error", "error": body["error"]}
    if (
        "output" not in body
        and body.get("status") not in PENDING_STATUSES
        and body.get("status") not in TERMINAL_STATUS.values()
    ):
        raise _build_address_failure("the service sent JSON that is not a response")
    if body.get("status") in PENDING_STATUSES:
        return make_status_event(body)
    status = str(body.get("status") or "completed")
    event_type = next((name for name, implied in TERMINAL_STATUS.items() if implied == status), "response.failed")
    return {"type": event_type, "response": body}
