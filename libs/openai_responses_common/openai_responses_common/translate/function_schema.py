"""Encodes the parameters of a function as a JSON Schema that the API accepts.

The API refuses a whole request for one schema that breaks its rules, and the tools of other people break them: many
MCP servers send only `{"type": "object"}` for a tool without arguments. So the root becomes an object with
`properties`, every array gets `items`, and a keyword whose value JSON Schema does not allow is left out. The meaning
stays the same or becomes wider, and the tool checks its arguments itself. A schema that needs no change is returned as
it is, and no schema of the caller is ever changed. Knows one schema at a time, and no tool.

Sources, seen 2026-11-30: "object schema missing properties" (everruns#984, cc-switch#5490), "array schema missing
items" (bnbchain-mcp#68, TeXRA#2323), "None is not of type 'array'" (yomo#860), "[] is not of type 'object'"
(laravel-gpt#8), "is not valid under any of the given schemas" (semantic-kernel#13527), "schema must have type 'object'
and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level" (langchainjs#9804).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias, cast

from pydantic_core import PydanticSerializationError, to_json

from ..wire.json_values import MAX_DEPTH, as_object, as_objects
from ..wire.types import Item

Schema: TypeAlias = Item

_EMPTY_STRICT_FIELDS: Mapping[str, Any] = {"required": [], "additionalProperties": False}
_UNIONS = ("oneOf", "anyOf")
_REFUSED_AT_ROOT = (*_UNIONS, "allOf", "enum", "not", "const")
_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})


def encode_function_schema(parameters: object, *, strict: bool) -> tuple[Schema, tuple[str, ...]]:
    """Return the schema that is sent for the parameters of a function, and the keywords that its root has lost.

    The root of such a schema takes more arguments than the tool does: a union becomes one object with the properties of
    all its members.

    Args:
        parameters: the schema of the tool; anything else than an object stands for no parameters.
        strict: whether the service checks arguments against the schema. Without any property it must then say that no
            others are allowed.

    Raises:
        ValueError: the schema cannot be written as JSON.
    """
    encoded, lost = _encode_schema_text(write_json(parameters), strict)
    return cast(Schema, parameters) if encoded is None else encoded, lost


def write_json(value: object) -> bytes:
    """Return a value as JSON.

    Raises:
        ValueError: the value has a type that JSON does not have, or contains itself.
    """
    try:
        return to_json(value, inf_nan_mode="constants")
    except PydanticSerializationError:
        pass  # it writes neither halves of surrogate pairs nor more than 254 levels
    try:
        return json.dumps(value).encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=1024)
def _encode_schema_text(text: bytes, strict: bool) -> tuple[Schema | None, tuple[str, ...]]:
    """Return what `encode_function_schema` does, but None for a schema that needs no change.

    A loop sends the same tools with each request, and to write a schema takes a tenth of the time of this walk
    (measured with 40 tools).
    """
    value: object = json.loads(text)
    given = cast(Schema, value) if isinstance(value, dict) else {}
    schema = _encode_schema(given, 0)
    refused = [keyword for keyword in _REFUSED_AT_ROOT if keyword in schema]
    is_whole = not refused and schema.get("type") == "object" and "properties" in schema
    if is_whole and (schema["properties"] or not strict):
        return None if schema is value else schema, ()
    lost = [keyword for keyword in refused if keyword != "allOf"]
    if schema.get("type", "object") != "object" and "object" not in schema["type"]:
        lost.append("type")
    root = _merge_root(schema, schema, {})
    root = {**root, "type": "object", "properties": root.get("properties", {})}
    if strict and not root["properties"]:
        root = {**_EMPTY_STRICT_FIELDS, **root}
    return root, tuple(lost)


def _merge_root(schema: Schema, root: Schema, merged_by_reference: dict[str, Schema]) -> Schema:
    """Return one object schema for a schema that may be a reference or a union.

    Args:
        schema: the root, or one that the root refers to or consists of.
        root: holds the definitions.
        merged_by_reference: the definitions that are merged already; one that refers to itself adds nothing more.
    """
    merged = {key: value for key, value in schema.items() if key not in _REFUSED_AT_ROOT}
    reference: object = merged.get("$ref")
    if isinstance(reference, str) and (target := _find_definition(reference, root)) is not None:
        if reference not in merged_by_reference:
            merged_by_reference[reference] = {}
            merged_by_reference[reference] = _merge_root(target, root, merged_by_reference)
        del merged["$ref"]
        merged = {**merged_by_reference[reference], **merged}
    for keyword in ("allOf", *_UNIONS):
        members = [_merge_root(member, root, merged_by_reference) for member in as_objects(schema.get(keyword))]
        if members:
            merged = _merge_members(merged, members, all_hold=keyword == "allOf")
    return merged


def _find_definition(reference: str, root: Schema) -> Schema | None:
    """Return the schema at a path of the same document, such as `#/$defs/Query`; None if there is none."""
    start, *path = reference.split("/")
    target: object = root if start == "#" else None
    for step in path:
        target = as_object(target).get(step.replace("~1", "/").replace("~0", "~"))
    return cast(Schema, target) if isinstance(target, dict) else None


def _merge_members(merged: Schema, members: list[Schema], *, all_hold: bool) -> Schema:
    """Return an object schema with the properties of all members; what each member requires is required."""
    variants: dict[str, list[Any]] = {name: [value] for name, value in as_object(merged.get("properties")).items()}
    for member in members:
        for name, value in as_object(member.get("properties")).items():
            values = variants.setdefault(name, [])
            if value not in values:
                values.append(value)
    required_by_member = [cast(list[str], member.get("required", [])) for member in members]
    required = [name for names in required_by_member for name in names]
    if not all_hold:
        required = [name for name in required if all(name in names for names in required_by_member)]
    required = list(dict.fromkeys([*merged.get("required", []), *required]))
    result = {
        **merged,
        "properties": {name: values[0] if len(values) == 1 else {"anyOf": values} for name, values in variants.items()},
    }
    return {**result, "required": required} if required else result


# What stands for a value that JSON Schema does not allow: its keyword is left out.
_INVALID: Any = object()
_Encoder: TypeAlias = Callable[[Any, int], Any]


def _encode_schema(value: object, depth: int) -> Schema:
    """Return a schema as an object; the same object if nothing in it has to change."""
    if depth > MAX_DEPTH:
        raise ValueError("the schema is too deep")
    if not isinstance(value, dict):
        return {"not": {}} if value is False else {}
    schema = cast(Schema, value)
    changes: Schema = {}
    for key, entry in schema.items():
        encoder = _ENCODERS.get(key)
        encoded = encoder(entry, depth) if encoder else _encode_value(entry, depth)
        if encoded is not entry:
            changes[key] = encoded
    if changes:
        schema = {key: changes.get(key, entry) for key, entry in schema.items()}
        schema = {key: entry for key, entry in schema.items() if entry is not _INVALID}
    schema_type: object = schema.get("type")
    if (schema_type == "array" or (isinstance(schema_type, list) and "array" in schema_type)) and not isinstance(
        schema.get("items"), dict
    ):
        schema = {**schema, "items": _any_of(schema.get("items") or schema.get("prefixItems"))}
    elif isinstance(schema.get("items"), list):
        schema = {**schema, "items": _any_of(schema["items"])}
    return schema


def _any_of(members: Any) -> Schema:
    """Return a schema for each element of a tuple, because the API does not read `prefixItems`.

    It is empty, for elements of any kind, if there is no tuple.
    """
    distinct: list[Schema] = []
    for member in as_objects(members):
        if member not in distinct:
            distinct.append(member)
    return {"anyOf": distinct} if len(distinct) > 1 else distinct[0] if distinct else {}


def _encode_value(value: Any, depth: int) -> Any:
    """Return a JSON value; the same one if it is one already. A number that JSON does not have is not valid."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _INVALID
    if depth > MAX_DEPTH:
        raise ValueError("the schema is too deep")
    if isinstance(value, dict):
        fields = cast(dict[str, Any], value)
        encoded = {key: _encode_value(entry, depth + 1) for key, entry in fields.items()}
        if all(encoded[key] is entry for key, entry in fields.items()):
            return fields
        return {key: entry for key, entry in encoded.items() if entry is not _INVALID}
    entries = cast(list[Any], value)
    encoded_entries = [_encode_value(entry, depth + 1) for entry in entries]
    if all(new is old for new, old in zip(encoded_entries, entries, strict=True)):
        return entries
    return [entry for entry in encoded_entries if entry is not _INVALID]


def _encode_any_schema(value: Any, depth: int) -> Any:
    return _INVALID if value is None else _encode_schema(value, depth + 1)


def _encode_items(value: Any, depth: int) -> Any:
    return _encode_schemas(value, depth) if isinstance(value, list) else _encode_any_schema(value, depth)


def _encode_schema_or_flag(value: Any, depth: int) -> Any:
    return value if isinstance(value, bool) else _encode_any_schema(value, depth)


def _encode_schemas(value: Any, depth: int) -> Any:
    if not isinstance(value, list) or not value:
        return _INVALID
    members = cast(list[Any], value)
    schemas: list[object] = [member for member in members if isinstance(member, dict | bool)]
    encoded = [_encode_schema(member, depth + 1) for member in schemas]
    is_same = len(encoded) == len(members) and all(new is old for new, old in zip(encoded, members, strict=True))
    return members if is_same else encoded or _INVALID


def _encode_schema_map(value: Any, depth: int) -> Any:
    if not isinstance(value, dict):
        return {}
    fields = cast(dict[str, Any], value)
    encoded = {key: _encode_schema(entry, depth + 1) for key, entry in fields.items()}
    return fields if all(encoded[key] is entry for key, entry in fields.items()) else encoded


def _encode_type(value: Any, _depth: int) -> Any:
    if isinstance(value, str):
        return value if value in _TYPES else value.lower() if value.lower() in _TYPES else _INVALID
    names = cast(list[Any], value) if isinstance(value, list) else []
    allowed: list[Any] = list(dict.fromkeys(name for name in names if isinstance(name, str) and name in _TYPES))
    return names if allowed == names and allowed else allowed or _INVALID


def _encode_required(value: Any, _depth: int) -> Any:
    names = cast(list[Any], value) if isinstance(value, list) else None
    if names is None:
        return _INVALID
    allowed: list[Any] = list(dict.fromkeys(name for name in names if isinstance(name, str)))
    return names if allowed == names else allowed


def _encode_enum(value: Any, depth: int) -> Any:
    if not isinstance(value, list) or not value:
        return _INVALID
    entries = _encode_value(value, depth)
    distinct = {json.dumps(entry): entry for entry in entries}
    return (entries if len(distinct) == len(entries) else list(distinct.values())) or _INVALID


def _only(kind: type | tuple[type, ...]) -> _Encoder:
    """Return an encoder that leaves out values of other types; a flag is not a number."""

    def encode(value: Any, depth: int) -> Any:
        is_valid = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        return _encode_value(value, depth) if is_valid else _INVALID

    return encode


# Each keyword of JSON Schema with the form of its value. Source: its meta-schemas, drafts 4 to 2020-12.
_ENCODERS: Mapping[str, _Encoder] = {
    "type": _encode_type,
    "enum": _encode_enum,
    "required": _encode_required,
    "items": _encode_items,
    **dict.fromkeys(("contains", "propertyNames", "not", "if", "then", "else"), _encode_any_schema),
    **dict.fromkeys(
        ("additionalProperties", "additionalItems", "unevaluatedProperties", "unevaluatedItems"),
        _encode_schema_or_flag,
    ),
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), _encode_schemas),
    **dict.fromkeys(
        ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"), _encode_schema_map
    ),
    **dict.fromkeys(("$ref", "$schema", "$id", "title", "description", "pattern", "format"), _only(str)),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _only((int, float))),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _only(int)),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly"), _only(bool)),
    "examples": _only(list),
}
