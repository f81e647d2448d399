"""Events to deltas: what a reader sees while an answer is written.

Blocks are numbered in the order in which they become visible, which is their order in the finished response. The
fragments of one block that arrived together become one delta: a host's hooks cost more per call than all our work on
an event.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..wire.client_calls import find_client_call
from ..wire.json_values import as_item
from ..wire.types import Event, Item
from .decode import read_message_texts, read_thinking, read_tool_name

BlockKind: TypeAlias = Literal["text", "thinking", "tool_use"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockStart:
    """A block begins; `name` is the tool's for `tool_use`."""

    index: int
    kind: BlockKind
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDelta:
    """More of a block; `sequence` counts from 0 within it. Tool arguments have no deltas."""

    index: int
    kind: BlockKind
    sequence: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEnd:
    """A block is finished."""

    index: int
    kind: BlockKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborted:
    """The attempt failed after deltas were shown: what was shown is void."""

    error_type: str
    message: str


Delta: TypeAlias = BlockStart | BlockDelta | BlockEnd | Aborted

_BlockKey: TypeAlias = tuple[int, int]
_ITEM_BLOCK = -1


@dataclass(slots=True)
class _OpenBlock:
    index: int
    kind: BlockKind
    sequence: int = 0
    part: int = 0


class DeltaReader:
    """Turns the event batches of one attempt into deltas.

    Attributes:
        shown: whether any delta was given.
        next_index: number of the next block.
    """

    def __init__(self, first_index: int = 0) -> None:
        self.has_emitted = False
        self.next_index = first_index
        self._open_blocks: dict[_BlockKey, _OpenBlock] = {}
        self._fragments: list[str] = []
        self._current_block: _OpenBlock | None = None
        self._deltas: list[Delta] = []

    def read_batch(self, events: Iterable[Event]) -> list[Delta]:
        """The deltas of one batch of events."""
        for event in events:
            self._read_event(event)
        self._flush_fragments()
        out, self._deltas = self._deltas, []
        self.has_emitted = self.has_emitted or bool(out)
        return out

    def _read_event(self, event: Event) -> None:
        index: int = event.get("output_index", 0)
        item, text = as_item(event.get("item")), event.get("delta")
        match event["type"]:
            case "response.output_text.delta" | "response.refusal.delta" if text:
                self._add_text((index, event.get("content_index", 0)), "text", text)
            case "response.reasoning_summary_text.delta" if text:
                self._add_thinking(index, event.get("summary_index", 0), text)
            case "response.reasoning_text.delta" if text:
                self._add_thinking(index, event.get("content_index", 0), text)
            case "response.output_item.added" if find_client_call(item):
                self._start_block((index, _ITEM_BLOCK), "tool_use", read_tool_name(item))
            case "response.output_item.done":
                self._finish_item(index, item)
            case "response.completed" | "response.done" | "response.incomplete":
                self._end_blocks([*self._open_blocks])
            case _:
                pass

    def _add_thinking(self, output_index: int, part: int, text: str) -> None:
        block = self._open_blocks.get((output_index, _ITEM_BLOCK))
        if block is not None and part != block.part:
            block.part = part
            text = "\n\n" + text
        self._add_text((output_index, _ITEM_BLOCK), "thinking", text).part = part

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
        """End an item's blocks; what a server never streamed is given whole first."""
        if find_client_call(item) and (output_index, _ITEM_BLOCK) not in self._open_blocks:
            self._start_block((output_index, _ITEM_BLOCK), "tool_use", read_tool_name(item))
        if item.get("type") == "reasoning" and (text := read_thinking(item)):
            self._add_missing_text((output_index, _ITEM_BLOCK), "thinking", text)
        for part, text in enumerate(read_message_texts(item)):
            if text:
                self._add_missing_text((output_index, part), "text", text)
        self._end_blocks([key for key in self._open_blocks if key[0] == output_index])

    def _end_blocks(self, keys: list[_BlockKey]) -> None:
        self._flush_fragments()
        for key in keys:
            block = self._open_blocks.pop(key)
            self._deltas.append(BlockEnd(index=block.index, kind=block.kind))

    def _add_missing_text(self, key: _BlockKey, kind: BlockKind, text: str) -> None:
        if key not in self._open_blocks:
            self._add_text(key, kind, text)
