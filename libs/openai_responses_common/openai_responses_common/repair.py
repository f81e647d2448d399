"""Orphan calls and results: every call gets exactly one result, on every request that lacks it.

Works on wire items, so it sees what the service will see. The history itself is not ours to change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .calls import ANSWERS, answer, answer_key, call_key, client_call
from .wire import Item

MISSING_RESULT = (
    "[no result: the tool call was interrupted or its result was lost before it reached the conversation; "
    "call the tool again if its result is still needed]"
)


_TURN_ENDS = frozenset({"user", "developer", "system"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One thing that was mended: `missing_result`, `orphan_result`, `duplicate_result`, `duplicate_call`."""

    kind: Literal["missing_result", "orphan_result", "duplicate_result", "duplicate_call"]
    call_id: str
    tool_name: str = ""


def repair(items: list[Item]) -> tuple[list[Item], list[Repair]]:
    """Pair calls with results.

    A result that stands before its call moves behind it; a missing one is made up right behind the calls of its turn,
    where it keeps its place while the conversation goes on; results without a call and repetitions are left out.
    """
    call_at: dict[str, int] = {}
    result_at: dict[str, int] = {}
    for index, item in enumerate(items):
        if client_call(item):
            call_at.setdefault(call_key(item), index)
        elif _is_answer(item):
            result_at.setdefault(answer_key(item), index)

    mended: list[Item] = []
    repairs: list[Repair] = []
    unanswered: dict[str, Item] = {}
    for index, item in enumerate(items):
        if client_call(item):
            key = call_key(item)
            if call_at[key] != index:
                repairs.append(Repair(kind="duplicate_call", call_id=key, tool_name=_name(item)))
                continue
            mended.append(item)
            if key not in result_at:
                unanswered[key] = item
            elif result_at[key] < index:
                mended.append(items[result_at[key]])
            continue
        if _is_answer(item):
            key = answer_key(item)
            if key not in call_at or result_at[key] != index:
                kind = "duplicate_result" if key in call_at else "orphan_result"
                repairs.append(Repair(kind=kind, call_id=key))
                continue
            if call_at[key] > index:
                continue
            _answer_missing(unanswered, mended, repairs)
        elif item.get("role") in _TURN_ENDS or item.get("type") == "reasoning":
            _answer_missing(unanswered, mended, repairs)
        mended.append(item)
    _answer_missing(unanswered, mended, repairs)
    return mended, repairs


def _answer_missing(unanswered: dict[str, Item], mended: list[Item], repairs: list[Repair]) -> None:
    for key, call in unanswered.items():
        mended.append(answer(call, key, MISSING_RESULT))
        repairs.append(Repair(kind="missing_result", call_id=key, tool_name=_name(call)))
    unanswered.clear()


def _is_answer(item: Item) -> bool:
    """Does this item answer a client's call? The service answers its own with items of the same types, with ids."""
    kind = item.get("type")
    by_service = item.get("execution") == "server" or ("id" in item and kind != "local_shell_call_output")
    return kind in ANSWERS and not by_service


def _name(call: Item) -> str:
    return str(call.get("name") or call["type"])
