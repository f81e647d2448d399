"""A conversation as the offline model understands it: the question, its attachments, and the results since then."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from responses_emulator.contract.input_items import item_type
from responses_emulator.conversation.calls import CALL_TYPES, OUTPUT_TYPES

from examples.chat.offline_model.images import describe_image

Item = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStep:
    """One tool call for this question, with its result."""

    call: Item
    output: str
    pictures: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self.call.get("name") or self.call["type"].removesuffix("_call"))

    @property
    def arguments(self) -> dict[str, Any]:
        try:
            arguments = self.call.get("arguments") or "{}"
            value = arguments if isinstance(arguments, dict) else json.loads(arguments)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTurn:
    """The last question, and what came before and after it."""

    question: str
    earlier_questions: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    steps: tuple[ToolStep, ...] = field(default=())


def read_conversation(items: list[Item]) -> UserTurn:
    """Return the last question of a conversation, with the tool results since then."""
    questions = [i for i, item in enumerate(items) if item_type(item) == "message" and item.get("role") == "user"]
    last = questions[-1] if questions else -1
    content = items[last].get("content", "") if questions else ""
    calls = {item.get("call_id"): item for item in items[last + 1 :] if item_type(item) in CALL_TYPES}
    steps = [
        ToolStep(
            call=calls[item.get("call_id")],
            output=_text(item.get("output")),
            pictures=_describe_images(item.get("output")),
        )
        for item in items[last + 1 :]
        if item_type(item) in OUTPUT_TYPES and item.get("call_id") in calls
    ]
    files = [str(part.get("filename") or part.get("file_id") or "a file") for part in _parts(content, "input_file")]
    return UserTurn(
        question=_text(content).strip(),
        earlier_questions=tuple(_text(items[i].get("content")) for i in questions[:-1]),
        images=_describe_images(content),
        files=tuple(files),
        steps=tuple(steps),
    )


def _parts(content: Any, kind: str) -> list[dict[str, Any]]:
    parts = content if isinstance(content, list) else []
    return [part for part in parts if isinstance(part, dict) and part.get("type") == kind]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") or part.get("stdout") or "" for part in content if isinstance(part, dict)]
        return "\n".join(text for text in texts if text)
    return "" if content is None else json.dumps(content)


def _describe_images(content: Any) -> tuple[str, ...]:
    return tuple(describe_image(part.get("image_url"), part.get("file_id")) for part in _parts(content, "input_image"))
