"""A stopwatch that stands still while the machine does, for limits on how long something may take."""

from __future__ import annotations

import threading
from typing import Self

_BEAT_S = 0.01


class Lived:
    """Counts the time in which this process gets to run: `with Lived() as lived: …`, then `assert lived.s < 2`.

    A thread counts a beat each time that it wakes, however long it slept by the clock. So time in which the machine is
    suspended, or too busy to wake it, does not count, and `s` is never more than the clock's time.

    For waiting, not for computing: what only computes is measured with `time.process_time()`, and no limit is so low
    that a busy machine's share of the processor decides.

    Attributes:
        s: seconds so far; after the block, those of the block.
    """

    def __init__(self) -> None:
        self.s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, name="lived", daemon=True)

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
            self.s = beats * _BEAT_S
