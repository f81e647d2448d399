"""An instance of a JSON schema is valid, follows references, and ends for schemas that refer to themselves."""

from __future__ import annotations

from typing import Any

import pytest
from responses_emulator.responders.schema_instance import schema_instance

LIST = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
    "required": ["value", "next"],
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["children"],
        }
    },
}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": ["null", "number"], "exclusiveMinimum": 4}, 5),
        ({"type": "integer", "multipleOf": 4, "minimum": 5}, 8),
        ({"const": "x"}, "x"),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "string", "minLength": 6, "maxLength": 6}, "text.."),
        ({"type": "string", "format": "date"}, "2026-11-21"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}, {"a": 1, "b": 2}),
        ({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "number"}}}, {"a": 1}),
    ],
)
def test_an_instance_fits_its_schema(schema: dict[str, Any], value: Any) -> None:
    assert schema_instance(schema) == value


def test_an_instance_takes_the_values_that_are_known() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "note": {"type": "string"}}}
    assert schema_instance(schema, {"city": "Oslo", "*": "text"}) == {"city": "Oslo", "note": "text"}


def test_an_instance_of_a_list_of_nodes_ends() -> None:
    node, length = schema_instance(LIST), 0
    while node is not None:
        assert node["value"] == 1
        node, length = node["next"], length + 1
    assert length > 1


def test_an_instance_of_a_tree_ends() -> None:
    node = schema_instance(TREE)
    while node["children"]:
        (node,) = node["children"]
