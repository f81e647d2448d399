"""Tools, tool choice and response format, as the wire wants them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from amplifier_core.message_models import ResponseFormatJson, ResponseFormatJsonSchema, ToolSpec

from ..wire.json_values import as_object
from ..wire.types import Item

# The parameters of a tool that takes none; a strict schema must say that there are no others.
_EMPTY_SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {}}


_STRICT_EMPTY_SCHEMA: Mapping[str, Any] = {**_EMPTY_SCHEMA, "required": [], "additionalProperties": False}


_OPTIONAL_FUNCTION_FIELDS = ("defer_loading", "allowed_callers", "output_schema", "async")


# What a hosted tool is asked to show beside its result. Source: `include` values of openai 3.52.
_INCLUDE_BY_TOOL: Mapping[str, str] = {
    "web_search": "web_search_call.action.sources",
    "file_search": "file_search_call.results",
    "code_interpreter": "code_interpreter_call.outputs",
}


def encode_tools(tools: Sequence[ToolSpec] | None, hosted_tools: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Function tools, then hosted ones; a hosted tool that the request brings itself is not added twice.

    `strict` is sent as false unless the tool asks for it: left out, the service takes it as true and rewrites the
    schema (recorded: `additionalProperties: false` and every key required).
    """
    encoded = [_encode_tool(tool) for tool in tools or ()]
    present = {_tool_identity(tool) for tool in encoded}
    wanted = {_tool_identity(tool): dict(tool) for tool in hosted_tools}
    return encoded + [tool for identity, tool in wanted.items() if identity not in present]


def _tool_identity(tool: Mapping[str, Any]) -> tuple[object, object]:
    """What makes two tools the same: their names; hosted ones have none and come once a kind, the later one."""
    return tool["type"], tool.get("name") or tool.get("server_label")


def _encode_tool(tool: ToolSpec) -> Item:
    extra = tool.model_extra or {}
    kind = extra.get("type", "function")
    if kind == "custom":
        return {"type": "custom", "name": tool.name, "description": tool.description or "", **extra}
    if kind != "function":
        return {key: value for key, value in extra.items() if value is not None}
    strict = bool(extra.get("strict"))
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description or "",
        "parameters": tool.parameters or dict(_STRICT_EMPTY_SCHEMA if strict else _EMPTY_SCHEMA),
        "strict": strict,
        **{key: extra[key] for key in _OPTIONAL_FUNCTION_FIELDS if extra.get(key) is not None},
    }


def list_tool_includes(tools: Iterable[Item]) -> list[str]:
    """The `include` values that go with the hosted tools of a request."""
    kinds = {str(tool["type"]).partition("_preview")[0] for tool in tools}
    return [include for kind, include in _INCLUDE_BY_TOOL.items() if kind in kinds]


def encode_tool_choice(choice: str | Mapping[str, Any] | None, tools: Sequence[Item]) -> str | Item | None:
    """`tool_choice` in the service's form, from every form in which hosts write it."""
    if not choice or not tools:
        return None
    if isinstance(choice, str):
        match choice:
            case "none" | "auto" | "required":
                return choice
            case "any":
                return "required"
            case _:
                return _encode_tool_name(choice, tools)
    match choice.get("type"):
        case "any" | "required":
            return "required"
        case "auto" | "none" as mode:
            return str(mode)
        case "tool":
            return _encode_tool_name(str(choice.get("name")), tools)
        case "function":
            function: object = choice.get("function") or choice.get("name")
            return _encode_tool_name(str(as_object(function).get("name") or function), tools)
        case _:
            return dict(choice)


def _encode_tool_name(tool_name: str, tools: Sequence[Item]) -> Item:
    for tool in tools:
        if tool.get("name") == tool_name:
            return {"type": tool["type"], "name": tool_name}
        if tool["type"] == tool_name:
            return {"type": tool_name}
    return {"type": "function", "name": tool_name}


def encode_response_format(response_format: object) -> Item | None:
    """`text.format` for a response format; None for plain text.

    A JSON schema may come bare, or as `{"name", "schema", "strict"}` as other APIs write it.
    """
    match response_format:
        case ResponseFormatJson():
            return {"type": "json_object"}
        case ResponseFormatJsonSchema(json_schema=given, strict=strict):
            wrapped = isinstance(given.get("schema"), dict)
            schema: dict[str, Any] = given["schema"] if wrapped else given
            strict = strict if strict is not None else given.get("strict") if wrapped else None
            name = given.get("name") if wrapped else None
            encoded: Item = {
                "type": "json_schema",
                "name": _fit_schema_name(name or schema.get("title")),
                "schema": schema,
            }
            if wrapped and given.get("description"):
                encoded["description"] = given["description"]
            if strict is not None:
                encoded["strict"] = bool(strict)
            return encoded
        case _:
            return None


def _fit_schema_name(name: object) -> str:
    """The service takes `[a-zA-Z0-9_-]{1,64}`."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", str(name or "response"))[:64]
