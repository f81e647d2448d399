"""One client per event loop, built in a thread: a client belongs to the loop that made it.

Building one reads every certificate of the machine, which takes 20 to 140 ms (measured with openai 3.52).
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
        build: makes a client, blocking.
        close: ends it.
    """

    def __init__(self, build: Callable[[], C], close: Callable[[C], Awaitable[None]]) -> None:
        self._build = build
        self._close = close
        self._loop_clients: dict[asyncio.AbstractEventLoop, _LoopClient[C]] = {}

    async def get(self) -> C:
        """The client of the running loop; whoever comes while it is being built shares it."""
        for loop in [loop for loop in self._loop_clients if loop.is_closed()]:
            del self._loop_clients[loop]
        loop = asyncio.get_running_loop()
        held = self._loop_clients.get(loop)
        if held is None or (held.client_future.done() and held.client_future.exception()):
            building = loop.run_in_executor(None, self._build)
            held = self._loop_clients[loop] = _LoopClient(
                client_future=building, closer=self._close_with_loop(building)
            )
            await anext(held.closer)
        return await asyncio.shield(held.client_future)

    def is_current(self, client: C) -> bool:
        """Whether this is still the client of the running loop."""
        held = self._loop_clients.get(asyncio.get_running_loop())
        return held is not None and held.client_future.done() and held.client_future.result() is client

    async def close(self) -> None:
        """Close the running loop's client; safe at any time, and the next `get` builds another."""
        held = self._loop_clients.pop(asyncio.get_running_loop(), None)
        if held is not None:
            await held.closer.aclose()

    async def _close_with_loop(self, client_future: asyncio.Future[C]) -> AsyncGenerator[None, None]:
        """Closes a client when it is closed itself, which a loop does with every generator as it ends: hosts that run
        one loop per step leave no connection behind."""
        try:
            yield
        finally:
            built = (await asyncio.gather(client_future, return_exceptions=True))[0]
            if not isinstance(built, BaseException):
                await self._close(built)
