"""Who makes the output of a request for which nothing is scripted.

A responder is any function of this signature. The default, `fixed_output`, gives the same text to everybody; a program
that wants more of a model passes a responder of its own to `Emulator`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from responses_emulator.output.drafts import TurnContext
from responses_emulator.script import turn as b

Responder: TypeAlias = Callable[[TurnContext, list[dict[str, Any]]], Sequence[b.OutputPart]]
"""Takes the request in context and all items of the conversation; returns the output."""

FIXED_TEXT = "This is the offline Responses API. It runs no model, so every request gets this same text as its output."


def fixed_output(context: TurnContext, items: list[dict[str, Any]]) -> Sequence[b.OutputPart]:
    """The same text for every request, behind a short reasoning item if the model reasons."""
    reasons = context.model.reasons and context.effort != "none"
    message = b.Say(FIXED_TEXT, phase="final_answer" if context.model.phase else None)
    return [*([b.Think(["**Answering**"])] if reasons else []), message]


def expand_responder(turn: b.Turn, context: TurnContext, items: list[dict[str, Any]], responder: Responder) -> b.Turn:
    """Return the turn with the responder's output in the place of each `FromResponder()`."""
    parts: list[b.Part] = []
    for part in turn.parts:
        parts += responder(context, items) if isinstance(part, b.FromResponder) else [part]
    return b.Turn(*parts)
