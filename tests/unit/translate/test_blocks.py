"""The table of content blocks: a row for each block of the kernel, and one row for each output item."""

from __future__ import annotations

from typing import get_args

import pytest
from amplifier_core.message_models import Message
from openai_responses_common.translate.blocks import CONTENT_BLOCKS, find_item_translation
from openai_responses_common.wire.client_calls import CLIENT_CALLS


def test_each_block_of_the_kernel_has_a_row() -> None:
    [_, blocks] = get_args(Message.model_fields["content"].annotation)
    [annotated] = get_args(blocks)
    kernel_blocks = get_args(get_args(annotated)[0])
    assert {block.model_fields["type"].default for block in kernel_blocks} == set(CONTENT_BLOCKS)


@pytest.mark.parametrize(
    ("item", "block_type"),
    [
        ({"type": "message"}, "text"),
        ({"type": "reasoning"}, "thinking"),
        ({"type": "image_generation_call", "result": "AAAA"}, "image"),
        ({"type": "image_generation_call", "result": None}, "reasoning"),
        ({"type": "web_search_call"}, "reasoning"),
        ({"type": "never_heard_of"}, "reasoning"),
        ({}, "reasoning"),
        *(({"type": item_type, "execution": "client"}, "tool_call") for item_type in CLIENT_CALLS),
    ],
)
def test_item_is_decoded_by_its_row(item: dict[str, object], block_type: str) -> None:
    assert find_item_translation(item) is CONTENT_BLOCKS[block_type]
    assert len([row for row in list(CONTENT_BLOCKS.values())[:-1] if row.can_decode(item)]) == (
        block_type != "reasoning"
    ), "no two rows before the last take the same item"
