"""Events to deltas: what a reader sees while an answer is written.

Blocks are numbered in the order in which they become visible, which is their order in the finished response. The
fragments of one block that arrived together become one delta: a host's hooks cost more per call than all our work on
an event.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..wire.client_calls import client_call
from ..wire.json_values import item_of
from ..wire.types import Event, Item
from .decode import call_name, message_texts, thinking_text

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

_Key: TypeAlias = tuple[int, int]
_WHOLE_ITEM = -1


@dataclass(slots=True)
class _Block:
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
        self.shown = False
        self.next_index = first_index
        self._blocks: dict[_Key, _Block] = {}
        self._texts: list[str] = []
        self._current: _Block | None = None
        self._out: list[Delta] = []

    def read(self, events: Iterable[Event]) -> list[Delta]:
        """The deltas of one batch of events."""
        for event in events:
            self._event(event)
        self._flush()
        out, self._out = self._out, []
        self.shown = self.shown or bool(out)
        return out

    def _event(self, event: Event) -> None:
        index: int = event.get("output_index", 0)
        item, text = item_of(event.get("item")), event.get("delta")
        match event["type"]:
            case "response.output_text.delta" | "response.refusal.delta" if text:
                self._text((index, event.get("content_index", 0)), "text", text)
            case "response.reasoning_summary_text.delta" if text:
                self._thinking(index, event.get("summary_index", 0), text)
            case "response.reasoning_text.delta" if text:
                self._thinking(index, event.get("content_index", 0), text)
            case "response.output_item.added" if client_call(item):
                self._start((index, _WHOLE_ITEM), "tool_use", call_name(item))
            case "response.output_item.done":
                self._finish(index, item)
            case "response.completed" | "response.done" | "response.incomplete":
                self._end([*self._blocks])
            case _:
                pass

    def _thinking(self, item: int, part: int, text: str) -> None:
        block = self._blocks.get((item, _WHOLE_ITEM))
        if block is not None and part != block.part:
            block.part = part
            text = "\n\n" + text
        self._text((item, _WHOLE_ITEM), "thinking", text).part = part

    def _text(self, key: _Key, kind: BlockKind, text: str) -> _Block:
        block = self._blocks.get(key) or self._start(key, kind)
        if block is not self._current:
            self._flush()
            self._current = block
        self._texts.append(text)
        return block

    def _start(self, key: _Key, kind: BlockKind, name: str | None = None) -> _Block:
        self._flush()
        block = self._blocks[key] = _Block(index=self.next_index, kind=kind)
        self.next_index += 1
        self._out.append(BlockStart(index=block.index, kind=kind, name=name))
        return block

    def _flush(self) -> None:
        if self._texts and self._current is not None:
            block, text = self._current, "".join(self._texts)
            self._out.append(BlockDelta(index=block.index, kind=block.kind, sequence=block.sequence, text=text))
            block.sequence += 1
        self._texts.clear()
        self._current = None

    def _finish(self, index: int, item: Item) -> None:
        """End an item's blocks; what a server never streamed is given whole first."""
        if client_call(item) and (index, _WHOLE_ITEM) not in self._blocks:
            self._start((index, _WHOLE_ITEM), "tool_use", call_name(item))
        if item.get("type") == "reasoning" and (text := thinking_text(item)):
            self._whole((index, _WHOLE_ITEM), "thinking", text)
        for part, text in enumerate(message_texts(item)):
            if text:
                self._whole((index, part), "text", text)
        self._end([key for key in self._blocks if key[0] == index])

    def _end(self, keys: list[_Key]) -> None:
        self._flush()
        for key in keys:
            block = self._blocks.pop(key)
            self._out.append(BlockEnd(index=block.index, kind=block.kind))

    def _whole(self, key: _Key, kind: BlockKind, text: str) -> None:
        if key not in self._blocks:
            self._text(key, kind, text)
