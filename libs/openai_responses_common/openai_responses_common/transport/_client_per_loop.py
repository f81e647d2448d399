"""One client per event loop, because a client belongs to the loop that it was built for.

What a client needs is prepared in a thread: that imports a library and reads every certificate of the machine, which
takes 20 to 140 ms. The client itself is built in its loop.
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
        prepare: returns what builds a new client in the running loop. It may block, and runs in a thread.
        close: closes a client.
        abandon: gives up a client whose loop was closed before it, so that nobody can wait for anything.
    """

    def __init__(
        self,
        prepare: Callable[[], Callable[[], C]],
        close: Callable[[C], Awaitable[None]],
        abandon: Callable[[C], None],
    ) -> None:
        self._prepare = prepare
        self._close = close
        self._abandon = abandon
        self._loop_clients: dict[asyncio.AbstractEventLoop, _LoopClient[C]] = {}

    async def get(self) -> C:
        """Return the client of the running loop. Callers that come while it is being built share it."""
        self._abandon_clients()
        loop = asyncio.get_running_loop()
        loop_client = self._loop_clients.get(loop)
        if loop_client is None or (loop_client.client_future.done() and loop_client.client_future.exception()):
            client_future = self._build(loop)
            loop_client = self._loop_clients[loop] = _LoopClient(
                client_future=client_future, closer=self._close_with_loop(client_future)
            )
            await anext(loop_client.closer)
        return await asyncio.shield(loop_client.client_future)

    def _build(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[C]:
        """Prepare and build a client. No task does it, so a cancelled call leaves none behind."""
        client_future: asyncio.Future[C] = loop.create_future()

        def finish(preparation: asyncio.Future[Callable[[], C]]) -> None:
            if preparation.cancelled():
                client_future.cancel()
            elif error := preparation.exception():
                client_future.set_exception(error)
            else:
                client_future.set_result(preparation.result()())

        loop.run_in_executor(None, self._prepare).add_done_callback(finish)
        return client_future

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
        self._abandon_clients()
        loop_client = self._loop_clients.pop(asyncio.get_running_loop(), None)
        if loop_client is not None:
            await loop_client.closer.aclose()

    def _abandon_clients(self) -> None:
        """Give up the clients of closed loops."""
        for loop in list(self._loop_clients):  # loops of other threads add theirs meanwhile
            if loop.is_closed() and (loop_client := self._loop_clients.pop(loop, None)) is not None:
                future = loop_client.client_future
                if future.done() and not future.cancelled() and not future.exception():
                    self._abandon(future.result())

    async def _close_with_loop(self, client_future: asyncio.Future[C]) -> AsyncGenerator[None, None]:
        """Close a client when the generator is closed. A loop closes every generator when it ends, so a host that runs
        one loop per step leaves no connection open."""
        try:
            yield
        finally:
            built = (await asyncio.gather(client_future, return_exceptions=True))[0]
            if not isinstance(built, BaseException):
                await self._close(built)
