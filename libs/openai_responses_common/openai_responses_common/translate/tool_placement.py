"""Puts the tools of a request where a service takes them: in the field `tools`, or in an item of the input."""

from __future__ import annotations

from ..facts.backend_profile import BackendProfile
from ..wire.additional_tools import make_tools_item
from ..wire.types import Item

_CLIENT_TOOLS = frozenset({"function", "custom"})
_PLACEABLE_TOOLS = _CLIENT_TOOLS | {"namespace"}


def drop_refused_tools(tools: list[Item], profile: BackendProfile) -> tuple[list[Item], list[str]]:
    """Return the tools without the hosted ones that the service does not have; and notes for the user."""
    if profile.hosted_tools is None:
        return tools, []
    allowed = _PLACEABLE_TOOLS | profile.hosted_tools
    names = [str(tool.get("type")) for tool in tools if tool.get("type") not in allowed]
    notes = [f"the tool {name}: this service does not have it" for name in names]
    return [tool for tool in tools if tool.get("type") in allowed], notes


def place_tools(tools: list[Item], items: list[Item], profile: BackendProfile) -> tuple[list[Item], list[Item]]:
    """Return the tools of the field `tools`, and the input.

    If the service wants it, functions and custom tools come first in the input, as one item `additional_tools`. They
    keep their names there, which a namespace would change. An empty input stays empty, because tools ask nothing.
    """
    moves = profile.tools_in_input and bool(items)
    moved = [tool for tool in tools if tool.get("type") in _CLIENT_TOOLS] if moves else []
    if not moved:
        return tools, items
    return [tool for tool in tools if tool.get("type") not in _CLIENT_TOOLS], [make_tools_item(moved), *items]
