"""A responder that writes a text to its end, and goes on with it where vLLM does."""

from __future__ import annotations

from collections.abc import Sequence

from responses_emulator.output.turn_context import TurnContext
from responses_emulator.responders.responder import Responder
from responses_emulator.script.turn import OutputPart, Say


def write_text(text: str) -> Responder:
    """Return a responder that writes the text. Behind an assistant message with the status `incomplete` it writes the
    rest of the text, and behind every other item it begins anew.

    Source: vLLM 0.32.0, run on 2026-11-30. It went on in the middle of a sentence with this status alone, and began
    anew with `completed` or without a status.
    """

    def respond(context: TurnContext) -> Sequence[OutputPart]:
        written = ""
        if context.items and context.items[-1].get("status") == "incomplete":
            messages = [item for item in context.items if item.get("role") == "assistant"]
            written = "".join(part["text"] for item in messages for part in item["content"])
        return [Say(text.removeprefix(written))]

    return respond
