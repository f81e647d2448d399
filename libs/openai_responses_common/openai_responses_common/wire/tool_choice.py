"""The tools of a body: what identifies one, and whether a `tool_choice` names only tools that are offered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .json_values import as_object, as_objects
from .types import Item

_NAMED_TYPES = frozenset({"function", "custom", "namespace"})


def tool_name(tool: Mapping[str, Any]) -> str:
    """Return what identifies a tool on the wire: its name, the label of its server, or its type."""
    return str(tool.get("name") or tool.get("server_label") or tool.get("type"))


def fit_tool_choice(choice: Any, tools: Sequence[Item]) -> Any:
    """Return a `tool_choice` that names only these tools, because the API refuses a request for any other.

    The list of allowed tools loses those that are not offered. A choice of which nothing is left becomes `auto`.

    Args:
        choice: a mode, or an object that names one or more tools.
        tools: the tools of the request.
    """
    fields = as_object(choice)
    if fields.get("type") != "allowed_tools":
        return choice if not fields or _is_offered(fields, tools) else "auto"
    named = as_objects(fields.get("tools"))
    offered = [entry for entry in named if _is_offered(entry, tools)]
    if len(offered) == len(named):
        return choice
    return {**fields, "tools": offered} if offered else "auto"


def _is_offered(choice: Item, tools: Sequence[Item]) -> bool:
    if choice.get("type") in _NAMED_TYPES:
        return choice.get("name") in _list_names(tools)
    same_type = [tool for tool in tools if _find_base_type(tool) == _find_base_type(choice)]
    label = choice.get("server_label")
    return any(label in (None, tool.get("server_label")) for tool in same_type)


def _list_names(tools: Sequence[Item]) -> Iterator[object]:
    for tool in tools:
        if tool.get("type") in _NAMED_TYPES:
            yield tool.get("name")
            yield from _list_names(as_objects(tool.get("tools")))


def _find_base_type(tool: Item) -> str:
    """Return a type without its version: a choice says `computer_use` or `web_search_preview` of a dated tool, too."""
    return str(tool.get("type")).partition("_preview")[0].removesuffix("_use")
