"""One client per event loop, because a client belongs to the loop that it was built for.

A client is built in a thread: it reads every certificate of the machine, which takes 20 to 140 ms (measured with
openai 3.52).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

C = TypeVar("C")


@dataclass(frozen=True, slots=True, kw_only=True)
class _LoopClient(Generic[C]):
    client_future: asyncio.Future[C]
    closer: AsyncGenerator[None, None]


class ClientPerLoop(Generic[C]):
    """Holds the clients of one transport.

    Args:
        build: returns a new client; may block.
        close: closes a client.
    """

    def __init__(self, build: Callable[[], C], close: Callable[[C], Awaitable[None]]) -> None:
        self._build = build
        self._close = close
        self._loop_clients: dict[asyncio.AbstractEventLoop, _LoopClient[C]] = {}

    async def get(self) -> C:
        """Return the client of the running loop. Callers that come while it is being built share it."""
        for loop in list(self._loop_clients):  # loops of other threads add theirs meanwhile
            if loop.is_closed():
                self._loop_clients.pop(loop, None)
        loop = asyncio.get_running_loop()
        loop_client = self._loop_clients.get(loop)
        if loop_client is None or (loop_client.client_future.done() and loop_client.client_future.exception()):
            building = loop.run_in_executor(None, self._build)
            loop_client = self._loop_clients[loop] = _LoopClient(
                client_future=building, closer=self._close_with_loop(building)
            )
            await anext(loop_client.closer)
        return await asyncio.shield(loop_client.client_future)

    def is_current(self, client: C) -> bool:
        """Return whether this is still the client of the running loop."""
        loop_client = self._loop_clients.get(asyncio.get_running_loop())
        return (
            loop_client is not None
            and loop_client.client_future.done()
            and loop_client.client_future.result() is client
        )

    async def close(self) -> None:
        """Close the running loop's client; safe at any time, and the next `get` builds another."""
        loop_client = self._loop_clients.pop(asyncio.get_running_loop(), None)
        if loop_client is not None:
            await loop_client.closer.aclose()

    async def _close_with_loop(self, client_future: asyncio.Future[C]) -> AsyncGenerator[None, None]:
        """Close a client when the generator is closed. A loop closes every generator when it ends, so a host that runs
        one loop per step leaves no connection open."""
        try:
            yield
        finally:
            built = (await asyncio.gather(client_future, return_exceptions=True))[0]
            if not isinstance(built, BaseException):
                await self._close(built)
