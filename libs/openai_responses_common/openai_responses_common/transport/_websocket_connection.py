"""One WebSocket connection: its upgrade, its frames, and what the service remembers of it.

Importing this file imports `aiohttp`, so only what runs in a thread imports it first. No exception that leaves this
file holds the request of the upgrade, which holds the credential.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp

from ..failures.failure import Failure
from ..failures.read import read_error_response
from ..wire.last_response import LastResponse
from ..wire.plain_text import join_lines
from ._aiohttp_requests import join_headers
from ._silence import StreamTimeout, limit_silence
from ._websocket_errors import ConnectionLost, UpgradeRefused
from .aiohttp_session import CONNECT_TIMEOUT_S, NO_RESPONSE, error_types, is_unreachable, read_failure
from .base import Endpoint
from .credential import Headers
from .http_client import read_headers
from .tasks import finish

_WINDOW_BITS = 15  # of permessage-deflate, which is offered
_ANY_SIZE = 0
_SWITCHING_PROTOCOLS = 101
# Of a frame, in bytes. A service that takes no more of it for the timeout is silent, too.
_UPLOAD_SIZE = 1 << 18
# The service need not confirm that we leave.
_CLOSE_TIMEOUT_S = 0.1
_MAX_REASON_CHARS = 200
# In seconds. A machine that slept and a router that forgot a connection say nothing, so one that was idle for longer
# has to answer a ping before it gets a request. One that was just used costs no round trip.
_MAX_TRUSTED_IDLE_S = 10.0
_MAX_PONG_WAIT_S = 5.0

WATCH_NAME = "idle WebSocket connection"
"""The name of the task that reads a connection while no request uses it."""
# Its types do not show its arguments.
_TIMEOUT = cast(Any, aiohttp.ClientWSTimeout)(ws_receive=None, ws_close=_CLOSE_TIMEOUT_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionKey:
    """What the requests of one connection have in common, because the service reads it at the upgrade.

    Attributes:
        account: for which they are made. A new token of it needs no new connection.
        headers: of each request, without the credential.
    """

    account: str = field(repr=False)
    headers: Headers


async def connect(
    session: aiohttp.ClientSession,
    url: str,
    key: ConnectionKey,
    headers: Headers,
    *,
    endpoint: Endpoint,
    timeout_s: float,
) -> WebSocketConnection:
    """Open a connection.

    Args:
        session: the session of the endpoint.
        url: the address, with the query.
        key: of the requests that it is for.
        headers: of the upgrade, beside those of the session.
        endpoint: for messages.
        timeout_s: the longest time, in seconds, for all of it.

    Raises:
        UpgradeRefused: there is no connection, or the service opens no WebSocket.
    """
    failure: Failure
    has_no_connection = False
    try:
        async with limit_silence(min(timeout_s, CONNECT_TIMEOUT_S), NO_RESPONSE) as silence:
            silence.begin_wait()
            socket = await session.ws_connect(
                url,
                headers=headers,
                timeout=_TIMEOUT,
                autoping=False,  # `receive` answers pings, because aiohttp would not show a pong
                compress=_WINDOW_BITS,
                max_msg_size=_ANY_SIZE,
                decode_text=False,
            )
        return WebSocketConnection(socket, key)
    except StreamTimeout as too_long:
        failure = Failure(kind="timeout", message=str(too_long))
    except aiohttp.WSServerHandshakeError as refusal:
        if refusal.status == _SWITCHING_PROTOCOLS:
            failure = Failure(kind="network", message=f"{endpoint.base_url} does not speak WebSocket")
        else:
            reply_headers = join_headers(cast(Any, refusal.headers)) if refusal.headers else read_headers({})
            failure = read_error_response(refusal.status, None, reply_headers)
    except error_types() as error:
        failure, has_no_connection = read_failure(error, endpoint), is_unreachable(error)
    raise UpgradeRefused(failure, is_unreachable=has_no_connection)


class WebSocketConnection:
    """An open connection, for one request at a time.

    Attributes:
        key: of the requests that it is for.
        opened_s: when it was opened, by the clock of the event loop.
        last_response: the response that the service remembers. None if it remembers none.
        end: how it ended. None while it is open.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool], key: ConnectionKey) -> None:
        self.key = key
        self.opened_s = asyncio.get_running_loop().time()
        self.last_response: LastResponse | None = None
        self.end: ConnectionLost | None = None
        self._socket = socket
        # aiohttp shows the headers of an upgrade in no other way.
        self._headers: Mapping[str, str] = join_headers(cast(Any, socket)._response.headers)  # noqa: SLF001
        self._watch: asyncio.Task[None] | None = None
        self._has_answered = asyncio.Event()
        self._used_s = self._used_at_s = 0.0
        self._note_use()

    def take_headers(self) -> Mapping[str, str]:
        """Return the headers of the upgrade, with names in lower case, for the first response; no more for the next."""
        headers, self._headers = self._headers, read_headers({})
        return headers

    async def send(self, frame: bytes, *, timeout_s: float) -> None:
        """Send a text frame. A send that is given up closes the connection.

        Raises:
            ConnectionLost: the service has closed the connection.
            StreamTimeout: the service does not take the frame.
        """
        await self._stop_watch()
        sending = asyncio.create_task(self._socket.send_frame(frame, aiohttp.WSMsgType.TEXT))
        try:
            async with limit_silence(timeout_s * (1 + len(frame) // _UPLOAD_SIZE), NO_RESPONSE) as silence:
                silence.begin_wait()
                await asyncio.shield(sending)
        except (asyncio.CancelledError, StreamTimeout):
            await self.close()
            raise
        except error_types():
            # The service may have said why it closes the connection, before it did.
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    while True:
                        await self.receive()
            raise self.end or ConnectionLost("the connection broke off") from None
        finally:
            await finish(sending)
            if not sending.cancelled():
                sending.exception()  # asyncio logs an error that nobody has looked at

    async def receive(self) -> bytes:
        """Wait for a text frame and return it; answer pings meanwhile.

        Raises:
            ConnectionLost: the connection has ended, or the service sent another kind of frame.
        """
        while True:
            message = await self._socket.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT:
                    return bytes(message.data)
                case aiohttp.WSMsgType.PING:
                    with suppress(*error_types()):  # the next frame says how the connection ended
                        await self._socket.pong(message.data)
                case aiohttp.WSMsgType.PONG:
                    self._has_answered.set()
                case _:
                    self.end = self._read_end(message)
                    raise self.end

    async def read_frames(self, first_frames: list[bytes]) -> AsyncGenerator[bytes, None]:
        """Yield the frames that were read already, and all that follow.

        Raises:
            ConnectionLost: see `receive`.
        """
        for frame in first_frames:
            yield frame
        while True:
            yield await self.receive()

    def watch(self) -> None:
        """Answer pings, and note how the connection ends, until a request is sent."""
        self._note_use()
        if self.end is None:
            self._watch = asyncio.create_task(self._read_idle(), name=WATCH_NAME)

    async def check(self) -> None:
        """Make sure that the service still listens, before a request is sent to it.

        Raises:
            ConnectionLost: it does not; the connection is closed.
        """
        idle_s = max(asyncio.get_running_loop().time() - self._used_s, time.time() - self._used_at_s)
        if self.end is None and idle_s > _MAX_TRUSTED_IDLE_S:
            await self._ping()
        if self.end is not None:
            await self.close()
            raise self.end

    def abandon(self) -> None:
        """Give up the connection, whose event loop is closed: asyncio must not log that its watch never ended."""
        if self._watch is not None:
            self._watch._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001

    async def close(self) -> None:
        """Close the connection; may be called at any time and more than once."""
        self.end = self.end or ConnectionLost("the connection was closed")
        await self._stop_watch()
        with suppress(*error_types()):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._socket.close()

    def _note_use(self) -> None:
        # The clock of the loop stands still while a machine sleeps.
        self._used_s, self._used_at_s = asyncio.get_running_loop().time(), time.time()

    async def _read_idle(self) -> None:
        try:
            while True:
                await self.receive()  # a frame that belongs to no response
        except ConnectionLost:
            self._has_answered.set()

    async def _stop_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await finish(watch)

    async def _ping(self) -> None:
        """Wait for the answer to a ping, which the watch reads; note the end of a connection without one."""
        self._has_answered.clear()
        try:
            async with limit_silence(_MAX_PONG_WAIT_S, "the connection no longer answers") as silence:
                silence.begin_wait()
                await self._socket.ping()
                await self._has_answered.wait()
        except StreamTimeout as too_long:
            self.end = self.end or ConnectionLost(str(too_long))
        except error_types():
            self.end = self.end or ConnectionLost("the connection broke off")

    def _read_end(self, message: Any) -> ConnectionLost:
        if message.type is aiohttp.WSMsgType.BINARY:
            return ConnectionLost("the service sent a binary frame")
        if message.type is aiohttp.WSMsgType.ERROR:
            return ConnectionLost(f"the service does not keep to the protocol ({_clean(str(message.data))})")
        if message.type is not aiohttp.WSMsgType.CLOSE:
            return ConnectionLost("the connection broke off")
        code = int(message.data or 0)
        details = ": ".join(filter(None, (str(code or ""), _clean(str(message.extra or "")))))
        return ConnectionLost(f"the service closed the connection{f' ({details})' if details else ''}", code or None)


def _clean(text: str) -> str:
    return join_lines(text)[:_MAX_REASON_CHARS].strip()
