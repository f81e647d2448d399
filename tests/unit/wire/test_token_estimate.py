"""The estimate of input tokens: text by its bytes, everything else by its kind."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.wire.token_estimate import estimate_input_tokens


def text_item(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


FRAME = estimate_input_tokens({}, [text_item("")])


@pytest.mark.parametrize(
    ("item", "fewest", "most"),
    [
        (text_item("word " * 3_000), 5_000, 5_000 + FRAME),
        (text_item("漢" * 3_000), 3_000, 3_000 + FRAME),
        ({"content": [{"type": "input_image", "image_url": "data:image/png;base64," + "A" * 900_000}]}, 2_600, 2_640),
        ({"content": [{"type": "input_image", "file_id": "file-1"}]}, 2_600, 2_640),
        ({"content": [{"type": "input_image", "file_id": "", "image_url": None}]}, 10, 40),
        ({"content": [{"type": "input_file", "file_data": "JVBERi0x" + "A" * 599_992}]}, 10_000, 10_040),
        ({"content": [{"file_data": "data:application/pdf;base64,JVBERi0x" + "A" * 599_992}]}, 10_000, 10_040),
        ({"content": [{"type": "input_file", "file_data": "A" * 600_000}]}, 150_000, 150_040),
        ({"content": [{"type": "input_file", "file_url": "https://example.org/a.pdf"}]}, 2_600, 2_640),
        ({"type": "reasoning", "id": "rs_" + "0" * 300, "encrypted_content": "A" * 5_000}, 1_000, 1_020),
        ({"type": "function_call", "call_id": "call_" + "0" * 300, "arguments": "{}"}, 10, 30),
    ],
)
def test_an_item_counts_by_what_the_model_reads_of_it(item: dict[str, Any], fewest: int, most: int) -> None:
    assert fewest <= estimate_input_tokens({}, [item]) <= most


def test_only_what_the_model_reads_of_the_fields_counts() -> None:
    quiet = {"model": "m" * 3_000, "prompt_cache_key": "k" * 3_000, "metadata": {"a": "b" * 3_000}}
    assert estimate_input_tokens(quiet, []) == estimate_input_tokens({}, [])
    loud = {"instructions": "i" * 3_000, "tools": [{"name": "n", "description": "d" * 3_000}]}
    assert estimate_input_tokens(loud, []) > 2_000
