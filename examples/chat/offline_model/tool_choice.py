"""Which of the offered tools fulfil a wish, and with what arguments: rules over names, descriptions and schemas.

Invariants: the same question, tools and results give the same calls; a call that was made already is not made again; a
tool that changes something is used only where the question says so.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from responses_emulator.responders.schema_instance import schema_instance

from examples.chat.offline_model.wishes import find_wishes

Tool = dict[str, Any]
CallHistory = list[tuple[str, dict[str, Any], str]]

_KINDS = {
    "list": {"list", "ls", "dir", "folder", "directory", "tree", "glob", "browse"},
    "read": {"read", "cat", "open", "view", "show", "load"},
    "write": {"write", "create", "save"},
    "calc": {"calc", "calculate", "calculator", "math", "arithmetic", "eval", "evaluate", "compute"},
    "search": {"grep", "search", "find"},
    "time": {"time", "clock", "date", "now", "today"},
    "shell": {"bash", "shell", "exec", "command", "terminal", "sh"},
}
# Argument names that a hint fits.
_HINT_ARGUMENTS = {
    "path": {"path", "file", "file_path", "filepath", "filename", "dir", "directory", "folder", "root", "uri"},
    "expression": {"expression", "expr", "formula", "calculation", "equation", "math"},
    "command": {"command", "cmd", "script", "code", "input"},
    "query": {"query", "q", "search", "term", "keywords", "pattern", "regex", "glob", "text"},
    "content": {"content", "contents", "text", "data", "body"},
}
_LOCATION_ARGUMENTS = {"location", "city", "place", "town"}
_CHANGING_VERBS = {
    "write",
    "edit",
    "create",
    "delete",
    "remove",
    "save",
    "move",
    "send",
    "patch",
    "apply",
    "update",
    "kill",
}
# Words in a tool's name that say too little to choose it by.
_STOP_WORDS = set(
    re.findall(r"\w+", "a an the get set do fetch tool run use call make my me in of for to and what is by on with")
)
_STOP_WORDS |= {"file", "folder", "code", "web", "list", "read", "data"}
_LOCATION_PATTERN = r"\b(?:in|at|for)\s+([A-Z][\w.-]*(?:[ ,]+[A-Z][\w.-]*)*)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """One call that would help."""

    tool: Tool
    reason: str
    arguments: dict[str, Any] = field(default_factory=dict)
    free_text: str = ""

    @property
    def namespace(self) -> str | None:
        return self.tool.get("_namespace")


def usable_tools(tools: list[Tool], choice: Any) -> list[Tool]:
    """The client tools that may be called; those inside a namespace carry its name."""
    flat: list[Tool] = []
    for tool in tools:
        if tool["type"] == "namespace":
            flat += [{**each, "_namespace": tool["name"]} for each in tool["tools"]]
        elif tool["type"] in {"function", "custom"}:
            flat.append(tool)
    if choice == "none":
        return []
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        names = {each.get("name") for each in choice["tools"]}
        flat = [tool for tool in flat if tool["name"] in names]
    return flat


def forced_calls(question: str, tools: list[Tool], choice: Any) -> list[PlannedCall]:
    """What `tool_choice` leaves no choice about."""
    mode = choice.get("mode") if isinstance(choice, dict) and choice.get("type") == "allowed_tools" else choice
    if isinstance(mode, dict):
        tools = [tool for tool in tools if tool["name"] == mode.get("name")]
    elif mode != "required":
        return []
    if not tools:
        return []
    return plan_calls(question, tools, []) or [_intent(tools[0], question, f"use {tools[0]['name']}", {})]


def plan_calls(question: str, tools: list[Tool], done: CallHistory) -> list[PlannedCall]:
    """The calls that would help with the question and were not made yet."""
    by_kind = _by_kind(tools)
    shell = by_kind.get("shell")
    lister = by_kind.get("list", shell)
    listings = [output for name, _, output in done if lister is not None and name == lister["name"]]
    found: list[PlannedCall] = []
    for wish in find_wishes(question, listings[:1]):
        if tool := by_kind.get(wish.kind):
            found.append(_intent(tool, question, wish.reason, wish.hints))
        elif shell is not None:
            found.append(_intent(shell, question, wish.reason, {"command": wish.command}))
    found += _tools_in_question(question, tools, [*by_kind.values(), *(intent.tool for intent in found)])
    return _without_repeats(found, done)[:4]


def _without_repeats(found: list[PlannedCall], done: CallHistory) -> list[PlannedCall]:
    made = {(name, json.dumps(arguments, sort_keys=True)) for name, arguments, _ in done}
    fresh: list[PlannedCall] = []
    for intent in found:
        key = (str(intent.tool["name"]), json.dumps(intent.arguments, sort_keys=True))
        if key not in made and (intent.tool["type"] != "custom" or not done):
            made.add(key)
            fresh.append(intent)
    return fresh


def _tools_in_question(question: str, tools: list[Tool], taken: list[Tool]) -> list[PlannedCall]:
    """Tools that the question names, whole or by a telling word of their name."""
    said = {_stem(word) for word in re.findall(r"[a-z]+", question.lower())}
    names = {tool["name"] for tool in taken}
    hits: list[Tool] = []
    for tool in tools:
        own = {_stem(word) for word in _split_name(tool["name"])}
        allowed = not own & _CHANGING_VERBS or own & _CHANGING_VERBS & said
        if tool["name"] not in names and allowed and (tool["name"] in question or (own - _STOP_WORDS) & said):
            hits.append(tool)
    return [_intent(tool, question, f"use {tool['name']}", {}) for tool in hits[:3]]


def _by_kind(tools: list[Tool]) -> dict[str, Tool]:
    """The best tool of each kind: its name decides, its description helps, an earlier one wins."""
    best: dict[str, Tool] = {}
    for kind, words in _KINDS.items():
        scored: list[tuple[int, int, Tool]] = []
        for place, tool in enumerate(tools):
            own = set(_split_name(tool["name"]))
            described = set(re.findall(r"[a-z]+", str(tool.get("description") or "").lower()))
            # `web_search` looks elsewhere than in the files that questions here are about.
            if own & words and not (kind == "search" and "web" in own):
                scored.append((3 * len(own & words) + bool(described & words), -place, tool))
        if scored:
            best[kind] = max(scored, key=lambda row: row[:2])[2]
    return best


def has_kind(name: str, kind: str) -> bool:
    """Return whether a tool of this name does what the kind says, such as `list` or `read`."""
    return bool(set(_split_name(name)) & _KINDS[kind])


def _split_name(name: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _intent(tool: Tool, question: str, reason: str, hints: dict[str, Any]) -> PlannedCall:
    if tool["type"] == "custom":
        text = str(hints.get("expression") or hints.get("command") or question)
        return PlannedCall(tool=tool, reason=reason, free_text=text)
    return PlannedCall(tool=tool, reason=reason, arguments=arguments_for(tool.get("parameters") or {}, question, hints))


def arguments_for(schema: dict[str, Any], question: str, hints: dict[str, Any]) -> dict[str, Any]:
    """Arguments that the schema takes: the required ones, and optional ones that something is known for."""
    required = schema.get("required") or []
    numbers = [float(n) if "." in n else int(n) for n in re.findall(r"-?\d+(?:\.\d+)?", question)]
    filled: dict[str, Any] = {}
    properties = {name: each for name, each in (schema.get("properties") or {}).items() if isinstance(each, dict)}
    for name, each in properties.items():
        known = _value_from_hints(name, each, question, hints)
        if known is not None:
            filled[name] = known
        elif name in required:
            filled[name] = _placeholder_value(name, each, question, numbers, schema)
    return filled


def _value_from_hints(name: str, schema: dict[str, Any], question: str, hints: dict[str, Any]) -> Any:
    if schema.get("enum"):
        return next((each for each in schema["enum"] if str(each).lower() in question.lower()), None)
    if schema.get("type") not in {"string", None}:
        return None
    for hint, names in _HINT_ARGUMENTS.items():
        if name in names and hint in hints:
            return hints[hint]
    if name in _LOCATION_ARGUMENTS and (found := re.search(_LOCATION_PATTERN, question)):
        return found[1]
    return None


def _placeholder_value(
    name: str, schema: dict[str, Any], question: str, numbers: list[int | float], root: dict[str, Any]
) -> Any:
    kind = schema.get("type")
    if kind in {"integer", "number"} and numbers:
        number = numbers.pop(0)
        return int(number) if kind == "integer" else number
    known = dict.fromkeys(_HINT_ARGUMENTS["path"], ".") | {"*": question}
    return schema_instance(schema, known, name=name, root=root)
