"""The item `additional_tools`: tools inside the input, for services that do not take them in the field `tools`.

It comes first in the input. Knows the JSON of a body, and not which service wants its tools there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from .json_values import as_objects
from .types import Item

_TYPE = "additional_tools"


def make_tools_item(tools: Sequence[Item]) -> Item:
    """Return the item that holds these tools."""
    return {"type": _TYPE, "role": "developer", "tools": list(tools)}


def has_tools_item(items: Sequence[Item]) -> bool:
    """Return whether the first item of an input holds tools."""
    return bool(items) and items[0].get("type") == _TYPE


def split_tools_item(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Return the tools that the first item of an input holds, and the items without it; no tools if there is none."""
    if has_tools_item(items):
        return as_objects(items[0].get("tools")), list(items[1:])
    return [], list(items)


def list_tools(body: Mapping[str, Any]) -> list[Item]:
    """Return all tools of a body: those of the input, and then those of the field `tools`."""
    items: object = body.get("input")
    first_item = as_objects(cast(list[object], items)[:1]) if isinstance(items, list) else []
    return [*split_tools_item(first_item)[0], *as_objects(body.get("tools"))]
