"""Turns what changed in a stream into deltas: what a reader can see while the model writes.

Blocks are numbered in the order in which they become visible. The fragments of one block that arrive together become
one delta, because the hooks of a host cost more per delta than all our work on an event. Knows no event and no identity
of items: `wire.stream_items` says what belongs together, and the row of a block in `blocks` how it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ..wire.client_calls import has_tool_name
from ..wire.stream_item import StreamItem, StreamPart
from ..wire.types import Item
from .blocks import BlockKind, find_item_translation
from .output_items import is_visible
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
    """All earlier deltas of the call are void; those that still count follow again."""

    error_type: str
    message: str


Delta: TypeAlias = BlockStart | BlockDelta | BlockEnd | Aborted


@dataclass(slots=True, eq=False, kw_only=True)
class _Block:
    """A block as the reader of the deltas sees it.

    Attributes:
        kind: its kind.
        name: the name of the tool; None for other blocks.
        index: its number; None while its text is blank, which nobody sees.
        pieces: its text so far.
        length: the length of that text.
        is_ended: whether its end was shown.
    """

    kind: BlockKind
    name: str | None = None
    index: int | None = None
    pieces: list[str] = field(default_factory=list[str])
    length: int = 0
    sequence: int = 0
    is_ended: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class _ItemView:
    """How much of an item has been read.

    Attributes:
        kind: the kind of its blocks; None if it has none.
        blocks: its blocks, in order.
        first_part: the first of its parts with a text; None until then.
        is_finished: whether it was read to its end.
    """

    kind: BlockKind | None
    blocks: list[_Block] = field(default_factory=list[_Block])
    first_part: StreamPart | None = None
    is_finished: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class _PartView:
    """How much of a part has been read: the number of its pieces, and the length of its text."""

    item_view: _ItemView
    block: _Block | None = None
    piece_count: int = 0
    length: int = 0


class DeltaReader:
    """Turns the changes of one attempt into deltas.

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
        self._item_views: dict[StreamItem, _ItemView] = {}
        self._part_views: dict[StreamPart, _PartView] = {}
        self._visible_blocks: list[_Block] = []
        self._deltas: list[Delta] = []

    def read_changes(self, changes: Iterable[StreamItem | StreamPart]) -> list[Delta]:
        """Return the deltas for the items and texts that changed."""
        for change in changes:
            if isinstance(change, StreamPart):
                self._read_part(change)
            else:
                self._read_item(change)
        return self._take_deltas()

    def finish(self, items: Sequence[Item]) -> list[Delta] | None:
        """Return the deltas after which the blocks are those of the finished items, each of them ended.

        None if the blocks so far are not the beginning of those: then they have to be taken back.
        """
        expected = [_Block(kind=kind, name=name, pieces=[text]) for kind, name, text in self._list_blocks(items)]
        if len(expected) < len(self._visible_blocks) or not all(map(_is_beginning_of, self._visible_blocks, expected)):
            return None
        for number, block in enumerate(expected):
            if number == len(self._visible_blocks):
                self._start(_Block(kind=block.kind, name=block.name))
            self._end(self._visible_blocks[number], block.pieces[0])
        return self._take_deltas()

    def _take_deltas(self) -> list[Delta]:
        deltas, self._deltas = self._deltas, []
        self.has_emitted = self.has_emitted or bool(deltas)
        return deltas

    def _open_item(self, stream_item: StreamItem) -> _ItemView:
        view = self._item_views.get(stream_item)
        if view is None:
            kind = find_item_translation(stream_item.item).delta_kind
            view = self._item_views[stream_item] = _ItemView(kind=kind)
        return view

    def _read_part(self, part: StreamPart) -> None:
        """Show what a part has more than before."""
        view = self._part_views.get(part)
        if view is None:
            view = self._part_views[part] = _PartView(item_view=self._open_item(part.item))
        if view.item_view.is_finished or view.item_view.kind in (None, "tool_use"):
            return
        text = "".join(part.pieces[view.piece_count :])
        if part.final_text is not None:
            text += part.final_text[view.length + len(text) :]
        if not text:
            return
        view.piece_count = len(part.pieces)
        view.length += len(text)
        if view.block is None:
            view.block, text = self._open_block(part, view.item_view, text)
        if view.block:
            self._add_text(view.block, text)

    def _open_block(self, part: StreamPart, view: _ItemView, text: str) -> tuple[_Block | None, str]:
        """Return the block that shows a part, and the part's text in it.

        Each part of a message is a block; the parts of reasoning are paragraphs of one block. None if the part is not
        shown: a reader sees the summary or the raw reasoning, whichever came first.
        """
        view.first_part = view.first_part or part
        if view.kind == "thinking" and view.blocks:
            is_shown = part.text_field is view.first_part.text_field
            return (view.blocks[0], "\n\n" + text) if is_shown else (None, "")
        block = _Block(kind="thinking" if view.kind == "thinking" else "text")
        view.blocks.append(block)
        return block, text

    def _read_item(self, stream_item: StreamItem) -> None:
        """Show that a call begins, or the rest of a finished item."""
        view = self._open_item(stream_item)
        row, item = find_item_translation(stream_item.item), stream_item.item
        if row.delta_kind == "tool_use" and not view.blocks and (stream_item.is_finished or has_tool_name(item)):
            view.blocks.append(_Block(kind="tool_use", name=self._tool_names.read_tool_name(item)))
            self._start(view.blocks[0])
        if not stream_item.is_finished or view.is_finished:
            return
        view.is_finished = True
        visible = [block for block in view.blocks if block.index is not None]
        for number, (kind, name, text) in enumerate(self._list_blocks([stream_item.build_item()])):
            if number == len(visible):
                visible.append(_Block(kind=kind, name=name))
                self._start(visible[number])
            self._end(visible[number], text)
        for block in visible:
            self._end(block)

    def _add_text(self, block: _Block, text: str) -> None:
        block.pieces.append(text)
        block.length += len(text)
        if block.index is None:
            if not is_visible(text):
                return
            self._start(block)
            text = "".join(block.pieces)
        newest = self._deltas[-1] if self._deltas else None
        if isinstance(newest, BlockDelta) and newest.index == block.index:
            self._deltas[-1] = replace(newest, text=newest.text + text)
            return
        index = block.index or 0
        self._deltas.append(BlockDelta(index=index, kind=block.kind, sequence=block.sequence, text=text))
        block.sequence += 1

    def _start(self, block: _Block) -> None:
        block.index = self.next_index
        self.next_index += 1
        self._visible_blocks.append(block)
        self._deltas.append(BlockStart(index=block.index, kind=block.kind, name=block.name))

    def _end(self, block: _Block, text: str = "") -> None:
        """End a block, after the rest of its text that the server did not stream."""
        if block.is_ended or block.index is None:
            return
        if rest := text[block.length :]:
            self._add_text(block, rest)
        block.is_ended = True
        self._deltas.append(BlockEnd(index=block.index, kind=block.kind))

    def _list_blocks(self, items: Iterable[Item]) -> Iterator[tuple[BlockKind, str | None, str]]:
        """Yield kind, tool name and text of each block that a reader sees of some items."""
        for item in items:
            row = find_item_translation(item)
            if row.delta_kind == "tool_use":
                yield row.delta_kind, self._tool_names.read_tool_name(item), ""
            elif row.delta_kind:
                for text in filter(is_visible, row.read_texts(item)):
                    yield row.delta_kind, None, text


def _is_beginning_of(block: _Block, whole: _Block) -> bool:
    text = "".join(block.pieces)
    if (block.kind, block.name) != (whole.kind, whole.name):
        return False
    return text == whole.pieces[0] if block.is_ended else whole.pieces[0].startswith(text)
