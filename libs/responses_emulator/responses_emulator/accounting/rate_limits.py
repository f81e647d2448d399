"""."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class LimitWindow:
    """One limit of one key, counted in windows that begin with the first use."""

    limit: int
    window_s: float
    used: int = 0
    started_s: float = field(default_factory=time.monotonic)

    def has_room(self, amount: int) -> bool:
        """Whether so much is left; begins a new window where the last is over."""
        if time.monotonic() - self.started_s >= self.window_s:
            self.used, self.started_s = 0, time.monotonic()
        return self.used + amount <= self.limit

    @property
    def reset_s(self) -> float:
        return max(0.0, self.started_s + self.window_s - time.monotonic())


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitExceeded:
    """The limit that a request broke."""

    limit_name: str
    limit: int
    used: int
    wait_s: float


@dataclass(slots=True, kw_only=True)
class RateLimits:
    """Requests and tokens per window, per key."""

    requests: int = 10_000
    tokens: int = 30_000_000
    window_s: float = 60.0
    windows: dict[tuple[str, str], LimitWindow] = field(default_factory=dict)

    def reserve(self, key: str, tokens: int) -> LimitExceeded | None:
        """Book one request, or say which limit it breaks; then nothing is booked."""
        wanted = {"requests": (self.requests, 1), "tokens": (self.tokens, tokens)}
        for what, (limit, amount) in wanted.items():
            bucket = self.windows.setdefault((key, what), LimitWindow(limit, self.window_s))
            if not bucket.has_room(amount):
                return LimitExceeded(limit_name=what, limit=limit, used=bucket.used, wait_s=bucket.reset_s)
        for what, (_, amount) in wanted.items():
            self.windows[key, what].used += amount
        return None

    def headers(self, key: str) -> list[tuple[str, str]]:
        """The x-ratelimit-* headers as they stand."""
        found: list[tuple[str, str]] = []
        for what in ("requests", "tokens"):
            if bucket := self.windows.get((key, what)):
                found += [
                    (f"x-ratelimit-limit-{what}", str(bucket.limit)),
                    (f"x-ratelimit-remaining-{what}", str(max(0, bucket.limit - bucket.used))),
                    (f"x-ratelimit-reset-{what}", _duration(bucket.reset_s)),
                ]
        return found


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms" if seconds < 1 else f"{seconds:.3f}s"
