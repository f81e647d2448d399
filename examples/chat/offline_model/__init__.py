"""The model of the offline service: it answers by simple rules, and calls the tools that it is offered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from responses_emulator.output.drafts import TurnContext
from responses_emulator.script.turn import OutputPart

from .conversation import read_conversation
from .respond import respond as respond_to_user


def respond(context: TurnContext, items: list[dict[str, Any]]) -> Sequence[OutputPart]:
    """The output for a conversation; the `responder` of an `Emulator`."""
    return respond_to_user(context, read_conversation(items))
