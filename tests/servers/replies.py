"""What the models behind the servers say: the tiny model by heart, and the services behind LiteLLM by these tables.

A reply follows from the last messages alone. This file imports nothing of the project, because the script that trains
the model runs without its packages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Call = tuple[str, dict[str, Any]]

HELLO = "Say hello."
STORY = "Write a long story."
PICTURE = "What is in this picture?"
WORD = "What is the word?"
ONE_CALL = "What is the weather in Oslo?"
TWO_CALLS = "What is the weather in Oslo and in Rome?"
CALCULATION = "What is 17 * 23?"
REMINDER = "Reminder: the word is blue."

_STORY = (
    "Once there was a model that was very small. It lived on a machine with two cores. Every day it said hello to the "
    "tools. One day a tool said: the weather is nice. So they all went out, and they never came back."
)
# A thought and a text for each question.
TEXTS = {
    HELLO: ("This is easy.", "Hello from a tiny model."),
    STORY: ("I know a story.", _STORY),
    PICTURE: ("I cannot see.", "There is a picture."),
    WORD: ("Nobody said it.", "I know no word."),
}
CALLS: dict[str, list[Call]] = {
    ONE_CALL: [("get_weather", {"city": "Oslo"})],
    TWO_CALLS: [("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Rome"})],
    CALCULATION: [("calculate", {"expression": "17 * 23"})],
}
CALL_THOUGHT = "A tool helps."
AFTER_RESULTS = ("Now I know.", "The tools have answered.")
AFTER_REMINDER = ("I was told.", "The word is blue.")


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A thought, and then a text or calls."""

    thought: str
    text: str = ""
    calls: tuple[Call, ...] = ()


def choose_reply(question: str, *, has_results: bool, texts: str) -> ModelReply:
    """Return what the model says.

    Args:
        question: the text of the last user message.
        has_results: tool results follow it.
        texts: the text of all system and user messages.
    """
    if has_results:
        return ModelReply(*AFTER_RESULTS)
    if question in CALLS:
        return ModelReply(CALL_THOUGHT, calls=tuple(CALLS[question]))
    if question == WORD and REMINDER in texts:
        return ModelReply(*AFTER_REMINDER)
    return ModelReply(*TEXTS.get(question, TEXTS[HELLO]))
