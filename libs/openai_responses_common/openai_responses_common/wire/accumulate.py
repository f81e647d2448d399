"""Gathers the events of one attempt into one response.

`response.output_item.done` holds the true item. The copy in `added` may differ (recorded: other ciphertext, other ids).
The terminal event has status and usage; its `output` may be empty (recorded), and it may list items that no event
finished (recorded: `mcp_list_tools`). No item that an event showed is lost: `stream_items` says which event belongs to
which item.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TypeAlias

from .client_calls import find_client_call, has_tool_name
from .item_texts import list_text_fields, read_item_text, unify_texts
from .json_values import as_item, as_object, as_objects, loads_object_or_none
from .stream_item import StreamItem, StreamPart, fill_texts
from .stream_items import StreamItems, has_same_content, is_other_call
from .types import TERMINAL_STATUS, Event, Item, Response


class Accumulator:
    """Collects the events of one attempt.

    Attributes:
        terminal_event: the terminal event; None until it came. Nothing after it counts, but the reason of a failure.
    """

    def __init__(self) -> None:
        self.terminal_event: Event | None = None
        self._items = StreamItems()

    def add_event(self, event: Event) -> bool:
        """Add one event; return whether it belongs to an item. Events of unknown types are ignored."""
        if self._items.add_event(event):
            return True
        if event["type"] in _TERMINAL_TYPES:
            if self.terminal_event is None:
                self.terminal_event = event
            elif self.lacks_reason():
                self.terminal_event = _join_failure(self.terminal_event, event)
        return False

    def has_items(self) -> bool:
        """Return whether a part of the answer has arrived."""
        return bool(self._items)

    def take_changes(self) -> list[StreamItem | StreamPart]:
        """Return the items and texts that changed since the last time."""
        return self._items.take_changes()

    def has_failed(self) -> bool:
        """Return whether the stream ended in a failure."""
        terminal = self.terminal_event or {}
        return terminal.get("type") == "error" or self.read_status() in {"failed", "cancelled"}

    def lacks_reason(self) -> bool:
        """Return whether the stream ended in a failure without a reason, which the next event may have.

        Source: Azure sends `response.failed` with `error: null`, and then `error` (pi#7983, seen 2026-11-30).
        """
        return self.has_failed() and not _read_reason(self.terminal_event or {})

    def read_status(self) -> str:
        """Return the status of the response, else the one that the type of its terminal event implies.

        A response that gives a reason why it is incomplete is not completed, whatever its status says.
        """
        terminal = self.terminal_event or {}
        response = as_object(terminal.get("response"))
        implied = TERMINAL_STATUS.get(terminal.get("type", ""), "")
        status = str(response.get("status") or implied)
        is_cut = implied == "incomplete" or as_object(response.get("incomplete_details")).get("reason")
        return "incomplete" if is_cut and status == "completed" else status

    def describe_fault(self) -> str:
        """Return what is wrong with the end of the stream, for an error message; empty if nothing is."""
        if self.terminal_event is None:
            return "the stream ended without a terminal event"
        if self.has_failed() or self.read_status() == "incomplete":
            return ""
        for stream_item, listed in self._match_listed_items():
            if stream_item and not listed and not stream_item.is_finished and _is_broken_call(stream_item):
                name = stream_item.item.get("name") or stream_item.item["type"]
                return f"the stream ended in the middle of a call of {name}"
        return ""

    def build_response(self) -> Response:
        """Return the response of the terminal event, with all items of the stream as its output.

        An item that was not finished is that of the terminal event, or else what has arrived of it.
        """
        response, status = as_object((self.terminal_event or {}).get("response")), self.read_status()
        pairs = self._match_listed_items()
        output = [item for pair in pairs if (item := _build_item(*pair, status=status))]
        return {**response, "status": status, "output": output}

    def _match_listed_items(self) -> list[tuple[StreamItem | None, Item]]:
        """Return each item of the stream with the copy that the terminal event lists; empty if it lists none.

        An item that only the terminal event lists stands before the next one that it lists and the stream has.
        """
        streamed, listed = self._items.list_items(), self._read_listed_items()
        matches = _match_items(streamed, listed)
        copies: dict[StreamItem, Item] = {}
        predecessors: dict[StreamItem, list[Item]] = {}
        unplaced: list[Item] = []
        for number, item in enumerate(listed):
            if match := matches.get(number):
                copies[match], predecessors[match], unplaced = item, unplaced, []
            else:
                unplaced.append(item)
        pairs: list[tuple[StreamItem | None, Item]] = []
        for stream_item in streamed:
            pairs += [(None, item) for item in predecessors.get(stream_item, ())]
            pairs.append((stream_item, copies.get(stream_item, {})))
        return [*pairs, *((None, item) for item in unplaced)]

    def _read_listed_items(self) -> list[Item]:
        """Return the items of the terminal event; one that is listed twice counts once."""
        response = as_object((self.terminal_event or {}).get("response"))
        listed: list[Item] = []
        by_id: dict[tuple[str, str], Item] = {}
        for entry in map(unify_texts, filter(as_item, as_objects(response.get("output")))):
            item_id = entry.get("id") or entry.get("call_id")
            key = (str(entry.get("type")), str(item_id))
            if not (item_id and by_id.get(key) == entry):
                listed.append(entry)
                by_id[key] = entry
        return listed


_TERMINAL_TYPES = frozenset({*TERMINAL_STATUS, "error"})


def _read_reason(event: Event) -> object:
    """Return what says why a response failed; nothing of the kind if it is false."""
    response = as_object(event.get("response"))
    return response.get("error") or event.get("error") or event.get("message") or event.get("code")


def _join_failure(event: Event, later: Event) -> Event:
    """Return a failure with the reason that a later event has; it stays as it is if that has none."""
    if not _read_reason(later):
        return event
    later_error = as_object(later.get("response")).get("error")
    response = {**as_object(event.get("response")), **({"error": later_error} if later_error else {})}
    return {**later, "type": event["type"], "response": response}


def _match_items(streamed: list[StreamItem], listed: list[Item]) -> dict[int, StreamItem]:
    """Return, by its place in the terminal event, the item of the stream that each listed item is a copy of.

    Ids decide, and the content if an id comes twice. If ids changed, the content decides, then the place, and else the
    order among the items of one type.
    """
    matches: dict[int, StreamItem] = {}
    free = {item: number for number, item in enumerate(streamed)}
    for list_keys, list_own_keys, is_match in _MATCHES:
        candidates: dict[_Key, dict[StreamItem, None]] | None = None  # by what they have in common, once that is needed
        for number, item in enumerate(listed):
            if number in matches:
                continue
            firsts = [each for each in streamed[number : number + 1] if each in free and is_match(each, item, number)]
            if not firsts:
                if candidates is None:
                    candidates = _group(free, list_own_keys)
                groups = [candidates.get(key, {}) for key in list_keys(item, number)]
                found = [next((each for each in group if is_match(each, item, number)), None) for group in groups]
                firsts = [each for each in found if each]
            if firsts:
                match = matches[number] = min(firsts, key=free.__getitem__)
                free.pop(match)
                if candidates is not None:
                    for key in list_own_keys(match):
                        candidates[key].pop(match)
    return matches


def _group(
    items: Iterable[StreamItem], list_keys: Callable[[StreamItem], Iterable[_Key]]
) -> dict[_Key, dict[StreamItem, None]]:
    groups: dict[_Key, dict[StreamItem, None]] = {}
    for item in items:
        for key in list_keys(item):
            groups.setdefault(key, {})[item] = None
    return groups


# What an item of the stream and its copy in the terminal event have in common. One item may have several.
_Key: TypeAlias = tuple[object, ...]


def _list_content_keys(item: Item, _number: int) -> list[_Key]:
    fields = {key: value for key, value in item.items() if key not in _CHANGING_FIELDS and value is not None}
    return [(json.dumps(fields, sort_keys=True),)]


_CHANGING_FIELDS = frozenset({"id", "status", "call_id"})


def _list_id_keys(item: Item, _number: int) -> list[_Key]:
    return [(item["type"], key, str(item[key])) for key in ("id", "call_id") if item.get(key)]


def _list_own_content_keys(stream_item: StreamItem) -> set[_Key]:
    return {*_list_content_keys(stream_item.item, 0), *_list_content_keys(stream_item.build_item(), 0)}


def _is_same(stream_item: StreamItem, item: Item, _number: int) -> bool:
    return stream_item.item.get("id") == item.get("id") and has_same_content(stream_item.item, item)


def _has_same_id(stream_item: StreamItem, item: Item, _number: int) -> bool:
    streamed = stream_item.item
    if streamed["type"] != item["type"] or is_other_call(stream_item, item):
        return False
    return any(item.get(key) and item[key] == streamed.get(key) for key in ("id", "call_id"))


def _is_alike(stream_item: StreamItem, item: Item, _number: int) -> bool:
    if stream_item.item["type"] != item["type"]:
        return False
    if is_other_call(stream_item, item):
        return stream_item.is_finished and has_same_content(
            stream_item.item, {**item, "call_id": stream_item.item["call_id"]}
        )
    return has_same_content(stream_item.build_item(), item)


def _has_same_place(stream_item: StreamItem, item: Item, number: int) -> bool:
    return stream_item.index == number and _has_same_type(stream_item, item, number)


def _has_same_type(stream_item: StreamItem, item: Item, _number: int) -> bool:
    return stream_item.item["type"] == item["type"] and not is_other_call(stream_item, item)


_MATCHES: tuple[
    tuple[
        Callable[[Item, int], list[_Key]],
        Callable[[StreamItem], Iterable[_Key]],
        Callable[[StreamItem, Item, int], bool],
    ],
    ...,
] = (
    (_list_content_keys, _list_own_content_keys, _is_same),
    (_list_id_keys, lambda each: _list_id_keys(each.item, 0), _has_same_id),
    (_list_content_keys, _list_own_content_keys, _is_alike),
    (lambda _, number: [(number,)], lambda each: [(each.index,)], _has_same_place),
    (lambda item, _: [(item["type"],)], lambda each: [(each.item["type"],)], _has_same_type),
)


def _build_item(stream_item: StreamItem | None, listed: Item, *, status: str) -> Item:
    """Return an item of the response; an empty one if too little of it has arrived.

    Args:
        stream_item: what has arrived of it in the stream; None if only the terminal event has it.
        listed: the copy in the terminal event; empty if that has none.
        status: the status of the response.
    """
    if stream_item is None:
        return listed
    if stream_item.is_finished:
        return _add_missing(stream_item.build_item(), listed)
    if listed:
        return _add_missing(fill_texts(listed, stream_item.parts.values()), stream_item.item)
    item = stream_item.build_item()
    if find_client_call(item):
        is_whole = _is_whole_call(stream_item) if status != "incomplete" else _has_final_text(stream_item)
        return item if is_whole and "status" not in item else {**item, "status": _STATUS_OF_CALL[is_whole]}
    if any(read_item_text(item, row) for row in list_text_fields(item)):
        return {**item, "status": "incomplete" if status == "incomplete" else "completed"}
    return {}


def _add_missing(item: Item, other: Item) -> Item:
    """Return an item with the texts, the name and the call id that only another copy of it has."""
    missing = {key: other[key] for key in ("name", "call_id") if other.get(key) and not item.get(key)}
    rows = list_text_fields(item)
    if other and not any(read_item_text(item, row) for row in rows):
        missing |= {key: other[key] for row in rows if read_item_text(other, row) and (key := row.path.split(".")[0])}
    return {**item, **missing} if missing else item


_STATUS_OF_CALL = {True: "completed", False: "incomplete"}


def _is_broken_call(stream_item: StreamItem) -> bool:
    return find_client_call(stream_item.item) is not None and not _is_whole_call(stream_item)


def _is_whole_call(stream_item: StreamItem) -> bool:
    """Return whether all of a call has arrived, though no event finished it: its tool and all of its input."""
    item = stream_item.build_item()
    if not has_tool_name(item):
        return False
    if item["type"] == "function_call" and loads_object_or_none(str(item.get("arguments") or "")) is not None:
        return True
    if item["type"] == "mcp_approval_request":  # has no status, and arrives whole
        return True
    return _has_final_text(stream_item) or (item["type"] != "function_call" and item.get("status") == "completed")


def _has_final_text(stream_item: StreamItem) -> bool:
    return any(part.final_text is not None for part in stream_item.parts.values())
