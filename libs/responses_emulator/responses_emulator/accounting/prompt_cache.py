"""The prompt cache: how many tokens of a prompt the service already has from an earlier request.

Invariant: a hit is a common prefix of at least 1,024 tokens, in steps of 128, under one account and one cache key.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from responses_emulator.accounting.tokens import CHARS_PER_TOKEN, count_tokens

CACHE_FROM = 1024
CACHE_STEP = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptUsage:
    """The tokens of one prompt, how many of them the cache had, and how many it stored."""

    tokens: int
    cached_tokens: int
    written_tokens: int


@dataclass(slots=True)
class PromptCache:
    """The last 64 prompts of each account and cache key."""

    prompts: dict[tuple[str, str], deque[str]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=64)))

    def look_up(self, prompt: str, *, account: str, key: str, writes: bool) -> PromptUsage:
        """Look a prompt up, then store it. `writes` is whether the model reports what the cache stored."""
        earlier = self.prompts[account, key]
        longest = max((_common_prefix_length(prompt, old) for old in earlier), default=0)
        total = count_tokens(prompt)
        cached = _round_to_cache_step(longest // CHARS_PER_TOKEN)
        earlier.append(prompt)
        return PromptUsage(
            tokens=total,
            cached_tokens=cached,
            written_tokens=max(0, _round_to_cache_step(total) - cached) if writes else 0,
        )


def _common_prefix_length(first: str, second: str) -> int:
    """Return the number of characters in the common prefix of two texts."""
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
