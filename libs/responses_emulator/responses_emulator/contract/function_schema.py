"""The rules of the service for the JSON Schema of a function's parameters.

Invariant: the first broken rule raises the service's error. The texts and their sources are in `rules.schemas`.
"""

from __future__ import annotations

from typing import Any

from responses_emulator.contract.refusal import refuse
from responses_emulator.rules import requests as rules
from responses_emulator.rules import schemas

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_REFUSED_AT_TOP = ("oneOf", "anyOf", "allOf", "enum", "not")
_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
# The types of the meta-schema.
_VALUE_TYPES: dict[str, tuple[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(_SCHEMAS, ("'object', 'boolean'", (dict, bool))),
    **dict.fromkeys(_SCHEMA_MAPS, ("'object'", dict)),
    **dict.fromkeys((*_SCHEMA_LISTS, "required", "enum", "examples"), ("'array'", list)),
    **dict.fromkeys(("title", "description", "pattern", "format", "$ref"), ("'string'", str)),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), ("'number'", float)),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), ("'integer'", int)),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly"), ("'boolean'", bool)),
}


def check_function_schema(tool: dict[str, Any], path: str) -> None:
    """Raise the service's error if the parameters of a function are not an object schema that it takes."""
    schema = tool.get("parameters")
    if schema is None:
        return
    problem = (
        _root_problem(schema)
        or _schema_problem(schema)
        or _array_problem(schema, ())
        or (strict_schema_problem(schema, ()) if tool.get("strict") is True else None)
    )
    if problem:
        raise refuse(rules.INVALID_FUNCTION_SCHEMA, name=tool["name"], problem=problem, path=path)


def _root_problem(schema: dict[str, Any]) -> str | None:
    if schema.get("type") != "object":
        return schemas.NOT_AN_OBJECT.fill(found=schema.get("type"))
    if any(keyword in schema for keyword in _REFUSED_AT_TOP):
        return schemas.KEYWORD_AT_TOP.fill(keywords="/".join(f"'{keyword}'" for keyword in _REFUSED_AT_TOP))
    # Every report is about the top level.
    return schemas.NO_PROPERTIES.text if "properties" not in schema else None


def _schema_problem(schema: Any) -> str | None:
    """The first keyword whose value the meta-schema does not allow, at any depth."""
    if not isinstance(schema, dict):
        expected = "'object', 'boolean'"
        return None if isinstance(schema, bool) else schemas.WRONG_KEYWORD_TYPE.fill(value=schema, expected=expected)
    for keyword, value in schema.items():
        if problem := _type_problem(value) if keyword == "type" else _value_problem(keyword, value):
            return problem
    return next((problem for _, each in _nested(schema) if (problem := _schema_problem(each))), None)


def _type_problem(value: Any) -> str | None:
    names = value if isinstance(value, list) else [value]
    is_valid = names and all(name in _TYPES for name in names) and len(set(names)) == len(names)
    return None if is_valid else schemas.UNKNOWN_TYPE.fill(value=value)


def _value_problem(keyword: str, value: Any) -> str | None:
    if keyword not in _VALUE_TYPES:
        return None
    names, kinds = _VALUE_TYPES[keyword]
    allowed = (int, float) if kinds is float else kinds
    if not isinstance(value, allowed) or (isinstance(value, bool) and "boolean" not in names):
        return schemas.WRONG_KEYWORD_TYPE.fill(value=value, expected=names)
    if keyword in {"enum", *_SCHEMA_LISTS} and not value:
        return schemas.EMPTY_LIST.text
    if isinstance(value, bool):
        return None
    if keyword in {"enum", "required"} and len({repr(entry) for entry in value}) < len(value):
        return schemas.REPEATED_ENTRY.fill(value=value)
    if keyword != "required":
        return None
    others = (entry for entry in value if not isinstance(entry, str))
    return next((schemas.WRONG_KEYWORD_TYPE.fill(value=entry, expected="'string'") for entry in others), None)


def _array_problem(schema: Any, context: tuple[str, ...]) -> str | None:
    """The first array without items, at any depth."""
    if not isinstance(schema, dict):
        return None
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]
    if "array" in kinds and "items" not in schema:
        return schemas.NO_ITEMS.fill(context=context)
    return next(
        (problem for where, each in _nested(schema) if (problem := _array_problem(each, (*context, *where)))), None
    )


def _nested(schema: dict[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """Every schema directly inside a schema, with the way to it."""
    nested = [((keyword,), schema[keyword]) for keyword in _SCHEMAS if keyword in schema]
    for keyword in _SCHEMA_MAPS:
        nested += [((keyword, str(name)), each) for name, each in (schema.get(keyword) or {}).items()]
    for keyword in _SCHEMA_LISTS:
        nested += [((keyword, str(index)), each) for index, each in enumerate(schema.get(keyword) or [])]
    return nested


def strict_schema_problem(schema: Any, context: tuple[str, ...]) -> str | None:
    """The first rule of strict mode that a schema breaks, in the service's words."""
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False:
            return schemas.OPEN_OBJECT.fill(context=context)
        missing = [name for name in properties if name not in schema.get("required", [])]
        if missing:
            return schemas.OPTIONAL_PROPERTY.fill(context=context, name=missing[0])
    nested: list[tuple[tuple[str, ...], Any]] = [
        ((*context, "properties", name), each) for name, each in (schema.get("properties") or {}).items()
    ]
    nested += [((*context, "$defs", name), each) for name, each in (schema.get("$defs") or {}).items()]
    nested += [((*context, "anyOf", str(i)), each) for i, each in enumerate(schema.get("anyOf") or [])]
    if "items" in schema:
        nested.append(((*context, "items"), schema["items"]))
    for where, each in nested:
        if problem := strict_schema_problem(each, where):
            return problem
    return None
