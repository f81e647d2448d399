"""Reads what an output item shows: the text of a message, and the thinking of reasoning.

Knows neither blocks nor deltas: both are made from what these functions return.
"""

from __future__ import annotations

from ..wire.json_values import as_object, as_objects
from ..wire.types import Item, Response


def read_message_texts(item: Item) -> list[str]:
    """Return the text of each part of a message, refusals included; empty for other items."""
    if item.get("type") != "message":
        return []
    return [read_part_text(part) for part in as_objects(item.get("content"))]


def read_part_text(part: Item) -> str:
    """Return the text or the refusal of a part of a message; empty if it has neither."""
    return str(part.get("text") or part.get("refusal") or "")


def is_visible(text: str) -> bool:
    """Return whether a reader sees a text: some servers send blank lines as a message (vLLM 0.32, seen 2026-11-30)."""
    return bool(text) and not text.isspace()


def read_thinking(item: Item) -> str:
    """Return the summary of a reasoning item, or the raw reasoning that some servers send instead."""
    summary, content = (
        "\n\n".join(str(part["text"]) for part in as_objects(item.get(key)) if part.get("text"))
        for key in ("summary", "content")
    )
    return summary or content


def read_incomplete_reason(response: Response) -> str:
    """Return why a response is incomplete, as `max_output_tokens`; empty if it does not say."""
    return str(as_object(response.get("incomplete_details")).get("reason") or "")


def copy_without(item: Item, *keys: str) -> Item:
    """Return a copy without these keys and without nulls, which say nothing and which many hosts drop."""
    return {key: value for key, value in item.items() if key not in keys and value is not None}
