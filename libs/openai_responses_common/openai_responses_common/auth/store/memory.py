"""The store of one secret in memory, for tests and for machines that must not store any."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from .lock import LOCK_DEADLINE_S
from .record import StoreBusy


class MemoryStore:
    """Stores a secret until the process ends; see `SecretStore`."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._lock = threading.Lock()

    def location(self) -> str:
        return "memory only"

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        """Do nothing: memory always works."""

    def load(self) -> str | None:
        return self._text

    def save(self, text: str) -> None:
        self._text = text

    def delete(self) -> bool:
        was_stored, self._text = self._text is not None, None
        return was_stored

    @contextmanager
    def lock(self, *, deadline_s: float = LOCK_DEADLINE_S) -> Generator[None, None, None]:
        """Hold the lock of this secret, which exists in this process only.

        Raises:
            StoreBusy: another thread held it until the deadline, in seconds. The default is 30.
        """
        if not self._lock.acquire(timeout=deadline_s):
            raise StoreBusy(f"another thread has held the lock of the tokens for more than {deadline_s:g} s")
        try:
            yield
        finally:
            self._lock.release()
