"""The conversations of the benchmarks in a neutral format, which each contender converts to its types."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, TypeAlias

MODEL = "gpt-5.6-sol"
KEY = "sk-benchmark"


@dataclass(frozen=True, slots=True)
class Asked:
    """By the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """By the model: some words and one call."""

    text: str
    call_id: str
    path: str


@dataclass(frozen=True, slots=True)
class Gave:
    """By a tool."""

    call_id: str
    text: str


Step: TypeAlias = Asked | Called | Gave

_WORDS = (
    *("the", "of", "to", "and", "file", "line", "value", "name", "path", "text", "list", "test", "call", "error"),
    *("result", "state", "module", "branch", "change", "build", "server", "answer", "request", "folder", "column"),
    *(
        "number",
        "string",
        "object",
        "window",
        "table",
        "index",
        "cache",
        "token",
        "event",
        "stream",
        "socket",
        "thread",
    ),
    *("memory", "buffer", "record", "entry", "field", "option", "before", "after", "inside", "below", "under", "every"),
    *("first", "second", "last", "reads", "writes", "opens", "closes", "finds", "moves", "checks", "begins", "returns"),
)


def prose(length: int, seed: int) -> str:
    """So many characters of made-up text, which compresses about as well as real text."""
    words = random.Random(seed).choices(_WORDS, k=length // 3)
    return " ".join(words)[:length]


_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        name: {
            "type": "string",
            "description": f"The {name} to work on, as a plain text without quotes. Leave it out to use the {name} of "
            "the call before; an empty text means none.",
        }
        for name in ("path", "query", "mode", "limit")
    },
    "required": ["path"],
}
_RULES = "Paths are relative to the working folder. Does one thing and does it well. Long results are cut off. "
TOOLS = [
    {
        "type": "function",
        "name": f"tool_{number}",
        "description": prose(100, number) + ". " + _RULES * 2,
        "parameters": _PARAMETERS,
        "strict": False,
    }
    for number in range(40)
]
"""45 kB, as the tools of an agent with some extensions; most of it is alike."""


def result(number: int) -> str:
    """2 kB, as a tool that reads part of a file gives them."""
    return prose(2000, 1000 + number)


def history(items: int) -> list[Step]:
    """So many input items: questions, words, calls and results in turn, and last a question."""
    steps: list[Step] = []
    for number in range((items - 1) // 4):
        call_id = f"call_{number:024}"
        steps += [
            Asked(f"Step {number}: look at the next file and tell me what is in it."),
            Called("I look at the file first. " * 8, call_id, f"src/file_{number}.py"),
            Gave(call_id, f"line {number} of the file\n" * 50),
        ]
    return [*steps, Asked("And now?")]
