"""Asks a service about a whole conversation: how many tokens it has, and what it makes of it when it compacts it.

Knows the fields of these two requests. Encoding and attempts are those of a call.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amplifier_core.llm_errors import StreamError

from ..failures.context_limits import ContextNumbers, read_context_numbers
from ..translate.compaction import is_compaction, is_window
from ..wire.json_values import as_object, as_objects
from ..wire.request_body import RequestBody
from ..wire.types import Item

COUNT_PATH = "/responses/input_tokens"
COMPACT_PATH = "/responses/compact"
COMPACTION_TRIGGER: Item = {"type": "compaction_trigger"}

# Source: the parameter types of openai 3.57, seen 2026-11-30.
_COUNT_FIELDS = (
    "model",
    "instructions",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "tool_choice",
    "tools",
    "truncation",
)
# Without instructions, which the host sends again: so later reasoning stays valid (guide on compaction, the same day).
_COMPACT_FIELDS = ("model", "prompt_cache_key", "prompt_cache_retention", "service_tier")
_COMPACT_TIERS = frozenset({"auto", "default", "fast", "flex", "priority"})

_MAX_COUNTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """What a service made of a conversation.

    Attributes:
        window: the items that stand for it.
        response: the usage and the tier, in the form of a response.
    """

    window: list[Item]
    response: dict[str, Any]


class InputCounts:
    """The counts of the newest requests, by the content of each."""

    def __init__(self) -> None:
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    def find(self, key: bytes) -> int | None:
        """Return the count of a request. None if it was not counted, or long ago."""
        if key in self._counts:
            self._counts.move_to_end(key)
        return self._counts.get(key)

    def add(self, key: bytes, tokens: int) -> None:
        """Keep a count."""
        self._counts[key] = tokens
        if len(self._counts) > _MAX_COUNTS:
            self._counts.popitem(last=False)


def write_count_request(body: RequestBody) -> tuple[bytes, bytes]:
    """Return the request that counts the input of a body, and the key of its content."""
    content = _pick(body, _COUNT_FIELDS)
    return content, hashlib.blake2b(content, digest_size=16).digest()


def write_compact_request(body: RequestBody) -> bytes:
    """Return the request that compacts the input of a body."""
    fields = dict(body.fields)
    if fields.get("service_tier") not in _COMPACT_TIERS:
        fields.pop("service_tier", None)
    return _pick(RequestBody(fields, body.items), _COMPACT_FIELDS)


def _pick(body: RequestBody, names: tuple[str, ...]) -> bytes:
    fields: dict[str, Any] = {name: body.fields[name] for name in names if name in body.fields}
    return RequestBody(fields, body.items).content()


def read_count(document: object) -> int:
    """Return the count in a document of the service.

    Raises:
        StreamError: there is none.
    """
    tokens = as_object(document).get("input_tokens")
    if type(tokens) is not int or tokens < 0:
        raise StreamError("the service sent no count of the input tokens")
    return tokens


def read_compaction(document: object) -> Compaction:
    """Return the window in a document of the service.

    Raises:
        StreamError: there is none.
    """
    fields = as_object(document)
    if not is_window(fields.get("output")):
        raise StreamError("the service sent no compaction")
    return Compaction(window=as_objects(fields["output"]), response=fields)


def read_overflow(error: Exception, *, floor: int = 0) -> ContextNumbers:
    """Return what the error of an input that is too long says of its length, see `read_context_numbers`."""
    return read_context_numbers(str(error), floor=floor)


def find_streamed_compaction(response: Mapping[str, Any]) -> Item:
    """Return the compaction in the response to a trigger.

    Raises:
        StreamError: it is not the only one, or has no ciphertext.
    """
    items = [item for item in as_objects(response.get("output")) if item.get("type") == "compaction"]
    if len(items) != 1 or not is_compaction(items[0]):
        raise StreamError("the service sent no compaction")
    return items[0]
