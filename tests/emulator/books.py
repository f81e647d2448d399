"""The books of the service: tokens, prompt-cache accounting and rate limits.

Invariants: the same request costs the same tokens every time; a prefix is cached in steps of 128 tokens from 1,024 up,
per account and cache key; limits count in windows of a minute.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

CHARS_PER_TOKEN = 4
CACHE_FROM = 1024
CACHE_STEP = 128
# What an image or a ciphertext weighs, whatever its bytes: the service bills pixels and reasoning, not base64.
_IMAGE_TOKENS = 765
_BLOB_TOKENS = 64


def tokens_of(text: str) -> int:
    """The token estimate for a piece of text."""
    return (len(text) + CHARS_PER_TOKEN - 1) // CHARS_PER_TOKEN


def render(body: dict[str, Any], items: list[dict[str, Any]], model: str) -> str:
    """The prompt as the cache sees it: ids and states are not part of it, everything else is, in order."""
    parts = [model, _dump(body.get("tools") or []), body.get("instructions") or "", _dump(body.get("text") or {})]
    parts += [render_item(item) for item in items]
    return "\n".join(parts)


def render_item(item: dict[str, Any]) -> str:
    """One input item as the cache sees it."""
    return _dump({key: value for key, value in item.items() if key not in {"id", "status"}})


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = re.sub(r'data:[a-z]+/[^"]{200,}', lambda m: _stand_in(m[0], _IMAGE_TOKENS), text)
    return re.sub(r'(?<="encrypted_content":")[^"]+', lambda m: _stand_in(m[0], _BLOB_TOKENS), text)


def _stand_in(data: str, tokens: int) -> str:
    return hashlib.sha256(data.encode()).hexdigest().ljust(tokens * CHARS_PER_TOKEN, "#")[: tokens * CHARS_PER_TOKEN]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What one prompt cost, and how much of it the cache had."""

    tokens: int
    cached: int
    written: int


@dataclass(slots=True)
class PromptCache:
    """The prompts seen lately."""

    seen: dict[tuple[str, str], deque[str]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=64)))

    def account_for(self, prompt: str, *, account: str, key: str, writes: bool) -> Prompt:
        """Look a prompt up and remember it."""
        known = self.seen[account, key]
        longest = max((_shared(prompt, old) for old in known), default=0)
        total = tokens_of(prompt)
        cached = _step(longest // CHARS_PER_TOKEN)
        known.append(prompt)
        return Prompt(tokens=total, cached=cached, written=max(0, _step(total) - cached) if writes else 0)


def _shared(first: str, second: str) -> int:
    """How many characters two texts begin with alike."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _step(tokens: int) -> int:
    return tokens // CACHE_STEP * CACHE_STEP if tokens >= CACHE_FROM else 0


@dataclass(slots=True)
class Bucket:
    """One limit of one key, counted in windows that begin with the first use."""

    limit: int
    window_s: float
    used: int = 0
    began_s: float = field(default_factory=time.monotonic)

    def fits(self, amount: int) -> bool:
        """Whether so much is left; begins a new window where the last is over."""
        if time.monotonic() - self.began_s >= self.window_s:
            self.used, self.began_s = 0, time.monotonic()
        return self.used + amount <= self.limit

    @property
    def reset_s(self) -> float:
        return max(0.0, self.began_s + self.window_s - time.monotonic())


@dataclass(frozen=True, slots=True, kw_only=True)
class OverLimit:
    """The limit that a request broke."""

    what: str
    limit: int
    used: int
    wait_s: float


@dataclass(slots=True, kw_only=True)
class RateBooks:
    """Requests and tokens per window, per key."""

    requests: int = 10_000
    tokens: int = 30_000_000
    window_s: float = 60.0
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)

    def take(self, key: str, tokens: int) -> OverLimit | None:
        """Book one request, or say which limit it breaks; then nothing is booked."""
        wanted = {"requests": (self.requests, 1), "tokens": (self.tokens, tokens)}
        for what, (limit, amount) in wanted.items():
            bucket = self.buckets.setdefault((key, what), Bucket(limit, self.window_s))
            if not bucket.fits(amount):
                return OverLimit(what=what, limit=limit, used=bucket.used, wait_s=bucket.reset_s)
        for what, (_, amount) in wanted.items():
            self.buckets[key, what].used += amount
        return None

    def headers(self, key: str) -> list[tuple[str, str]]:
        """The x-ratelimit-* headers as they stand."""
        found: list[tuple[str, str]] = []
        for what in ("requests", "tokens"):
            if bucket := self.buckets.get((key, what)):
                found += [
                    (f"x-ratelimit-limit-{what}", str(bucket.limit)),
                    (f"x-ratelimit-remaining-{what}", str(max(0, bucket.limit - bucket.used))),
                    (f"x-ratelimit-reset-{what}", _duration(bucket.reset_s)),
                ]
        return found


def _duration(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms" if seconds < 1 else f"{seconds:.3f}s"
