"""What Ctrl-C does at each moment: end the program, stop what runs in the event loop, interrupt typing, or nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended."""


def interrupt() -> None:
    """Interrupt the program, as Python does by itself."""
    raise KeyboardInterrupt


def ignore() -> None:
    """Do nothing."""


def leave_at_once() -> None:
    """End the program without another word."""
    os._exit(INTERRUPTED)


class CtrlC:
    """The effect of Ctrl-C. At first it interrupts the program, and a second one ends it at once."""

    def __init__(self) -> None:
        self._effect = self._end
        # A shell makes its jobs in the background ignore Ctrl-C, and that stays so.
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
            signal.signal(signal.SIGINT, lambda *_: self._effect())

    def _end(self) -> None:
        self._effect = leave_at_once
        interrupt()

    @contextmanager
    def does(self, effect: Callable[[], None]) -> Iterator[None]:
        """Change the effect while the context lasts."""
        before, self._effect = self._effect, effect
        try:
            yield
        finally:
            self._effect = before

    async def stops(self, work: Awaitable[T]) -> T:
        """Wait for something that Ctrl-C cancels. Further Ctrl-C do nothing, because it may need time to stop.

        Raises:
            asyncio.CancelledError: the user pressed Ctrl-C, and the work has ended.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        pressed = False

        def stop() -> None:
            nonlocal pressed
            if not pressed and task is not None:
                loop.call_soon_threadsafe(task.cancel)  # wakes a loop that waits for the network
            pressed = True

        with self.does(stop):
            return await work
