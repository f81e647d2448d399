"""The texts of an item that also arrive in separate events, and where an item holds each of them.

Knows one item at a time, and no stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import cast

from .json_values import as_object, dumps
from .types import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class TextField:
    """A text of an item for which there are separate events.

    Attributes:
        item_type: the type of the item.
        path: the field of the item that holds the text, or the list with the parts that hold it.
        text_key: the key of the whole text in the event that ends it, and in a part.
        part_type: the type of each part; empty by default, if there are no parts with a type.
        index_key: the field of an event that numbers the text; empty by default, if an item has one text.
    """

    item_type: str
    path: str
    text_key: str
    part_type: str = ""
    index_key: str = ""


# By the start of the event types. Source: the event types of openai 3.52, seen 2026-11-21.
TEXT_FIELDS: Mapping[str, TextField] = {
    "response.output_text": TextField(
        item_type="message", path="content", text_key="text", part_type="output_text", index_key="content_index"
    ),
    "response.refusal": TextField(
        item_type="message", path="content", text_key="refusal", part_type="refusal", index_key="content_index"
    ),
    "response.reasoning_summary_text": TextField(
        item_type="reasoning", path="summary", text_key="text", part_type="summary_text", index_key="summary_index"
    ),
    "response.reasoning_text": TextField(
        item_type="reasoning", path="content", text_key="text", part_type="reasoning_text", index_key="content_index"
    ),
    "response.function_call_arguments": TextField(item_type="function_call", path="arguments", text_key="arguments"),
    "response.mcp_call_arguments": TextField(item_type="mcp_call", path="arguments", text_key="arguments"),
    "response.custom_tool_call_input": TextField(item_type="custom_tool_call", path="input", text_key="input"),
    "response.code_interpreter_call_code": TextField(item_type="code_interpreter_call", path="code", text_key="code"),
    "response.apply_patch_call_operation_diff": TextField(
        item_type="apply_patch_call", path="operation.diff", text_key="diff"
    ),
    "response.shell_call_command": TextField(
        item_type="shell_call", path="action.commands", text_key="command", index_key="command_index"
    ),
}
FIELD_BY_PART_TYPE = {row.part_type: row for row in TEXT_FIELDS.values() if row.part_type}
_FIELDS_BY_ITEM_TYPE = {
    item_type: list(rows) for item_type, rows in groupby(TEXT_FIELDS.values(), lambda row: row.item_type)
}


def unify_texts(item: Item) -> Item:
    """Return an item whose texts have the API's types.

    Some servers write one text in place of a list of parts, or the arguments of a call as an object.
    """
    for row in _FIELDS_BY_ITEM_TYPE.get(item["type"], ()):
        value = read_at(item, row.path)
        if row.part_type:
            entries = cast(list[object], value) if isinstance(value, list) else [value]
            if any(isinstance(entry, str) for entry in entries):
                item = copy_with(item, row.path, [_as_part(entry, row) for entry in entries])
        elif not row.index_key and isinstance(value, dict):
            item = copy_with(item, row.path, dumps(cast(object, value)))
    return item


def _as_part(entry: object, row: TextField) -> object:
    return {"type": row.part_type, row.text_key: entry} if isinstance(entry, str) else entry


def list_text_fields(item: Item) -> Sequence[TextField]:
    """Return the texts that an item of this type can have."""
    return _FIELDS_BY_ITEM_TYPE.get(item["type"], ())


def read_item_text(item: Item, row: TextField) -> str:
    """Return one kind of text of an item, its parts joined; empty if it has none."""
    value = read_at(item, row.path)
    entries = cast(list[object], value) if isinstance(value, list) else [value]
    return "".join(map(read_entry_text, entries))


def read_entry_text(entry: object) -> str:
    """Return the text of a part, or the part itself if it is a text."""
    if isinstance(entry, str):
        return entry
    fields = as_object(entry)
    return str(fields.get("text") or fields.get("refusal") or "")


def read_at(item: Item, path: str) -> object:
    """Return the value of a field; a dot stands before a nested one."""
    outer, _, inner = path.partition(".")
    return as_object(item.get(outer)).get(inner) if inner else item.get(outer)


def copy_with(item: Item, path: str, value: object) -> Item:
    """Return a copy with another value of a field."""
    outer, _, inner = path.partition(".")
    return {**item, outer: {**as_object(item.get(outer)), inner: value} if inner else value}
