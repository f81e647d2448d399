"""Reads and writes JSON: values of unknown shape become objects and items, and bodies become bytes.

Nothing that this file reads nests deeper than `MAX_DEPTH`, so every later walk over a value that came from a service, a
tool or a file stays below the interpreter's recursion limit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

import jiter
from pydantic_core import PydanticSerializationError, to_json

from .types import Item

MAX_DEPTH = 201
"""How many levels of lists and objects a JSON value may have. Sources: jiter 0.19 reads 201 levels and pydantic-core
2.50 writes 254 (both tried 2026-12-01); the standard library's limit depends on the depth of the caller's stack."""

SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs, as from a tool that read a broken file: no socket, file or hook takes them."""


def loads(data: bytes) -> object:
    """Return the JSON value in `data`, read four times as fast as the standard library reads it.

    Servers that cut their text between the halves of a surrogate pair send JSON that only the standard library reads.
    Each half becomes U+FFFD, because no hook and no file could take it. The cache of the fast reader holds names of
    fields only, because texts hardly ever repeat.

    Raises:
        ValueError: `data` is not JSON, or nests deeper than `MAX_DEPTH`.
    """
    try:
        value: object = jiter.from_json(data, cache_mode="keys")
    except ValueError:
        text = json.dumps(_loads_bounded(data), ensure_ascii=False)
        value = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value


def loads_or_none(text: str | bytes, *, allow_nan: bool = True) -> object:
    """Return the JSON value in `text`.

    None if `text` is not JSON, or nests deeper than `MAX_DEPTH`, or is `null`.

    Args:
        text: what may be JSON.
        allow_nan: also read `NaN` and `Infinity`, which JSON does not have; true by default.
    """
    try:
        return _loads_bounded(text, allow_nan=allow_nan)
    except ValueError:
        return None


def loads_object_or_none(text: str | bytes, *, allow_nan: bool = True) -> dict[str, Any] | None:
    """Return the JSON object in `text`; None if `loads_or_none` finds anything else."""
    value = loads_or_none(text, allow_nan=allow_nan)
    return cast(dict[str, Any], value) if isinstance(value, dict) else None


def loads_or_text(text: str) -> object:
    """Return the JSON value in `text`, or `text` itself if `loads_or_none` would not read it."""
    try:
        return _loads_bounded(text)
    except ValueError:
        return text


def _loads_bounded(text: str | bytes, *, allow_nan: bool = True) -> object:
    try:
        value: object = json.loads(text, parse_constant=None if allow_nan else _reject_constant)
    except RecursionError:
        raise ValueError(f"more than {MAX_DEPTH} levels deep") from None
    if is_too_deep(value):
        raise ValueError(f"more than {MAX_DEPTH} levels deep")
    return value


def _reject_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def is_too_deep(value: object) -> bool:
    """Return whether a value has more than `MAX_DEPTH` levels of lists and objects, or contains itself."""
    level = [value]
    for _ in range(MAX_DEPTH):
        # A container counts once per level, because two references of a value to itself would double every level.
        level = list({id(child): child for parent in level for child in _list_containers(parent)}.values())
        if not level:
            return False
    return True


def _list_containers(parent: object) -> list[object]:
    children: Iterable[object] = ()
    if isinstance(parent, dict):
        children = cast(dict[str, object], parent).values()
    elif isinstance(parent, list | tuple):
        children = cast(list[object], parent)
    return [child for child in children if isinstance(child, dict | list | tuple)]


def is_json_object(value: object) -> bool:
    """Return whether a value can go into a body as an object: YAML has keys and values that JSON does not have."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in cast(Mapping[object, object], value)):
        return False
    fields = dict(cast(Mapping[str, Any], value))
    try:
        return bool(json.dumps(fields, allow_nan=False)) and not is_too_deep(fields)
    except (ValueError, TypeError, RecursionError):
        return False


def as_object(value: object) -> dict[str, Any]:
    """Return a JSON object; an empty one if the service left it out, or sent null or another type."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def as_objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a JSON array; an empty list if `value` is not an array."""
    entries = cast(list[object], value) if isinstance(value, list) else []
    return [cast(dict[str, Any], entry) for entry in entries if isinstance(entry, dict)]


def as_item(value: object) -> Item:
    """Return an item of the service; an empty one if it has no type, because nothing can be done with it."""
    item = as_object(value)
    return item if isinstance(item.get("type"), str) else {}


def dumps(value: object) -> str:
    """Return compact JSON, as every byte of a request is written; numbers that JSON does not have become null.

    Raises:
        TypeError: a value or a key has a type that JSON does not have.
        ValueError: an integer has more digits than Python writes.
        RecursionError: the value contains itself, or nests too deeply for the standard library.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_replace_non_finite(value), ensure_ascii=False, separators=(",", ":"))


def _replace_non_finite(value: object) -> object:
    match value:
        case dict():
            return {key: _replace_non_finite(entry) for key, entry in cast(dict[str, object], value).items()}
        case list() | tuple():
            return [_replace_non_finite(entry) for entry in cast(list[object], value)]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def dump_body(body: Mapping[str, Any]) -> bytes:
    """Return the body as UTF-8 JSON.

    Pydantic's writer takes an eighth of the standard library's time (measured with 750 items), so that a long history
    holds the interpreter lock for a millisecond and not for ten. It writes neither lone surrogates (a tool that read a
    broken file), which become "?", nor more than 254 levels, which the standard library writes instead.
    """
    try:
        return to_json(body, inf_nan_mode="null")
    except PydanticSerializationError:
        encoded = dumps(body).encode("utf-8", "replace")
    try:
        return to_json(json.loads(encoded))
    except PydanticSerializationError:
        return encoded
