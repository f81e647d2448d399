"""The default responder: the same text for every request, in the form that the request demands.

Invariant: the output is valid for its request. So a request that forces a tool call gets one, with arguments that fit
the schema of the tool, and a request with a JSON schema gets an instance of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from responses_emulator.contract.refusal import refuse
from responses_emulator.contract.tools import offered_tools
from responses_emulator.output.turn_context import TurnContext
from responses_emulator.responders.schema_instance import schema_instance
from responses_emulator.rules import http
from responses_emulator.script.turn import Call, CustomCall, OutputPart, Say, Think, WebSearch

FIXED_TEXT = "This is the offline Responses API. It runs no model, so every request gets this same text as its output."
_SEARCH_TOOLS = ("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11")

Tool = dict[str, Any]


def fixed_output(context: TurnContext) -> Sequence[OutputPart]:
    """Return a reasoning item if the model reasons, then a message with a fixed text or the call that is forced.

    Raises:
        Refusal: status 500, if the request forces a call of a tool that runs elsewhere, such as a computer.
    """
    reasons = context.model.reasons and context.effort != "none"
    thoughts: list[OutputPart] = [Think(["**Choosing the output**"])] if reasons else []
    if (call := _forced_call(context.body.get("tool_choice"), offered_tools(context.body))) is not None:
        return [*thoughts, call]
    return [*thoughts, Say(_text(context.body), phase="final_answer" if context.model.phase else None)]


def _text(body: dict[str, Any]) -> str:
    form = (body.get("text") or {}).get("format") or {}
    match form.get("type"):
        case "json_schema":
            return json.dumps(schema_instance(form["schema"]), ensure_ascii=False)
        case "json_object":
            return json.dumps({"text": FIXED_TEXT})
        case _:
            return FIXED_TEXT


def _forced_call(choice: Any, tools: list[Tool]) -> OutputPart | None:
    """Return a call that the choice allows. None if it allows a message."""
    match choice:
        case {"type": "allowed_tools", "mode": "required", "tools": list(allowed)}:
            pass
        case {"type": str(kind)} if kind != "allowed_tools":
            allowed = [choice]
        case "required":
            allowed = None
        case _:
            return None
    for tool, namespace in _callable_tools(tools):
        if allowed is None or any(_is_allowed(tool, each) for each in allowed):
            return _call(tool, namespace)
    raise refuse(http.NO_OUTPUT, choice=json.dumps(choice))


def _callable_tools(tools: list[Tool], namespace: str | None = None) -> Iterator[tuple[Tool, str | None]]:
    for tool in tools:
        if tool["type"] == "namespace":
            yield from _callable_tools(tool["tools"], str(tool["name"]))
        elif tool["type"] in {"function", "custom", *_SEARCH_TOOLS}:
            yield tool, namespace


def _is_allowed(tool: Tool, choice: dict[str, Any]) -> bool:
    if tool["type"] in _SEARCH_TOOLS:
        return choice.get("type") in _SEARCH_TOOLS
    return (choice.get("type"), choice.get("name")) == (tool["type"], tool["name"])


def _call(tool: Tool, namespace: str | None) -> OutputPart:
    match tool["type"]:
        case "function":
            arguments = schema_instance(tool.get("parameters") or {"type": "object"})
            return Call(str(tool["name"]), arguments, namespace=namespace)
        case "custom":
            return CustomCall(str(tool["name"]), FIXED_TEXT)
        case _:
            return WebSearch(["offline"], text=FIXED_TEXT)
