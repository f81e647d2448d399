"""An instance of a JSON schema: small, valid, and made from values that a caller knows for some property names.

Invariant: it ends for every schema. A schema that refers to itself is followed a few levels down; then optional
properties, the elements of arrays and all choices but `null` are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DEEPEST = 8
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
    """Return a value that the schema accepts.

    Args:
        hints: values by property name; "*" is the text of strings without a hint.
        name: the property that the value is for. The default is the value as a whole.
        root: the schema that references start from. The default is `schema`.
    """
    return _Filler(hints or {}, schema if root is None else root).value(schema, name, 0)


@dataclass(frozen=True, slots=True)
class _Filler:
    hints: Mapping[str, Any]
    root: Any

    def value(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, dict) or depth > 4 * _DEEPEST:
            return None
        if "$ref" in schema:
            return self.value(self._resolve(schema["$ref"]), name, depth + 1)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        if schema.get("enum"):
            return self.hints[name] if self.hints.get(name) in schema["enum"] else schema["enum"][0]
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.value(_choose(schema[key], depth), name, depth + 1)
        if schema.get("allOf"):
            return self._all_of(schema["allOf"], name, depth)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), "null")
        if kind is None and "properties" in schema:
            kind = "object"
        return self._of_type(kind, schema, name, depth)

    def _of_type(self, kind: Any, schema: dict[str, Any], name: str, depth: int) -> Any:
        match kind:
            case "object":
                required = schema.get("required") or ()
                properties = (schema.get("properties") or {}).items()
                chosen = {key: each for key, each in properties if depth < _DEEPEST or key in required}
                return {key: self.value(each, key, depth + 1) for key, each in chosen.items()}
            case "array":
                least = schema.get("minItems", 0)
                count = max(least, 1 if depth < _DEEPEST and schema.get("maxItems", 1) else 0)
                return [self.value(schema.get("items", {}), name, depth + 1) for _ in range(count)]
            case "string":
                return self._string(schema, name)
            case "integer" | "number":
                return self._number(kind, schema, name)
            case "boolean":
                return bool(self.hints.get(name, True))
            case _:
                return None

    def _all_of(self, schemas: list[Any], name: str, depth: int) -> Any:
        values = [self.value(each, name, depth + 1) for each in schemas]
        if all(isinstance(value, dict) for value in values):
            return {key: each for value in values for key, each in value.items()}
        return values[0]

    def _string(self, schema: dict[str, Any], name: str) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        text = self.hints.get(name, self.hints.get("*", name.replace("_", " ") or "text"))
        text = str(text).ljust(schema.get("minLength", 0), ".")
        return text[: schema.get("maxLength", len(text))]

    def _number(self, kind: str, schema: dict[str, Any], name: str) -> int | float:
        value = self.hints.get(name, 1)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            value = 1
        step = schema.get("multipleOf", 1)
        low = schema.get("minimum", schema.get("exclusiveMinimum", value) + ("exclusiveMinimum" in schema))
        high = schema.get("maximum", schema.get("exclusiveMaximum", value) - ("exclusiveMaximum" in schema))
        value = min(max(value, low), max(high, low))
        if kind == "integer":
            value = int(value)
        return value if value % step == 0 else -(-value // step) * step

    def _resolve(self, reference: str) -> Any:
        at = self.root
        for key in filter(None, reference.removeprefix("#").split("/")):
            at = at.get(key, {}) if isinstance(at, dict) else {}
        return at


def _choose(options: list[Any], depth: int) -> Any:
    nulls = [each for each in options if isinstance(each, dict) and each.get("type") == "null"]
    return nulls[0] if nulls and depth >= _DEEPEST else options[0]
