"""The items of one stream as far as they have arrived, and which event belongs to which item.

An item is what its id says, because servers build streams in many ways (seen 2026-11-30). llama.cpp sends no
`output_index`. transformers, Ollama and LiteLLM use one `output_index` for two items. Proxies give an item another id
in each event. Some servers send texts or arguments only in the events for these, and others never finish an item. Knows
no terminal event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

from .item_texts import FIELD_BY_PART_TYPE, TEXT_FIELDS, TextField, read_item_text, unify_texts
from .json_values import as_item, as_object
from .stream_item import StreamItem, StreamPart
from .types import Event, Item

_DELTA_EVENTS = {f"{start}.delta": row for start, row in TEXT_FIELDS.items()}
_TEXT_DONE_EVENTS = {f"{start}.done": row for start, row in TEXT_FIELDS.items()}
_PART_DONE_EVENTS = frozenset({"response.content_part.done", "response.reasoning_summary_part.done"})


# Type, item id, `output_index` and part of a delta, as the event has them.
_Place: TypeAlias = tuple[str, object, object, object]


class StreamItems:
    """Collects the items of one stream, in the order in which each was first seen."""

    def __init__(self) -> None:
        self._items: list[StreamItem] = []
        self._items_by_index: dict[int | None, list[StreamItem]] = {}
        self._items_by_id: dict[tuple[str, str], StreamItem] = {}
        # For events without an index, so that a stream of many items costs no more for each of them: by type, the items
        # that are not finished, those of them that no event began, and the last one that is finished; by type and call
        # id, the finished ones.
        self._open: dict[str, dict[StreamItem, None]] = {}
        self._unadded: dict[str, dict[StreamItem, None]] = {}
        self._last_finished: dict[str, tuple[int, StreamItem]] = {}
        self._finished_calls: dict[tuple[str, str], dict[StreamItem, None]] = {}
        self._numbers: dict[StreamItem, int] = {}
        self._changes: dict[StreamItem | StreamPart, None] = {}
        # Most deltas belong to the same text as the one before, so that its place has to be found only once.
        self._newest_part: StreamPart | None = None
        self._newest_place: _Place = ("", None, None, None)
        self._newest_index_key = ""

    def add_event(self, event: Event) -> bool:
        """Add one event; return whether it belongs to an item."""
        event_type, item_id, index, part_index = self._newest_place
        if (
            (part := self._newest_part)
            and event["type"] == event_type
            and event.get("item_id") == item_id
            and event.get("output_index") == index
            and event.get(self._newest_index_key) == part_index
        ):
            part.pieces.append(event.get("delta") or "")
            return True
        return self._add_delta(event) if event["type"] in _DELTA_EVENTS else self._add_other_event(event)

    def _add_delta(self, event: Event) -> bool:
        """Add the first delta of a text, or the first one after events of other texts."""
        if not event.get("delta"):
            return True
        row = _DELTA_EVENTS[event["type"]]
        part = self._find_part(event, row)
        part.pieces.append(event["delta"])
        self._newest_part, self._newest_index_key = part, row.index_key
        self._newest_place = (
            event["type"],
            event.get("item_id"),
            event.get("output_index"),
            event.get(row.index_key),
        )
        return True

    def _add_other_event(self, event: Event) -> bool:
        match event["type"]:
            case "response.output_item.added":
                self._add_item(event, is_finished=False)
            case "response.output_item.done":
                self._add_item(event, is_finished=True)
            case kind if kind in _TEXT_DONE_EVENTS:
                self._end_text(event, _TEXT_DONE_EVENTS[kind], event)
            case kind if kind in _PART_DONE_EVENTS:
                part = as_object(event.get("part"))
                if row := FIELD_BY_PART_TYPE.get(str(part.get("type"))):
                    self._end_text(event, row, part)
            case _:
                return False
        return True

    def take_changes(self) -> list[StreamItem | StreamPart]:
        """Return what changed since the last time: items that began or were finished, and texts that grew.

        The text that grew last is among them even if it did not grow since then.
        """
        newest = self._newest_part
        if not self._changes:
            return [newest] if newest else []
        if newest:
            self._changes.setdefault(newest)
        changes, self._changes = self._changes, {}
        return list(changes)

    def __bool__(self) -> bool:
        return bool(self._items)

    def list_items(self) -> list[StreamItem]:
        """Return the items by `output_index`.

        Items with one index stand in the order in which they were first seen. An item without an index stands behind
        the one that was seen before it.
        """
        keys: list[tuple[int, int]] = []
        index = 0
        for number, item in enumerate(self._items):
            index = index if item.index is None else item.index
            keys.append((index, number))
        return [self._items[number] for _, number in sorted(keys)]

    def _end_text(self, event: Event, row: TextField, holder: Mapping[str, Any]) -> None:
        text = holder.get(row.text_key)
        if not isinstance(text, str):
            return
        part = self._find_part(event, row, final_text=text)
        part.final_text = text
        if "name" in event and not part.item.item.get("name"):
            part.item.item = {**part.item.item, "name": event["name"]}

    def _find_part(self, event: Event, row: TextField, *, final_text: str | None = None) -> StreamPart:
        """Return the text that an event is about. A new one starts a new item if no item fits."""
        item_id, index = _read_id(event.get("item_id")), event.get("output_index")
        stream_item = self._find_item_of_text(row, item_id, index, final_text=final_text) or self._start_item(
            {"type": row.item_type, **({"id": item_id} if item_id else {})}, index
        )
        if item_id and stream_item.item.get("id") == item_id:
            stream_item.has_text_of_own_id = True
        key = (row.path + row.part_type, event.get(row.index_key, 0) if row.index_key else 0)
        part = stream_item.parts.get(key)
        if part is None:
            part = stream_item.parts[key] = StreamPart(item=stream_item, text_field=row, index=key[1])
        self._changes[part] = None
        return part

    def _find_item_of_text(
        self, row: TextField, item_id: str, index: int | None, *, final_text: str | None
    ) -> StreamItem | None:
        same_id = self._items_by_id.get((row.item_type, item_id))
        if same_id and (not same_id.is_finished or _is_same_place(same_id.index, index)):
            return self._find_twin(same_id, index) or same_id
        late: StreamItem | None = None
        for each in self._list_items_for_text(row.item_type, index):
            if each.item["type"] != row.item_type:
                continue
            if each.is_finished:
                late = late or each
            elif not item_id or not _read_id(each.item.get("id")) or _has_changing_ids(each, index):
                return each
        # A text without an id, behind its item
        is_late = late and not item_id and (index is not None or _may_have_text(late, row, final_text))
        return late if is_late else None

    def _find_twin(self, stream_item: StreamItem, index: int | None) -> StreamItem | None:
        """Return the item with the same id at another index, if there is one at that index."""
        if _is_same_place(stream_item.index, index):
            return None
        item_id = stream_item.item.get("id")
        at_index = reversed(self._items_by_index.get(index, ()))
        return next((each for each in at_index if each.item.get("id") == item_id), None)

    def _add_item(self, event: Event, *, is_finished: bool) -> None:
        item, index = as_item(event.get("item")), event.get("output_index")
        if not item:
            return
        item = unify_texts(item)
        stream_item = self._find_item(item, index, is_finished=is_finished) or self._start_item(item, index)
        earlier = stream_item.item
        missing = {key: earlier[key] for key in ("name", "call_id") if earlier.get(key) and not item.get(key)}
        stream_item.item = {**item, **missing} if missing else item
        stream_item.was_added = True
        stream_item.is_finished = stream_item.is_finished or is_finished
        if stream_item.index is None and index is not None:
            self._items_by_index[None].remove(stream_item)
            stream_item.index = index
            self._items_by_index.setdefault(index, []).append(stream_item)
        if item_id := _read_id(item.get("id")):
            self._items_by_id[item["type"], item_id] = stream_item
        self._note_state(stream_item)
        self._changes[stream_item] = None
        self._newest_part = None  # the next text may belong to this item

    def _find_item(self, item: Item, index: int | None, *, is_finished: bool) -> StreamItem | None:
        """Return the item that an event begins or finishes; None if nothing of it has been seen.

        An item with another id at the same index is the same one if it was begun and is finished now. It is another one
        if it begins now, or if its texts are others.
        """
        item_id, call_id = _read_id(item.get("id")), _read_id(item.get("call_id"))
        same_id = self._items_by_id.get((item["type"], item_id))
        if same_id and not is_other_call(same_id, item):
            same_id = self._find_twin(same_id, index) or same_id
            if not _is_reused_id(same_id, item, index, is_finished=is_finished):
                return same_id
        repeated: StreamItem | None = None
        for each in self._list_items_for(item, index, is_finished=is_finished):
            if each.item["type"] != item["type"] or is_other_call(each, item):
                continue
            is_certain = bool(call_id) or each.index == index is not None
            has_other_id = bool(item_id and _read_id(each.item.get("id")))
            if each.is_finished:
                is_text = item["type"] in ("message", "reasoning")  # two calls may well have the same content
                is_repeated = is_certain and (bool(call_id) or is_text or not has_other_id)
                if is_finished and is_repeated and has_same_content(each.item, item):
                    repeated = each
            elif not is_finished:
                if not each.was_added and not has_other_id:
                    return each
            elif not has_other_id or (is_certain and call_id) or _agrees(each, item, is_certain=is_certain):
                return each
        return repeated

    def _list_items_for_text(self, item_type: str, index: int | None) -> Iterator[StreamItem]:
        """Return the items that a text with this `output_index` may belong to, the newest first."""
        if index is not None:
            yield from reversed(self._list_items_at(index))
            return
        yield from reversed(self._open.get(item_type, {}))
        if item_type in self._last_finished:
            yield self._last_finished[item_type][1]

    def _list_items_for(self, item: Item, index: int | None, *, is_finished: bool) -> Iterable[StreamItem]:
        """Return the items that an event with an item and this `output_index` may begin or finish, the oldest first."""
        if index is not None:
            return self._list_items_at(index)
        item_type, call_id = item["type"], _read_id(item.get("call_id"))
        if not is_finished:
            return self._unadded.get(item_type, {})
        finished = [self._finished_calls.get((item_type, each), {}) for each in ((call_id, "") if call_id else ())]
        return [*self._open.get(item_type, {}), *sorted(chain(*finished), key=self._numbers.__getitem__)]

    def _list_items_at(self, index: int) -> Sequence[StreamItem]:
        """Return the items that an event with this `output_index` may be about."""
        return [*self._items_by_index.get(None, ()), *self._items_by_index.get(index, ())]

    def _note_state(self, stream_item: StreamItem) -> None:
        """Note that an event has begun or finished an item."""
        item_type = stream_item.item["type"]
        self._unadded[item_type].pop(stream_item, None)
        if not stream_item.is_finished:
            return
        self._open[item_type].pop(stream_item, None)
        newest = (self._numbers[stream_item], stream_item)
        self._last_finished[item_type] = max(newest, self._last_finished.get(item_type, newest), key=itemgetter(0))
        call_id = _read_id(stream_item.item.get("call_id"))
        self._finished_calls.setdefault((item_type, call_id), {})[stream_item] = None

    def _start_item(self, item: Item, index: int | None) -> StreamItem:
        stream_item = StreamItem(item=item, index=index)
        self._numbers[stream_item] = len(self._items)
        self._items.append(stream_item)
        for state in (self._open, self._unadded):
            state.setdefault(item["type"], {})[stream_item] = None
        self._items_by_index.setdefault(index, []).append(stream_item)
        if item_id := _read_id(item.get("id")):
            self._items_by_id[item["type"], item_id] = stream_item
        return stream_item


def _read_id(value: object) -> str:
    return str(value) if isinstance(value, str | int) else ""


def _has_changing_ids(stream_item: StreamItem, index: int | None) -> bool:
    """Return whether a text with another id may belong to an item that has begun.

    It may if the index says so, or if nothing has an index and no text came under the item's own id.
    """
    if not stream_item.was_added or stream_item.index != index:
        return False
    return index is not None or not stream_item.has_text_of_own_id


def _may_have_text(stream_item: StreamItem, row: TextField, final_text: str | None) -> bool:
    """Return whether a text behind a finished item may belong to it: the item lacks it, or has the same one."""
    own_text = read_item_text(stream_item.build_item(), row)
    return not own_text or (final_text is not None and final_text in own_text)


def _is_reused_id(stream_item: StreamItem, item: Item, index: int | None, *, is_finished: bool) -> bool:
    """Return whether an item at another index has the id of an earlier item, and is another item all the same."""
    if stream_item.is_finished:
        return stream_item.index != index and not has_same_content(stream_item.item, item)
    return stream_item.was_added and not is_finished and not _is_same_place(stream_item.index, index)


def _is_same_place(index: int | None, other: int | None) -> bool:
    return index is None or other is None or index == other


def is_other_call(stream_item: StreamItem, item: Item) -> bool:
    """Return whether both have a call id, and not the same one."""
    own, other = _read_id(stream_item.item.get("call_id")), _read_id(item.get("call_id"))
    return bool(own and other and own != other)


def has_same_content(item: Item, other: Item) -> bool:
    """Return whether two items differ in nothing but id and status."""
    return all(item.get(key) == other.get(key) for key in {*item, *other} - {"id", "status"})


def _agrees(stream_item: StreamItem, item: Item, *, is_certain: bool) -> bool:
    """Return whether the texts of a finished item begin as those that arrived before.

    If nothing else is certain, some text must have arrived, and all of it.
    """
    if not is_certain and not any(part.text for part in stream_item.parts.values()):
        return False
    for path in {part.text_field.path for part in stream_item.parts.values()}:
        parts = [part for part in stream_item.parts.values() if part.text_field.path == path]
        streamed, whole = "".join(part.text for part in parts), read_item_text(item, parts[0].text_field)
        if not is_certain and whole != streamed:
            return False
        if whole and not (whole.startswith(streamed) or streamed.startswith(whole)):
            return False
    return True
