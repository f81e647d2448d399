"""Sends one request over an `aiohttp` session, and reads its response.

Importing this file imports `aiohttp`, so only what runs in a thread imports it first. Errors of a session are raised as
they are. They may hold the credential, so the caller turns them into failures; see `read_failure` in `aiohttp_session`.
"""

from __future__ import annotations

from typing import Any, cast

import aiohttp
from multidict import MultiMapping

from ..failures.connections import describe_connection_error
from ..failures.failure import CallFailure, Failure
from ..wire.json_values import loads_or_text
from ..wire.types import Event
from ._silence import Silence, limit_silence
from .aiohttp_session import INTERRUPTED_RESPONSE, NO_RESPONSE, build_timeout, error_types
from .base import Document
from .body_decoder import EventDecoder
from .credential import Headers
from .http_client import JsonReply, read_headers

_SUCCESS = range(200, 300)
_NOT_MODIFIED = 304
# Of a body, in bytes. If a service takes no more of it for too long, it is silent, too.
_UPLOAD_SIZE = 1 << 18


class _Upload(aiohttp.Payload):
    """A body that is sent in pieces, each of which is a sign of life."""

    _value: bytes

    def __init__(self, content: bytes, silence: Silence) -> None:
        super().__init__(content)
        self._size = len(content)
        self._silence = silence

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._value.decode(encoding, errors)

    async def write(self, writer: Any) -> None:
        content = memoryview(self._value)
        for start in range(0, len(content), _UPLOAD_SIZE):
            self._silence.begin_wait()
            await writer.write(content[start : start + _UPLOAD_SIZE])
        self._silence.begin_wait()


async def post(
    session: aiohttp.ClientSession, url: str, content: bytes, headers: Headers, *, timeout_s: float
) -> aiohttp.ClientResponse:
    """Send a body, and return a response whose body has not been read yet.

    aiohttp limits silence, too, but forgets that after a response of status 1xx (aiohttp 3.14.5, seen 2026-12-01).

    Raises:
        CallFailure: the response is an error.
        StreamTimeout: the service was silent for too long.
    """
    all_headers = {"Content-Type": "application/json", "Accept": "text/event-stream", **headers}
    async with limit_silence(timeout_s, NO_RESPONSE) as silence:
        response = await session.post(
            url, data=_Upload(content, silence), **_build_options(all_headers, silence, timeout_s)
        )
        if response.status in _SUCCESS:
            return response
        reply = await _read_error(response, silence)
    raise CallFailure(reply.read_failure())


async def get_stream(
    session: aiohttp.ClientSession, url: str, headers: Headers, *, timeout_s: float
) -> aiohttp.ClientResponse:
    """Ask for a stream, and return a response whose body has not been read yet.

    Raises:
        CallFailure: the response is an error.
        StreamTimeout: the service was silent for too long.
    """
    async with limit_silence(timeout_s, NO_RESPONSE) as silence:
        response = await session.get(
            url, **_build_options({"Accept": "text/event-stream", **headers}, silence, timeout_s)
        )
        if response.status in _SUCCESS:
            return response
        reply = await _read_error(response, silence)
    raise CallFailure(reply.read_failure())


async def post_document(
    session: aiohttp.ClientSession, url: str, content: bytes, headers: Headers, *, timeout_s: float
) -> Document:
    """Send a JSON object, and return the JSON document of the response.

    Raises:
        CallFailure: the response is an error.
        StreamTimeout: the service was silent for too long.
    """
    all_headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    async with limit_silence(timeout_s, NO_RESPONSE) as silence:
        options = _build_options(all_headers, silence, timeout_s)
        response = await session.post(url, data=_Upload(content, silence), **options)
        if response.status in _SUCCESS:
            return Document(body=(await _read_json_reply(response, silence)).body)
        reply = await _read_error(response, silence)
    raise CallFailure(reply.read_failure())


async def get(session: aiohttp.ClientSession, url: str, headers: Headers, *, timeout_s: float) -> Document:
    """Get a JSON document. The headers may name the version that the caller has.

    Raises:
        CallFailure: the response is an error.
        StreamTimeout: the service was silent for too long.
    """
    all_headers = {"Accept": "application/json", **headers}
    async with limit_silence(timeout_s, NO_RESPONSE) as silence:
        response = await session.get(url, **_build_options(all_headers, silence, timeout_s))
        if response.status == _NOT_MODIFIED and "If-None-Match" in headers:
            response.release()
            return Document(etag=headers["If-None-Match"], unchanged=True)
        if response.status in _SUCCESS:
            reply = await _read_json_reply(response, silence)
            return Document(body=reply.body, etag=response.headers.get("etag"))
        reply = await _read_error(response, silence)
    raise CallFailure(reply.read_failure())


def _build_options(headers: Headers, silence: Silence, timeout_s: float) -> dict[str, Any]:
    return {
        "headers": headers,
        "timeout": build_timeout(timeout_s),
        "allow_redirects": False,
        "trace_request_ctx": silence,  # see `build_trace`
    }


async def _read_error(response: aiohttp.ClientResponse, silence: Silence) -> JsonReply:
    """Read an error response.

    Raises:
        CallFailure: its connection breaks off.
    """
    if response.status < _SUCCESS.start:
        response.close()
        raise aiohttp.ClientPayloadError("it switches to another protocol")
    try:
        return await _read_json_reply(response, silence)
    except error_types() as error:
        message = describe_connection_error("an error response broke off", error)
    raise CallFailure(Failure(kind="stream", message=message))


async def _read_json_reply(response: aiohttp.ClientResponse, silence: Silence) -> JsonReply:
    silence.message = INTERRUPTED_RESPONSE
    pieces: list[bytes] = []
    try:
        silence.begin_wait()
        while piece := await response.content.readany():
            silence.begin_wait()
            pieces.append(piece)
    finally:
        response.close()  # returns the connection if the body was read to its end
    return JsonReply(
        status=response.status,
        body=loads_or_text(_decode(b"".join(pieces), response.charset)),
        headers=join_headers(response.headers),
    )


def _decode(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "utf-8", errors="replace")
    except (LookupError, UnicodeError):  # some codecs are for names only, or read nothing
        return content.decode(errors="replace")


def join_headers(headers: MultiMapping[str]) -> dict[str, str]:
    """Return the headers of a response as `read_headers` does, several of one name joined by commas."""
    return read_headers({name: ", ".join(headers.getall(name)) for name in headers})


class BodyReader:
    """Reads the body of a response as events: `async with BodyReader(response, decoder, ...) as reader:`.

    The session reads ahead: what arrives while the consumer is busy comes as one batch. If the consumer is late for too
    many bytes, the service has to wait.

    Args:
        response: a response whose body has not been read yet. Leaving the context closes it, unless it was read to its
            end.
        decoder: turns the bytes into events.
        timeout_s: the longest wait for the next bytes, in seconds.
    """

    def __init__(self, response: aiohttp.ClientResponse, decoder: EventDecoder[bytes], *, timeout_s: float) -> None:
        self._response = response
        self._content = response.content
        self._decoder = decoder
        self._error: Exception | None = None
        self._is_finished = False
        self._silence = Silence(timeout_s, response.close)

    async def take_batch(self) -> list[Event]:
        """Wait for events, and return all that have arrived since the last time; no events at the end of the response.

        Raises:
            StreamTimeout: the service was silent for too long.
            Exception: the error of the session or the decoder, after all events that came before it.
        """
        while self._error is None:
            self._silence.begin_wait()
            try:
                piece = await self._content.readany()
            except error_types() as error:
                self._error = error
                piece = self._take_rest()
            finally:
                self._silence.end_wait()
            if piece:
                if events := self._decoder.feed([piece]):
                    return events
            elif self._error is None:
                return self._finish()
        self._silence.raise_if_too_long()
        raise self._error

    def _take_rest(self) -> bytes:
        """Return what had arrived before an error. The session raises the error first, until it is taken back."""
        self._content.set_exception(cast(Any, None))
        return self._content.read_nowait()

    def _finish(self) -> list[Event]:
        if self._is_finished:
            return []
        self._is_finished = True
        return self._decoder.finish()

    async def __aenter__(self) -> BodyReader:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._silence.stop()
        self._response.close()
