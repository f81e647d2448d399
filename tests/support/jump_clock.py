"""An event loop whose clock jumps: a test of an hour of silence takes milliseconds, and a slow machine breaks none.

The clock of the loop stands still while anything happens. It jumps to the next timer when no socket is ready and no
job runs in an executor or in a thread of the library. A server and its client must run in this one loop, so that the
loop sees all that happens. Other threads and `time.monotonic()` do not take part::

    @on_jump_clock
    async def test_timeout_ends_a_silent_stream(fixture: Thing) -> None:
        await asyncio.sleep(3600)
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")

# Bytes that a socket has sent may still be under way in the kernel of a busy machine, so a long jump waits for them.
_LONG_JUMP_S = 0.1
_GRACE_S = 0.005
_LIBRARY_THREAD_NAME = "openai-responses-blocking"


class JumpClockLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock that begins at 0 seconds and jumps from timer to timer."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._running_jobs = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Return the seconds by which the clock has been moved."""
        return self._now_s

    def move_clock(self, seconds: float) -> None:
        """Move the clock as a stopped process finds it moved when it goes on: no timer has run meanwhile.

        Args:
            seconds: by how much.
        """
        self._now_s += seconds

    @property
    def has_running_jobs(self) -> bool:
        """Whether a job runs in an executor or in a thread of the library."""
        return self._running_jobs > 0 or any(each.name == _LIBRARY_THREAD_NAME for each in threading.enumerate())

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Run a job in a thread; the clock does not jump before it has ended."""
        future = super().run_in_executor(executor, func, *args)
        self._running_jobs += 1
        future.add_done_callback(self._on_job_done)
        return future

    def _on_job_done(self, _: asyncio.Future[Any]) -> None:
        self._running_jobs -= 1


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the clock of its loop instead of waiting."""

    def __init__(self, loop: JumpClockLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready. If nothing is, wait for a running job or else jump by `timeout` seconds."""
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        grace_s = _GRACE_S if timeout >= _LONG_JUMP_S else 0
        ready = super().select(timeout if self._loop.has_running_jobs else grace_s)
        if not ready:
            self._loop.move_clock(timeout)
        return ready


def run_on_jump_clock(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end on a loop of this kind."""
    with asyncio.Runner(loop_factory=JumpClockLoop) as runner:
        runner.run(main)


def on_jump_clock(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test on a loop of this kind. Its fixtures must not be async: they would use another loop."""

    @wraps(test)
    def run_test(*args: P.args, **kwargs: P.kwargs) -> None:
        run_on_jump_clock(test(*args, **kwargs))

    return run_test
