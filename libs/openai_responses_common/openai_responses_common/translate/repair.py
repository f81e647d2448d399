"""Repairs the input items of a request, so that every client call has exactly one call output.

Calls and call outputs are paired by occurrence: some servers number calls anew in each response, so that an id alone
says little. No item is sent twice, and every call id is one that the service accepts and comes once. Otherwise the
service would refuse each further request of the conversation. Each request is repaired anew: this file reads items as
the service will read them, and never changes the history of the host.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..wire.client_calls import (
    CLIENT_CALLS,
    OUTPUT_TYPES,
    call_output,
    find_client_call,
    read_call_key,
    read_output_key,
)
from ..wire.json_values import SURROGATES, as_objects
from ..wire.request_body import SharedItem
from ..wire.types import Item
from .call_order import INPUT_ROLES, MAX_CALL_ID_CHARS, is_valid_call_id
from .tool_names import ToolNames
from .tools import encode_found_tools

MISSING_RESULT = (
    "[no result: the tool call was interrupted or its result was lost before it reached the conversation; "
    "call the tool again if its result is still needed]"
)

_ITEM_ID = re.compile(rf"[a-zA-Z0-9_-]{{1,{MAX_CALL_ID_CHARS}}}")

RepairKind = Literal[
    "missing_result", "early_result", "orphan_result", "duplicate_result", "duplicate_call", "repeated_id", "invalid_id"
]

REPAIR_REASONS: Mapping[RepairKind, str] = {
    "missing_result": "the call has no result, so a text that says so is sent as its result",
    "early_result": "the result stands before its call, so it is sent behind the call",
    "orphan_result": "no call has this id, so the result is not sent",
    "duplicate_result": "every call with this id has a result already, so this further one is not sent",
    "duplicate_call": "the same call stands before it, so it is sent once",
    "repeated_id": "an earlier call has this id, so the call and its result are sent with a new one",
    "invalid_id": "the service does not accept this id, so the call and its result are sent with a new one",
}
"""Why each kind of repair is made, in a sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One change to the input items.

    Attributes:
        kind: what was changed; `REPAIR_REASONS` says why.
        call_id: the id of the client call in the history.
        tool_name: the name of its tool, or the type of the call; empty for a call output that is left out.
    """

    kind: RepairKind
    call_id: str
    tool_name: str = ""


def repair_calls(
    items: list[Item], tool_names: ToolNames | None = None, notes: list[str] | None = None
) -> tuple[list[Item], list[Repair]]:
    """Return the items with one call output for each client call, and the repairs that were needed.

    The n-th call with an id belongs to the n-th call output with that id behind it. The first one keeps a valid id;
    each further one gets a digest, which is the same in every request. A call output that stands before its call moves
    behind it. A missing one is added right behind its call, because that place stays the same while the conversation
    goes on. Call outputs without a call, and calls that the history holds twice, are left out.

    Args:
        items: the input items. A `function_call_output` stands for the result of a call of any type.
        tool_names: gets the names of the tools that a tool search returned. None, the default, if nobody needs them.
        notes: gets a sentence about each of these tools that is not sent. None, the default, if nobody reads them.
    """
    tool_names, notes = tool_names or ToolNames(), [] if notes is None else notes
    items = _drop_repeated_items(items)
    outputs = _pair_calls(items)
    calls = {output: call for call, output in outputs.items() if output is not None}
    keys = {read_call_key(items[index]) for index in outputs}
    duplicates = _find_duplicates(items, outputs)
    ids = _IdReplacement()
    repaired: list[Item] = []
    sent_calls: dict[int, Item] = {}
    for index, item in enumerate(items):
        if index in duplicates:
            ids.report("duplicate_call", item)
        elif index in outputs:
            call = sent_calls[index] = ids.replace(item)
            repaired.append(call)
            output = outputs[index]
            if output is None:
                repaired.append(call_output(call, read_call_key(call), MISSING_RESULT))
                ids.report("missing_result", item)
            elif output < index:
                repaired.append(_build_output(call, items[output], tool_names, notes))
                ids.report("early_result", item)
        elif not _is_call_output(item):
            repaired.append(item)
        elif index not in calls:
            ids.report("duplicate_result" if read_output_key(item) in keys else "orphan_result", item)
        elif calls[index] in duplicates:
            ids.report("duplicate_result", item)
        elif calls[index] < index:
            repaired.append(_build_output(sent_calls[calls[index]], item, tool_names, notes))
    return repaired, ids.repairs


def _pair_calls(items: list[Item]) -> dict[int, int | None]:
    """Return the index of each client call with the index of its call output, or None if it has none.

    A result belongs to the first open call with its id in the newest turn that has one, so that an interrupted call of
    an earlier turn does not take the result of a later one.
    """
    pairs: dict[int, int | None] = {}
    open_calls: defaultdict[str, list[tuple[int, deque[int]]]] = defaultdict(list)
    early_outputs: defaultdict[str, list[int]] = defaultdict(list)
    turn = 0
    for index, item in enumerate(items):
        if item.get("type") == "message":
            turn = index if str(item.get("role")) in INPUT_ROLES else turn
        elif find_client_call(item):
            pairs[index] = None
            turns = open_calls[read_call_key(item)]
            if not turns or turns[-1][0] != turn:
                turns.append((turn, deque()))
            turns[-1][1].append(index)
        elif _is_call_output(item):
            turn = index
            turns = open_calls[read_output_key(item)]
            if turns and _fits(item, items[turns[-1][1][0]]):
                pairs[turns[-1][1].popleft()] = index
                if not turns[-1][1]:
                    turns.pop()
            else:
                early_outputs[read_output_key(item)].append(index)
        elif str(item.get("role")) in INPUT_ROLES:
            turn = index
    for key, outputs in early_outputs.items():
        calls = deque(index for _, indexes in open_calls[key] for index in indexes)
        for output in outputs:
            while calls and calls[0] < output:
                calls.popleft()
            if calls and _fits(items[output], items[calls[0]]):
                pairs[calls.popleft()] = output
    return pairs


def _fits(output: Item, call: Item) -> bool:
    return output["type"] in ("function_call_output", CLIENT_CALLS[call["type"]].output_type)


def _find_duplicates(items: list[Item], outputs: Mapping[int, int | None]) -> set[int]:
    """Return the indexes of calls that the history holds twice.

    Such a call is equal to an earlier one and has no result , or both have one item id and equal results.
    Without an item id, an equal call with its own result is another call: a model may poll.
    """
    counts = Counter(read_call_key(items[index]) for index in outputs)
    first_outputs: dict[str, int | None] = {}
    duplicates: set[int] = set()
    for index, output in outputs.items():
        call = items[index]
        if counts[read_call_key(call)] == 1:
            continue
        content = repr(call)
        if content not in first_outputs:
            first_outputs[content] = output
        elif output is None or (call.get("id") and _are_equal_outputs(items, output, first_outputs[content])):
            duplicates.add(index)
    return duplicates


def _are_equal_outputs(items: list[Item], output: int, other: int | None) -> bool:
    return other is not None and items[output] == items[other]


class _IdReplacement:
    """Gives each client call an id that the service accepts and that no other call has, and gathers the repairs."""

    def __init__(self) -> None:
        self.repairs: list[Repair] = []
        self._counts: Counter[str] = Counter()
        self._item_ids: set[str] = set()

    def report(self, kind: RepairKind, item: Item) -> None:
        """Add a repair of a client call or of a call output."""
        is_call = find_client_call(item) is not None
        call_id = read_call_key(item) if is_call else read_output_key(item)
        name = str(item.get("name") or item["type"]) if is_call else ""
        self.repairs.append(
            Repair(kind=kind, call_id=SURROGATES.sub("?", call_id), tool_name=SURROGATES.sub("?", name))
        )

    def replace(self, call: Item) -> Item:
        """Return a client call with valid ids; the call itself if its own ids are."""
        row, key = CLIENT_CALLS[call["type"]], read_call_key(call)
        call_id = self._choose_call_id(call, key)
        changed = call if call.get(row.id_key) == call_id else {**call, row.id_key: call_id}
        if row.id_key == "id":
            return changed
        item_id = str(changed.get("id") or "")
        if item_id in self._item_ids:
            item_id = ""
            changed = {key: value for key, value in changed.items() if key != "id"}
        if row.id_prefix and not item_id:
            item_id = f"{row.id_prefix}_{call_id}"
            item_id = item_id if _ITEM_ID.fullmatch(item_id) else _make_id(row.id_prefix, call_id)
            changed = {**changed, "id": item_id}
        if item_id:
            self._item_ids.add(item_id)
        return changed

    def _choose_call_id(self, call: Item, key: str) -> str:
        self._counts[key] += 1
        count = self._counts[key]
        if count == 1 and is_valid_call_id(key):
            return key
        self.report("invalid_id" if count == 1 else "repeated_id", call)
        prefix = CLIENT_CALLS[call["type"]].id_prefix if CLIENT_CALLS[call["type"]].id_key == "id" else "call"
        return _make_id(prefix, key if count == 1 else f"{key} {count}")


def _make_id(prefix: str, source: str) -> str:
    """Return an id that is the same for equal sources.

    Ids with halves of surrogate pairs need one, because each half is sent as "?", so that two ids could become equal.
    """
    return f"{prefix}_{hashlib.sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _build_output(call: Item, output: Item, tool_names: ToolNames, notes: list[str]) -> Item:
    """Return the call output that answers a call; the same object if it does so already."""
    row, key = CLIENT_CALLS[call["type"]], read_call_key(call)
    if output["type"] != row.output_type:
        built = _build_native_output(call, output)
        return encode_found_tools(built, tool_names, notes) if "tools" in built else built
    if output.get(row.output_key) == key and "id" not in output:
        return output
    return {**{name: value for name, value in output.items() if name != "id"}, row.output_key: key}


def _build_native_output(call: Item, output: Item) -> Item:
    """Return the output of a call of another type than a function; it is made once for items of the cache."""
    key = read_call_key(call)
    if isinstance(call, SharedItem) and isinstance(output, SharedItem):
        return output.derive(call.json, lambda output: SharedItem(call_output(call, key, _read_content(output))))
    return call_output(call, key, _read_content(output))


def _read_content(output: Item) -> str | list[Item]:
    """Return the content of a `function_call_output`; people edit transcripts, so that it may be anything."""
    content: object = output.get("output")
    parts = [part for part in as_objects(content) if "type" in part]
    return content if isinstance(content, str) else parts


def _drop_repeated_items(items: list[Item]) -> list[Item]:
    """Return the items with each id once, because some hosts store an item twice.

    A message with a repeated id stays without the id; any other item with a repeated id is left out.
    """
    unique_items: list[Item] = []
    sent_ids: set[str] = set()
    for item in items:
        item_id = item.get("id") or item.get("encrypted_content")
        if not isinstance(item_id, str) or find_client_call(item) or _is_call_output(item):
            unique_items.append(item)
        elif item_id not in sent_ids:
            sent_ids.add(item_id)
            unique_items.append(item)
        elif item.get("type") == "message":
            unique_items.append({key: value for key, value in item.items() if key != "id"})
    return unique_items


def _is_call_output(item: Item) -> bool:
    """Return whether the item is the output of a client call.

    The outputs of calls that the service runs itself have the same types, but an id. A local shell call has no such
    output: in older histories its output refers to the call by `id`.
    """
    item_type = item.get("type")
    is_from_service = item.get("execution") == "server" or ("id" in item and item_type != "local_shell_call_output")
    return item_type in OUTPUT_TYPES and not is_from_service
