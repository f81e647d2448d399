"""One secret that ends with the process, for tests and for machines that must not keep any."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from .lock import LOCK_DEADLINE_S
from .record import StoreError


class MemoryStore:
    """A secret in memory; see `TokenStore` for what the methods are for."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._lock = threading.Lock()

    def location(self) -> str:
        return "memory only"

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        """Memory always works."""

    def load(self) -> str | None:
        return self._text

    def save(self, text: str) -> None:
        self._text = text

    def delete(self) -> bool:
        there, self._text = self._text is not None, None
        return there

    @contextmanager
    def lock(self, *, deadline_s: float = LOCK_DEADLINE_S) -> Generator[None, None, None]:
        """Hold the lock of this secret, which is one of this process alone.

        Raises:
            StoreError: another thread held it all the time.
        """
        if not self._lock.acquire(timeout=deadline_s):
            raise StoreError(f"another thread has held the lock of the tokens for more than {deadline_s:g} s")
        try:
            yield
        finally:
            self._lock.release()
