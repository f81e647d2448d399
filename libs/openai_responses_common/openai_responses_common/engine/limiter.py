"""Limits the number of concurrent requests per endpoint and account, across all providers of this process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary


class Limiter:
    """Grants slots for requests to one endpoint and account.

    Every waiter brings the limit of its provider, so no provider can loosen the limit of another.

    Attributes:
        slots_in_use: the number of slots that are granted now.
    """

    def __init__(self) -> None:
        self.slots_in_use = 0
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def slot(self, limit: int) -> AsyncGenerator[None, None]:
        """Hold a slot for the block below; waits until fewer than `limit` slots are in use.

        Args:
            limit: the most slots that may be in use, this one included. 0 means no limit.
        """
        await self._take_slot(limit)
        try:
            yield
        finally:
            self.slots_in_use -= 1
            self._grant_slots()

    async def _take_slot(self, limit: int) -> None:
        if limit == 0 or (self.slots_in_use < limit and not self._waiters):
            self.slots_in_use += 1
            return
        grant: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((limit, grant))
        try:
            await grant
        except asyncio.CancelledError:
            was_granted = grant.done() and not grant.cancelled()
            if was_granted:
                self.slots_in_use -= 1
            self._grant_slots()
            raise

    def _grant_slots(self) -> None:
        """Grant slots to waiters in their order; one with a low limit does not hold up those behind it."""
        for waiter in list(self._waiters):
            limit, grant = waiter
            if grant.done():
                self._waiters.remove(waiter)
            elif self.slots_in_use < limit:
                self._waiters.remove(waiter)
                self.slots_in_use += 1
                grant.set_result(None)


_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Limiter]] = WeakKeyDictionary()


def get_limiter(origin: str) -> Limiter:
    """Return the limiter of an endpoint and account in the running event loop.

    Args:
        origin: the endpoint and account, as `Transport.origin` names them.
    """
    return _limiters.setdefault(asyncio.get_running_loop(), {}).setdefault(origin, Limiter())
