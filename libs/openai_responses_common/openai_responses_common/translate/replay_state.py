"""What is kept beside a content block so that it can be replayed as the item it was.

A block carries, under one extra key, `{"origin": …, "item": {…}}`: who made it, and of the wire item whatever the
block itself does not hold. One named record of plain JSON survives `model_dump()`, JSON and the loss of `None`s;
a list of positions would not.
"""

from __future__ import annotations

from typing import Any, TypedDict, cast

from pydantic import BaseModel

from ..wire.json_values import as_object
from ..wire.types import Item

REPLAY_STATE_KEY = "openai"


class ReplayState(TypedDict, total=False):
    """The record under `STATE_KEY`.

    `origin` names the account and endpoint whose ciphertext and ids these are; `item` is the wire item less what the
    block holds; `part` counts the blocks of one message item from its second on; `refusal` marks a refusal's text;
    `local` marks text that we wrote ourselves and never send back.
    """

    origin: str
    item: Item
    part: int
    refusal: bool
    local: bool


def as_extra_field(state: ReplayState) -> dict[str, Any]:
    """The keyword that puts a state beside a block."""
    return {REPLAY_STATE_KEY: state}


def read_replay_state(block: BaseModel) -> ReplayState:
    """The state kept beside a block; empty for blocks of other providers, and for what is none any more: transcripts
    are edited by hand, and one bad block must not end a conversation."""
    extra = as_object((block.model_extra or {}).get(REPLAY_STATE_KEY))
    return cast(ReplayState, extra) if _is_valid_state(extra) else ReplayState()


def _is_valid_state(state: dict[str, Any]) -> bool:
    item: object = state.get("item", {})
    if not isinstance(item, dict):
        return False
    fields = cast(Item, item)
    return all(isinstance(fields.get(key, ""), str) for key in ("type", "role", "id", "call_id", "name"))
