"""A refusal with the body that was refused, and the parts of that body which the refusal names.

Knows how servers write the path of a field, and not what a refusal teaches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ..facts.amendments import Amendments
from ..wire.additional_tools import list_tools, split_tools_item
from ..wire.types import Item
from .failure import Failure

Lesson = tuple[Amendments, str]
"""The amendments that avoid a refusal, with a sentence for the user."""


# pydantic prints `'loc': ('body', 'input', 1, 'status')` or, in vLLM 0.32, `'loc': 'body.include.1'` (recorded).
_LOCATION_PATTERN = re.compile(r"""'loc': (?:\(([^)]*)\)|'([^']*)')""")
_STEP_PATTERN = re.compile(r"'([a-z_]\w*)'|\b(\d+)\b")
# "Unknown parameter: 'input[1].status'.", "tools.3.custom.input_schema: JSON schema is invalid"; but not the path of
# another API, as in "GenerateContentRequest.tools[0].function_declarations[3].name: …".
_NAMED_PATH_PATTERN = re.compile(r"""(?<![\w.])((?:input|tools|include)(?:\[\d+\]|\.\d+)[\w.\[\]]*)(?=["'`]|: )""")
_TOOL_PATTERN = re.compile(r"(input\.0\.)?tools(?:\.(\d+)((?:\..*)?))?")
_MAX_REASON_CHARS = 200
_INDEX_PATTERN = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refusal, and what it answered.

    Attributes:
        failure: the refusal as it was read.
        body: the body that was refused.
        amendments: the amendments that the body has already.
        required_fields: fields of the body that are never dropped.
        system_role: whether the service accepts the role `system` in place of `developer`.
        paths: the parts of the body that the refusal names, as "input.1.status"; the first is the most precise.
        locations: whether the message holds pydantic's locations, so that other words in it name nothing.
    """

    failure: Failure
    body: Mapping[str, Any]
    amendments: Amendments
    required_fields: frozenset[str]
    system_role: bool
    paths: tuple[str, ...] = field(init=False)
    locations: bool = field(init=False)

    def __post_init__(self) -> None:
        locations = [_read_location(*match) for match in _LOCATION_PATTERN.findall(self.message)]
        texts = [self.failure.param or "", *locations]
        if not locations:
            texts += _NAMED_PATH_PATTERN.findall(self.message)
        paths = (_INDEX_PATTERN.sub(r".\1", text).removeprefix("body.") for text in texts)
        paths = (self._move_tool_path(path) for path in paths if path)
        object.__setattr__(self, "paths", tuple(dict.fromkeys(paths)))
        object.__setattr__(self, "locations", bool(locations))

    @property
    def message(self) -> str:
        """The message of the service."""
        return self.failure.message

    @property
    def reason(self) -> str:
        """The start of the message, for a sentence to the user."""
        start = self.message[:_MAX_REASON_CHARS]
        return start if start == self.message else f"{start.rstrip()}…"

    @property
    def items(self) -> list[Item]:
        """The input items of the body."""
        return cast(list[Item], self.body.get("input") or [])

    @property
    def tools(self) -> list[Item]:
        """The tools of the body: those of an input item, and then those of the field `tools`."""
        return list_tools(self.body)

    def find_item(self, path: str) -> tuple[Item, list[str]] | None:
        """Return the input item that a path leads to, with the rest of the path; None if it leads to none."""
        return _find_entry(self.items, path, "input")

    def find_tool(self, path: str) -> tuple[Item, list[str]] | None:
        """Return the tool that a path leads to, with the rest of the path; None if it leads to none."""
        return _find_entry(self.tools, path, "tools")

    def _move_tool_path(self, path: str) -> str:
        """Return a path that leads to a tool as one into `tools`, if the first input item of the body has tools."""
        item_tools, _ = split_tools_item(self.items)
        match = _TOOL_PATTERN.fullmatch(path) if item_tools else None
        if match is None:
            return path
        in_item, index, steps = match.groups()
        return "tools" if index is None else f"tools.{int(index) + (0 if in_item else len(item_tools))}{steps}"


def _find_entry(entries: list[Item], path: str, top: str) -> tuple[Item, list[str]] | None:
    steps = path.split(".")
    if steps[0] != top or len(steps) < 2 or not steps[1].isdecimal() or int(steps[1]) >= len(entries):
        return None
    entry = entries[int(steps[1])]
    # The location of a validation error also has the type that was chosen for the entry.
    return entry, [step for step in steps[2:] if step != entry.get("type")]


def _read_location(steps: str, path: str) -> str:
    """Return a location as a path, without the names of pydantic's types."""
    return path or ".".join(name or index for name, index in _STEP_PATTERN.findall(steps))
