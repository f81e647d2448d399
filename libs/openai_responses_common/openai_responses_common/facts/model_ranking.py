"""Orders the models of a list for a person who picks one: what most people want comes first.

The order follows from the ids alone, so a model that no table has yet finds its position, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum

from .model_ids import has_snapshot_date, remove_snapshot_date, table_name

TIERS = ("sol", "astra", "terra", "luna", "", "pro", "mini", "nano")
"""The tiers of a generation in the order of a menu, which begins with the one for everyday work. The empty one is that
of a model without a tier, such as `gpt-5.5`. Source: the model list of the API, seen 2026-11-21."""

_TIER_COUNT = len(TIERS)
_GENERATION = re.compile(r"(gpt-|o)(\d{1,6}(?:\.\d{1,6}){0,2})(?:-(.+)|([^-.\d].*))?")


class _Group(IntEnum):
    """The parts of a menu, in their order."""

    DEFAULT = 0
    NEWEST_OF_TIER = 1
    OTHER_GENERATION = 2
    UNREADABLE = 3
    SNAPSHOT = 4
    FINE_TUNE = 5
    ENDED = 6


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class _Generation:
    """What an id says of its generation; the newest one is the smallest.

    Attributes:
        is_old_family: True for the o-series, whose last model is older than gpt-5.
        version: the negative numbers of the version.
        tier: the index of the tier in `TIERS`; their count if the id has another one.
    """

    is_old_family: bool
    version: tuple[int, ...]
    tier: int


_UNREADABLE = _Generation(is_old_family=True, version=(), tier=_TIER_COUNT)


def rank_models(
    models: Sequence[str],
    *,
    default: str = "",
    ended: Collection[str] = (),
    find_table_id: Callable[[str], str] = str,
) -> list[str]:
    """Return the models in the order of a menu.

    The default is first. The newest model of each tier follows, then the others with the newest generation first, then
    models whose ids do not tell a generation, in the order of `models`. The last ones are snapshots and previews,
    fine-tunes, and models that have ended.

    Args:
        models: the ids, each once.
        default: the id of the default; empty, by default, if there is none.
        ended: the ids of models that have ended; none by default.
        find_table_id: returns the id of the model behind a name, as for a deployment; the name itself by default.
    """
    generations = {model: _read_generation(find_table_id(model)) for model in models}
    groups = {
        model: _Group.ENDED if model in ended else _choose_group(model, default, generations[model]) for model in models
    }
    newest: dict[int, str] = {}
    for model in sorted(models, key=generations.__getitem__):
        generation = generations[model]
        if groups[model] is _Group.OTHER_GENERATION and generation.tier < _TIER_COUNT and not generation.is_old_family:
            newest.setdefault(generation.tier, model)
    groups |= dict.fromkeys(newest.values(), _Group.NEWEST_OF_TIER)

    def sort_key(model: str) -> tuple[_Group, int, _Generation]:
        is_newest = groups[model] is _Group.NEWEST_OF_TIER
        return groups[model], generations[model].tier if is_newest else 0, generations[model]

    return sorted(models, key=sort_key)


def _choose_group(model: str, default: str, generation: _Generation) -> _Group:
    """The part of the menu to which a model belongs, if it has not ended."""
    name = model.lower()
    if model == default:
        return _Group.DEFAULT
    if name.startswith("ft:"):
        return _Group.FINE_TUNE
    if generation is _UNREADABLE:
        return _Group.UNREADABLE
    if has_snapshot_date(name) or "-preview" in name:
        return _Group.SNAPSHOT
    return _Group.OTHER_GENERATION


def _read_generation(model: str) -> _Generation:
    match = _GENERATION.fullmatch(remove_snapshot_date(table_name(model)))
    if match is None:
        return _UNREADABLE
    numbers = [-int(number) for number in match[2].split(".")]
    tier = match[3] or match[4] or ""
    return _Generation(
        is_old_family=match[1] == "o",
        version=(*numbers, 0, 0)[:3],
        tier=TIERS.index(tier) if tier in TIERS else _TIER_COUNT,
    )
