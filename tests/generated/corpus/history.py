"""A recorded request as an Amplifier host would have asked it: messages, tools and options.

What the model said comes from our own decoded answer where the recording holds it; the turns that the recorded tests
made up become plain text and tool calls, as a host keeps what another provider said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from amplifier_core.message_models import (
    ChatRequest,
    ChatResponse,
    ContentBlockUnion,
    ImageBlock,
    Message,
    ReasoningBlock,
    ResponseFormat,
    ResponseFormatJson,
    ResponseFormatJsonSchema,
    TextBlock,
    ToolCallBlock,
    ToolSpec,
)

from tests.generated.corpus.difference import without_nulls
from tests.generated.corpus.recordings import Json

FindTurn: TypeAlias = Callable[[Sequence[Json]], Message | None]

_INPUT_ROLES = frozenset({"user", "system", "developer"})
_RESULTS: dict[str, Callable[[Json], str | list[ContentBlockUnion]]] = {
    "function_call_output": lambda item: _content(item["output"]),
    "custom_tool_call_output": lambda item: _content(item["output"]),
    "apply_patch_call_output": lambda item: item["output"],
    "tool_search_output": lambda item: json.dumps({"tools": item["tools"]}),
    "mcp_approval_response": lambda item: json.dumps(item["approve"]),
}
# Items that a host writes itself and that no message says: they travel whole, in a developer message.
_DIRECTIONS = frozenset({"additional_tools", "configuration_update"})
# Tools that a host has itself; the others are the service's, and are asked for by keyword.
_OWN_TOOLS = frozenset({"function", "custom"})

# What we decide for ourselves in every request; the difference is listed, so nothing is asked here.
_OURS = frozenset({"input", "instructions", "previous_response_id", "store", "stream"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a host hands to a provider: a request and keyword arguments."""

    request: ChatRequest
    kwargs: Json


def as_stored(answer: ChatResponse) -> Message:
    """The answer as it comes back from a session file: dumped, through JSON, every null lost."""
    blocks = json.loads(json.dumps([block.model_dump() for block in answer.content]))
    return Message.model_validate({"role": "assistant", "content": without_nulls(blocks)})


def rebuild(body: Json, earlier: Sequence[Message], find_turn: FindTurn) -> Asked:
    """The request behind a recorded body.

    Args:
        body: the recorded body.
        earlier: messages that the service remembered and that our requests repeat.
        find_turn: our own answer behind a run of items, if the recordings hold it.

    Raises:
        ValueError: the body holds something that this reading does not know.
    """
    messages = [*earlier, *_messages(body["input"], find_turn)]
    if body.get("instructions"):
        messages.insert(0, Message(role="system", content=body["instructions"]))
    tools = body.get("tools") or []
    own = [tool for tool in tools if tool["type"] in _OWN_TOOLS]
    kwargs: Json = {"tools": [tool for tool in tools if tool not in own]}
    fields: Json = {}
    for key, value in body.items():
        match key:
            case "model" | "tool_choice" | "max_output_tokens":
                fields[key] = value
            case "tools":
                fields["tools"] = [ToolSpec.model_validate({"parameters": {}, **tool}) for tool in own] or None
            case "text":
                fields["response_format"] = _format(value.get("format"))
                kwargs["verbosity"] = value.get("verbosity")
            case "reasoning":
                kwargs["reasoning"] = value
            case "include" | "parallel_tool_calls":
                kwargs[key] = value
            case "context_management":
                kwargs["extra_body"] = {key: value}
            case _ if key not in _OURS:
                raise ValueError(f"a request field that is not understood: {key}")
    if "summary" not in (body.get("reasoning") or {}):
        kwargs["reasoning_summary"] = "none"
    return Asked(request=ChatRequest(messages=messages, **fields), kwargs=kwargs)


def by_model(item: Json) -> bool:
    """Is this an item of the model's turn, calls of the service's own tools and their results included?"""
    kind = item.get("type", "message")
    if kind == "message":
        return item["role"] == "assistant"
    if kind == "tool_search_output":
        return item["execution"] == "server"
    return kind not in _RESULTS and kind not in _DIRECTIONS


def _messages(items: Sequence[Json], find_turn: FindTurn) -> list[Message]:
    messages: list[Message] = []
    start = 0
    while start < len(items):
        end = start
        while end < len(items) and by_model(items[end]):
            end += 1
        if end > start:
            turn = find_turn(items[start:end])
            messages += [turn] if turn else _made_up(items[start:end])
            start = end
        else:
            messages.append(_from_host(items[start]))
            start += 1
    return messages


def _from_host(item: Json) -> Message:
    kind = item.get("type", "message")
    if kind == "message" and item["role"] in _INPUT_ROLES:
        return Message(role=item["role"], content=_content(item["content"]))
    if kind in _DIRECTIONS:
        return Message(role="developer", content=[ReasoningBlock(content=[item], summary=[])])
    if kind in _RESULTS:
        key = item.get("call_id") or item["approval_request_id"]
        return Message(role="tool", content=_RESULTS[kind](item), tool_call_id=key)
    raise ValueError(f"an input item that is not understood: {kind}")


def _made_up(items: Sequence[Json]) -> list[Message]:
    """A turn that no recorded answer holds: each message begins a new one, calls join the last."""
    turns: list[list[ContentBlockUnion]] = []
    for item in items:
        match item.get("type", "message"):
            case "message":
                content = item["content"]
                turns.append([TextBlock(text=content)] if isinstance(content, str) else [*map(_block, content)])
            case "function_call":
                call = ToolCallBlock(id=item["call_id"], name=item["name"], input=json.loads(item["arguments"]))
                turns[-1:] = [[*(turns[-1] if turns else []), call]]
            case kind:
                raise ValueError(f"a {kind} that no recorded answer holds")
    return [Message(role="assistant", content=list(blocks)) for blocks in turns]


def _content(content: str | list[Json]) -> str | list[ContentBlockUnion]:
    return content if isinstance(content, str) else [_block(part) for part in content]


def _block(part: Json) -> ContentBlockUnion:
    match part["type"]:
        case "input_text" | "output_text":
            return TextBlock(text=part["text"])
        case "input_image":
            return ImageBlock(source=_source(part["image_url"], {}))
        case "input_file":
            return ImageBlock(source=_source(part["file_data"], {"filename": part["filename"]}))
        case kind:
            raise ValueError(f"a content part that is not understood: {kind}")


def _source(url: str, more: Json) -> Json:
    head, comma, data = url.partition(";base64,")
    if not comma:
        return {"type": "url", "url": url, **more}
    return {"type": "base64", "media_type": head.removeprefix("data:"), "data": data, **more}


def _format(recorded: Json | None) -> ResponseFormat | None:
    match recorded:
        case None:
            return None
        case {"type": "json_object"}:
            return ResponseFormatJson()
        case {"type": "json_schema", **given}:
            return ResponseFormatJsonSchema(json_schema=dict[str, Any](given), strict=given.get("strict"))
        case _:
            raise ValueError(f"a response format that is not understood: {recorded['type']}")
