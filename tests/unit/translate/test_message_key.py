"""Keys of messages: equal only for messages of which every byte is the same."""

from __future__ import annotations

import array
import copy
import enum
import json
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import pytest
from amplifier_core.message_models import (
    ImageBlock,
    Message,
    ReasoningBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
    ToolSpec,
)
from openai_responses_common.translate import message_key
from openai_responses_common.translate.message_key import KeyWriter, is_plain_message, make_tools_key
from openai_responses_common.translate.replay_state import as_extra_field

BLOCKS: list[Any] = [
    TextBlock(text="a", **as_extra_field({"origin": "o", "item": {"type": "message", "n": [1, None, 0.5, True]}})),
    ThinkingBlock(thinking="hm", signature="s"),
    RedactedThinkingBlock(data="x"),
    ToolCallBlock(id="c", name="n", input={"a": {"b": [1, "2"]}, "c": "x"}),
    ToolResultBlock(tool_call_id="c", output={"a": [1.5]}),
    ImageBlock(source={"type": "base64", "data": "AAAA"}),
    ReasoningBlock(content=[{"type": "x"}], summary=[]),
]


WRITER = KeyWriter()  # one for all, so that what it refuses must leave nothing behind


def make_message_key(message: Message) -> Hashable | None:
    return message_key.make_message_key(message, WRITER)


def call(value: Any) -> Message:
    return Message(role="assistant", content=[ToolCallBlock(id="c", name="n", input={"value": value})])


def test_rebuilt_message_has_the_same_key() -> None:
    for message in (
        Message(role="assistant", content=BLOCKS),
        Message(role="tool", content="result", tool_call_id="c", name="n"),
        Message.model_validate({"role": "assistant", "content": "", "tool_calls": [{"id": "c", "tool": "t"}]}),
    ):
        key = make_message_key(message)
        assert key is not None
        assert key == make_message_key(copy.deepcopy(message))
        assert key == make_message_key(Message.model_validate(json.loads(json.dumps(message.model_dump()))))
        assert is_plain_message(message)


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (0, False),
        (0, None),
        ("1", 1),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ([], {}),
        ([1], (1,)),
        ("\ud800", "?"),
        ({"1": 1}, {1: 1}),
    ],
)
def test_values_that_are_written_differently_have_different_keys(value: Any, other: Any) -> None:
    assert make_message_key(call(value)) != make_message_key(call(other))
    states = [
        Message(role="user", content=[TextBlock(text="a", **as_extra_field({"item": each}))]) for each in (value, other)
    ]
    assert make_message_key(states[0]) != make_message_key(states[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "user"},
        {"content": "b"},
        {"content": [TextBlock(text="a")]},
        {"name": "n"},
        {"tool_call_id": "d"},
        {"tool_calls": [{"id": "c"}]},
        {"tool_calls": []},
    ],
)
def test_everything_that_is_encoded_belongs_to_the_key(changes: dict[str, Any]) -> None:
    message = Message(role="tool", content="a", tool_call_id="c")
    changed = Message.model_validate({**message.model_dump(), **changes})
    assert make_message_key(message) != make_message_key(changed)


def test_blocks_of_different_classes_have_different_keys() -> None:
    assert len({make_message_key(Message(role="assistant", content=[block])) for block in BLOCKS}) == len(BLOCKS)


def test_metadata_of_message_does_not_count() -> None:
    """Hosts keep times and token counts there, which change; nothing of it is sent."""
    message = Message.model_validate({"role": "user", "content": "a", "metadata": {"tokens": 1}, "seen": 2})
    assert make_message_key(message) == make_message_key(Message(role="user", content="a"))


class Level(int, enum.Enum):
    LOW = 1


class OwnMessage(Message):
    pass


class OwnBlock(TextBlock):
    pass


@pytest.mark.parametrize(
    "message",
    [
        OwnMessage(role="user", content="a"),
        Message.model_construct(role="user", content=[OwnBlock(text="a")]),
        Message.model_construct(role="user", content=[{"type": "text", "text": "a"}]),
        call(object()),
        call(Level.LOW),
        call(OrderedDict(a=1)),
    ],
)
def test_message_with_an_unknown_object_has_no_key(message: Message) -> None:
    assert make_message_key(message) is None


def test_what_contains_itself_has_no_key() -> None:
    """A writer that follows it never comes to an end."""
    circle: dict[str, Any] = {}
    circle |= {"parent": circle, "root": circle}
    for message in (
        call(circle),
        Message.model_construct(role="user", content=circle),
        Message.model_validate({"role": "assistant", "content": "", "tool_calls": [{"id": "c", "arguments": "{}"}]}),
    ):
        if message.model_extra:
            message.model_extra["tool_calls"][0]["arguments"] = circle
        assert make_message_key(message) is None
    assert make_tools_key([ToolSpec(name="t", parameters=circle)], []) is None
    assert make_tools_key([], [circle]) is None


def test_what_nests_too_deeply_has_no_key() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert make_message_key(call(deep)) is None
    assert make_tools_key([], [{"deep": deep}]) is None


@pytest.mark.parametrize(
    "value", [b"x", bytearray(b"x"), array.array("b", [120]), {1, 2}, {b"x": 1}, 1j, ..., [(b"",)]]
)
def test_what_json_does_not_have_is_not_plain(value: Any) -> None:
    """A key may hold some of these."""
    assert not is_plain_message(call(value))


def test_endless_content_is_not_plain() -> None:
    deep: Any = []
    for _ in range(1500):
        deep = [deep]
    assert not is_plain_message(call(deep))
