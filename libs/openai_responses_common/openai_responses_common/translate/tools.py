"""Encodes tools, the tool choice and the response format as fields of the body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from amplifier_core.message_models import ResponseFormatJson, ResponseFormatJsonSchema, ToolSpec

from ..wire.json_values import as_object, as_objects
from ..wire.tool_choice import fit_tool_choice
from ..wire.types import Item
from .function_schema import encode_function_schema, write_json
from .tool_names import ToolNames

_TEXT_FIELDS = frozenset({"type", "name", "description", "parameters", "strict"})
_OPTIONAL_FUNCTION_FIELDS = ("defer_loading", "allowed_callers", "output_schema", "async")
_CALLABLE_TYPES = frozenset({"function", "custom", "namespace"})

# The `include` value that makes the service send what a hosted tool found. Source: `include` values of openai 3.52.
_INCLUDE_BY_TOOL: Mapping[str, str] = {
    "web_search": "web_search_call.action.sources",
    "file_search": "file_search_call.results",
    "code_interpreter": "code_interpreter_call.outputs",
}

_Notes = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedTools:
    """The tools of a request.

    Attributes:
        items: the tools as they are sent; nobody changes them.
        notes: sentences for the user about tools that are sent in another way or not at all.
        names: the names of the tools. Each request has its own, because its history adds to them.
    """

    items: list[Item]
    notes: list[str]
    names: ToolNames


def collect_tool_names(tools: Sequence[ToolSpec] | None, hosted_tools: Iterable[Mapping[str, Any]]) -> ToolNames:
    """Return the names of a request's tools; each valid one is then never the alias of another tool."""
    definitions = [_flatten_function(tool) for tool in hosted_tools]
    return ToolNames([*(tool.name for tool in tools or ()), *_list_names(definitions)])


def _list_names(definitions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for tool in definitions:
        yield str(tool.get("name") or "")
        yield from _list_names(as_objects(tool.get("tools")))


def encode_tools(tools: Sequence[ToolSpec] | None, hosted_tools: Iterable[Mapping[str, Any]]) -> EncodedTools:
    """Return the tools of a request, then the hosted tools that are not among them.

    A tool that cannot be sent is left out, and a note says so.

    Args:
        tools: the tools of the chat request; None for none. Of two with the same identity, the first one counts.
        hosted_tools: the hosted tools of the options. Of two with the same identity, the later one counts.
    """
    tool_names = collect_tool_names(tools, hosted_tools)
    notes: _Notes = []
    encoded: dict[tuple[str, object], Item] = {}
    for tool in tools or ():
        item = _encode_definition(_read_definition(tool), tool_names, notes, label=tool.name)
        if item is None:
            continue
        if item["type"] not in _CALLABLE_TYPES:
            tool_names.add_native_tool(tool.name, item)
        if encoded.setdefault(_tool_identity(item), item) != item:
            notes.append(f"tool {tool.name!r}: it is left out, because another tool has the same name or type")
    hosted = [_encode_definition(tool, tool_names, notes) for tool in hosted_tools]
    hosted_by_identity = {_tool_identity(tool): tool for tool in hosted if tool is not None}
    others = [tool for identity, tool in hosted_by_identity.items() if identity not in encoded]
    return EncodedTools(items=[*encoded.values(), *others], notes=notes, names=tool_names)


def _tool_identity(tool: Mapping[str, Any]) -> tuple[str, object]:
    """Return what makes two tools one: the name of what the model calls, else the type and the label of the server."""
    if tool["type"] in _CALLABLE_TYPES:
        return "namespace" if tool["type"] == "namespace" else "function", tool["name"]
    return tool["type"], tool.get("server_label")


def _read_definition(tool: ToolSpec) -> Item:
    """Return a tool of a chat request as the API defines one; null fields say nothing."""
    extra = {key: value for key, value in (tool.model_extra or {}).items() if value is not None}
    tool_type = extra.get("type") or "function"
    if tool_type == "custom":
        return {"type": "custom", "name": tool.name, "description": tool.description or "", **extra}
    if tool_type != "function":
        return extra
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description or "",
        "parameters": tool.parameters,
        "strict": bool(extra.get("strict")),
        **{key: extra[key] for key in _OPTIONAL_FUNCTION_FIELDS if key in extra},
    }


def _encode_definition(
    definition: Mapping[str, Any], tool_names: ToolNames, notes: _Notes, *, label: str = ""
) -> Item | None:
    """Return a tool with a name and a schema that the service accepts.

    None if it cannot be sent; a note says why. A schema that had to become wider is noted too.

    `strict` is sent as false unless the tool sets it to true. Without the field, the service assumes true and rewrites
    the schema (recorded: `additionalProperties: false` and every key required).
    """
    tool = _flatten_function(definition)
    name = str(tool.get("name") or "")
    try:
        match tool.get("type"):
            case "function":
                return _encode_function(tool, name, tool_names, notes)
            case "custom":
                write_json(tool)
                return {**tool, "name": tool_names.encode(name)}
            case "namespace":
                members = [_encode_definition(member, tool_names, notes) for member in as_objects(tool.get("tools"))]
                write_json({**tool, "tools": []})
                return {**tool, "name": tool_names.encode(name), "tools": [item for item in members if item]}
            case str():
                write_json(tool)
                return dict(tool)
            case _:
                notes.append(f"tool {(label or name)!r}: it is left out, because it has no type")
    except ValueError as error:
        notes.append(f"tool {(label or name)!r}: it is left out, because it cannot be written as JSON: {error!s:.200}")
    return None


def encode_found_tools(output: Item, tool_names: ToolNames, notes: _Notes) -> Item:
    """Return the output of a tool search with tools that the service accepts; the others are left out, with a note."""
    tools = [_encode_definition(tool, tool_names, notes) for tool in as_objects(output["tools"])]
    return {**output, "tools": [tool for tool in tools if tool is not None]}


def _flatten_function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a tool as this API defines it; the Chat Completions API has the fields of a function one level deeper."""
    nested = as_object(tool.get("function"))
    return {"type": "function", **nested} if tool.get("type") == "function" and nested else tool


def _encode_function(tool: Mapping[str, Any], name: str, tool_names: ToolNames, notes: _Notes) -> Item:
    strict = bool(tool.get("strict"))
    schema, lost = encode_function_schema(tool.get("parameters"), strict=strict)
    if lost:
        keywords = ", ".join(lost)
        notes.append(f"tool {name!r}: its schema is sent without {keywords} at the root, which the API does not accept")
    if extra := {key: value for key, value in tool.items() if key not in _TEXT_FIELDS}:
        write_json(extra)
    return {**tool, "name": tool_names.encode(name), "parameters": schema, "strict": strict and not lost}


def list_tool_includes(tools: Iterable[Item]) -> list[str]:
    """Return the `include` values for the hosted tools of a request."""
    tool_types = {str(tool["type"]).partition("_preview")[0] for tool in tools}
    return [include for tool_type, include in _INCLUDE_BY_TOOL.items() if tool_type in tool_types]


def encode_tool_choice(
    choice: str | Mapping[str, Any] | None, tools: Sequence[Item], tool_names: ToolNames
) -> str | Item | None:
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
                return _choose_tool(choice, tools, tool_names)
    match choice.get("type"):
        case "any" | "required":
            return "required"
        case "auto" | "none" as mode:
            return str(mode)
        case "tool" | "function" | "custom":
            return _choose_tool(_read_choice_name(choice), tools, tool_names)
        case "allowed_tools":
            fields = as_object(choice.get("allowed_tools")) or choice
            entries: object = fields.get("tools")
            allowed = cast(list[Any], entries) if isinstance(entries, list) else []
            choices = [encode_tool_choice(entry, tools, tool_names) for entry in allowed]
            return {"type": "allowed_tools", "mode": fields.get("mode") or "auto", "tools": choices}
        case _:
            return dict(choice)


def _read_choice_name(choice: Mapping[str, Any]) -> str:
    """Return the name that a choice asks for; the Chat Completions API has it in an object under the type."""
    nested: object = choice.get(str(choice["type"])) or choice.get("name")
    return str(as_object(nested).get("name") or nested)


def _choose_tool(name: str, tools: Sequence[Item], tool_names: ToolNames) -> Item:
    """Return the choice of one tool by the host's name."""
    alias, native_type = tool_names.encode(name), tool_names.find_native_type(name)
    for tool in tools:
        if tool["type"] in _CALLABLE_TYPES and tool.get("name") == alias:
            return {"type": tool["type"], "name": alias}
        if tool["type"] in (name, native_type) and tool["type"] not in _CALLABLE_TYPES:
            label = {"server_label": tool["server_label"]} if "server_label" in tool else {}
            return {"type": tool["type"], **label}
        for member in as_objects(tool.get("tools")):
            if member.get("name") == alias:
                return {"type": member["type"], "name": alias}
    return {"type": "function", "name": alias}


def drop_left_out_choice(
    choice: str | Item,
    sent_tools: Sequence[Item],
    tools: Sequence[ToolSpec] | None,
    hosted_tools: Iterable[Mapping[str, Any]],
    tool_names: ToolNames,
) -> tuple[str | Item, list[str]]:
    """Return a `tool_choice` without the tools that are left out of the request; and notes for the user.

    A choice of a tool that nobody offered stays, so that the service says what is wrong.

    Args:
        choice: as `encode_tool_choice` returns it.
        sent_tools: the tools that are sent.
        tools: the tools of the chat request; None for none.
        hosted_tools: the hosted tools of the options.
        tool_names: the names of the tools.
    """
    fitted = fit_tool_choice(choice, sent_tools)
    if fitted == choice:
        return choice, []
    definitions = [*map(_read_definition, tools or ()), *map(_flatten_function, hosted_tools)]
    names = [*(tool.name for tool in tools or ()), *_list_names(definitions)]
    offered = [*map(dict, definitions), *({"type": "function", "name": tool_names.encode(name)} for name in names)]
    if fit_tool_choice(choice, offered) != choice:
        return choice, []
    return fitted, ["tool_choice: it names a tool that is left out, so the model chooses among the others"]


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
