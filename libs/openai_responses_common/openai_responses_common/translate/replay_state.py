"""The replay state of a block: what the block itself does not hold of the item that it was decoded from.

A block carries it under one extra key, as `{"origin": …, "item": {…}}`. One object of plain JSON survives
`model_dump()`, JSON files and hosts that drop nulls; a list of positions would not.
"""

from __future__ import annotations

from typing import Any, TypedDict, cast

from pydantic import BaseModel

from ..wire.json_values import as_object
from ..wire.types import Item

REPLAY_STATE_KEY = "openai"


class ReplayState(TypedDict, total=False):
    """The object under `REPLAY_STATE_KEY`.

    `origin` is the account and endpoint that made the item. `item` is the item without what the block holds. `part`
    counts the blocks of one message item, from 1 for its second block. `refusal` marks the text of a refusal. `local`
    marks text that we wrote ourselves and never send.
    """

    origin: str
    item: Item
    part: int
    refusal: bool
    local: bool


def as_extra_field(state: ReplayState) -> dict[str, Any]:
    """Return the keyword argument that gives a block its replay state."""
    return {REPLAY_STATE_KEY: state}


def read_replay_state(block: BaseModel) -> ReplayState:
    """Return the replay state of a block; empty for a block of another provider.

    It is empty also if the state is damaged: people edit transcripts, and one bad block must not end a conversation.
    """
    extra = as_object((block.model_extra or {}).get(REPLAY_STATE_KEY))
    return cast(ReplayState, extra) if _is_valid_state(extra) else ReplayState()


def _is_valid_state(state: dict[str, Any]) -> bool:
    item: object = state.get("item", {})
    if not isinstance(item, dict):
        return False
    fields = cast(Item, item)
    return all(isinstance(fields.get(key, ""), str) for key in ("type", "role", "id", "call_id", "name"))
