"""The conversations of the benchmarks in a neutral format, which each contender converts to its types."""

from __future__ import annotations

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

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        name: {"type": "string", "description": f"The {name} to work on, as a plain text without quotes."}
        for name in ("path", "query", "mode", "limit")
    },
    "required": ["path"],
}
DESCRIPTION = "Does one thing and does it well. " * 4
TOOL_NAMES = [f"tool_{number}" for number in range(40)]
TOOLS = [
    {"type": "function", "name": name, "description": DESCRIPTION, "parameters": PARAMETERS, "strict": False}
    for name in TOOL_NAMES
]
RESULT = "a line of the file\n" * 105
"""2 kB, as a tool that reads part of a file gives them."""


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
