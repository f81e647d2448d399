"""Which compaction a request for a response asks for."""

from __future__ import annotations

from typing import Any

from responses_emulator.contract.input_items import item_type
from responses_emulator.facts.models import Model
from responses_emulator.script.turn import Compaction


def find_compaction(body: dict[str, Any], model: Model, tokens: int) -> Compaction | None:
    """Return the compaction that a request asks for; None if it asks for none.

    A `compaction_trigger` asks for nothing else, `context_management` for one before the answer.

    Args:
        body: the request.
        model: the model that it names.
        tokens: those of its prompt.
    """
    if asks_for_compaction_only(body):
        return Compaction()
    thresholds = [row.get("compact_threshold") or model.window for row in body.get("context_management") or []]
    return Compaction(progress=True) if any(tokens >= threshold for threshold in thresholds) else None


def asks_for_compaction_only(body: dict[str, Any]) -> bool:
    """Return whether the last item of a request is a `compaction_trigger`."""
    items = body.get("input")
    return isinstance(items, list) and bool(items) and item_type(items[-1]) == "compaction_trigger"
