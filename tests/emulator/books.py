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


def count_tokens(text: str) -> int:
    """The token estimate for a piece of text."""
    return (len(text) + CHARS_PER_TOKEN - 1) // CHARS_PER_TOKEN


def prompt_text(body: dict[str, Any], items: list[dict[str, Any]], model: str) -> str:
    """The prompt as the cache sees it: ids and states are not part of it, everything else is, in order."""
    parts = [model, _dump(body.get("tools") or []), body.get("instructions") or "", _dump(body.get("text") or {})]
    parts += [item_text(item) for item in items]
    return "\n".join(parts)


def item_text(item: dict[str, Any]) -> str:
    """One input item as the cache sees it."""
    return _dump({key: value for key, value in item.items() if key not in {"id", "status"}})


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = re.sub(r'data:[a-z]+/[^"]{200,}', lambda m: _placeholder(m[0], _IMAGE_TOKENS), text)
    return re.sub(r'(?<="encrypted_content":")[^"]+', lambda m: _placeholder(m[0], _BLOB_TOKENS), text)


def _placeholder(data: str, tokens: int) -> str:
    return hashlib.sha256(data.encode()).hexdigest().ljust(tokens * CHARS_PER_TOKEN, "#")[: tokens * CHARS_PER_TOKEN]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptUsage:
    """What one prompt cost, and how much of it the cache had."""

    tokens: int
    cached_tokens: int
    written_tokens: int


@dataclass(slots=True)
class PromptCache:
    """The prompts seen lately."""

    prompts: dict[tuple[str, str], deque[str]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=64)))

    def look_up(self, prompt: str, *, account: str, key: str, writes: bool) -> PromptUsage:
        """Look a prompt up and remember it."""
        known = self.prompts[account, key]
        longest = max((_common_prefix_length(prompt, old) for old in known), default=0)
        total = count_tokens(prompt)
        cached = _round_to_cache_step(longest // CHARS_PER_TOKEN)
        known.append(prompt)
        return PromptUsage(
            tokens=total,
            cached_tokens=cached,
            written_tokens=max(0, _round_to_cache_step(total) - cached) if writes else 0,
        )


def _common_prefix_length(first: str, second: str) -> int:
    """How many characters two texts begin with alike."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _round_to_cache_step(tokens: int) -> int:
    return tokens // CACHE_STEP * CACHE_STEP if tokens >= CACHE_FROM else 0


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
