"""Repairs the items of a history around a compacted window, which nothing changes."""

from __future__ import annotations

from ..wire.types import Item
from .compaction import find_answered_calls
from .messages import EncodedMessages
from .repair import Repair, repair_calls
from .tool_names import ToolNames


def repair_history(history: EncodedMessages, tool_names: ToolNames) -> tuple[list[Item], list[Repair]]:
    """Return the items of a history, with one output for each call and with the window, and the repairs."""
    items, repairs, start = history.items, list[Repair](), history.window_index
    if not history.are_in_order:
        calls = find_answered_calls(history.window, items)
        items, repairs = repair_calls([*calls, *items], tool_names, history.dropped_content)
        items = items[len(calls) :]
    return [*items[:start], *history.window, *items[start:]] if history.window else items, repairs
