"""The stopwatch that limits are measured with."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from tests.support.backends import ROOT
from tests.support.run_clock import RunClock


def test_what_is_waited_for_counts_and_no_more_than_the_clock_says() -> None:
    began_s = time.monotonic()
    with RunClock() as run_clock:
        while run_clock.elapsed_s < 0.05:
            time.sleep(0.01)
    assert 0.05 <= run_clock.elapsed_s <= time.monotonic() - began_s
    at_the_end_s = run_clock.elapsed_s
    time.sleep(0.05)
    assert run_clock.elapsed_s == at_the_end_s


STOPPED = """
import time
from tests.support.run_clock import RunClock
began_s = time.monotonic()
with RunClock() as run_clock:
    print("begun", flush=True)
    input()
print(time.monotonic() - began_s - run_clock.elapsed_s)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is not of Windows")
def test_time_in_which_the_process_stands_still_does_not_count() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.4)
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate("\n")
    assert float(out) > 0.3
