"""Leaves out the items of a history that a service does not take, such as calls of hosted tools."""

from __future__ import annotations

from ..facts.backend_profile import BackendProfile
from ..wire.types import Item


def drop_refused_items(items: list[Item], profile: BackendProfile) -> tuple[list[Item], list[str]]:
    """Return the items that the service takes, and a sentence about each type that is left out.

    A call and its output are of types that a service takes or does not take together.
    """
    if profile.item_types is None:
        return items, []
    refused = {str(item.get("type")) for item in items} - profile.item_types
    if not refused:
        return items, []
    notes = [f"items of the type {name}: this service does not take them" for name in sorted(refused)]
    return [item for item in items if str(item.get("type")) not in refused], notes
