"""The WebSocket connections of one endpoint in one event loop: a few, each for one request at a time."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from ..wire.request_body import RequestBody

if TYPE_CHECKING:
    import aiohttp

    from ._websocket_connection import ConnectionKey, WebSocketConnection

MAX_CONNECTIONS = 4
"""How many connections there are at most. The requests of further parallel calls travel over HTTP."""

MAX_IDLE_S = 300.0
"""How long, in seconds, a connection waits for its next request. Other clients wait as long (seen 2026-11-30)."""

MAX_AGE_S = 3000.0
"""The age, in seconds, at which a connection takes no further request. The services end one at 3,600."""


_TOO_BIG_PERIOD_S = 300.0


class NoRoom(Exception):
    """All connections are in use."""


class WebSocketPool:
    """Keeps the connections between two requests.

    A connection that is lost meanwhile stays here until it would have been closed, so that the request that wanted to
    go on from it learns of the loss.

    Args:
        session: opens the connections.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self._idle: dict[WebSocketConnection, asyncio.TimerHandle] = {}  # the one that has waited longest comes first
        self._closing: set[asyncio.Task[None]] = set()
        self._used_count = 0
        self._too_big_size = sys.maxsize
        self._too_big_until_s = 0.0

    async def take(
        self, body: RequestBody, key: ConnectionKey, *, is_new: bool = False, can_open: bool = True
    ) -> WebSocketConnection | None:
        """Return a connection for a request. None if the caller has to open one, for which there is room now.

        A lost connection is returned if the request would go on from its response; then the caller opens another one.
        Whatever is returned, the caller checks it, and calls `give_back` or `give_up` later.

        Args:
            body: the body of the request.
            key: of the request.
            is_new: whether only a new connection will do. The default is False.
            can_open: whether the caller can open one. The default is True.

        Raises:
            NoRoom: all connections are in use, or none of them will do.
        """
        connection = None if is_new else self._choose(body, key)
        if connection is None and not can_open:
            raise NoRoom
        if connection is None and not self.has_room:
            oldest = next((each for each in self._idle if each.end is None), None)
            if oldest is None:
                raise NoRoom
            self._remove(oldest)
            if oldest.key == key and not is_new:
                connection = oldest
            else:
                await oldest.close()
        self._used_count += 1
        return connection

    def give_back(self, connection: WebSocketConnection) -> None:
        """Keep a connection whose response is complete."""
        loop = asyncio.get_running_loop()
        self._used_count -= 1
        left_s = min(MAX_IDLE_S, connection.opened_s + MAX_AGE_S - loop.time())
        self._idle[connection] = loop.call_later(max(0.0, left_s), self._expire, connection)
        connection.watch()

    def give_up(self) -> None:
        """Note that a connection that was taken is lost or closed, or was not opened."""
        self._used_count -= 1

    def note_too_big(self, size: int) -> None:
        """Note that the service does not take a message of so many bytes."""
        self._too_big_size = size
        self._too_big_until_s = asyncio.get_running_loop().time() + _TOO_BIG_PERIOD_S

    def is_too_big(self, size: int) -> bool:
        """Return whether the service has refused a message of so many bytes in the last minutes."""
        return size >= self._too_big_size and asyncio.get_running_loop().time() < self._too_big_until_s

    def add(self, connection: WebSocketConnection) -> None:
        """Keep a connection that was opened for no request. The caller has made sure that there is room."""
        self._used_count += 1
        self.give_back(connection)

    @property
    def has_room(self) -> bool:
        """Whether one more connection may be opened."""
        return self._used_count + self._count_open() < MAX_CONNECTIONS

    def abandon(self) -> None:
        """Give up the connections, whose event loop is closed."""
        for connection in self._idle:
            connection.abandon()

    async def close(self) -> None:
        """Close the connections that wait for a request."""
        for connection in list(self._idle):
            self._remove(connection)
            await connection.close()
        await asyncio.gather(*self._closing)

    def _choose(self, body: RequestBody, key: ConnectionKey) -> WebSocketConnection | None:
        """Return the connection whose response the body goes on from, else one without a response; None without any."""
        candidates = [each for each in self._idle if each.key == key]
        going_on = [each for each in candidates if each.last_response and each.last_response.list_new_items(body)]
        unused = [each for each in candidates if each.last_response is None and each.end is None]
        connection = max(going_on, key=_count_items, default=None) or next(iter(unused), None)
        if connection is not None:
            self._remove(connection)
        return connection

    def _count_open(self) -> int:
        return sum(each.end is None for each in self._idle)

    def _remove(self, connection: WebSocketConnection) -> None:
        self._idle.pop(connection).cancel()

    def _expire(self, connection: WebSocketConnection) -> None:
        self._remove(connection)
        task = asyncio.get_running_loop().create_task(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _count_items(connection: WebSocketConnection) -> int:
    return len(connection.last_response.body.items) if connection.last_response else 0
