"""Tests of the texts of items: those in forms that are not the API's are read all the same."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.wire.item_texts import unify_texts

TEXT_PART = {"type": "output_text", "text": "hi"}
CALL = {"type": "function_call", "call_id": "c", "name": "look"}


@pytest.mark.parametrize(
    ("item", "unified"),
    [
        ({"type": "message", "content": "hi"}, {"type": "message", "content": [TEXT_PART]}),
        ({"type": "message", "content": ["hi", TEXT_PART]}, {"type": "message", "content": [TEXT_PART, TEXT_PART]}),
        ({**CALL, "arguments": {"at": 1}}, {**CALL, "arguments": '{"at":1}'}),
        ({"type": "message", "content": [TEXT_PART]}, {"type": "message", "content": [TEXT_PART]}),
        ({"type": "never_heard_of", "content": "hi"}, {"type": "never_heard_of", "content": "hi"}),
    ],
    ids=["a text for parts", "texts among parts", "an object for arguments", "the API's form", "unknown"],
)
def test_texts_get_the_types_of_the_api(item: dict[str, Any], unified: dict[str, Any]) -> None:
    assert unify_texts(item) == unified
