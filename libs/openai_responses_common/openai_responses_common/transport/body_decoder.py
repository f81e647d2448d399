"""The events of an HTTP response body."""

from __future__ import annotations

from collections.abc import Mapping

from ..failures.failure import CallFailure, Failure
from ..wire.json_values import as_object, loads
from ..wire.sse import MalformedEvent, SseDecoder
from ..wire.types import TERMINAL_STATUS, Event
from ._read_ahead import EventDecoder


def build_body_decoder(headers: Mapping[str, str]) -> EventDecoder[bytes]:
    """Return the decoder of a response body.

    Args:
        headers: of the response, with names in lower case. A server that does not stream responds with JSON.
    """
    return _JsonBody() if headers.get("content-type", "").startswith("application/json") else _SseBody()


class _SseBody:
    """A stream of server-sent events; see `EventDecoder`."""

    def __init__(self) -> None:
        self._decoder = SseDecoder()

    def feed(self, pieces: list[bytes]) -> list[Event]:
        try:
            return self._decoder.feed(b"".join(pieces))
        except MalformedEvent as error:
            raise _build_failure(error) from error

    def finish(self) -> list[Event]:
        try:
            return self._decoder.finish()
        except MalformedEvent as error:
            raise _build_failure(error) from error


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


def _read_json_response(content: bytes) -> Event:
    try:
        response = loads(content)
    except ValueError as error:
        raise CallFailure(Failure(kind="stream", message=f"the response is not JSON: {error}")) from error
    body = as_object(response)
    if "error" in body and "output" not in body and "status" not in body:
        return {"type": "error", "error": body["error"]}
    if "output" not in body:
        message = "the service sent JSON that is not a response of the Responses API"
        raise CallFailure(Failure(kind="stream", message=message))
    status = str(body.get("status") or "completed")
    event_type = next((name for name, implied in TERMINAL_STATUS.items() if implied == status), "response.failed")
    return {"type": event_type, "response": body}
