"""One request over a WebSocket, up to the first event of its response.

Whatever fails until then is a `CallFailure` of the service, as its error response over HTTP would be, or it is sent
once more over a new connection, as a whole, or it is `WebSocketUnavailable`. Silence after a send is never sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from ..failures.failure import CallFailure, Failure
from ..failures.read import read_error_event, read_error_frame
from ..wire.last_response import LastResponse
from ..wire.request_body import RequestBody
from ..wire.sse import MalformedEvent, parse_event, read_event_type
from ._frame_decoder import is_foreign
from ._silence import limit_silence
from ._websocket_connection import ConnectionKey, WebSocketConnection
from ._websocket_errors import TOO_BIG_CODE, ConnectionLost, UpgradeRefused, WebSocketUnavailable
from ._websocket_pool import NoRoom, WebSocketPool
from .aiohttp_session import NO_RESPONSE
from .base import SwitchListener, TransportSwitch
from .credential import UNAUTHORIZED, Credential, Headers, send_with_credential
from .http_client import read_headers

# What a service answers if it has lost what it should remember, or wants another connection. Source: the API's guide,
# seen 2026-11-30.
_NOT_FOUND = "previous_response_not_found"
_CONNECTION_CODE = "websocket_"

_RESPONSE = b"response."
_METADATA = b"response.metadata"  # may come before an error


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedResponse:
    """A response that has begun.

    Attributes:
        connection: over which it comes.
        frames: those that have arrived.
        headers: of the upgrade if it was for this request, with names in lower case.
    """

    connection: WebSocketConnection
    frames: list[bytes]
    headers: Mapping[str, str]


class WebSocketRequest:
    """Sends one request.

    Args:
        pool: the connections.
        connect: opens another one, with this key and these headers.
        body: the whole body.
        headers: of this request, without the credential.
        can_open: whether another connection may be opened.
        omitted_fields: the fields of the body that a frame leaves out.
        timeout_s: the longest time, in seconds, to wait for the next data.
        on_switch: see `Transport.open`.
    """

    def __init__(
        self,
        pool: WebSocketPool,
        connect: Callable[[ConnectionKey, Headers], Awaitable[WebSocketConnection]],
        body: RequestBody,
        headers: Headers,
        *,
        can_open: bool,
        omitted_fields: Collection[str],
        timeout_s: float,
        on_switch: SwitchListener | None,
    ) -> None:
        self._pool = pool
        self._connect = connect
        self._body = body
        self._headers = headers
        self._can_open = can_open
        self._omitted_fields = omitted_fields
        self._timeout_s = timeout_s
        self._on_switch = on_switch
        self._lost: ConnectionLost | None = None  # what a new connection replaces
        self._needs_new_connection = False
        self._is_refused_at_upgrade = False

    async def start(self, credential: Credential) -> StartedResponse:
        """Send the request and return the response when it has begun. The caller gives the connection back.

        Raises:
            CallFailure: the service refuses the request.
            StreamTimeout: it is silent.
            WebSocketUnavailable: the request has to travel over HTTP.
            LLMError: the credential's own error.
        """

        def send(credential_headers: Headers) -> Awaitable[StartedResponse]:
            return self._send(ConnectionKey(account=credential.account, headers=self._headers), credential_headers)

        try:
            try:
                return await send_with_credential(credential, send)
            except ConnectionLost as lost:
                if lost.close_code == TOO_BIG_CODE:
                    raise
                self._lost, self._needs_new_connection = lost, True
            return await send_with_credential(credential, send)
        except ConnectionLost as lost:
            is_too_big = lost.close_code == TOO_BIG_CODE
            raise WebSocketUnavailable(lost.reason, is_refused=not is_too_big) from lost
        except UpgradeRefused as refused:
            raise _build_unavailable(refused.failure, is_unreachable=refused.is_unreachable) from refused
        except CallFailure as refusal:
            if not self._is_refused_at_upgrade:
                raise
            raise _build_unavailable(refusal.failure) from refusal

    async def _send(self, key: ConnectionKey, credential_headers: Headers) -> StartedResponse:
        """Send the request once, over a connection with this key.

        Raises:
            CallFailure: see `start`; or the credential was refused at the upgrade.
            ConnectionLost: the connection ended before the response began.
            UpgradeRefused: the service opened no connection.
            WebSocketUnavailable: there is no room for one more connection, or none takes a frame of this size.
        """
        self._is_refused_at_upgrade = False
        connection = await self._take_connection(key)
        last_response = connection.last_response if connection else None
        frame = self._build_frame(last_response)
        is_kept = False
        try:
            if connection is None:
                connection = await self._open_connection(key, credential_headers, len(frame))
            connection.last_response = None  # until this response is complete
            await connection.send(frame, timeout_s=self._timeout_s)
            frames = await self._read_start(connection, is_continued=last_response is not None)
            is_kept = True
            return StartedResponse(connection=connection, frames=frames, headers=connection.take_headers())
        except ConnectionLost as lost:
            if lost.close_code == TOO_BIG_CODE:
                self._pool.note_too_big(len(frame))
            raise
        except CallFailure as refusal:
            self._needs_new_connection = refusal.failure.status == UNAUTHORIZED
            if connection is not None and _leaves_connection_usable(refusal.failure):
                is_kept = True
                self._pool.give_back(connection)
            raise
        finally:
            if not is_kept:
                self._pool.give_up()
                if connection is not None:
                    await connection.close()

    async def _take_connection(self, key: ConnectionKey) -> WebSocketConnection | None:
        """Return a connection that can be used; None if there is room for another one."""
        try:
            connection = await self._pool.take(
                self._body, key, is_new=self._needs_new_connection, can_open=self._can_open
            )
        except NoRoom:
            raise WebSocketUnavailable from None
        if connection is None:
            return None
        try:
            await connection.check()
        except ConnectionLost as lost:
            self._lost = lost
            return None
        except asyncio.CancelledError:
            self._pool.give_up()
            await connection.close()
            raise
        return connection

    async def _open_connection(
        self, key: ConnectionKey, credential_headers: Headers, frame_size: int
    ) -> WebSocketConnection:
        if not self._can_open or self._pool.is_too_big(frame_size):
            raise WebSocketUnavailable
        try:
            connection = await self._connect(key, {**self._headers, **credential_headers})
        except UpgradeRefused as refused:
            if refused.failure.status != UNAUTHORIZED:
                raise
            self._is_refused_at_upgrade = True
            failure = refused.failure
        else:
            if self._lost is not None and self._on_switch is not None:
                switch = TransportSwitch(from_transport="websocket", to_transport="websocket", reason=self._lost.reason)
                self._on_switch(switch)
            self._lost = None
            return connection
        raise CallFailure(failure)

    def _build_frame(self, last_response: LastResponse | None) -> bytes:
        new_items = last_response.list_new_items(self._body) if last_response else None
        fields, items_from = {"type": "response.create"}, 0
        if last_response is not None and new_items is not None:
            fields["previous_response_id"] = last_response.id
            items_from = len(self._body.items) - len(new_items)
        return self._body.content(items_from=items_from, extra_fields=fields, omitted_fields=self._omitted_fields)

    async def _read_start(self, connection: WebSocketConnection, *, is_continued: bool) -> list[bytes]:
        """Read frames up to the first event of the response, and return them.

        Args:
            connection: over which the request was sent.
            is_continued: whether the request goes on from an earlier response.

        Raises:
            CallFailure: the service refuses the request.
            ConnectionLost: the connection ended, or the service wants another one.
            StreamTimeout: the service is silent.
        """
        frames: list[bytes] = []
        async with limit_silence(self._timeout_s, NO_RESPONSE) as silence:
            while not frames or not _has_begun(frames[-1], is_continued=is_continued):
                silence.begin_wait()
                frames.append(await connection.receive())
        return frames


def _build_unavailable(failure: Failure, *, is_unreachable: bool = False) -> WebSocketUnavailable:
    return WebSocketUnavailable(failure.message, failure=failure, is_refused=True, is_unreachable=is_unreachable)


def _has_begun(frame: bytes, *, is_continued: bool) -> bool:
    """Return whether a frame is the first event of a response; limits and the like may come before it.

    Raises:
        CallFailure: the frame refuses the request.
        ConnectionLost: the service wants another connection, or nobody understands the frame.
    """
    event_type = read_event_type(frame)
    if event_type.startswith(_RESPONSE):
        return event_type != _METADATA
    try:
        event = parse_event(event_type, frame)
    except MalformedEvent as error:
        raise ConnectionLost(f"a frame of the service is not valid: {error}") from error
    if event is None or is_foreign(event):
        return False
    if not event["type"]:
        raise ConnectionLost("a frame of the service is not an event")
    if event["type"] != "error":
        return event["type"].startswith("response.") and event["type"] != "response.metadata"
    failure = read_error_frame(event, read_headers({}))
    known_failure = failure or read_error_event(event)
    code = known_failure.code or ""
    if code.startswith(_CONNECTION_CODE) or (is_continued and code == _NOT_FOUND):
        raise ConnectionLost(known_failure.message)
    if failure is not None:
        raise CallFailure(failure)
    return True  # the error event of a stream


def _leaves_connection_usable(failure: Failure) -> bool:
    """Return whether the service refused a request and nothing else; it has forgotten the response before it."""
    return failure.status is not None and 400 <= failure.status < 500 and failure.status != UNAUTHORIZED
