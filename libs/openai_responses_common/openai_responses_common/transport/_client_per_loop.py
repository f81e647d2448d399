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
class _Held(Generic[C]):
    building: asyncio.Future[C]
    holder: AsyncGenerator[None, None]


class PerLoop(Generic[C]):
    """Holds the clients of one transport.

    Args:
        build: makes a client, blocking.
        close: ends it.
    """

    def __init__(self, build: Callable[[], C], close: Callable[[C], Awaitable[None]]) -> None:
        self._build = build
        self._close = close
        self._held: dict[asyncio.AbstractEventLoop, _Held[C]] = {}

    async def get(self) -> C:
        """The client of the running loop; whoever comes while it is being built shares it."""
        for loop in [loop for loop in self._held if loop.is_closed()]:
            del self._held[loop]
        loop = asyncio.get_running_loop()
        held = self._held.get(loop)
        if held is None or (held.building.done() and held.building.exception()):
            building = loop.run_in_executor(None, self._build)
            held = self._held[loop] = _Held(building=building, holder=self._until_closed(building))
            await anext(held.holder)
        return await asyncio.shield(held.building)

    def holds(self, client: C) -> bool:
        """Whether this is still the client of the running loop."""
        held = self._held.get(asyncio.get_running_loop())
        return held is not None and held.building.done() and held.building.result() is client

    async def close(self) -> None:
        """Close the running loop's client; safe at any time, and the next `get` builds another."""
        held = self._held.pop(asyncio.get_running_loop(), None)
        if held is not None:
            await held.holder.aclose()

    async def _until_closed(self, building: asyncio.Future[C]) -> AsyncGenerator[None, None]:
        """Closes a client when it is closed itself, which a loop does with every generator as it ends: hosts that run
        one loop per step leave no connection behind."""
        try:
            yield
        finally:
            built = (await asyncio.gather(building, return_exceptions=True))[0]
            if not isinstance(built, BaseException):
                await self._close(built)
