"""What a chat request has in tokens, without encoding it: text by its length, images by none of their bytes."""

from __future__ import annotations

from amplifier_core.message_models import ImageBlock, Message, TextBlock, ToolCallBlock, ToolSpec
from openai_responses_common.translate.compaction import make_window_message
from openai_responses_common.translate.input_estimate import (
    estimate_message_tokens,
    estimate_tool_tokens,
    has_window,
)

from tests.support.builders import user

WINDOW = [{"type": "compaction", "id": "cmp_1", "encrypted_content": "x" * 4000}]


def test_text_counts_by_its_length() -> None:
    assert estimate_message_tokens([user("word" * 100), user([TextBlock(text="word" * 100)])]) // 10 == 20
    call = ToolCallBlock(id="c", name="write", input={"lines": ["word" * 100, 12, None, True]})
    assert 100 < estimate_message_tokens([Message(role="assistant", content=[call])]) < 130


def test_an_image_counts_as_an_image() -> None:
    image = ImageBlock(source={"type": "base64", "media_type": "image/png", "data": "A" * 8_000_000})
    assert 1500 < estimate_message_tokens([user([image])]) < 1600


def test_tools_count() -> None:
    tool = ToolSpec(name="look", description="d" * 400, parameters={"type": "object"})
    assert 100 < estimate_tool_tokens([tool]) < 120
    assert estimate_tool_tokens([ToolSpec(name="look", parameters={})]) < estimate_tool_tokens([tool])
    assert estimate_tool_tokens(None) == 0


def test_a_window_counts_by_what_is_in_it() -> None:
    carrier = Message(**make_window_message(WINDOW, model="m", origin="here"))
    assert estimate_message_tokens([carrier]) > 1000
    assert has_window([user(), carrier])
    assert not has_window([user(), Message(role="user", content="x", metadata={"a": 1})])
