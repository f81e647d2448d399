"""At most so many exchanges at once with one endpoint and account, over all providers in this process that share it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary


class Limiter:
    """Counts the exchanges in flight; each waiter brings its own limit, so no instance can loosen another's."""

    def __init__(self) -> None:
        self.slots_in_use = 0
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def slot(self, limit: int) -> AsyncGenerator[None, None]:
        """Hold a place; 0 means no limit. A waiter that is cancelled gives back what it was just given."""
        await self._take_slot(limit)
        try:
            yield
        finally:
            self.slots_in_use -= 1
            self._wake_waiters()

    async def _take_slot(self, limit: int) -> None:
        if limit == 0 or (self.slots_in_use < limit and not self._waiters):
            self.slots_in_use += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((limit, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.slots_in_use -= 1
            self._wake_waiters()
            raise

    def _wake_waiters(self) -> None:
        """Let in whom the count allows, in order; one with a narrow limit does not block those behind it."""
        for waiter in list(self._waiters):
            limit, turn = waiter
            if turn.done():
                self._waiters.remove(waiter)
            elif self.slots_in_use < limit:
                self._waiters.remove(waiter)
                self.slots_in_use += 1
                turn.set_result(None)


_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Limiter]] = WeakKeyDictionary()


def get_limiter(origin: str) -> Limiter:
    """The gate of an account and endpoint in the running event loop."""
    return _limiters.setdefault(asyncio.get_running_loop(), {}).setdefault(origin, Limiter())
