"""Turns events into deltas: what a reader can see while the model writes.

Blocks are numbered in the order in which they become visible, which is their order in the finished response. The
fragments of one block that arrive together become one delta, because the hooks of a host cost more per delta than all
our work on an event. Knows no type of content block: its row in `blocks` says which events show it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from ..wire.client_calls import find_client_call
from ..wire.json_values import as_item
from ..wire.types import Event, Item
from .blocks import CONTENT_BLOCKS, BlockKind, find_item_translation
from .tool_names import ToolNames


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockStart:
    """A block begins. `name` is the name of the tool; None for other blocks."""

    index: int
    kind: BlockKind
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDelta:
    """More text of a block. `sequence` counts from 0 in each block. Tool arguments have no deltas."""

    index: int
    kind: BlockKind
    sequence: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEnd:
    """A block ends."""

    index: int
    kind: BlockKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborted:
    """The attempt failed after it emitted deltas, which are now void."""

    error_type: str
    message: str


Delta: TypeAlias = BlockStart | BlockDelta | BlockEnd | Aborted

# The index of an item in the output, and of a part in the item; `_WHOLE_ITEM` if the item is one block.
_BlockKey: TypeAlias = tuple[int, int]
_WHOLE_ITEM = -1

_DELTA_EVENTS: dict[str, tuple[BlockKind, str]] = {
    event_type: (row.delta_kind, index_field)
    for row in CONTENT_BLOCKS.values()
    if row.delta_kind
    for event_type, index_field in row.delta_events.items()
}


@dataclass(slots=True)
class _OpenBlock:
    index: int
    kind: BlockKind
    sequence: int = 0
    part: int = 0


class DeltaReader:
    """Turns the event batches of one attempt into deltas.

    Args:
        first_index: the number of the first block; 0 by default.
        tool_names: the names of the tools of the request. None, the default, if no tool has an alias.

    Attributes:
        has_emitted: whether it has returned any delta.
        next_index: the number of the next block.
    """

    def __init__(self, first_index: int = 0, tool_names: ToolNames | None = None) -> None:
        self.has_emitted = False
        self.next_index = first_index
        self._tool_names = tool_names or ToolNames()
        self._open_blocks: dict[_BlockKey, _OpenBlock] = {}
        self._fragments: list[str] = []
        self._current_block: _OpenBlock | None = None
        self._deltas: list[Delta] = []

    def read_batch(self, events: Iterable[Event]) -> list[Delta]:
        """Return the deltas for one batch of events."""
        for event in events:
            self._read_event(event)
        self._flush_fragments()
        deltas, self._deltas = self._deltas, []
        self.has_emitted = self.has_emitted or bool(deltas)
        return deltas

    def _read_event(self, event: Event) -> None:
        index: int = event.get("output_index", 0)
        item, text = as_item(event.get("item")), event.get("delta")
        match event["type"]:
            case event_type if text and event_type in _DELTA_EVENTS:
                kind, index_field = _DELTA_EVENTS[event_type]
                self._add_part_text(index, event.get(index_field, 0), kind, text)
            case "response.output_item.added" if find_client_call(item):
                self._start_block((index, _WHOLE_ITEM), "tool_use", self._tool_names.read_tool_name(item))
            case "response.output_item.done":
                self._finish_item(index, item)
            case "response.completed" | "response.done" | "response.incomplete":
                self._end_blocks([*self._open_blocks])
            case _:
                pass

    def _add_part_text(self, output_index: int, part: int, kind: BlockKind, text: str) -> None:
        """Each part of a message is a block; the parts of reasoning are paragraphs of one block."""
        if kind == "text":
            self._add_text((output_index, part), kind, text)
            return
        key = (output_index, _WHOLE_ITEM)
        block = self._open_blocks.get(key)
        is_new_part = block is not None and part != block.part
        self._add_text(key, kind, "\n\n" + text if is_new_part else text).part = part

    def _add_text(self, key: _BlockKey, kind: BlockKind, text: str) -> _OpenBlock:
        block = self._open_blocks.get(key) or self._start_block(key, kind)
        if block is not self._current_block:
            self._flush_fragments()
            self._current_block = block
        self._fragments.append(text)
        return block

    def _start_block(self, key: _BlockKey, kind: BlockKind, tool_name: str | None = None) -> _OpenBlock:
        self._flush_fragments()
        block = self._open_blocks[key] = _OpenBlock(index=self.next_index, kind=kind)
        self.next_index += 1
        self._deltas.append(BlockStart(index=block.index, kind=kind, name=tool_name))
        return block

    def _flush_fragments(self) -> None:
        if self._fragments and self._current_block is not None:
            block, text = self._current_block, "".join(self._fragments)
            self._deltas.append(BlockDelta(index=block.index, kind=block.kind, sequence=block.sequence, text=text))
            block.sequence += 1
        self._fragments.clear()
        self._current_block = None

    def _finish_item(self, output_index: int, item: Item) -> None:
        """End the blocks of an item, after the texts that the server did not stream."""
        row = find_item_translation(item)
        if row.delta_kind == "tool_use" and (output_index, _WHOLE_ITEM) not in self._open_blocks:
            self._start_block((output_index, _WHOLE_ITEM), "tool_use", self._tool_names.read_tool_name(item))
        for part, text in enumerate(row.read_texts(item)):
            key = (output_index, part if row.delta_kind == "text" else _WHOLE_ITEM)
            if text and row.delta_kind and key not in self._open_blocks:
                self._add_text(key, row.delta_kind, text)
        self._end_blocks([key for key in self._open_blocks if key[0] == output_index])

    def _end_blocks(self, keys: list[_BlockKey]) -> None:
        self._flush_fragments()
        for key in keys:
            block = self._open_blocks.pop(key)
            self._deltas.append(BlockEnd(index=block.index, kind=block.kind))
