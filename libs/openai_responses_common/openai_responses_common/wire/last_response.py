"""The response that a service remembers of a connection, and what a request adds to it.

A host rebuilds its messages for every request, so requests are compared by what they say. The output counts as replayed
if the input repeats all that the model reads of it: the encoder leaves out ids, states and blank texts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from .json_values import as_object
from .request_body import RequestBody
from .types import Item

# What the encoder may leave out of an item. The service knows it from its own copy.
_OPTIONAL_KEYS = frozenset({"id", "status", "annotations", "logprobs", "created_by"})
_TEXT_KEYS = ("text", "refusal")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastResponse:
    """The newest response of a connection, with the request that it answered.

    Attributes:
        id: the id of the response.
        body: the whole body of the request, whatever part of it was sent.
        output: the output items of the response.
    """

    id: str
    body: RequestBody = field(repr=False)
    output: list[Item] = field(repr=False)

    def list_new_items(self, body: RequestBody) -> list[Item] | None:
        """Return the items by which a body goes on from this response.

        None if the body does not go on from it: another field or an earlier item differs, or nothing is new.

        Args:
            body: the body of the next request.
        """
        if not body.goes_on_from(self.body):
            return None
        index = len(self.body.items)
        for item in self.output:
            if index < len(body.items) and is_replay(body.items[index], item):
                index += 1
            elif not _is_blank(item):
                return None
        return body.items[index:] or None


def is_replay(item: Item, original: Item) -> bool:
    """Return whether an input item repeats an output item.

    Args:
        item: the input item, as the encoder replays it.
        original: the output item, as the service sent it.
    """
    return _is_same(_drop_blank_parts(item), _drop_blank_parts(original))


def _is_same(value: object, original: object) -> bool:
    if isinstance(value, dict) and isinstance(original, dict):
        fields, original_fields = cast(dict[str, Any], value), cast(dict[str, Any], original)
        keys = fields.keys() | original_fields.keys()
        return all(_is_same_field(key, fields, original_fields) for key in keys)
    if isinstance(value, list) and isinstance(original, list):
        entries, original_entries = cast(list[object], value), cast(list[object], original)
        return len(entries) == len(original_entries) and all(map(_is_same, entries, original_entries))
    return value == original


def _is_same_field(key: str, fields: dict[str, Any], original_fields: dict[str, Any]) -> bool:
    if key in fields and key in original_fields:
        return key == "status" or _is_same(fields[key], original_fields[key])
    return key in _OPTIONAL_KEYS or not (fields.get(key) or original_fields.get(key))


def _drop_blank_parts(item: Item) -> Item:
    """Return an item without the parts of its content that hold no text; only those of a message can be blank."""
    content: object = item.get("content")
    if item.get("type") != "message" or not isinstance(content, list):
        return item
    parts = cast(list[object], content)
    return {**item, "content": [part for part in parts if not _is_blank_part(part)]}


def _is_blank(item: Item) -> bool:
    """Return whether the encoder leaves an output item out: a message without text, or reasoning that nobody reads."""
    content: object = item.get("content")
    if item.get("type") == "reasoning":
        return not content and not item.get("encrypted_content")
    if item.get("type") != "message" or not isinstance(content, list):
        return False
    return all(_is_blank_part(part) or not _read_text(part).strip() for part in cast(list[object], content))


def _is_blank_part(part: object) -> bool:
    return any(key in as_object(part) for key in _TEXT_KEYS) and not _read_text(part)


def _read_text(part: object) -> str:
    return "".join(str(as_object(part).get(key) or "") for key in _TEXT_KEYS)
