"""Prepares the provider that a session asks first, so that the first call waits for less.

A preparation runs in the background once the host has called `on_session_ready`; mounting starts nothing, because hosts
also mount on a mock coordinator. It imports what calls need, builds the client and opens a connection, but it sends no
request that costs, reads no stored token and asks nobody. A failure costs nothing, because the first call does the same
again and reports it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..installation import importing
from ..transport.base import Transport, TransportChoice

if TYPE_CHECKING:
    from ..engine.engine import Engine

logger = logging.getLogger(__name__)

# At most one preparation runs in a process: a host that opens many sessions at once gains nothing from more.
_running: Preparation | None = None


class Preparation:
    """The preparation of one provider.

    Args:
        prepare: what to do.
        name: of the service, for the log.
    """

    def __init__(self, prepare: Callable[[], Awaitable[None]], *, name: str) -> None:
        self._prepare = prepare
        self._name = name
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Return whether it has begun and not ended, in an event loop that is still open."""
        return self._task is not None and not self._task.done() and not self._task.get_loop().is_closed()

    def start(self) -> None:
        """Begin in the running event loop, unless a preparation runs in this process or this one has already run."""
        global _running  # noqa: PLW0603  (it is a fact about the process)
        if self._task is None and (_running is None or not _running.is_running):
            self._task = asyncio.get_running_loop().create_task(self._run())
            _running = self

    async def stop(self) -> None:
        """End it. May be called at any time and in any event loop; the provider can be prepared again."""
        task, self._task = self._task, None
        if task is None or task.done() or task.get_loop().is_closed():
            return
        if task.get_loop() is not asyncio.get_running_loop():
            with suppress(RuntimeError):  # the loop has ended meanwhile
                task.get_loop().call_soon_threadsafe(task.cancel)
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await self._prepare()
        except Exception as error:  # noqa: BLE001 - whatever it is, the first call meets it too, and says it
            logger.debug("%s: the provider could not be prepared: %s", self._name, type(error).__name__)


async def load_engine_class(transport: Transport, choice: TransportChoice) -> type[Engine]:
    """Import the engine in a thread, and let the transport build its client meanwhile.

    Args:
        transport: the transport.
        choice: how requests are to travel.

    Raises:
        ConfigurationError: a package is absent or cannot be imported.
    """
    loading = asyncio.to_thread(_import_engine_class), transport.warm_up(choice)
    engine_class, _ = await asyncio.gather(*loading, return_exceptions=True)
    if isinstance(engine_class, BaseException):
        raise engine_class
    return engine_class  # if there is no client, the first request says why


def _import_engine_class() -> type[Engine]:
    with importing():
        from ..engine.engine import Engine

        return Engine
