"""A response to a `ChatResponse`: nothing that was paid for is lost, and what cannot be shown is kept for replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amplifier_core.content_models import ContentBlock, TextContent, ThinkingContent, ToolCallContent
from amplifier_core.llm_errors import InvalidToolCallError
from amplifier_core.message_models import (
    ChatResponse,
    ImageBlock,
    ReasoningBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
    ToolCallBlock,
    Usage,
)
from pydantic import Field

from ..wire.client_calls import CLIENT_CALLS, find_client_call, read_call_key
from ..wire.json_values import as_object, as_objects, dumps, loads_object_or_none
from ..wire.types import Item, Response
from .replay_state import ReplayState, as_extra_field, read_replay_state

Block = TextBlock | ThinkingBlock | ToolCallBlock | ImageBlock | ReasoningBlock


class DecodedResponse(ChatResponse):
    """A `ChatResponse` with the two views that loops read beside `content`.

    `content_blocks` are the visible blocks as the event contract wants them; `text` is the answer's text, joined
    without a break where an answer was cut off and continued.
    """

    content_blocks: list[Any] = Field(default_factory=list, exclude=True)
    text: str = Field(default="", exclude=True)


def decode_response(responses: Sequence[Response], *, origin: str, usage: Usage | None) -> DecodedResponse:
    """One answer from the responses of one call: the first, and those that continued it.

    Args:
        responses: each with its usable items in `output`; the last one decides how the answer ended.
        origin: account and endpoint that made it, kept beside what only they can read.
        usage: summed over all attempts that were paid for.

    Raises:
        InvalidToolCallError: a call's arguments are not a JSON object.
    """
    last = responses[-1]
    items = [item for response in responses for item in response["output"]]
    blocks = [block for item in items for block in _decode_item(item, origin)]
    _attach_sources(items, blocks)
    asked = [block for block in blocks if isinstance(block, ToolCallBlock)]
    calls = [ToolCall(id=block.id, name=block.name, arguments=block.input) for block in asked]
    reason = _choose_finish_reason(last, blocks, bool(calls))
    if not calls and not any(isinstance(block, TextBlock | ImageBlock) for block in blocks):
        blocks.append(_make_notice(reason, last))
    return DecodedResponse(
        content=list(blocks),
        tool_calls=calls or None,
        usage=usage,
        finish_reason=reason,
        metadata=_collect_metadata(responses),
        content_blocks=[view for block in blocks if (view := _make_event_block(block))],
        text=_join_message_texts(items) or "".join(block.text for block in blocks if isinstance(block, TextBlock)),
    )


def drop_cut_calls(response: Response) -> list[Item]:
    """The items of a response that stand by themselves: a call that was cut off is never run, nor replayed."""
    if response.get("status") != "incomplete":
        return response["output"]
    return [item for item in response["output"] if not (find_client_call(item) and _is_cut_call(item))]


def read_thinking(item: Item) -> str:
    """What a reasoning item shows: its summary, or the raw reasoning of servers that give it."""
    parts = as_objects(item.get("summary")) or as_objects(item.get("content"))
    return "\n\n".join(str(part["text"]) for part in parts if part.get("text"))


def read_message_texts(item: Item) -> list[str]:
    """The texts of a message's parts, refusals included; empty for other items."""
    if item.get("type") != "message":
        return []
    return [str(part.get("text") or part.get("refusal") or "") for part in as_objects(item.get("content"))]


def read_tool_name(item: Item) -> str:
    """The tool that a client call asks for."""
    return str(CLIENT_CALLS[item["type"]].tool_name or item.get("name") or item["type"])


def _decode_item(item: Item, origin: str) -> list[Block]:
    if find_client_call(item):
        return [_decode_call(item, origin)]
    match item.get("type"):
        case "message":
            return _decode_message(item, origin)
        case "reasoning":
            state: ReplayState = {"origin": origin, "item": _copy_without(item, "status")}
            thinking = read_thinking(item)
            return [ThinkingBlock(thinking=thinking, visibility="internal", **as_extra_field(state))]
        case "image_generation_call" if item.get("result"):
            state = {"origin": origin, "item": _copy_without(item, "result")}
            media_type = f"image/{item.get('output_format') or 'png'}"
            source = {"type": "base64", "media_type": media_type, "data": item["result"]}
            return [ImageBlock(source=source, **as_extra_field(state))]
        case _:
            return [
                ReasoningBlock(
                    content=[item], summary=[], visibility="internal", **as_extra_field(ReplayState(origin=origin))
                )
            ]


def _decode_message(item: Item, origin: str) -> list[Block]:
    blocks: list[Block] = []
    kept = _copy_without(item, "status", "content")
    for part in as_objects(item.get("content")):
        text = str(part.get("text") or part.get("refusal") or "")
        if not text:
            continue
        state: ReplayState = {"origin": origin, "item": kept}
        if blocks:
            state["part"] = len(blocks)
        if part.get("type") == "refusal":
            state["refusal"] = True
        citations: dict[str, Any] = {"citations": part["annotations"]} if part.get("annotations") else {}
        blocks.append(TextBlock(text=text, **as_extra_field(state), **citations))
    return blocks


def _decode_call(item: Item, origin: str) -> ToolCallBlock:
    state: ReplayState = {"origin": origin, "item": item}
    arguments = CLIENT_CALLS[item["type"]].read_input(item)
    if item["type"] == "function_call":
        arguments = _parse_arguments(item)
        kept = _copy_without(item, "status", "call_id", "name", "arguments")
        raw = item.get("arguments") or "{}"
        if dumps(arguments) != raw or "null" in raw:  # nulls inside the input do not survive every host
            kept["arguments"] = raw
        state["item"] = kept
    return ToolCallBlock(id=read_call_key(item), name=read_tool_name(item), input=arguments, **as_extra_field(state))


def _parse_arguments(item: Item) -> dict[str, Any]:
    raw = str(item.get("arguments") or "")
    arguments = loads_object_or_none(raw or "{}", allow_nan=False)
    if arguments is None:
        name = read_tool_name(item)
        raise InvalidToolCallError(
            f"the model called {name} with arguments that are not a JSON object; the tool was not run",
            tool_name=name,
            raw_arguments=raw,
        )
    return arguments


def _is_cut_call(item: Item) -> bool:
    if item.get("status") == "incomplete":
        return True
    if item["type"] != "function_call":
        return False
    return loads_object_or_none(str(item.get("arguments") or "")) is None


def _copy_without(item: Item, *keys: str) -> Item:
    """What is kept of an item; nulls say nothing, and hosts drop them sooner or later."""
    return {key: value for key, value in item.items() if key not in keys and value is not None}


def _attach_sources(items: Sequence[Item], blocks: Sequence[Block]) -> None:
    """The pages that a search read, on the text that they led to."""
    searches = [as_object(item.get("action")) for item in items if item.get("type") == "web_search_call"]
    sources = [source for search in searches for source in as_objects(search.get("sources"))]
    texts = [block for block in blocks if isinstance(block, TextBlock)]
    if sources and texts and texts[-1].model_extra is not None:
        texts[-1].model_extra["sources"] = sources


def _choose_finish_reason(response: Response, blocks: Sequence[Block], has_calls: bool) -> str:
    if has_calls:
        return "tool_calls"
    if response.get("status") == "incomplete":
        return "content_filter" if read_incomplete_reason(response) == "content_filter" else "length"
    refused = any(read_replay_state(block).get("refusal") for block in blocks)
    return "content_filter" if refused else "stop"


def read_incomplete_reason(response: Response) -> str:
    return str(as_object(response.get("incomplete_details")).get("reason") or "")


_NOTICES = {
    "length": "(The answer was cut off before any text: all output tokens went into reasoning. "
    "Raise max_output_tokens or lower reasoning_effort.)",
    "content_filter": "(The service's content filter withheld the answer.)",
}


def _make_notice(reason: str, response: Response) -> TextBlock:
    """An answer without any text still says why; the line is ours and is never sent back."""
    text = _NOTICES.get(reason) or f"(The model ended its turn without an answer; status {response.get('status')}.)"
    return TextBlock(text=text, **as_extra_field(ReplayState(local=True)))


def _join_message_texts(items: Sequence[Item]) -> str:
    text = ""
    cut = True
    for item in items:
        if texts := [part for part in read_message_texts(item) if part]:
            text += ("" if cut else "\n\n") + "".join(texts)
            cut = item.get("status") == "incomplete"
    return text


def _make_event_block(block: Block) -> ContentBlock | None:
    match block:
        case TextBlock():
            return TextContent(text=block.text)
        case ThinkingBlock() if block.thinking:
            return ThinkingContent(text=block.thinking)
        case ToolCallBlock():
            return ToolCallContent(id=block.id, name=block.name, arguments=block.input)
        case _:
            return None


def _collect_metadata(responses: Sequence[Response]) -> dict[str, Any]:
    """Small facts about the answer; the items themselves are kept on the blocks."""
    last = responses[-1]
    facts = {
        "response_id": last.get("id"),
        "model": last.get("model"),
        "status": last.get("status"),
        "service_tier": last.get("service_tier"),
        "incomplete_reason": read_incomplete_reason(last),
        "continuations": len(responses) - 1,
        "reasoning_removed": last.get("input_transformations"),
        "prompt_cache": last.get("prompt_cache_diagnostics"),
    }
    return {f"openai:{key}": value for key, value in facts.items() if value}
