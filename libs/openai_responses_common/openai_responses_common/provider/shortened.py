"""Finds what a host took out of a request that was too long, before it sends the request again.

Compares messages by what they say. Knows no budget and no service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from amplifier_core.message_models import Message

from ..translate.input_estimate import estimate_message_tokens

_MAX_ENTRIES = 50


class ShortenedRequest:
    """A request that the service refused as too long.

    Args:
        messages: its messages.
        facts: fields of the report that say how long it may be and how long it was.
    """

    def __init__(self, messages: Sequence[Message], facts: Mapping[str, Any]) -> None:
        self._messages = list(messages)
        self._facts = facts

    def is_continued_by(self, messages: Sequence[Message]) -> bool:
        """Return whether the messages of a request are of the same conversation: one of them is known.

        System text does not count, because other conversations have it, too.

        Args:
            messages: the messages of that request.
        """
        known = {key for message in self._messages for key in _list_signs(message)}
        return any(key in known for message in messages for key in _list_signs(message))

    def describe(self, messages: Sequence[Message]) -> dict[str, Any] | None:
        """Return what is missing in the messages of the next request; None if nothing is.

        Args:
            messages: the messages of that request.
        """
        remaining = Counter(map(_identify, messages))
        results = {message.tool_call_id: message for message in messages if message.tool_call_id}
        removed: list[dict[str, Any]] = []
        for message in self._messages:
            key = _identify(message)
            if remaining[key] > 0:
                remaining[key] -= 1
                continue
            shorter = results.get(message.tool_call_id) if message.tool_call_id else None
            entry: dict[str, Any] = {
                "role": message.role,
                "tokens_before": estimate_message_tokens([message]),
                "tokens_after": estimate_message_tokens([shorter]) if shorter else 0,
            }
            removed.append({**entry, "tool_call_id": message.tool_call_id} if message.tool_call_id else entry)
        if not removed:
            return None
        return {
            **self._facts,
            "message_count_before": len(self._messages),
            "message_count": len(messages),
            "shortened_count": len(removed),
            "shortened": removed[:_MAX_ENTRIES],
        }


def _identify(message: Message) -> Hashable:
    content = message.content
    text = content if isinstance(content, str) else repr([block.model_dump() for block in content])
    return message.role, message.tool_call_id, text


def _list_signs(message: Message) -> list[Hashable]:
    """Return what tells the conversation of a message; a result that was shortened still has the id of its call."""
    if message.role in ("system", "developer"):
        return []
    return [_identify(message), *([message.tool_call_id] if message.tool_call_id else [])]
