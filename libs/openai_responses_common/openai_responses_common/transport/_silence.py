"""Notices that a service has been silent for too long, but only at the second look.

A process that stood still (SIGSTOP, a debugger, a paused container) finds that its timers have run out before it has
read what arrived meanwhile: the interrupted `epoll_wait` returns no sockets, so the event loop serves the timers first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

# Enough for the event loop to ask the sockets once.
_SECOND_LOOK_DELAY_S = 0.05


class StreamTimeout(Exception):
    """The service sent no data for too long."""


class Silence:
    """Interrupts a wait for data that takes too long.

    A response costs one timer, because a wait only notes when it begins.

    Args:
        limit_s: the longest wait, in seconds.
        interrupt: ends a wait. The reader that waited calls `raise_if_too_long` then.
        message: what is too long, for the user. The default is the wait for the rest of a response.

    Attributes:
        message: see above. It may change while time passes.
        is_too_long: whether a wait was interrupted.
    """

    def __init__(self, limit_s: float, interrupt: Callable[[], object], *, message: str = "") -> None:
        self.message = message or (
            f"timed out: no data from the service for {limit_s:g} s while reading its response (setting 'timeout')"
        )
        self._limit_s = limit_s
        self._interrupt = interrupt
        self._loop = asyncio.get_running_loop()
        self._wait_began_s: float | None = None
        self._first_look_s: float | None = None
        self.is_too_long = False
        self._timer = self._loop.call_later(limit_s, self._look)

    def begin_wait(self) -> None:
        """Note that a wait for data begins; or that data came, and the wait for the next begins."""
        self._wait_began_s = self._loop.time()

    def end_wait(self) -> None:
        """Note that nobody waits for data: then the consumer is late, not the service."""
        self._wait_began_s = None

    def raise_if_too_long(self) -> None:
        """Raise if a wait was interrupted.

        Raises:
            StreamTimeout: with the message.
        """
        if self.is_too_long:
            raise StreamTimeout(self.message)

    def stop(self) -> None:
        """Interrupt nothing any more."""
        self._timer.cancel()

    def _look(self) -> None:
        began_s = self._wait_began_s
        left_s = self._limit_s if began_s is None else began_s + self._limit_s - self._loop.time()
        if left_s <= 0 and began_s == self._first_look_s:
            self.is_too_long = True
            self._interrupt()
            return
        if left_s <= 0:
            left_s, self._first_look_s = _SECOND_LOOK_DELAY_S, began_s
        self._timer = self._loop.call_later(left_s, self._look)


@asynccontextmanager
async def limit_silence(limit_s: float, message: str) -> AsyncGenerator[Silence, None]:
    """End the block if a wait in it takes too long: `async with limit_silence(5.0, "timed out") as silence:`.

    The block says when a wait begins.

    Args:
        limit_s: the longest wait, in seconds.
        message: what is too long, for the user.

    Raises:
        StreamTimeout: a wait took too long.
    """
    loop = asyncio.get_running_loop()
    limit = asyncio.timeout(None)
    silence = Silence(limit_s, lambda: limit.reschedule(loop.time()), message=message)
    try:
        async with limit:
            yield silence
        return
    except TimeoutError:
        if not silence.is_too_long:
            raise
    finally:
        silence.stop()
    raise StreamTimeout(silence.message)
