"""Blocking functions in threads that cannot hold the interpreter's exit.

A pool's threads are joined at exit, and `asyncio.run` waits for those of its own pool: one keyring or token call that
hangs would keep the whole process. A daemon thread is left behind instead, so nothing that must finish runs here
without somebody who waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def run_in_thread(function: Callable[[], T]) -> Future[T]:
    """Run a function in a daemon thread of its own.

    Returns:
        What it returned or raised. The future cannot be cancelled, since a thread cannot be; an event loop waits for it
        with `asyncio.wrap_future`, and stops waiting when the task is cancelled.
    """
    future: Future[T] = Future()
    # A future that is running refuses to be cancelled; the thread could not set the result of a cancelled one.
    future.set_running_or_notify_cancel()
    threading.Thread(
        target=_complete_future, args=(function, future), name="openai-responses-blocking", daemon=True
    ).start()
    return future


def run_with_deadline(function: Callable[[], T], deadline_s: float) -> T:
    """Run a function in a daemon thread and wait for it in this one; a function that is late goes on by itself.

    Raises:
        TimeoutError: it took longer than `deadline_s` seconds.
    """
    future = run_in_thread(function)
    done, _ = wait([future], timeout=deadline_s)
    if not done:
        raise TimeoutError(f"no answer within {deadline_s:g} s")
    return future.result()


def _complete_future(function: Callable[[], T], future: Future[T]) -> None:
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001  (whoever waits for the future gets it, whatever it is)
        future.set_exception(error)
    else:
        future.set_result(result)


async def wait_for(future: Future[T]) -> T:
    """Wait for the future of a thread; leaving, or the end of the loop, takes nothing from others who wait for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(lambda: done.done() or done.set_result(None))

    future.add_done_callback(tell)
    await done
    return future.result()
