"""One WebSocket connection: its upgrade, its frames, and what the service remembers of it.

Importing this file imports `aiohttp`, so only what runs in a thread imports it first. No exception that leaves this
file holds the request of the upgrade, which holds the credential.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp

from ..failures.failure import Failure
from ..failures.read import read_error_response
from ..wire.last_response import LastResponse
from ..wire.plain_text import join_lines
from ._aiohttp_requests import join_headers
from ._websocket_errors import ConnectionLost, UpgradeRefused
from .aiohttp_session import CONNECT_TIMEOUT_S, error_types, is_unreachable, read_failure
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
        async with asyncio.timeout(min(timeout_s, CONNECT_TIMEOUT_S)):
            socket = await session.ws_connect(
                url,
                headers=headers,
                timeout=_TIMEOUT,
                compress=_WINDOW_BITS,
                max_msg_size=_ANY_SIZE,
                decode_text=False,
            )
        return WebSocketConnection(socket, key)
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
        self._watch: _IdleWatch | None = None

    def take_headers(self) -> Mapping[str, str]:
        """Return the headers of the upgrade, with names in lower case, for the first response; no more for the next."""
        headers, self._headers = self._headers, read_headers({})
        return headers

    async def send(self, frame: bytes, *, timeout_s: float) -> None:
        """Send a text frame. A send that is given up closes the connection.

        Raises:
            ConnectionLost: the service has closed the connection.
            TimeoutError: the service does not take the frame.
        """
        sending = asyncio.create_task(self._socket.send_frame(frame, aiohttp.WSMsgType.TEXT))
        try:
            async with asyncio.timeout(timeout_s * (1 + len(frame) // _UPLOAD_SIZE)):
                await asyncio.shield(sending)
        except (asyncio.CancelledError, TimeoutError):
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
        """Wait for a text frame and return it.

        Raises:
            ConnectionLost: the connection has ended, or the service sent another kind of frame.
        """
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return bytes(message.data)
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
        """Answer pings, and note how the connection ends, while no request uses it."""
        if self.end is None:
            self._watch = _IdleWatch(self.receive)

    def stop_watch(self) -> None:
        """Let a request use the connection."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    async def close(self) -> None:
        """Close the connection; may be called at any time and more than once."""
        self.stop_watch()
        self.end = self.end or ConnectionLost("the connection was closed")
        with suppress(*error_types()):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._socket.close()

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


class _IdleWatch:
    """Reads a connection that nobody uses.

    It is not a task, because a connection that waits for a request must not look like a call that goes on. So it drives
    the coroutine itself: whatever the coroutine waits for resumes it.
    """

    def __init__(self, receive: Callable[[], Coroutine[Any, Any, bytes]]) -> None:
        self._receive = receive
        self._reading = receive()
        self._waiter: asyncio.Future[Any] | None = None
        self._resume()

    def stop(self) -> None:
        """Stop reading; nothing that has arrived meanwhile is lost, but what the watch read itself."""
        if self._waiter is None:  # the connection has ended
            return
        self._waiter.remove_done_callback(self._resume)
        with suppress(asyncio.CancelledError):
            self._reading.throw(asyncio.CancelledError())

    def _resume(self, _waiter: object = None) -> None:
        self._waiter = None
        while self._waiter is None:
            try:
                self._waiter = self._reading.send(None)
            except StopIteration:  # a frame that belongs to no response
                self._reading = self._receive()
            except (ConnectionLost, asyncio.CancelledError):
                return
        self._waiter.add_done_callback(self._resume)


def _clean(text: str) -> str:
    return join_lines(text)[:_MAX_REASON_CHARS].strip()
