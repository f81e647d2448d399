"""Schemas of functions: what the service refuses becomes what it accepts, and everything else stays the same object."""

from __future__ import annotations

import copy
import json
import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.translate.function_schema import encode_function_schema
from responses_emulator.contract.function_schema import check_function_schema

EMPTY = {"type": "object", "properties": {}}
STRING = {"type": "string"}
QUERY = {"type": "object", "properties": {"q": STRING}, "required": ["q"]}
PAGE = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def encode(schema: Any, *, strict: bool = False) -> dict[str, Any]:
    before = copy.deepcopy(schema)
    encoded, _ = encode_function_schema(schema, strict=strict)
    assert schema == before or schema is not schema, "the schema is somebody else's"
    check_function_schema({"name": "f", "parameters": encoded}, "tools[0].parameters")
    return encoded


def encode_property(schema: Any) -> Any:
    return encode({"type": "object", "properties": {"a": schema}})["properties"].get("a")


@pytest.mark.parametrize(
    ("schema", "encoded"),
    [
        ({}, EMPTY),
        (None, EMPTY),
        ("x", EMPTY),
        ([], EMPTY),
        ({"type": "object"}, EMPTY),
        ({"type": None}, EMPTY),
        ({"type": "OBJECT", "properties": None}, EMPTY),
        ({"type": "object", "properties": []}, EMPTY),
        ({"type": ["object", "null"], "properties": {"a": STRING}}, {"type": "object", "properties": {"a": STRING}}),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#"},
            {"$schema": "http://json-schema.org/draft-07/schema#"} | EMPTY,
        ),
        ({"properties": {"a": STRING}}, {"properties": {"a": STRING}, "type": "object"}),
        ({"type": "object", "additionalProperties": True}, {"additionalProperties": True} | EMPTY),
    ],
)
def test_root_is_an_object_with_properties(schema: Any, encoded: Any) -> None:
    assert encode(schema) == encoded
    assert encode_function_schema(schema, strict=False)[1] == ()


def test_schema_that_needs_no_change_is_the_same_object() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "array", "items": {"anyOf": [STRING, {"$ref": "#/$defs/b"}]}, "default": None},
            "b": {"enum": [None, "x"], "const": None, "minimum": 0.5, "maxLength": 3, "x-note": {"deep": [1, None]}},
        },
        "$defs": {"b": {"type": ["string", "null"], "additionalProperties": False}},
        "required": ["a"],
    }
    assert encode(schema) is schema


@pytest.mark.parametrize(
    ("schema", "encoded"),
    [
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": ["array", "null"]}, {"type": ["array", "null"], "items": {}}),
        ({"type": "array", "items": None}, {"type": "array", "items": {}}),
        ({"type": "array", "items": True}, {"type": "array", "items": {}}),
        ({"type": "array", "items": []}, {"type": "array", "items": {}}),
        (
            {"anyOf": [{"type": "array"}, {"type": "null"}]},
            {"anyOf": [{"type": "array", "items": {}}, {"type": "null"}]},
        ),
        ({"items": {"type": "array"}}, {"items": {"type": "array", "items": {}}}),
        ({"$defs": {"x": {"type": "array"}}}, {"$defs": {"x": {"type": "array", "items": {}}}}),
        ({"additionalProperties": {"type": "array"}}, {"additionalProperties": {"type": "array", "items": {}}}),
        (
            {"type": "array", "prefixItems": [STRING, STRING]},
            {"type": "array", "prefixItems": [STRING, STRING], "items": STRING},
        ),
        ({"type": "array", "items": [STRING, {}]}, {"type": "array", "items": {"anyOf": [STRING, {}]}}),
        ({"items": [STRING]}, {"items": STRING}),
    ],
)
def test_every_array_has_items(schema: Any, encoded: Any) -> None:
    assert encode_property(schema) == encoded


@pytest.mark.parametrize(
    ("schema", "encoded"),
    [
        ({"enum": None}, {}),
        ({"enum": []}, {}),
        ({"enum": ("a", "b", "a")}, {"enum": ["a", "b"]}),
        ({"enum": [1, True, 1.0]}, {"enum": [1, True, 1.0]}),
        ({"required": None}, {}),
        ({"required": True}, {}),
        ({"required": ["a", None, "a"]}, {"required": ["a"]}),
        ({"type": None}, {}),
        ({"type": "any"}, {}),
        ({"type": "String"}, {"type": "string"}),
        ({"type": ["string", "null", "null"]}, {"type": ["string", "null"]}),
        ({"type": ["any"]}, {}),
        ({"description": None, "title": 5, "format": []}, {}),
        ({"exclusiveMinimum": True, "minimum": math.inf, "maximum": "5", "multipleOf": 2}, {"multipleOf": 2}),
        ({"minLength": None, "maxItems": 3.5, "uniqueItems": "yes", "maxLength": 5}, {"maxLength": 5}),
        ({"anyOf": []}, {}),
        ({"anyOf": {"type": "string"}}, {}),
        ({"oneOf": [None, STRING]}, {"oneOf": [STRING]}),
        ({"allOf": [True]}, {"allOf": [{}]}),
        ({"properties": {"b": None, "c": True, "d": False}}, {"properties": {"b": {}, "c": {}, "d": {"not": {}}}}),
        ({"additionalProperties": None, "not": None}, {}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
        ({"default": math.nan}, {}),
        ({"default": [1, math.inf, {"a": math.nan}]}, {"default": [1, {}]}),
        ({"default": date(2026, 12, 1), "type": None}, {"default": "2026-12-01"}),
        ({"examples": "x"}, {}),
        (None, {}),
        ("string", {}),
    ],
)
def test_value_that_json_schema_does_not_allow_is_left_out(schema: Any, encoded: Any) -> None:
    assert encode_property(schema) == encoded


@pytest.mark.parametrize(
    ("schema", "properties", "required", "lost"),
    [
        ({"anyOf": [QUERY, PAGE]}, {"q", "n"}, [], ("anyOf",)),
        ({"oneOf": [QUERY, {**QUERY, "required": ["q"]}]}, {"q"}, ["q"], ("oneOf",)),
        ({"type": "object", "allOf": [QUERY, PAGE]}, {"q", "n"}, ["q", "n"], ()),
        ({**QUERY, "anyOf": [{"required": ["x"]}, {"required": ["y"]}]}, {"q"}, ["q"], ("anyOf",)),
        ({**QUERY, "not": {"required": ["n"]}}, {"q"}, ["q"], ("not",)),
        ({"enum": [{"q": 1}]}, set(), [], ("enum",)),
        ({"const": {"q": 1}}, set(), [], ("const",)),
        ({"type": "array", "items": STRING}, set(), [], ("type",)),
        ({"$ref": "#/$defs/Query", "$defs": {"Query": QUERY}}, {"q"}, ["q"], ()),
        (
            {"anyOf": [{"$ref": "#/$defs/a~1b"}, {"$ref": "#/$defs/none"}], "$defs": {"a/b": PAGE}},
            {"n"},
            [],
            ("anyOf",),
        ),
        ({"$ref": "#"}, set(), [], ()),
        ({"$ref": "https://example.com/schema"}, set(), [], ()),
    ],
)
def test_union_at_the_root_becomes_one_object(
    schema: Any, properties: set[str], required: list[str], lost: Any
) -> None:
    encoded = encode(schema)
    assert set(encoded["properties"]) == properties
    assert encoded.get("required", []) == required
    assert encode_function_schema(schema, strict=False)[1] == lost


def test_property_that_the_members_define_in_several_ways_is_a_union() -> None:
    kinds = [{"type": "object", "properties": {"kind": {"const": kind}}, "required": ["kind"]} for kind in "ab"]
    assert encode({"oneOf": kinds}) == {
        "type": "object",
        "properties": {"kind": {"anyOf": [{"const": "a"}, {"const": "b"}]}},
        "required": ["kind"],
    }


def test_definitions_that_refer_to_each_other_end() -> None:
    twice = [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}] * 20
    encoded = encode({"anyOf": twice, "$defs": {"a": {"anyOf": twice}, "b": {"allOf": [*twice, QUERY]}}})
    assert set(encoded["properties"]) == {"q"}


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": None}])
def test_strict_schema_without_properties_allows_no_others(schema: Any) -> None:
    encoded, _ = encode_function_schema(schema, strict=True)
    assert encoded == {**EMPTY, "required": [], "additionalProperties": False}
    check_function_schema({"name": "f", "parameters": encoded, "strict": True}, "")


def deep(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"properties": {"a": value}}
    return value


def endless() -> Any:
    value: Any = {}
    value["default"] = [value]
    return value


@pytest.mark.parametrize(
    "schema",
    [deep(300), {"default": deep(110)}, {"default": endless()}, {"default": object()}, {"x-any": {"a": object()}}],
)
def test_schema_that_json_cannot_hold_is_an_error(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"deep|[Cc]ircular|serializ"):
        encode_function_schema(schema, strict=False)


def test_half_of_a_surrogate_pair_is_written() -> None:
    """The body is, with "?" in its place."""
    schema = {"type": "object", "properties": {"\ud800": STRING}}
    assert encode_function_schema(schema, strict=False)[0] is schema
    assert encode_function_schema({"properties": {"a": {"const": "\ud800"}}}, strict=False)[0]["type"] == "object"


_KEYWORDS = (
    *("type", "properties", "items", "anyOf", "oneOf", "allOf", "$defs", "$ref", "required", "enum", "default", "not"),
    *("const", "prefixItems", "additionalProperties", "minimum", "maxLength", "description", "uniqueItems", "a"),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats()
    | st.sampled_from(["string", "array", "object", "#/$defs/a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYWORDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_service_accepts_every_schema(schema: Any) -> None:
    encoded = encode(schema)
    json.dumps(encoded, allow_nan=False)
    assert encode(encoded) == encoded
