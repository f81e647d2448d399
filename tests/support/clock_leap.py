"""Lets time pass for the running event loop: its timers run out, and no test waits for them.

`tests/support/jump_clock.py` suits a test whose server runs in the same loop. Use this one if the server runs in
another thread or process: the test waits for what has to come first, and only then lets time pass. So a machine that is
slow cannot make a timeout come too early.
"""

from __future__ import annotations

import asyncio


def let_time_pass(seconds: float) -> None:
    """Move the clock of the running event loop ahead. Other threads and `time.monotonic()` do not take part."""
    loop = asyncio.get_running_loop()
    read_time_s = loop.time
    loop.time = lambda: read_time_s() + seconds  # type: ignore[method-assign]
