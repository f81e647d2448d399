"""The names of tools: as the host registered them, and as the service accepts them.

A name that the API refuses goes out under an alias, in tools, in the tool choice and in replayed calls. The alias
depends on the name alone, so that it is the same in every request and in every process, whichever tools there are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from itertools import count

from ..wire.client_calls import CLIENT_CALLS
from ..wire.types import Item

_MAX_NAME_CHARS = 64
_VALID_NAME = re.compile(rf"[a-zA-Z0-9_-]{{1,{_MAX_NAME_CHARS}}}")
"""What the API accepts. Source: "string does not match pattern. Expected a string that matches the pattern
'^[a-zA-Z0-9_-]+$'" and "string too long. Expected a string with maximum length 64" (xiaozhi-esp32-server-golang#268,
novamira#12), seen 2026-11-30."""
_INVALID_CHARACTER = re.compile(r"[^a-zA-Z0-9_-]")
_DIGEST_CHARS = 8

_RESERVED_NAMES = frozenset({"python"})
"""Source: "The function name 'python' is reserved for use by this model." (inspect_ai#1784), seen 2026-12-01."""

_CALL_TYPES = {
    "shell": "shell_call",
    "local_shell": "local_shell_call",
    "apply_patch": "apply_patch_call",
    "computer": "computer_call",
    "computer_use_preview": "computer_call",
    "tool_search": "tool_search_call",
    "mcp": "mcp_approval_request",
}
"""The client call that a native or a hosted tool makes. Source: the item and tool types of openai 3.52."""


class ToolNames:
    """The names of the tools of one request.

    Encoding fills it; decoding and deltas then read the host's names from it.

    Args:
        names: the names of the functions and custom tools that the request offers; none by default. A valid one keeps
            its name, whatever the aliases of others would be.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._valid_names = frozenset(name for name in names if is_valid_tool_name(name))
        self._alias_by_name: dict[str, str] = {}
        self._name_by_alias: dict[str, str] = {}
        self._native_types: dict[str, str] = {}
        self._native_names: dict[tuple[str, str], str] = {}

    def copy(self) -> ToolNames:
        """Return the same names, for another request."""
        copied = ToolNames()
        copied._valid_names = self._valid_names
        copied._alias_by_name = dict(self._alias_by_name)
        copied._name_by_alias = dict(self._name_by_alias)
        copied._native_types = dict(self._native_types)
        copied._native_names = dict(self._native_names)
        return copied

    def encode(self, name: str) -> str:
        """Return the name under which the service accepts a tool: its own name if that is valid, else its alias."""
        if is_valid_tool_name(name):
            return name
        return self._alias_by_name.get(name) or self._add_alias(name)

    def _add_alias(self, name: str) -> str:
        """Return a new alias; a second attempt is needed only if a tool bears the alias of another one as its name."""
        aliases = (_make_alias(name, attempt) for attempt in count())
        alias = next(each for each in aliases if each not in self._valid_names and each not in self._name_by_alias)
        self._alias_by_name[name], self._name_by_alias[alias] = alias, name
        return alias

    def add_native_tool(self, name: str, tool: Item) -> None:
        """Remember the name under which the host registered a native or a hosted tool; the first one of a type counts.

        Args:
            name: the host's name.
            tool: the tool as the service receives it, with its type.
        """
        self._native_types.setdefault(name, tool["type"])
        if call_type := _CALL_TYPES.get(tool["type"]):
            self._native_names.setdefault((call_type, str(tool.get("server_label") or "")), name)

    def find_native_type(self, name: str) -> str | None:
        """Return the type of the native or hosted tool that the host registered under a name; None if there is none."""
        return self._native_types.get(name)

    def read_tool_name(self, call: Item) -> str:
        """Return the host's name of the tool that a client call asks for."""
        default_name = CLIENT_CALLS[call["type"]].tool_name
        if default_name:
            return self._native_names.get((call["type"], str(call.get("server_label") or "")), default_name)
        name = str(call.get("name") or call["type"])
        return self._name_by_alias.get(name, name)


def is_valid_tool_name(name: str) -> bool:
    """Return whether the service accepts a name of a function or of a custom tool."""
    return _VALID_NAME.fullmatch(name) is not None and name not in _RESERVED_NAMES


def _make_alias(name: str, attempt: int) -> str:
    source = name.encode("utf-8", "surrogatepass") + b"\0" * attempt
    stem = _INVALID_CHARACTER.sub("_", name)[: _MAX_NAME_CHARS - _DIGEST_CHARS - 1] or "tool"
    return f"{stem}_{hashlib.sha256(source).hexdigest()[:_DIGEST_CHARS]}"
