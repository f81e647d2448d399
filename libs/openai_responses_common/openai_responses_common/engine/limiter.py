"""At most so many exchanges at once with one endpoint and account, over all providers in this process that share it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary


class Gate:
    """Counts the exchanges in flight; each waiter brings its own limit, so no instance can loosen another's."""

    def __init__(self) -> None:
        self.active = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def place(self, limit: int) -> AsyncGenerator[None, None]:
        """Hold a place; 0 means no limit. A waiter that is cancelled gives back what it was just given."""
        await self._enter(limit)
        try:
            yield
        finally:
            self.active -= 1
            self._wake()

    async def _enter(self, limit: int) -> None:
        if limit == 0 or (self.active < limit and not self._waiting):
            self.active += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((limit, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.active -= 1
            self._wake()
            raise

    def _wake(self) -> None:
        """Let in whom the count allows, in order; one with a narrow limit does not block those behind it."""
        for waiter in list(self._waiting):
            limit, turn = waiter
            if turn.done():
                self._waiting.remove(waiter)
            elif self.active < limit:
                self._waiting.remove(waiter)
                self.active += 1
                turn.set_result(None)


_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Gate]] = WeakKeyDictionary()


def gate(origin: str) -> Gate:
    """The gate of an account and endpoint in the running event loop."""
    return _gates.setdefault(asyncio.get_running_loop(), {}).setdefault(origin, Gate())
