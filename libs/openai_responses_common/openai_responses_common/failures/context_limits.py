"""Reads from a refusal how long an input was and how long it may be, if the service says so."""

from __future__ import annotations

import re
from dataclasses import dataclass

# "4096", "922,000", "131.072" and "128k", and no part of a longer number.
_NUMBER = r"(?<![\d.,_])(\d{1,3}(?:[,.]\d{3})+|\d{1,12})(?![\d_]|[.,]\d)(?:\s?([km])\b)?"
_GAP = r"(?:(?!\w+_tokens)[^\d.;]){0,40}?"
# The number before it is how long an input was, a limit of something else, or a part of a sum.
_NO_LIMIT = (
    r"(?!\s*(?:tokens?)?\s*\)?\s*(?:[+>]|exceeds?\b|requests?\b|per\b|/\s*min|[rt]pm\b|is (?:too|longer|larger)))"
)
# "maximum context length is 4096 tokens", "available context size (4096 tokens)", "n_ctx: 4096". Sources: the sentences
# of `server_sentences`, and the API's own of 2026.
_WINDOW_PATTERN = re.compile(rf"(?:context (?:length|size|window)|n_ctx){_GAP}{_NUMBER}{_NO_LIMIT}", re.I)
# "configured limit of 922000 tokens", "> 200000 maximum", "`inputs` must be <= 4096"; a limit of the output is none.
_LIMIT_PATTERN = re.compile(
    rf"(?:limit|maximum|max(?!imum))(?!\w*_tokens| (?:output|completion|new) tokens){_GAP}{_NUMBER}{_NO_LIMIT}"
    rf"|>\s*{_NUMBER}\s+max|`inputs`.{{0,40}}?<=\s*{_NUMBER}",
    re.I,
)
_TOKENS_PATTERN = re.compile(rf"{_NUMBER}\s+(?:\w+\s+)?tokens?\b|n_prompt_tokens\W+{_NUMBER}", re.I)
_FACTORS = {"k": 1_000, "m": 1_000_000}
# No model has a shorter window, so a smaller number is something else.
_SHORTEST_WINDOW = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextNumbers:
    """What a refusal says about the length of an input.

    Attributes:
        limit: the most tokens that there may be. None if it does not say.
        tokens: the tokens that there were. None if it does not say.
    """

    limit: int | None = None
    tokens: int | None = None


def read_context_numbers(message: str, *, floor: int = 0) -> ContextNumbers:
    """Return the numbers in the message of a refusal.

    Args:
        message: the message.
        floor: a lower limit counts only if the message calls it the window and says that there were more tokens.
    """
    longest = max(_find_numbers(_TOKENS_PATTERN, message), default=0)
    windows = [number for number in _find_numbers(_WINDOW_PATTERN, message) if number >= floor or longest > number]
    others = [number for number in _find_numbers(_LIMIT_PATTERN, message) if number >= floor]
    limit = min(windows or others, default=None)
    return ContextNumbers(limit=limit, tokens=longest if limit is not None and longest > limit else None)


def _find_numbers(pattern: re.Pattern[str], message: str) -> list[int]:
    numbers = [_read_number(*filter(None, match.groups())) for match in pattern.finditer(message)]
    return [number for number in numbers if number >= _SHORTEST_WINDOW]


def _read_number(digits: str, suffix: str = "") -> int:
    return int(re.sub("[,.]", "", digits)) * _FACTORS.get(suffix.lower(), 1)
