"""Estimates how many tokens a chat request has, without encoding it.

A token is taken for four characters, as hosts do it; an image for as many tokens as a large one costs, whatever its
bytes. An estimate is not a count, and nobody may call it one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from amplifier_core.message_models import Message, ToolSpec

from .compaction import WINDOW_KEY, holds_window

_CHARACTERS_PER_TOKEN = 4
# A large image at high detail, in tokens. Source: OpenAI's vision guide, which counts patches up to 1,536, seen
# 2026-11-30.
_IMAGE_TOKENS = 1536
_MEDIA_KEYS = frozenset({"data", "image_url", "file_data"})
_SHORTEST_MEDIA = 1000


def estimate_message_tokens(messages: Sequence[Message]) -> int:
    """Return about how many tokens messages have."""
    return sum(_count_characters(_read_content(message)) for message in messages) // _CHARACTERS_PER_TOKEN


def estimate_tool_tokens(tools: Sequence[ToolSpec] | None) -> int:
    """Return about how many tokens the definitions of tools have."""
    characters = sum(len(str(tool.parameters)) + len(tool.name) + len(tool.description or "") for tool in tools or ())
    return characters // _CHARACTERS_PER_TOKEN


def has_window(messages: Sequence[Message]) -> bool:
    """Return whether a message carries a window, of whose tokens its characters say nothing."""
    return any(holds_window(message.metadata) for message in messages if message.metadata)


def _read_content(message: Message) -> object:
    if holds_window(message.metadata):
        return cast(Mapping[str, Any], message.metadata)[WINDOW_KEY]
    if isinstance(message.content, str):
        return message.content
    return [block.model_dump() for block in message.content]


def _count_characters(value: object, key: str = "") -> int:
    if isinstance(value, str):
        is_media = key in _MEDIA_KEYS and len(value) > _SHORTEST_MEDIA
        return _IMAGE_TOKENS * _CHARACTERS_PER_TOKEN if is_media else len(value)
    if isinstance(value, Mapping):
        fields = cast(Mapping[object, object], value)
        return sum(_count_characters(entry, str(name)) for name, entry in fields.items())
    if isinstance(value, list | tuple):
        return sum(map(_count_characters, cast(Sequence[object], value)))
    return 0 if value is None else len(str(value))
