"""One item of a stream as far as it has arrived, with the texts that arrived in separate events.

Knows no event, and no other item.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from .item_texts import TextField, copy_with, read_at, read_entry_text
from .json_values import as_object
from .types import Item


@dataclass(slots=True, eq=False, kw_only=True)
class StreamPart:
    """One text of an item: the pieces that have arrived, and the whole text once an event said it.

    Attributes:
        item: the item.
        text_field: which text of the item it is.
        index: the number of the text in the item.
        pieces: the deltas so far.
        final_text: the text of the event that ended it; None until then.
    """

    item: StreamItem
    text_field: TextField
    index: int
    pieces: list[str] = field(default_factory=list[str])
    final_text: str | None = None

    @property
    def text(self) -> str:
        """Return the text as far as it has arrived."""
        return self.final_text or "".join(self.pieces)


@dataclass(slots=True, eq=False, kw_only=True)
class StreamItem:
    """One item of a stream as far as it has arrived.

    Attributes:
        item: the newest copy that an event had; only the type if none had one.
        index: its `output_index`; None if no event had one.
        was_added: whether an event said that the item begins.
        is_finished: whether an event said that the item is finished.
        has_text_of_own_id: whether an event with a text had its id.
        parts: its texts that arrived in separate events.
    """

    item: Item
    index: int | None
    was_added: bool = False
    is_finished: bool = False
    has_text_of_own_id: bool = False
    parts: dict[tuple[str, int], StreamPart] = field(default_factory=dict[tuple[str, int], StreamPart])

    def build_item(self) -> Item:
        """Return the finished item, or else what has arrived of it.

        Texts that a finished item lacks are those of its parts. An unfinished item has no ciphertext, because that of
        `response.output_item.added` is not the whole one (recorded).
        """
        if self.is_finished:
            return fill_texts(self.item, self.parts.values())
        item = {key: value for key, value in self.item.items() if key != "encrypted_content"}
        for part in self.parts.values():
            item = copy_with(item, part.text_field.path, None) if part.text else item
        return fill_texts(item, self.parts.values())


def fill_texts(item: Item, parts: Iterable[StreamPart]) -> Item:
    """Return an item with the texts of its parts wherever it has none itself; the item stays as it is."""
    by_path: dict[str, list[StreamPart]] = {}
    for part in parts:
        if part.text:
            by_path.setdefault(part.text_field.path, []).append(part)
    for path, group in by_path.items():
        value = read_at(item, path)
        # A call without the arguments that were streamed has none, or an empty object.
        own_text = "" if value == "{}" else value
        item = copy_with(
            item, path, _fill_list(value, group) if group[0].text_field.index_key else own_text or group[0].text
        )
    return item


def _fill_list(value: object, parts: list[StreamPart]) -> list[object]:
    entries = list(cast(list[object], value)) if isinstance(value, list) else []
    has_text = any(read_entry_text(entry) for entry in entries)
    for part in sorted(parts, key=lambda part: part.index):
        new = (
            {"type": part.text_field.part_type, part.text_field.text_key: part.text}
            if part.text_field.part_type
            else part.text
        )
        if not has_text and not 0 <= part.index < len(entries):
            entries.append(new)
        elif 0 <= part.index < len(entries) and not read_entry_text(entry := entries[part.index]):
            entries[part.index] = {**as_object(entry), **new} if isinstance(new, dict) else new
    return entries
