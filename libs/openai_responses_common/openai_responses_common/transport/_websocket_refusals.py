"""The addresses and accounts that got no WebSocket in the last minutes, for all transports of the process."""

from __future__ import annotations

import threading
import time

REFUSAL_PERIOD_S = 300.0
"""How long, in seconds, no upgrade is tried after one failed. A fault that passes does not end WebSockets for good."""


class Refusals:
    """Remembers addresses, or what else names a service, for some minutes; may be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until_s: dict[str, float] = {}

    def add(self, address: str) -> bool:
        """Note that an address opened no WebSocket. Returns whether that is news."""
        with self._lock:
            is_news = not self._is_known(address)
            if is_news:
                self._until_s[address] = time.monotonic() + REFUSAL_PERIOD_S
            return is_news

    def is_known(self, address: str) -> bool:
        """Return whether an address opened no WebSocket in the last minutes."""
        with self._lock:
            return self._is_known(address)

    def clear(self) -> None:
        """Forget all addresses."""
        with self._lock:
            self._until_s.clear()

    def _is_known(self, address: str) -> bool:
        return time.monotonic() < self._until_s.get(address, 0.0)


REFUSALS = Refusals()
"""Those of this process."""
