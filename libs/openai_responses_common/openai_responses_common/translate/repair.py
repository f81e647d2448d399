"""Orphan calls and results: every call gets exactly one result, on every request that lacks it.

Nothing is sent twice, and no call under an id that the service does not take: it would refuse every request of the
conversation from then on. Works on wire items, so it sees what the service will see. The history itself is not ours to
change.
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


# "string too long. Expected a string with maximum length 64": the API's refusal of ids that other providers gave.
# Halves of surrogate pairs are sent as "?", so that two ids would become one.
_MAX_CALL_ID_CHARS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One thing that was mended: `missing_result`, `orphan_result`, `duplicate_result`, `duplicate_call`."""

    kind: Literal["missing_result", "orphan_result", "duplicate_result", "duplicate_call"]
    call_id: str
    tool_name: str = ""


def repair_calls(items: list[Item]) -> tuple[list[Item], list[Repair]]:
    """Pair calls with results.

    A result that stands before its call moves behind it; a missing one is made up right behind its call, the only place
    that stays the same while the conversation goes on; results without a call and repetitions are left out.
    """
    items = [_replace_invalid_call_id(item) for item in _drop_repeated_items(items)]
    call_at: dict[str, int] = {}
    wanted: dict[str, str] = {}
    result_at: dict[tuple[str, str], int] = {}
    for index, item in enumerate(items):
        if row := find_client_call(item):
            call_at.setdefault(read_call_key(item), index)
            wanted.setdefault(read_call_key(item), row.output_type)
        elif _is_call_output(item):
            result_at.setdefault((read_output_key(item), item["type"]), index)

    mended: list[Item] = []
    repairs: list[Repair] = []
    for index, item in enumerate(items):
        if find_client_call(item):
            key = read_call_key(item)
            result = result_at.get((key, wanted[key]))
            if call_at[key] != index:
                repairs.append(Repair(kind="duplicate_call", call_id=key, tool_name=_read_tool_name(item)))
                continue
            mended.append(item)
            if result is None:
                mended.append(call_output(item, key, MISSING_RESULT))
                repairs.append(Repair(kind="missing_result", call_id=key, tool_name=_read_tool_name(item)))
            elif result < index:
                mended.append(items[result])
            continue
        if _is_call_output(item):
            key = read_output_key(item)
            if wanted.get(key) != item["type"] or result_at[key, item["type"]] != index:
                kind = "duplicate_result" if wanted.get(key) == item["type"] else "orphan_result"
                repairs.append(Repair(kind=kind, call_id=key))
                continue
            if call_at[key] > index:
                continue
        mended.append(item)
    return mended, repairs


def _drop_repeated_items(items: list[Item]) -> list[Item]:
    """What a host kept twice is sent with its id once: a message comes again without it, all else not at all."""
    kept: list[Item] = []
    seen: set[object] = set()
    for item in items:
        name = item.get("id") or item.get("encrypted_content")
        if not isinstance(name, str) or find_client_call(item) or _is_call_output(item):
            kept.append(item)
        elif name not in seen:
            seen.add(name)
            kept.append(item)
        elif item.get("type") == "message":
            kept.append({key: value for key, value in item.items() if key != "id"})
    return kept


def _replace_invalid_call_id(item: Item) -> Item:
    """A call and its result under a digest of their id, where the service would refuse the id itself."""
    key: object = item.get("call_id", "")
    fits = "call_id" not in item or (
        isinstance(key, str) and 0 < len(key) <= _MAX_CALL_ID_CHARS and not SURROGATES.search(key)
    )
    if fits or not (find_client_call(item) or _is_call_output(item)):
        return item
    digest = hashlib.sha256(str(key).encode("utf-8", "surrogatepass")).hexdigest()
    return {**item, "call_id": f"call_{digest[:32]}"}


def _is_call_output(item: Item) -> bool:
    """Does this item answer a client's call? The service answers its own with items of the same types, with ids."""
    kind = item.get("type")
    by_service = item.get("execution") == "server" or ("id" in item and kind != "local_shell_call_output")
    return kind in OUTPUT_TYPES and not by_service


def _read_tool_name(call: Item) -> str:
    return SURROGATES.sub("?", str(call.get("name") or call["type"]))
