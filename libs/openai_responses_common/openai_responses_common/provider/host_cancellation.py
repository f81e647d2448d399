"""Ends a call if the host cancels its session at once, as after a second Ctrl-C.

A host sets a flag of the session's cancellation token. The kernel sends no notice of it, and does not cancel the tasks
that run inside the session. So a timer looks at the flag while a call runs; calls that run together share the timer. A
graceful cancellation, as after one Ctrl-C, lets the call finish.
"""

from __future__ import annotations

import asyncio
from typing import Any, Self

from amplifier_core.llm_errors import AbortError

_LOOK_INTERVAL_S = 0.05
# A host looks at its flag, too, and then stops waiting for the session. If the error came first, the host would show
# it. Amplifier's command line looks every 0.05 s (seen 2026-12-01).
_HOST_TIME_S = 0.1


class HostCancellation:
    """Cancels the task of the block below once the host cancels its session at once.

    The block then raises `AbortError`. A cancellation by anybody else stays what it is.

    Args:
        coordinator: the session's coordinator. Nothing is watched if it is None, or has no cancellation token.
        provider: the mount name of the provider, for the error.
        running: the blocks that run with the same coordinator, the oldest first. They end together. Otherwise the slot
            of one call would go to another one, which would still send its request.
    """

    def __init__(self, coordinator: Any, *, provider: str, running: dict[HostCancellation, None]) -> None:
        self._provider = provider
        self._running = running
        self._token = getattr(coordinator, "cancellation", None)
        self._task: asyncio.Task[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cancel_count = 0
        self._has_cancelled = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        if self._task is not None and self._token is not None:
            self._cancel_count = self._task.cancelling()
            self._running[self] = None
            self.look()
        return self

    async def __aexit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        self._running.pop(self, None)
        self._hand_over()
        if self._task is None or not self._has_cancelled:
            return
        if self._task.uncancel() > self._cancel_count:
            return
        if error_type is asyncio.CancelledError:
            await asyncio.sleep(_HOST_TIME_S)
            raise AbortError("the call was cancelled", provider=self._provider) from None
        await self._forget_cancellation(self._task)

    async def _forget_cancellation(self, task: asyncio.Task[Any]) -> None:
        """Take back a cancellation that the block did not wait long enough to meet.

        Before Python 3.13 it would otherwise meet the next `await` of the caller.
        """
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if task.cancelling() > self._cancel_count:
                raise

    def look(self) -> None:
        """Cancel all blocks that run in this event loop if the host asks for it, else look again later."""
        loop = asyncio.get_running_loop()
        # `is True`, because a mock of a coordinator has an attribute of every name.
        if getattr(self._token, "is_immediate", False) is True:
            for block in tuple(self._running):
                block.cancel(loop)
        elif not any(block is not self and block.looks_in(loop) for block in self._running):
            self._timer = loop.call_later(_LOOK_INTERVAL_S, self.look)

    def looks_in(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether this block looks at the flag for all blocks of an event loop."""
        return self._timer is not None and self.runs_in(loop)

    def _hand_over(self) -> None:
        """End the timer of this block, and let another block of this event loop look from now on."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        loop = asyncio.get_running_loop()
        heir = next((block for block in tuple(self._running) if block.runs_in(loop)), None)
        if heir is not None:
            heir.look()

    def runs_in(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether the task of this block runs in an event loop."""
        return self._task is not None and self._task.get_loop() is loop

    def cancel(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel the task of the block, if it runs in this event loop."""
        if self._task is not None and self.runs_in(loop) and not self._has_cancelled:
            self._has_cancelled = True
            self._task.cancel()
