"""The JSON of a request: compact, whole, and the same bytes for the same values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.wire.json_values import (
    MAX_DEPTH,
    as_object,
    as_objects,
    dump_body,
    dumps,
    is_json_object,
    is_too_deep,
    loads,
    loads_object_or_none,
    loads_or_none,
    loads_or_text,
)


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


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_null(number: float) -> None:
    """The service refuses a body with such a number, because its parser cannot read it."""
    assert dumps({"a": [number, (1.5, "x")]}) == '{"a":[null,[1.5,"x"]]}'
    assert dump_body({"a": number}) == b'{"a":null}'


def nest(levels: int) -> str:
    return "[" * levels + "]" * levels


def test_a_body_that_pydantic_cannot_write_is_written() -> None:
    assert dump_body({"a": json.loads(nest(300))}) == f'{{"a":{nest(300)}}}'.encode()


def test_json_is_read_to_the_depth_that_the_fast_reader_reads() -> None:
    text = nest(MAX_DEPTH)
    assert loads(text.encode()) == loads_or_none(text) == loads_or_none(text.encode()) == json.loads(text)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 500, 100_000])
@pytest.mark.parametrize("deep", [nest, lambda levels: '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)])
def test_json_that_nests_deeper_is_not_read(levels: int, deep: Callable[[int], str]) -> None:
    text = deep(levels)
    with pytest.raises(ValueError, match=f"more than {MAX_DEPTH} levels deep"):
        loads(text.encode())
    assert loads_or_none(text) is None
    assert loads_object_or_none(text) is None
    assert loads_or_text(text) == text


@pytest.mark.parametrize("text", ["", "{", "text", b"\xff", "{'a': 1}", '["a", 1', '"\n"'])
def test_what_is_not_json_is_none(text: str | bytes) -> None:
    assert loads_or_none(text) is None
    assert loads_object_or_none(text) is None


def test_only_an_object_is_an_object() -> None:
    assert loads_object_or_none('{"a": [1]}') == {"a": [1]}
    assert loads_object_or_none("[1]") is None
    assert loads_or_none("[1]") == [1]
    assert loads_or_text("null") is None
    assert loads_or_text("busy") == "busy"


def test_a_number_that_json_lacks_is_read_if_the_caller_allows_it() -> None:
    assert loads_or_none("[Infinity]") == [math.inf]
    assert loads_or_none("[Infinity]", allow_nan=False) is None


def test_half_a_character_of_a_service_is_replaced() -> None:
    assert loads(b'{"a": "x\\ud83d"}') == {"a": "x\ufffd"}


@pytest.mark.parametrize(
    "value", [None, [], {1: "a"}, {"a": math.nan}, {"a": {1, 2}}, {"a": json.loads(nest(MAX_DEPTH))}]
)
def test_what_a_body_cannot_hold_is_not_a_json_object(value: object) -> None:
    assert not is_json_object(value)
    assert is_json_object({"a": (1, {"b": None})})


@pytest.mark.parametrize("value", [None, [], "text", 5, True])
def test_what_is_no_object_is_read_as_an_empty_one(value: object) -> None:
    assert as_object(value) == {}
    assert as_objects(value) == []


def test_objects_are_read_as_they_are() -> None:
    assert as_object({"a": 1}) == {"a": 1}
    assert as_objects([{"a": 1}, None, "x", {}]) == [{"a": 1}, {}]


def test_a_value_that_contains_itself_twice_is_too_deep_at_once() -> None:
    """Two references to itself would double every level, as in a tree whose nodes know their parents."""
    value: dict[str, Any] = {}
    value |= {"parent": value, "root": value}
    assert is_too_deep(value)
