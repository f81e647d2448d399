"""Leaves out the items of a history that a service does not take, such as calls of hosted tools.

The service checks that reasoning stands before what the model made after it. So reasoning goes with an item that it led
to, and what was made behind lost reasoning loses its id, or goes too if only its maker can read it.
"""

from __future__ import annotations

from ..facts.backend_profile import BackendProfile
from ..wire.client_calls import CLIENT_CALLS, is_host_item
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
    remaining: list[Item] = []
    lost: set[str] = set()
    ids_are_valid = True
    for item in items:
        item_type = str(item.get("type"))
        if item_type in refused:
            while remaining and remaining[-1].get("type") == "reasoning":
                remaining.pop()
                lost.add("reasoning")
                ids_are_valid = False
            continue
        ids_are_valid = ids_are_valid or item_type == "reasoning" or is_host_item(item)
        if ids_are_valid:
            remaining.append(item)
        elif item_type == "message" or item_type in CLIENT_CALLS:
            remaining.append({key: value for key, value in item.items() if key != "id"})
        else:
            lost.add(item_type)
    notes = [f"items of the type {name}: this service does not take them" for name in sorted(refused)]
    notes += [f"{name} items beside items that this service does not take" for name in sorted(lost)]
    return remaining, notes
