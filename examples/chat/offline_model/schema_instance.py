"""An instance of a JSON schema: small, valid, and made from what is known where a name suggests it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FORMATS = {
    "date": "2026-11-21",
    "date-time": "2026-11-21T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
}


def schema_instance(schema: Any, hints: Mapping[str, Any] | None = None, *, name: str = "", root: Any = None) -> Any:
    """A value that the schema accepts; `hints` are values by property name."""
    root = schema if root is None else root
    hints = hints or {}
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return schema_instance(_resolve_reference(schema["$ref"], root), hints, name=name, root=root)
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if schema.get("enum"):
        return hints[name] if hints.get(name) in schema["enum"] else schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return schema_instance(schema[key][0], hints, name=name, root=root)
    if schema.get("allOf"):
        return _all_of(schema["allOf"], hints, name, root)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if kind is None and "properties" in schema:
        kind = "object"
    return _value_of_type(kind, schema, hints, name, root)


def _value_of_type(kind: Any, schema: dict[str, Any], hints: Mapping[str, Any], name: str, root: Any) -> Any:
    match kind:
        case "object":
            return {
                key: schema_instance(each, hints, name=key, root=root)
                for key, each in (schema.get("properties") or {}).items()
            }
        case "array":
            count = max(1, schema.get("minItems", 1)) if schema.get("maxItems", 1) else 0
            return [schema_instance(schema.get("items", {}), hints, name=name, root=root) for _ in range(count)]
        case "string":
            return _string(schema, hints, name)
        case "integer" | "number":
            return _number(kind, schema, hints, name)
        case "boolean":
            return bool(hints.get(name, True))
        case _:
            return None


def _all_of(parts: list[Any], hints: Mapping[str, Any], name: str, root: Any) -> Any:
    values = [schema_instance(part, hints, name=name, root=root) for part in parts]
    if all(isinstance(value, dict) for value in values):
        return {key: each for value in values for key, each in value.items()}
    return values[0]


def _string(schema: dict[str, Any], hints: Mapping[str, Any], name: str) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = hints.get(name, hints.get("*", name.replace("_", " ") or "text"))
    text = str(text).ljust(schema.get("minLength", 0), ".")
    return text[: schema.get("maxLength", len(text))]


def _number(kind: str, schema: dict[str, Any], hints: Mapping[str, Any], name: str) -> int | float:
    value = hints.get(name, 1)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        value = 1
    step = schema.get("multipleOf", 1)
    low = schema.get("minimum", schema.get("exclusiveMinimum", value) + ("exclusiveMinimum" in schema))
    high = schema.get("maximum", schema.get("exclusiveMaximum", value) - ("exclusiveMaximum" in schema))
    value = min(max(value, low), max(high, low))
    if kind == "integer":
        value = int(value)
    return value if value % step == 0 else -(-value // step) * step


def _resolve_reference(ref: str, root: Any) -> Any:
    at = root
    for key in ref.lstrip("#/").split("/"):
        at = at.get(key, {}) if isinstance(at, dict) else {}
    return at
