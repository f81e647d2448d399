"""Runs blocking functions in threads that do not delay the exit of the process.

Python joins the threads of a pool at exit, and `asyncio.run` waits for those of its default pool. One keyring or token
call that hangs would block the exit. A daemon thread ends with the process, so a caller waits for whatever must
finish, or runs it within `finish_before_exit`.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from typing import TypeVar

T = TypeVar("T")

_EXIT_DEADLINE_S = 10.0


def run_in_thread(function: Callable[[], T]) -> Future[T]:
    """Run a function in a new daemon thread.

    Returns:
        The future of what the function returns or raises. It cannot be cancelled, because a thread cannot be. In an
        event loop, wait for it with `wait_for`.
    """
    future: Future[T] = Future()
    # A future that is running refuses to be cancelled; the thread could not set the result of a cancelled one.
    future.set_running_or_notify_cancel()
    threading.Thread(
        target=_complete_future, args=(function, future), name="openai-responses-blocking", daemon=True
    ).start()
    return future


def run_with_deadline(function: Callable[[], T], deadline_s: float) -> T:
    """Run a function in a daemon thread and wait for it. A function that is late goes on without a caller.

    Raises:
        TimeoutError: it took longer than `deadline_s` seconds.
    """
    future = run_in_thread(function)
    done, _ = wait([future], timeout=deadline_s)
    if not done:
        raise TimeoutError(f"no result within {deadline_s:g} s")
    return future.result()


@contextmanager
def finish_before_exit() -> Generator[None, None, None]:
    """Let the process wait at its exit until the block has finished in its daemon thread, at most ten seconds."""
    finished = threading.Event()
    atexit.register(finished.wait, _EXIT_DEADLINE_S)
    try:
        yield
    finally:
        finished.set()
        atexit.unregister(finished.wait)


def _complete_future(function: Callable[[], T], future: Future[T]) -> None:
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001  (the future raises it to its caller)
        future.set_exception(error)
    else:
        future.set_result(result)


async def wait_for(future: Future[T]) -> T:
    """Wait for the future of a thread. A cancellation, or the end of the loop, does not disturb other waiters."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def set_done(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(lambda: done.done() or done.set_result(None))

    future.add_done_callback(set_done)
    await done
    return future.result()


async def run_stoppable(function: Callable[[threading.Event], T]) -> T:
    """Run a function in a daemon thread and wait for it.

    Args:
        function: gets an event that is set when the caller stops waiting; the function has to end soon then.
    """
    stop = threading.Event()
    try:
        return await wait_for(run_in_thread(lambda: function(stop)))
    finally:
        stop.set()
