"""The replay state of a block: what the block itself does not hold of the item that it was decoded from.

A block carries it under one extra key, as `{"origin": …, "item": {…}}`. One object of plain JSON survives
`model_dump()`, JSON files and hosts that drop nulls; a list of positions would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, cast

from pydantic import BaseModel

from ..facts.model_ids import name_same_model
from ..wire.json_values import as_object
from ..wire.types import Item

REPLAY_STATE_KEY = "openai"


class ReplayState(TypedDict, total=False):
    """The object under `REPLAY_STATE_KEY`.

    `origin` is the account and endpoint that made the item, and `model` the model that served it. `alias` is the name
    by which the request asked for that model, if it is another one. States of older transcripts have no model. `item`
    is the item without what the block holds. `part` counts the blocks of one message item, from 1 for its second block.
    `effort` is the effort that the request asked for, of models that take another one in the middle of a conversation.
    `refusal` marks the text of a refusal. `local` marks text that we wrote ourselves and never send.
    """

    origin: str
    model: str
    alias: str
    effort: str
    item: Item
    part: int
    refusal: bool
    local: bool


def make_maker_state(origin: str, served_model: object, requested_model: str, effort: str = "") -> ReplayState:
    """Return the part of the state that all blocks of a response share.

    Args:
        origin: the account and endpoint.
        served_model: what the response calls its model; some servers leave it out.
        requested_model: the model that the request asked for, or an empty text.
        effort: the effort that the request asked for; empty, the default, if no later request needs it.
    """
    maker: ReplayState = {"origin": origin}
    model = served_model if isinstance(served_model, str) and served_model else requested_model
    if model:
        maker["model"] = model
    if requested_model and not name_same_model(requested_model, model):
        maker["alias"] = requested_model
    if effort:
        maker["effort"] = effort
    return maker


def as_extra_field(state: ReplayState) -> dict[str, Any]:
    """Return the keyword argument that gives a block its replay state."""
    return {REPLAY_STATE_KEY: state}


def read_replay_state(block: BaseModel) -> ReplayState:
    """Return the replay state of a block; empty for a block of another provider.

    It is empty also if the state is damaged: people edit transcripts, and one bad block must not end a conversation.
    """
    extra = as_object((block.model_extra or {}).get(REPLAY_STATE_KEY))
    return cast(ReplayState, extra) if _is_valid_state(extra) else ReplayState()


_STATE_TEXTS = ("model", "alias", "effort")
_ITEM_TEXTS = ("type", "role", "id", "call_id", "name")


def _is_valid_state(state: dict[str, Any]) -> bool:
    item: object = state.get("item", {})
    return isinstance(item, dict) and _are_texts(state, _STATE_TEXTS) and _are_texts(cast(Item, item), _ITEM_TEXTS)


def _are_texts(fields: Mapping[str, Any], keys: Iterable[str]) -> bool:
    for key in keys:  # noqa: SIM110 - `all` takes twice the time, and each request reads all states of a history
        if key in fields and not isinstance(fields[key], str):
            return False
    return True
