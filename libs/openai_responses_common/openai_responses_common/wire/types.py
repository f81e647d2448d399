"""The JSON of the Responses API that we touch, and how it becomes bytes.

Only the keys that we write are spelled out; everything the service sends is kept as it came, unknown keys included.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Required, TypeAlias, TypedDict, cast

from pydantic_core import PydanticSerializationError, to_json

Item: TypeAlias = dict[str, Any]
"""An input or output item: message, reasoning, function_call, web_search_call …"""

Event: TypeAlias = dict[str, Any]
"""One event of the stream; `type` says which."""

Response: TypeAlias = dict[str, Any]
"""The response object of a terminal event."""


class Body(TypedDict, total=False):
    """A request to `POST /responses`, in the order in which it is sent.

    `input` comes last and everything before it is stable within a conversation, so the bytes of one request are a
    prefix of the next one's up to the end of the shared history: that is what prompt caches live on.
    """

    model: Required[str]
    stream: bool
    store: bool
    service_tier: str
    include: list[str]
    reasoning: dict[str, Any]
    text: dict[str, Any]
    temperature: float
    top_p: float
    max_output_tokens: int
    parallel_tool_calls: bool
    truncation: str
    prompt_cache_key: str
    prompt_cache_retention: str
    safety_identifier: str
    instructions: str
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    input: Required[list[Item]]


TERMINAL_STATUS: Mapping[str, str] = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
"""Events that end a stream with a response, and the status they imply where the response does not say."""


HALVES = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs, as from a tool that read a broken file: no socket, file or hook takes them."""


def record(value: object) -> dict[str, Any]:
    """A JSON object, or an empty one where the service left it out, sent null or something else."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def records(value: object) -> list[dict[str, Any]]:
    """The objects of a JSON array, or none."""
    entries = cast(list[object], value) if isinstance(value, list) else []
    return [cast(dict[str, Any], entry) for entry in entries if isinstance(entry, dict)]


def item_of(value: object) -> Item:
    """An item of the service, or an empty one where it is none: without a type nothing can be done with it."""
    item = record(value)
    return item if isinstance(item.get("type"), str) else {}


def dump(value: object) -> str:
    """Compact JSON, as every byte of a request is written; numbers that JSON does not have become null."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))


def _finite(value: object) -> object:
    match value:
        case dict():
            return {key: _finite(each) for key, each in cast(dict[str, object], value).items()}
        case list() | tuple():
            return [_finite(each) for each in cast(list[object], value)]
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
        return to_json(json.loads(dump(body).encode("utf-8", "replace")))
