"""What tests of the translation are written with: short builders of messages, blocks and the items they become."""

from __future__ import annotations

import copy
from typing import Any

from amplifier_core.message_models import ImageBlock, Message, ToolCallBlock
from openai_responses_common.translate.messages import EncodedMessages, encode_messages
from openai_responses_common.translate.repair import repair_calls

Item = dict[str, Any]

PIXEL = "iVBORw0KGgo="
PICTURE = ImageBlock(source={"type": "base64", "media_type": "image/png", "data": PIXEL})


def made(kind: Any, **fields: Any) -> Any:
    """A block or message with fields of a host or provider beside its own."""
    return kind(**fields)


def encode(*messages: Message, **options: Any) -> EncodedMessages:
    before = copy.deepcopy(list(messages))
    encoded = encode_messages(messages, **{"origin": "here", **options})
    assert list(messages) == before, "the history is not ours to change"
    return encoded


def items(*messages: Message, **options: Any) -> list[Item]:
    return encode(*messages, **options).items


def repaired(*messages: Message, **options: Any) -> list[Item]:
    return repair_calls(items(*messages, **options))[0]


def said(role: str, *parts: Any) -> Item:
    content = [{"type": "input_text", "text": part} if isinstance(part, str) else part for part in parts]
    return {"type": "message", "role": role, "content": content}


def answered(*texts: str, **more: Any) -> Item:
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "role": "assistant", **more, "content": parts}


def user(content: Any = "hi") -> Message:
    return Message(role="user", content=content)


def assistant(*blocks: Any, **more: Any) -> Message:
    return Message(role="assistant", content=list(blocks), **more)


def call(key: str = "c", **state: Any) -> ToolCallBlock:
    return made(ToolCallBlock, id=key, name="bash", input={"a": 1}, **({"openai": state} if state else {}))


def called(key: str = "c", **more: Any) -> Item:
    return {"type": "function_call", "call_id": key, "name": "bash", "arguments": '{"a":1}', **more}
