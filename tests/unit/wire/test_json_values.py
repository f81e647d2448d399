"""The JSON of a request: compact, whole, and the same bytes for the same values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.wire.json_values import as_object, as_objects, dump_body, dumps


def test_the_body_is_compact_json_with_every_byte_in_its_place() -> None:
    sent = {"model": "m", "a": {"b": [1, None]}, "input": [{"text": "\u00e9\u2028\U0001f600"}, {}]}
    assert dump_body(sent) == '{"model":"m","a":{"b":[1,null]},"input":[{"text":"\u00e9\u2028\U0001f600"},{}]}'.encode()
    assert dump_body({"input": []}) == b'{"input":[]}'
    assert dump_body({}) == b"{}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text().filter(lambda key: key != "input"), JSON), st.lists(st.dictionaries(st.text(), JSON)))
def test_the_body_says_what_it_was_given(values: dict[str, Any], items: list[Any]) -> None:
    sent = {**values, "input": items}
    raw = dump_body(sent)
    assert json.loads(raw) == sent
    assert dumps(json.loads(raw)) == dumps(sent)


def test_the_body_is_as_short_as_it_can_be() -> None:
    assert dump_body({"a": [1, {"b": "ä"}], "c": 0.5}).decode() == dumps({"a": [1, {"b": "ä"}], "c": 0.5})


def test_half_a_character_from_a_broken_file_does_not_stop_a_call() -> None:
    assert dump_body({"input": [{"text": "a\ud83d"}]}) == b'{"input":[{"text":"a?"}]}'
    small = dump_body({"n": 5e-8})[1:-1]
    assert small in dump_body({"n": 5e-8, "text": "a\ud83d"}), "what was sent before stays the same bytes"


@pytest.mark.parametrize("value", [None, [], "text", 5, True])
def test_what_is_no_object_is_read_as_an_empty_one(value: object) -> None:
    assert as_object(value) == {}
    assert as_objects(value) == []


def test_objects_are_read_as_they_are() -> None:
    assert as_object({"a": 1}) == {"a": 1}
    assert as_objects([{"a": 1}, None, "x", {}]) == [{"a": 1}, {}]
