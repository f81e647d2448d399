"""Reads from a refusal how long an input was and how long it may be, if the service says so."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"(\d[\d,]{1,11})"
# "maximum context length is 4096 tokens", "configured limit of 922000 tokens", "> 200000 maximum", "available context
# size (4096 tokens)", "n_ctx: 4096". Sources: the sentences of `server_sentences`, and the API's own of 2026.
_LIMIT_PATTERN = re.compile(
    rf"(?:limit|max(?:imum)?|context (?:length|size|window)|n_ctx)[^\d.;]{{0,40}}?{_NUMBER}"
    rf"|>\s*{_NUMBER}\s+max",
    re.I,
)
_TOKENS_PATTERN = re.compile(rf"{_NUMBER}\s+(?:\w+\s+)?tokens?\b|n_prompt_tokens\W+{_NUMBER}", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextNumbers:
    """What a refusal says about the length of an input.

    Attributes:
        limit: the most tokens that there may be. None if it does not say.
        tokens: the tokens that there were. None if it does not say.
    """

    limit: int | None = None
    tokens: int | None = None


def read_context_numbers(message: str) -> ContextNumbers:
    """Return the numbers in the message of a refusal."""
    limits = [_read_number(*match.groups()) for match in _LIMIT_PATTERN.finditer(message)]
    limit = min(limits, default=None)
    counts = [_read_number(*match.groups()) for match in _TOKENS_PATTERN.finditer(message)]
    longest = max(counts, default=0)
    return ContextNumbers(limit=limit, tokens=longest if limit is not None and longest > limit else None)


def _read_number(*groups: str | None) -> int:
    return int(next(filter(None, groups)).replace(",", ""))
