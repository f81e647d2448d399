"""JSON read and written: values of unknown shape as objects, items and bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from .types import Item

if TYPE_CHECKING:
    pass
import math

import jiter
from pydantic_core import PydanticSerializationError, to_json


def is_json_object(value: object) -> bool:
    """Will it go into a body? YAML has keys and values that JSON does not have."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in cast(Mapping[object, object], value)):
        return False
    try:
        return bool(json.dumps(dict(cast(Mapping[str, Any], value)), allow_nan=False))
    except (ValueError, TypeError, RecursionError):
        return False


def loads_or_text(text: str) -> object:
    """JSON, or the text where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def loads(data: bytes) -> object:
    """JSON, four times as fast as the standard library reads it; of texts, only names are worth keeping in its cache.

    Servers that cut their text between the halves of a surrogate pair send JSON that only the standard library takes;
    a half becomes U+FFFD, because no hook and no file could take it.
    """
    try:
        return cast(object, jiter.from_json(data, cache_mode="keys"))
    except ValueError:
        text = json.dumps(json.loads(data), ensure_ascii=False)
        return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs, as from a tool that read a broken file: no socket, file or hook takes them."""


def as_object(value: object) -> dict[str, Any]:
    """A JSON object, or an empty one where the service left it out, sent null or something else."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def as_objects(value: object) -> list[dict[str, Any]]:
    """The objects of a JSON array, or none."""
    entries = cast(list[object], value) if isinstance(value, list) else []
    return [cast(dict[str, Any], entry) for entry in entries if isinstance(entry, dict)]


def as_item(value: object) -> Item:
    """An item of the service, or an empty one where it is none: without a type nothing can be done with it."""
    item = as_object(value)
    return item if isinstance(item.get("type"), str) else {}


def dumps(value: object) -> str:
    """Compact JSON, as every byte of a request is written; numbers that JSON does not have become null."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_replace_non_finite(value), ensure_ascii=False, separators=(",", ":"))


def _replace_non_finite(value: object) -> object:
    match value:
        case dict():
            return {key: _replace_non_finite(each) for key, each in cast(dict[str, object], value).items()}
        case list() | tuple():
            return [_replace_non_finite(each) for each in cast(list[object], value)]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def dump_body(body: Mapping[str, Any]) -> bytes:
    """The body as UTF-8 JSON.

    Pydantic's writer takes an eighth of the standard library's time (measured with 750 items), so that a long history
    holds the interpreter lock for a millisecond and not for ten. It does not write lone surrogates (a tool that read a
    broken file): those become "?" instead of an error.
    """
    try:
        return to_json(body, inf_nan_mode="null")
    except PydanticSerializationError:
        return to_json(json.loads(dumps(body).encode("utf-8", "replace")))
