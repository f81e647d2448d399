"""Readers of settings: one value of a config, whatever its form, becomes a typed one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from ..wire.json_values import is_json_object, loads_or_none


def text(value: object) -> str:
    return str(value).strip()


def flag(value: object) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    text = str(value).strip().lower()
    if text not in words:
        raise ValueError("true or false")
    return words[text]


def whole(value: object) -> int:
    try:
        return int(str(value).strip().replace("_", ""))
    except ValueError:
        raise ValueError("a whole number") from None


def number(value: object) -> float:
    try:
        number = float(str(value).strip())
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("a number")
    return number


def seconds(value: object) -> float:
    seconds = number(value)
    if seconds <= 0:
        raise ValueError("a number of seconds above 0")
    return seconds


def not_negative(value: object) -> int:
    number = whole(value)
    if number < 0:
        raise ValueError("0 or more")
    return number


def lower_text(value: object) -> str:
    return text(value).lower()


def json_value(value: object, expected: str) -> Any:
    if not isinstance(value, str):
        return value
    parsed = loads_or_none(value)
    if parsed is None:
        raise ValueError(expected)
    return parsed


def json_object(value: object) -> dict[str, Any]:
    parsed = json_value(value, "an object")
    if not is_json_object(parsed):
        raise TypeError("an object")
    return dict(cast(Mapping[str, Any], parsed))


def word_list(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    if not isinstance(value, list | tuple):
        raise TypeError("a list of words")
    return tuple(str(word) for word in cast(list[object], value))
