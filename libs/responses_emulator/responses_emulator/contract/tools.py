"""Strict checks of `tools`, `tool_choice` and response formats."""

from __future__ import annotations

import re
from typing import Any

from openai.types.responses import ToolParam

from responses_emulator.contract.function_schema import check_function_schema, strict_schema_problem
from responses_emulator.contract.json_shapes import check, check_object, literal_values, shape_of, union_members
from responses_emulator.contract.refusal import (
    empty_string,
    invalid_value,
    missing_parameter,
    pattern_mismatch,
    refuse,
    too_long,
    wrong_type,
)
from responses_emulator.rules import requests as rules
from responses_emulator.rules import schemas

NAME_PATTERN = "^[a-zA-Z0-9_-]+$"
_RESERVED_NAMES = frozenset({"python"})
MAX_TOOLS = 128
_TOOLS = {name: shape_of(member) for member in union_members(ToolParam) for name in literal_values(member)}
# tool_choice types that name a hosted tool differently from the tool's own type.
_TOOL_ALIASES = {"computer_use": "computer", "web_search_preview_2025_03_11": "web_search_preview"}


def check_tools(tools: Any, path: str = "tools") -> None:
    """The list of tools, wherever it stands."""
    if not isinstance(tools, list):
        raise wrong_type(tools, path, "an array of objects")
    if len(tools) > MAX_TOOLS:
        raise refuse(rules.TOO_MANY_TOOLS, path=path, limit=MAX_TOOLS, length=len(tools))
    for index, tool in enumerate(tools):
        check_tool(tool, f"{path}[{index}]")


def check_tool(tool: Any, path: str) -> None:
    """One tool: shape, name, schema."""
    if not isinstance(tool, dict):
        raise wrong_type(tool, path, "an object")
    if "type" not in tool:
        raise missing_parameter(f"{path}.type")
    if tool["type"] not in _TOOLS:
        raise invalid_value(tool["type"], path, sorted(_TOOLS))
    check_object(tool, _TOOLS[tool["type"]], path)
    if tool["type"] in {"function", "custom", "namespace"}:
        check_name(tool["name"], f"{path}.name")
    if tool["type"] in {"function", "custom"} and tool["name"] in _RESERVED_NAMES:
        raise refuse(rules.RESERVED_NAME, name=tool["name"], path=f"{path}.name")
    if tool["type"] == "function":
        check_function_schema(tool, f"{path}.parameters")
    if tool["type"] == "namespace":
        check_tools(tool["tools"], f"{path}.tools")


def check_name(name: str, path: str) -> None:
    """Names of functions, custom tools and formats."""
    if not name:
        raise empty_string(path)
    if not re.fullmatch(r"[a-zA-Z0-9_-]+", name):
        raise pattern_mismatch(path, NAME_PATTERN)
    if len(name) > 64:
        raise too_long(path, 64, len(name))


def check_format(form: dict[str, Any], path: str) -> None:
    """`text.format` of type json_schema."""
    check_name(form["name"], f"{path}.name")
    schema = form.get("schema")
    if not isinstance(schema, dict):
        raise wrong_type(schema, f"{path}.schema", "an object")
    if form.get("strict") is True:
        problem = strict_schema_problem(schema, ())
        if problem is None and schema.get("type") != "object":
            problem = schemas.NOT_AN_OBJECT.fill(found=schema.get("type"))
        if problem:
            raise refuse(rules.INVALID_RESPONSE_SCHEMA, name=form["name"], problem=problem, path=f"{path}.schema")


def offered_tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Every tool that a request offers: those of the field `tools`, and those of items `additional_tools`."""
    items = body["input"] if isinstance(body.get("input"), list) else []
    more = [tool for item in items if item.get("type") == "additional_tools" for tool in item["tools"]]
    return [*(body.get("tools") or []), *more]


def callable_names(tools: list[dict[str, Any]]) -> set[str]:
    """Every callable name, those inside namespaces included."""
    found = {str(tool["name"]) for tool in tools if "name" in tool}
    for tool in tools:
        if tool.get("type") == "namespace":
            found |= callable_names(tool["tools"])
    return found


def check_tool_choice(choice: Any, hint: Any, tools: list[dict[str, Any]]) -> None:
    """`tool_choice`: its shape, and that what it names is offered."""
    check(choice, hint, "tool_choice")
    if choice == "required" and not tools:
        raise refuse(rules.CHOICE_WITHOUT_TOOLS)
    if not isinstance(choice, dict):
        return
    wanted = choice.get("tools", []) if choice["type"] == "allowed_tools" else [choice]
    for one in wanted:
        _check_choice_is_offered(one, tools)


def _check_choice_is_offered(choice: dict[str, Any], tools: list[dict[str, Any]]) -> None:
    kind = str(choice.get("type"))
    if kind in {"function", "custom"}:
        name = str(choice.get("name"))
        found = name in callable_names(tools)
    elif kind == "mcp":
        name = str(choice.get("server_label"))
        found = any(tool.get("server_label") == name for tool in tools)
    else:
        name = kind
        found = any(tool["type"] == _TOOL_ALIASES.get(kind, kind) for tool in tools)
    if not found:
        raise refuse(rules.CHOICE_NOT_FOUND, name=name)
