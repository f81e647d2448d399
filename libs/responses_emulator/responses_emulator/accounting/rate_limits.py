"""The rate limits of a caller: requests and tokens per window, and the headers that report them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class LimitWindow:
    """One limit of one key. A window begins with the first request after the end of the last one."""

    limit: int
    window_s: float
    clock: Callable[[], float]
    used: int = 0
    started_s: float = float("-inf")

    def has_room(self, amount: int) -> bool:
        """Return whether this amount is left; begin a new window if the last one is over."""
        if self.clock() - self.started_s >= self.window_s:
            self.used, self.started_s = 0, self.clock()
        return self.used + amount <= self.limit

    @property
    def reset_s(self) -> float:
        """Return the time until the end of the window, in seconds."""
        return max(0.0, self.started_s + self.window_s - self.clock())


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitExceeded:
    """The limit that a request exceeds."""

    limit_name: str
    limit: int
    used: int
    wait_s: float


@dataclass(slots=True, kw_only=True)
class RateLimits:
    """Requests and tokens per window and key.

    Attributes:
        requests: the default is 10,000.
        tokens: the default is 30,000,000.
        window_s: the length of a window in seconds. The default is 60.
        clock: the time in seconds. The default is `time.monotonic`.
    """

    requests: int = 10_000
    tokens: int = 30_000_000
    window_s: float = 60.0
    clock: Callable[[], float] = time.monotonic
    windows: dict[tuple[str, str], LimitWindow] = field(default_factory=dict)

    def reserve(self, key: str, tokens: int) -> LimitExceeded | None:
        """Count one request and its tokens. If a limit is exceeded, count nothing and return that limit."""
        amounts = {"requests": (self.requests, 1), "tokens": (self.tokens, tokens)}
        for name, (limit, amount) in amounts.items():
            new = LimitWindow(limit=limit, window_s=self.window_s, clock=self.clock)
            window = self.windows.setdefault((key, name), new)
            if not window.has_room(amount):
                return LimitExceeded(limit_name=name, limit=limit, used=window.used, wait_s=window.reset_s)
        for name, (_, amount) in amounts.items():
            self.windows[key, name].used += amount
        return None

    def headers(self, key: str) -> list[tuple[str, str]]:
        """Return the x-ratelimit-* headers as they are now; none before the first request of a key."""
        headers: list[tuple[str, str]] = []
        for name in ("requests", "tokens"):
            if window := self.windows.get((key, name)):
                headers += [
                    (f"x-ratelimit-limit-{name}", str(window.limit)),
                    (f"x-ratelimit-remaining-{name}", str(max(0, window.limit - window.used))),
                    (f"x-ratelimit-reset-{name}", _duration(window.reset_s)),
                ]
        return headers


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms" if seconds < 1 else f"{seconds:.3f}s"
