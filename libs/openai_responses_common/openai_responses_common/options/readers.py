"""Reads values of settings: each reader turns one value of a config, whatever its form, into its type.

Wizards and settings files write strings (`"false"`, `"30"`), so every reader reads them too. If a value is
not valid, its reader raises `ValueError` with the valid values as its text: "true or false". A reader does not know the
name of the setting; `Setting.parse` adds it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeVar, cast

from amplifier_core.message_models import ResponseFormat
from pydantic import TypeAdapter, ValidationError

from ..facts.traits import EFFORTS
from ..wire.json_values import is_json_object, loads_or_none

T = TypeVar("T")

FLAG_VALUES: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
"""What users write for true and false, in lower case."""

UNSET_WORDS = frozenset({"default", "none", "off", "null", "false", "no"})
"""What users write for a choice that they leave to the model or to the service. YAML reads `off` and `no` as false."""

SERVICE_TIERS: Mapping[str, str] = {
    # OpenAI's API reference and news of 2026
    **{name: name for name in ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")},
    "standard": "default",  # its name in OpenAI's price list
    "on_demand": "on_demand",  # Groq's page on service tiers, seen 2026-12-01
    "performance": "performance",  # the same
    "standard_only": "standard_only",  # Anthropic's page on service tiers, seen 2026-12-01
}
"""The service tiers that are known, and what is sent for each."""

# What people write for another name, folded as `_fold` does it.
_EFFORT_BY_SPELLING: Mapping[str, str | None] = {
    **dict.fromkeys(("default", "auto", "null"), None),
    **dict.fromkeys(("off", "false", "no"), "none"),
    **dict.fromkeys(("x_high", "extra_high", "extrahigh"), "xhigh"),
}
_SUMMARIES = ("auto", "concise", "detailed")
_NO_SUMMARY = UNSET_WORDS - {"default", "null"}
_MAX_RATE = 10**12  # with a rate such as 1e999999 the cost of a call would overflow


def text(value: object) -> str:
    """Return the value as text without surrounding spaces."""
    if isinstance(value, Mapping | list | tuple | set):
        raise ValueError("a text")
    return str(value).strip()


def lower_text(value: object) -> str:
    """Return the value as text in lower case."""
    return text(value).lower()


def choice(values: Mapping[str, T]) -> Callable[[object], T]:
    """Return a reader that accepts the keys of `values`, in any case, and returns what each stands for.

    Hyphens and spaces in a name count as underscores.
    """
    by_spelling = {_fold(name): meaning for name, meaning in values.items()}

    def read(value: object) -> T:
        name = _fold(value)
        if name not in by_spelling:
            raise ValueError(f"one of {', '.join(values)}")
        return by_spelling[name]

    return read


def one_of(*names: str) -> Callable[[object], str]:
    """Return a reader that accepts one of these names, in any case."""
    return choice({name: name for name in names})


def one_of_or_unset(*names: str) -> Callable[[object], str | None]:
    """Return a reader as `one_of` does, which returns None for `UNSET_WORDS`."""
    read_name = one_of(*names)

    def read(value: object) -> str | None:
        return None if _fold(value) in UNSET_WORDS else read_name(value)

    return read


def _fold(value: object) -> str:
    return re.sub(r"[-\s]+", "_", str(value).strip().lower())


def flag(value: object) -> bool:
    """Return true or false; see `FLAG_VALUES`."""
    name = str(value).strip().lower()
    if name not in FLAG_VALUES:
        raise ValueError("true or false")
    return FLAG_VALUES[name]


def flag_or_auto(value: object) -> bool | None:
    """Return true or false as `flag` does, and None for `auto` and `default`."""
    if str(value).strip().lower() in {"auto", "default"}:
        return None
    try:
        return flag(value)
    except ValueError:
        raise ValueError("auto, true or false") from None


def whole(value: object) -> int:
    """Return a whole number."""
    try:
        return int(str(value).strip().replace("_", ""))
    except ValueError:
        raise ValueError("a whole number") from None


def not_negative(value: object) -> int:
    """Return a whole number of 0 or more."""
    integer = whole(value)
    if integer < 0:
        raise ValueError("0 or more")
    return integer


def token_count(value: object) -> int:
    """Return a whole number above 0; commas may group its digits."""
    try:
        count = float("nan" if isinstance(value, bool) else str(value).replace(",", ""))
    except ValueError:
        count = math.nan
    if not count.is_integer() or count <= 0:
        raise ValueError("a number of tokens above 0, such as 128000")
    return int(count)


def number(value: object) -> float:
    """Return a finite number."""
    try:
        result = float(str(value).strip())
    except ValueError:
        result = math.nan
    if not math.isfinite(result):
        raise ValueError("a number")
    return result


def seconds(value: object) -> float:
    """Return a number of seconds above 0."""
    duration_s = number(value)
    if duration_s <= 0:
        raise ValueError("a number of seconds above 0")
    return duration_s


def seconds_or_zero(value: object) -> float:
    """Return a number of seconds, 0 or more."""
    try:
        duration_s = number(value)
    except ValueError:
        duration_s = -1.0
    if duration_s < 0:
        raise ValueError("a number of seconds, 0 or more")
    return duration_s


def day(value: object) -> str:
    """Return a day as it is written in `2026-12-11`."""
    try:
        return date.fromisoformat(text(value)).isoformat()
    except ValueError:
        raise ValueError("a day, such as 2026-12-11") from None


def rate(value: object) -> Decimal:
    """Return a price in US dollars per million tokens, exactly as it is written."""
    try:
        dollars = Decimal("NaN" if isinstance(value, bool) else str(value))
    except InvalidOperation:
        dollars = Decimal("NaN")
    if not dollars.is_finite() or not 0 <= dollars < _MAX_RATE:
        raise ValueError("a number of 0 or more, such as 2.50")
    return dollars


def dollars_or_unset(value: object) -> Decimal | None:
    """Return an amount of US dollars, exactly as it is written; None, no limit, for `UNSET_WORDS`."""
    if _fold(value) in UNSET_WORDS:
        return None
    try:
        return rate(value)
    except ValueError:
        raise ValueError("an amount of US dollars, such as 2.50, or none") from None


def word_list(value: object) -> tuple[str, ...]:
    """Return the words of a list, or of a text that separates them with commas."""
    words: object = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list | tuple):
        raise ValueError("a list of words")
    return tuple(text(word) for word in cast(list[object], words) if text(word))


def effort_list(value: object) -> tuple[str, ...]:
    """Return efforts, weakest first, from a list or from a text with commas or spaces between them."""
    names: object = re.findall(r"[^,\s]+", value.lower()) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or any(name not in EFFORTS for name in cast(list[object], names)):
        raise ValueError(f"some of {', '.join(EFFORTS)}, or [] for a model that takes no effort")
    return tuple(effort for effort in EFFORTS if effort in names)


def json_value(value: object, expected: str) -> Any:
    """Return the value of a JSON text, and every other value as it is.

    Args:
        value: the value of a setting.
        expected: the error text for a text that is not JSON.
    """
    if not isinstance(value, str):
        return value
    parsed = loads_or_none(value)
    if parsed is None:
        raise ValueError(expected)
    return parsed


def json_object(value: object) -> dict[str, Any]:
    """Return an object that JSON can hold, from an object or from its JSON text."""
    parsed = json_value(value, "an object")
    if not isinstance(parsed, Mapping):
        raise ValueError("an object")
    if not is_json_object(cast(object, parsed)):
        raise ValueError("an object that JSON can hold: its keys are texts, and it has no dates and no NaN")
    return dict(cast(Mapping[str, Any], parsed))


_CACHE_OPTIONS: Mapping[str, tuple[str, ...]] = {"mode": ("implicit", "explicit"), "ttl": ("30m", "12h")}


def cache_options(value: object) -> dict[str, Any]:
    """Return `prompt_cache_options`, without what makes no sense in a call: `prewarm` asks for no answer."""
    options = json_object(value)
    if any(options[key] not in _CACHE_OPTIONS.get(key, ()) for key in options):
        raise ValueError("an object with `mode` (implicit or explicit) and `ttl` (30m or 12h)")
    return options


def effort(value: object) -> str | None:
    """Return an effort; None, the model's own default, for `default`, `auto` and `null`."""
    name = lower_text(value)
    return _EFFORT_BY_SPELLING.get(_fold(name), name)


def known_effort(value: object) -> str | None:
    """Return an effort as `effort` does. A name that no service knows is not valid."""
    name = effort(value)
    if name not in (None, *EFFORTS, "ultra"):
        raise ValueError(f"one of {', '.join(EFFORTS)}, ultra, default")
    return name


def summary(value: object) -> str | None:
    """Return the kind of reasoning summary; None, which requests no summary, for `none`, `off` and `false`.

    `default` stands for `auto`, which is what is requested without the setting.
    """
    name = _fold(value)
    if name in _NO_SUMMARY:
        return None
    if name in UNSET_WORDS:
        return _SUMMARIES[0]
    if name not in _SUMMARIES:
        raise ValueError(f"one of {', '.join(_SUMMARIES)}, none")
    return name


def service_tier(value: object) -> str | None:
    """Return the name of a service tier; None for `UNSET_WORDS` but `default`, which is a tier.

    A name that is not known is returned as it is written, because gateways have other tiers.
    """
    name = _fold(value)
    if name in SERVICE_TIERS:
        return SERVICE_TIERS[name]
    if name in UNSET_WORDS:
        return None
    if name in FLAG_VALUES or not re.fullmatch(r"[a-z][\w.:/]*", name):
        raise ValueError(f"the name of a tier, such as {', '.join(SERVICE_TIERS)}")
    return text(value)


def tool_choice(value: object) -> str | Mapping[str, Any]:
    """Return the name of a mode or of a tool, or the API's own object."""
    if isinstance(value, str) or is_json_object(value):
        return cast("str | Mapping[str, Any]", value)
    raise ValueError("a name or an object")


def reasoning_fields(value: object) -> dict[str, Any]:
    """Return `{effort, summary, mode, context}`; the effort may stand alone, as other modules take it."""
    if value is False or (isinstance(value, str) and not value.lstrip().startswith("{")):
        return {"effort": lower_text(value)}
    fields = json_object(value)
    if not all(isinstance(fields.get(key) or "", str) for key in ("effort", "summary")):
        raise ValueError("an object, whose effort and summary are words")
    return fields


def hosted_tool_list(value: object) -> tuple[Mapping[str, Any], ...]:
    """Return the hosted tools of a list, or a single one."""
    parsed = json_value(value, "a list of tools, each with a type")
    tools = cast(list[Any], parsed if isinstance(parsed, list) else [parsed])
    if not all(is_json_object(tool) and isinstance(tool.get("type"), str) for tool in tools):
        raise ValueError("a list of tools, each with a type")
    return tuple(cast(list[Mapping[str, Any]], tools))


def web_search_tool(value: object) -> tuple[Mapping[str, Any], ...]:
    """Return the hosted web search for `true`, or for an object with its fields (filters, user_location …).

    An empty tuple for `false`.
    """
    if isinstance(value, str | bool | int) and not str(value).lstrip().startswith("{"):
        return ({"type": "web_search"},) if flag(value) else ()
    return hosted_tool_list({"type": "web_search", **json_object(value)})


@cache
def _response_format_adapter() -> TypeAdapter[Any]:
    """Build the validator once, and not before a call needs it: it takes most of a millisecond."""
    return TypeAdapter[Any](ResponseFormat)


def response_format(value: object) -> object:
    """Return Amplifier's response format, from its object or from a mapping."""
    try:
        return _response_format_adapter().validate_python(value)
    except ValidationError:
        raise ValueError("{type: text}, {type: json} or {type: json_schema, json_schema: {…}}") from None
