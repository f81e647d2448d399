"""Blocking functions in daemon threads."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest
from openai_responses_common.auth.background import run_in_thread, run_with_deadline

from tests.support.run_clock import RunClock

pytestmark = pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")

HANGING = """
import asyncio, time
from openai_responses_common.auth.background import run_in_thread, run_with_deadline
async def in_a_loop():
    await asyncio.wait_for(asyncio.wrap_future(run_in_thread(lambda: time.sleep(100))), 0.05)
"""


def test_the_result_and_the_thread() -> None:
    thread = run_in_thread(threading.current_thread).result(60)
    assert thread.daemon
    assert thread is not threading.current_thread()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_whatever_was_raised_reaches_who_waits(error: BaseException) -> None:
    def fail() -> None:
        raise error

    assert run_in_thread(fail).exception(60) is error
    with pytest.raises(type(error)):
        run_with_deadline(fail, 60)


def test_a_late_function_goes_on_by_itself() -> None:
    go_on, done = threading.Event(), threading.Event()

    def slow() -> None:
        go_on.wait(60)
        done.set()

    with pytest.raises(TimeoutError, match=r"0\.02 s"):
        run_with_deadline(slow, 0.02)
    go_on.set()
    assert done.wait(60)


def test_a_timeout_of_the_function_is_its_own() -> None:
    def fail() -> None:
        raise TimeoutError("the function's")

    with pytest.raises(TimeoutError, match="the function's"):
        run_with_deadline(fail, 60)


async def test_a_loop_stops_waiting_when_its_task_is_cancelled() -> None:
    go_on = threading.Event()
    future = run_in_thread(lambda: go_on.wait(60))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await asyncio.wrap_future(future)
    assert not future.cancelled()
    go_on.set()
    assert await asyncio.wrap_future(future) is True


@pytest.mark.parametrize(
    "code",
    [
        "run_with_deadline(lambda: time.sleep(100), 0.05)",
        "asyncio.run(in_a_loop())",
    ],
    ids=["thread", "loop"],
)
def test_what_hangs_does_not_hold_the_exit(code: str) -> None:
    with RunClock() as run_clock:
        done = subprocess.run(
            [sys.executable, "-c", f"{HANGING}try:\n    {code}\nexcept TimeoutError:\n    print('late')"],
            check=False,
            capture_output=True,
            text=True,
        )
    assert (done.stdout, done.stderr, done.returncode) == ("late\n", "", 0)
    assert run_clock.elapsed_s < 60, "the function takes 100 s"
