"""Hold the replies of a step until a test releases them.

A test uses this instead of a delay, so that no pause of the machine decides what it proves. `hold` and `release` may be
called from any thread; `wait` runs in the event loop of the emulator.
"""

from __future__ import annotations

import asyncio

_POLL_INTERVAL_S = 0.005


class HeldReplies:
    """The steps whose replies are held."""

    def __init__(self) -> None:
        self._steps: set[str] = set()

    def hold(self, step: str) -> None:
        """Hold every further reply of a step. The step itself is carried out."""
        self._steps.add(step)

    def release(self, step: str) -> None:
        """Send the replies that are held, and hold no further ones."""
        self._steps.discard(step)

    async def wait(self, step: str) -> None:
        """Return when the replies of the step are not held."""
        while step in self._steps:  # noqa: ASYNC110 - a test releases them in another thread
            await asyncio.sleep(_POLL_INTERVAL_S)
