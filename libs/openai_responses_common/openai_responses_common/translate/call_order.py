"""Finds out quickly that the items of a history need no repair, which is so for nearly every request.

The facts of a message are read once, see `encoding_cache`. `repair` reads all items; it is asked only if these facts do
not prove that it would change nothing. Knows the order of items and their ids, and nothing else of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..wire.client_calls import OUTPUT_TYPES, find_client_call
from ..wire.json_values import SURROGATES
from ..wire.types import EFFORT_UPDATE_TYPE, Item

MAX_CALL_ID_CHARS = 64
"""The service refuses longer ids: "string too long. Expected a string with maximum length 64", which is how the API
refuses the ids of some other providers."""

INPUT_ROLES = frozenset({"user", "developer", "system"})
_INPUT_TYPES = frozenset({*OUTPUT_TYPES, EFFORT_UPDATE_TYPE})


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What the items of one message say about their order.

    Attributes:
        is_regular: False if only `repair` can say whether these items may be sent as they are.
        calls: the call ids of its function calls.
        outputs: the call ids of its call outputs.
        ids: the ids of its items, which may come once in a history.
    """

    is_regular: bool
    calls: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


_IRREGULAR = OrderFacts(is_regular=False)


def read_order_facts(items: Sequence[Item]) -> OrderFacts:
    """Return the facts about the items of one message."""
    if not items:
        return OrderFacts(is_regular=True)
    if all(map(is_input_item, items)):
        return _read_input_facts(items)
    if any(map(is_input_item, items)) or items[-1].get("type") == "reasoning":
        return _IRREGULAR
    return _read_output_facts(items)


def is_input_item(item: Item) -> bool:
    """Return whether an item comes from the host: its system text, a message of the user, a call output, an effort."""
    return str(item.get("role")) in INPUT_ROLES or item.get("type") in _INPUT_TYPES


def _read_input_facts(items: Sequence[Item]) -> OrderFacts:
    outputs: list[str] = []
    for item in items:
        if "id" in item or "execution" in item:
            return _IRREGULAR
        if item.get("type") == "function_call_output" and isinstance(call_id := item.get("call_id"), str):
            outputs.append(call_id)
        elif item.get("type") != "message":
            return _IRREGULAR
    return OrderFacts(is_regular=True, outputs=tuple(outputs))


def _read_output_facts(items: Sequence[Item]) -> OrderFacts:
    calls: list[str] = []
    ids: list[str] = []
    for item in items:
        item_type = item.get("type")
        if item_type == "function_call":
            call_id = item.get("call_id")
            if not isinstance(call_id, str) or not is_valid_call_id(call_id):
                return _IRREGULAR
            calls.append(call_id)
        elif not isinstance(item_type, str) or item_type == "compaction" or find_client_call(item):
            return _IRREGULAR
        item_id = item.get("id") or item.get("encrypted_content")
        if isinstance(item_id, str):
            ids.append(item_id)
        elif item_id is not None:
            return _IRREGULAR
    return OrderFacts(is_regular=True, calls=tuple(calls), ids=tuple(ids))


def is_valid_call_id(call_id: str) -> bool:
    """Return whether the service accepts the id of a call."""
    return 0 < len(call_id) <= MAX_CALL_ID_CHARS and not SURROGATES.search(call_id)


def are_in_order(facts: Iterable[OrderFacts]) -> bool:
    """Return whether all calls have different ids and one output each, behind them, and no item comes twice.

    Args:
        facts: those of the messages of a history.
    """
    calls: set[str] = set()
    open_calls: set[str] = set()
    ids: set[str] = set()
    for each in facts:
        if not each.is_regular:
            return False
        for call_id in each.calls:
            if call_id in calls:
                return False
            calls.add(call_id)
            open_calls.add(call_id)
        for call_id in each.outputs:
            if call_id not in open_calls:
                return False
            open_calls.remove(call_id)
        for item_id in each.ids:
            if item_id in ids:
                return False
            ids.add(item_id)
    return not open_calls
