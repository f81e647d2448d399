"""Encodes tools, the tool choice and the response format as fields of the body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from amplifier_core.message_models import ResponseFormatJson, ResponseFormatJsonSchema, ToolSpec

from ..wire.json_values import as_object
from ..wire.types import Item

# The parameters of a tool without parameters. A strict schema must say that no others are allowed.
_EMPTY_SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {}}
_STRICT_EMPTY_SCHEMA: Mapping[str, Any] = {**_EMPTY_SCHEMA, "required": [], "additionalProperties": False}

_OPTIONAL_FUNCTION_FIELDS = ("defer_loading", "allowed_callers", "output_schema", "async")

# The `include` value that makes the service send what a hosted tool found. Source: `include` values of openai 3.52.
_INCLUDE_BY_TOOL: Mapping[str, str] = {
    "web_search": "web_search_call.action.sources",
    "file_search": "file_search_call.results",
    "code_interpreter": "code_interpreter_call.outputs",
}


def encode_tools(tools: Sequence[ToolSpec] | None, hosted_tools: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Return the tools of a request, then the hosted tools that are not among them.

    `strict` is sent as false unless the tool sets it to true. Without the field, the service assumes true and rewrites
    the schema (recorded: `additionalProperties: false` and every key required).

    Args:
        tools: the tools of the chat request; None for none.
        hosted_tools: the hosted tools of the options. Of two with the same identity, the later one counts.
    """
    encoded = [_encode_tool(tool) for tool in tools or ()]
    identities = {_tool_identity(tool) for tool in encoded}
    hosted_by_identity = {_tool_identity(tool): dict(tool) for tool in hosted_tools}
    return encoded + [tool for identity, tool in hosted_by_identity.items() if identity not in identities]


def _tool_identity(tool: Mapping[str, Any]) -> tuple[object, object]:
    """Return type and name: two tools with the same are one. A hosted tool without a name counts once per type."""
    return tool["type"], tool.get("name") or tool.get("server_label")


def _encode_tool(tool: ToolSpec) -> Item:
    extra = tool.model_extra or {}
    tool_type = extra.get("type", "function")
    if tool_type == "custom":
        return {"type": "custom", "name": tool.name, "description": tool.description or "", **extra}
    if tool_type != "function":
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
    """Return the `include` values for the hosted tools of a request."""
    tool_types = {str(tool["type"]).partition("_preview")[0] for tool in tools}
    return [include for tool_type, include in _INCLUDE_BY_TOOL.items() if tool_type in tool_types]


def encode_tool_choice(choice: str | Mapping[str, Any] | None, tools: Sequence[Item]) -> str | Item | None:
    """Return `tool_choice` in the form of the API, from any form that hosts write.

    None if the host chose nothing or the request has no tools.
    """
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
    """Return `text.format` for a response format; None for plain text.

    A JSON schema may stand alone, or inside `{"name", "schema", "strict"}` as other APIs write it.
    """
    match response_format:
        case ResponseFormatJson():
            return {"type": "json_object"}
        case ResponseFormatJsonSchema(json_schema=json_schema, strict=strict):
            is_wrapped = isinstance(json_schema.get("schema"), dict)
            wrapper: dict[str, Any] = json_schema if is_wrapped else {}
            schema: dict[str, Any] = wrapper.get("schema", json_schema)
            strict = wrapper.get("strict") if strict is None else strict
            encoded: Item = {
                "type": "json_schema",
                "name": _clean_schema_name(wrapper.get("name") or schema.get("title")),
                "schema": schema,
            }
            if wrapper.get("description"):
                encoded["description"] = wrapper["description"]
            if strict is not None:
                encoded["strict"] = bool(strict)
            return encoded
        case _:
            return None


def _clean_schema_name(name: object) -> str:
    """Return a name that the service accepts: it matches `[a-zA-Z0-9_-]{1,64}`."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", str(name or "response"))[:64]
