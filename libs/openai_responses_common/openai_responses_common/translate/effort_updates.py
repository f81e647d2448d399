"""Changes the effort in the middle of a conversation by an item of the input, so that what is cached stays valid.

A changed `reasoning.effort` changes the beginning of the prompt, so the service finds nothing of it in its cache. That
is why the first effort of a conversation stays in that field, and each later one is a `configuration_update` item.
Hosts store only messages, so each block of a response has in its replay state the effort that its request asked for,
and every request makes the same items of that.

Source: OpenAI's guides on prompt caching and on reasoning: not two such items in a row, none before a compaction, and
not with automatic compaction or truncation; seen 2026-12-01.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from typing import Any

from ..facts.amendments import Amendments
from ..facts.backend_profile import BackendProfile
from ..facts.traits import ModelTraits
from ..options.options import Options
from ..wire.json_values import as_object
from ..wire.types import EFFORT_UPDATE_TYPE, Item
from .call_order import INPUT_ROLES
from .encoding_cache import EncodedMessage

MODEL_DEFAULT = "default"
"""What a replay state says of a request that left the effort to the model."""


# Fields of `extra_body` that let the service change or share the input, or that replace the effort.
_INPUT_CHANGES = frozenset({"context_management", "truncation", "multi_agent", "reasoning", "previous_response_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EffortPlan:
    """How a request asks for its effort.

    Attributes:
        items: the items of all messages, with the updates.
        effort: the effort in the field of the request, or `MODEL_DEFAULT`.
    """

    items: list[Item]
    effort: str


def takes_effort_updates(
    options: Options, profile: BackendProfile, traits: ModelTraits, amendments: Amendments
) -> bool:
    """Return whether the input may change the effort: not beside what changes the input or the effort, too."""
    takes = options.effort_updates
    if takes is None:
        takes = profile.effort_updates and traits.effort_updates
    is_known = profile.item_types is None or EFFORT_UPDATE_TYPE in profile.item_types
    has_effort = amendments.dropped_fields.isdisjoint(("reasoning", "reasoning.effort"))
    changes_input = options.truncation == "auto" or options.compact_threshold is not None
    changes_input = changes_input or not _INPUT_CHANGES.isdisjoint(options.extra_body)
    is_standard = options.reasoning.get("mode") in (None, "standard")
    return takes and is_known and amendments.effort_updates and has_effort and is_standard and not changes_input


def find_effort(body: Mapping[str, Any]) -> str:
    """Return the effort in the field of a body, or `MODEL_DEFAULT`."""
    return str(as_object(body.get("reasoning")).get("effort") or MODEL_DEFAULT)


def set_effort(body: dict[str, Any], effort: str) -> dict[str, Any]:
    """Return a body with this effort, as the first request of its conversation had it; the fields keep their places."""
    reasoning = {**as_object(body.get("reasoning")), "effort": effort}
    if effort == MODEL_DEFAULT:
        del reasoning["effort"]
    return {
        key: reasoning if key == "reasoning" else value
        for key, value in body.items()
        if key != "reasoning" or reasoning
    }


def plan_effort(messages: Sequence[EncodedMessage], effort: str, default_effort: str | None) -> EffortPlan | None:
    """Return how the request of a history asks for an effort; None if its field says it, without any update.

    Args:
        messages: the history. Only what the same model made has an effort.
        effort: the effort that is asked for, or `MODEL_DEFAULT`.
        default_effort: the model's own; None if it is not known.
    """
    if all(message.effort in ("", effort) for message in messages):
        return None
    start = _find_start(messages)
    efforts = [*(message.effort for message in messages[start:] if message.effort), effort]
    if "none" in efforts:  # a request of this effort has no ciphertext and may have a temperature
        return None
    if default_effort is None and MODEL_DEFAULT in dropwhile(lambda each: each == MODEL_DEFAULT, efforts):
        return None
    items = [item for message in messages[:start] for item in message.items]
    current = efforts[0]
    for message in messages[start:]:
        current = _change_effort(items, current, message.effort or current, default_effort)
        items += message.items
    _change_effort(items, current, effort, default_effort)
    return EffortPlan(items=items, effort=efforts[0])


def _find_start(messages: Sequence[EncodedMessage]) -> int:
    """Return the index behind the last compaction, which ends what the updates before it say."""
    indexes = reversed(range(len(messages)))
    has_compaction = (index for index in indexes if any(_is_compaction(item) for item in messages[index].items))
    return next(has_compaction, -1) + 1


def _is_compaction(item: Item) -> bool:
    return item.get("type") == "compaction"


def _change_effort(items: list[Item], current: str, effort: str, default_effort: str | None) -> str:
    """Add an update to the items of a request, before the messages at its end; return the effort from there on."""
    name = _find_name(effort, default_effort)
    if name == _find_name(current, default_effort):
        return current
    index = len(items)
    while index and str(items[index - 1].get("role")) in INPUT_ROLES:
        index -= 1
    update: Item = {"type": EFFORT_UPDATE_TYPE, "reasoning": {"effort": name}}
    if index and items[index - 1].get("type") == EFFORT_UPDATE_TYPE:
        items[index - 1] = update
    else:
        items.insert(index, update)
    return effort


def _find_name(effort: str, default_effort: str | None) -> str:
    return default_effort or effort if effort == MODEL_DEFAULT else effort
