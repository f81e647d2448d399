"""Repairs the input items of a request, so that every client call has exactly one call output.

No item is sent twice, and every call id is one that the service accepts; otherwise it would refuse each further request
of the conversation. Each request is repaired anew: this file reads items as the service will read them, and never
changes the history of the host.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from ..wire.client_calls import OUTPUT_TYPES, call_output, find_client_call, read_call_key, read_output_key
from ..wire.json_values import SURROGATES
from ..wire.types import Item

MISSING_RESULT = (
    "[no result: the tool call was interrupted or its result was lost before it reached the conversation; "
    "call the tool again if its result is still needed]"
)

# "string too long. Expected a string with maximum length 64" is how the API refuses the ids of some other providers.
_MAX_CALL_ID_CHARS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One change to the input items.

    Attributes:
        kind: `missing_result` for a call output that was added, else what was left out.
        call_id: the id of the client call.
        tool_name: the name of its tool, or the type of the call; empty for a call output.
    """

    kind: Literal["missing_result", "orphan_result", "duplicate_result", "duplicate_call"]
    call_id: str
    tool_name: str = ""


def repair_calls(items: list[Item]) -> tuple[list[Item], list[Repair]]:
    """Return the items with one call output for each client call, and the repairs that were needed.

    A call output that stands before its call moves behind it. A missing one is added right behind its call, because
    that place stays the same while the conversation goes on. Call outputs without a call and repetitions are left out.
    """
    items = [_replace_invalid_call_id(item) for item in _drop_repeated_items(items)]
    call_indexes: dict[str, int] = {}
    output_types: dict[str, str] = {}
    output_indexes: dict[tuple[str, str], int] = {}
    for index, item in enumerate(items):
        if row := find_client_call(item):
            call_indexes.setdefault(read_call_key(item), index)
            output_types.setdefault(read_call_key(item), row.output_type)
        elif _is_call_output(item):
            output_indexes.setdefault((read_output_key(item), item["type"]), index)

    repaired: list[Item] = []
    repairs: list[Repair] = []
    for index, item in enumerate(items):
        if find_client_call(item):
            key = read_call_key(item)
            output_index = output_indexes.get((key, output_types[key]))
            if call_indexes[key] != index:
                repairs.append(Repair(kind="duplicate_call", call_id=key, tool_name=_read_tool_name(item)))
                continue
            repaired.append(item)
            if output_index is None:
                repaired.append(call_output(item, key, MISSING_RESULT))
                repairs.append(Repair(kind="missing_result", call_id=key, tool_name=_read_tool_name(item)))
            elif output_index < index:
                repaired.append(items[output_index])
            continue
        if _is_call_output(item):
            key = read_output_key(item)
            if output_types.get(key) != item["type"] or output_indexes[key, item["type"]] != index:
                kind = "duplicate_result" if output_types.get(key) == item["type"] else "orphan_result"
                repairs.append(Repair(kind=kind, call_id=key))
                continue
            if call_indexes[key] > index:
                continue
        repaired.append(item)
    return repaired, repairs


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


def _replace_invalid_call_id(item: Item) -> Item:
    """Return the item with a digest in place of a call id that the service would refuse; else the item itself.

    A call and its call output get the same digest. Ids with halves of surrogate pairs are replaced too: each half is
    sent as "?", so that two ids could become equal.
    """
    call_id: object = item.get("call_id", "")
    is_valid = "call_id" not in item or (
        isinstance(call_id, str) and 0 < len(call_id) <= _MAX_CALL_ID_CHARS and not SURROGATES.search(call_id)
    )
    if is_valid or not (find_client_call(item) or _is_call_output(item)):
        return item
    digest = hashlib.sha256(str(call_id).encode("utf-8", "surrogatepass")).hexdigest()
    return {**item, "call_id": f"call_{digest[:32]}"}


def _is_call_output(item: Item) -> bool:
    """Return whether the item is the output of a client call.

    The outputs of calls that the service runs itself have the same types, but an id.
    """
    item_type = item.get("type")
    is_from_service = item.get("execution") == "server" or ("id" in item and item_type != "local_shell_call_output")
    return item_type in OUTPUT_TYPES and not is_from_service


def _read_tool_name(call: Item) -> str:
    return SURROGATES.sub("?", str(call.get("name") or call["type"]))
