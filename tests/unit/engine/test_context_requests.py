"""The requests that count and compact a conversation, and what is read from their replies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from amplifier_core.llm_errors import ContextLengthError, StreamError
from openai_responses_common.engine.context_requests import (
    InputCounts,
    find_streamed_compaction,
    read_compaction,
    read_count,
    read_overflow,
    write_compact_request,
    write_count_request,
)
from openai_responses_common.wire.request_body import RequestBody

COMPACTION = {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}


def body(**fields: Any) -> RequestBody:
    return RequestBody({"model": "m", "store": False, "stream": True, "tools": [], **fields}, [{"type": "message"}])


def test_a_request_has_the_fields_of_its_path() -> None:
    counted, key = write_count_request(body(truncation="auto", max_output_tokens=5))
    assert json.loads(counted) == {"model": "m", "tools": [], "truncation": "auto", "input": [{"type": "message"}]}
    assert write_count_request(body(truncation="auto", max_output_tokens=6))[1] == key
    assert write_count_request(body())[1] != key
    assert json.loads(write_compact_request(body(service_tier="flex", instructions="i"))) == {
        "model": "m",
        "service_tier": "flex",
        "input": [{"type": "message"}],
    }
    assert b"service_tier" not in write_compact_request(body(service_tier="ultrafast"))


def test_counts_are_kept_and_bounded() -> None:
    counts = InputCounts()
    for number in range(64):
        counts.add(str(number).encode(), number)
    assert counts.find(b"0") == 0
    counts.add(b"new", 1)
    assert (counts.find(b"0"), counts.find(b"1"), counts.find(b"new")) == (0, None, 1)


@pytest.mark.parametrize("document", [None, {}, {"input_tokens": True}, {"input_tokens": -1}, {"input_tokens": "7"}])
def test_a_reply_without_a_count_is_an_error(document: object) -> None:
    assert read_count({"input_tokens": 7}) == 7
    with pytest.raises(StreamError, match="no count"):
        read_count(document)


def test_a_reply_without_a_compaction_is_an_error() -> None:
    assert read_compaction({"output": [COMPACTION], "usage": {}}).window == [COMPACTION]
    assert find_streamed_compaction({"output": [{"type": "reasoning"}, COMPACTION]}) == COMPACTION
    with pytest.raises(StreamError, match="no compaction"):
        read_compaction({"output": []})
    for output in ([], [COMPACTION, COMPACTION], [{"type": "compaction"}]):
        with pytest.raises(StreamError, match="no compaction"):
            find_streamed_compaction({"output": output})


def test_an_overflow_says_its_numbers() -> None:
    assert read_overflow(ContextLengthError("limit of 4096 tokens, 5000 tokens")).tokens == 5000
