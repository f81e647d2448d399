"""Texts, ids and JSON as people, tools and models make them, odd ones among them."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

SECRET = "sk-canary-fuzz-0123456789abcdefghij"

_ODD_TEXTS = (
    "", " ", "\n", "\x00", "\u2028", "\u2029\u0085", "\ufeff", "\U0001f600", "e\u0301", "\\ud83d",
    '"', "\\", "{}", "[]", "null", "data: x\n\n", "\r\n", "\x1b[0m", "\u202eabc", "a" * 300, "[DONE]",
    '{"type":"image"}',
)  # fmt: skip
WORDS = st.sampled_from(("hi", "Read a file.", "json", "ok", "x", "\u00e9\u00df", "\u4f60\u597d"))
# What a service sends; files and tools also give halves of surrogate pairs.
PROPER_TEXTS = WORDS | st.sampled_from(_ODD_TEXTS) | st.text(max_size=8)
TEXTS = PROPER_TEXTS | st.sampled_from(("\ud800", "\udfff\ud83d"))
LABELS = st.integers(0, 999)

# Ids of calls: of this API, of other providers, and of hosts that make up their own.
CALL_IDS = st.sampled_from(
    (
        "call_1",
        "call_2",
        "toolu_01",
        "a",
        "call 3",
        "c:\u00e9",
        "x" * 64,
        "x" * 65,
        "y" * 200,
        "",
        "\u2028",
        "\ud800",
        "\x00",
    )
) | LABELS.map(lambda number: f"call_{number}")
TOOL_NAMES = st.sampled_from(("read", "bash", "mcp__files__read", "a-b", "_", "n" * 64))
ODD_NAMES = TOOL_NAMES | st.sampled_from(("", "two words", "dotted.name", "\u00e9", "n" * 65, "a/b"))

_PLAIN = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from((2**70, -1.5, 1e300, 0.1)) | TEXTS


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists and objects of leaves, and what is nested deeper than most readers like."""
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=5,
    )


def deep(depth: int) -> list[Any]:
    """A list in a list in a list …"""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


JSON = nested(_PLAIN)
NOT_JSON = st.sampled_from((math.nan, math.inf, -math.inf))
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)

# Anything where something else belongs.
JUNK = nested(_PLAIN | NOT_JSON) | st.sampled_from(([], {}, [None], {"type": None}, [[]], {"a": {}}))


@st.composite
def spoiled(draw: st.DrawFn, value: Any, *, keys: st.SearchStrategy[str] = TEXTS) -> Any:
    """A copy of JSON in which one thing was lost, renamed or replaced by something else."""
    match value:
        case dict() if value and draw(st.integers(0, 3)):
            key = draw(st.sampled_from(sorted(value)))
            rest = {name: each for name, each in value.items() if name != key}
            match draw(st.integers(0, 5)):
                case 0:
                    return rest
                case 1:
                    return {**rest, draw(keys): value[key]}
                case _:
                    return {name: draw(spoiled(each)) if name == key else each for name, each in value.items()}
        case list() if value and draw(st.integers(0, 3)):
            at = draw(st.integers(0, len(value) - 1))
            return [*value[:at], draw(spoiled(value[at])), *value[at + 1 :]]
        case _:
            return draw(JUNK)
