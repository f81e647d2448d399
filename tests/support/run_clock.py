"""A stopwatch that stops while the machine stops, for limits on how long something may take."""

from __future__ import annotations

import threading
from typing import Self

_BEAT_S = 0.01


class RunClock:
    """Counts the time in which this process runs: `with RunClock() as clock: …`, then `assert clock.elapsed_s < 2`.

    A thread counts a beat each time that it wakes, however long it slept by the clock. Time in which the machine is
    suspended, or too busy to wake the thread, does not count, and `elapsed_s` is never more than the clock's time.

    Measure waiting with it. Measure computing with `time.process_time()`, and choose no limit so low that a busy
    machine's share of the processor decides.

    Attributes:
        elapsed_s: the seconds so far; after the block, the seconds of the block.
    """

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, name="run-clock", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _count(self) -> None:
        beats = 0
        while not self._over.wait(_BEAT_S):
            beats += 1
            self.elapsed_s = beats * _BEAT_S
