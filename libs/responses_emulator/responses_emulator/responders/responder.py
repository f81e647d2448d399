"""What a responder is, and how its output gets into a turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from responses_emulator.output.turn_context import TurnContext
from responses_emulator.script.turn import FromResponder, OutputPart, Part, Turn

Responder: TypeAlias = Callable[[TurnContext], Sequence[OutputPart]]
"""Takes a request with all items of its conversation, and returns the output parts."""


def expand_responder(turn: Turn, context: TurnContext, responder: Responder) -> Turn:
    """Return the turn with the output of the responder in the place of each `FromResponder()`."""
    parts: list[Part] = []
    for part in turn.parts:
        parts += responder(context) if isinstance(part, FromResponder) else [part]
    return Turn(*parts)
