"""One row per type of content block: how it is encoded and decoded, and which deltas show it while it is written.

A new content block is a new row. Knows one block at a time: `messages` puts the items of a history in order, `decode`
builds the chat response, and `deltas` numbers what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from amplifier_core.content_models import ContentBlock, TextContent, ThinkingContent, ToolCallContent
from amplifier_core.llm_errors import InvalidToolCallError
from amplifier_core.message_models import (
    ImageBlock,
    ReasoningBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
)

from ..wire.client_calls import CLIENT_CALLS, find_client_call
from ..wire.json_values import as_object, as_objects, dumps, loads_object_or_none
from ..wire.types import Item
from .content_parts import make_text_part
from .decoding import Decoding
from .media import read_host_media
from .output_items import copy_without, is_visible, read_message_texts, read_part_text, read_thinking
from .replay import Replay
from .replay_state import ReplayState, as_extra_field, read_replay_state

Block: TypeAlias = TextBlock | ThinkingBlock | ToolCallBlock | ImageBlock | ReasoningBlock
BlockKind: TypeAlias = Literal["text", "thinking", "tool_use"]


def _drop_in_assistant_message(block: Any, _state: ReplayState, _message: Item | None, replay: Replay) -> Item | None:
    replay.drop(f"{block.type} block in an assistant message")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTranslation:
    """How one type of content block is translated.

    Attributes:
        encode_output: the item for a block of an assistant message, from the block, its replay state, the message item
            that it may join, and the replay so far. None if the block is not sent.
        encode_input: the parts for a block of any other message. None if the block is not sent, which is reported; so
            it is by default.
        input_is_item: `encode_input` returns items that stand between messages, not parts of one; false by default.
        can_decode: whether an output item becomes blocks of this type; no item does by default.
        decode: the blocks of an output item, from the item and the decoding so far.
        make_event_block: the block as hooks receive it. None if they do not; so it is by default.
        delta_kind: the kind of its deltas. None if no delta shows it; so it is by default.
        read_texts: the texts of a finished item that deltas show, by part.
    """

    encode_output: Callable[[Any, ReplayState, Item | None, Replay], Item | None] = _drop_in_assistant_message
    encode_input: Callable[[Any, Replay], list[Item] | None] = lambda _block, _replay: None
    input_is_item: bool = False
    can_decode: Callable[[Item], bool] = lambda _item: False
    decode: Callable[[Item, Decoding], list[Block]] = lambda _item, _decoding: []
    make_event_block: Callable[[Any], ContentBlock | None] = lambda _block: None
    delta_kind: BlockKind | None = None
    read_texts: Callable[[Item], list[str]] = lambda _item: []


def find_item_translation(item: Item) -> BlockTranslation:
    """Return the row by which an output item is decoded."""
    return next(row for row in CONTENT_BLOCKS.values() if row.can_decode(item))


# Text


def _encode_text_output(block: TextBlock, state: ReplayState, message: Item | None, replay: Replay) -> Item | None:
    if not block.text:
        return message
    if state.get("refusal") and replay.is_own(state):
        part: Item = {"type": "refusal", "refusal": block.text}
    else:  # vLLM and llama.cpp do not know the part, and each service has its own kinds of citations
        citations = as_objects((block.model_extra or {}).get("citations")) if replay.is_own(state) else []
        part = {"type": "output_text", "text": block.text, "annotations": citations}
    if message is not None and (state.get("part") or "item" not in state):
        message["content"].append(part)
        return message
    item = {"type": "message", "role": "assistant", **state.get("item", {})}
    return {**replay.make_sendable(item, state), "content": [part]}


def _encode_text_input(block: TextBlock, _replay: Replay) -> list[Item]:
    return [make_text_part(block.text)] if block.text else []


def _decode_message(item: Item, decoding: Decoding) -> list[Block]:
    """Return a block for each part with text; a message of blank parts alone is not kept, for it says nothing."""
    blocks: list[Block] = []
    if not any(map(is_visible, read_message_texts(item))):
        return blocks
    fields = copy_without(item, "status", "content")
    for part in as_objects(item.get("content")):
        text = read_part_text(part)
        if not text:
            continue
        state: ReplayState = {**decoding.maker, "item": fields}
        if blocks:
            state["part"] = len(blocks)
        if part.get("type") == "refusal":
            state["refusal"] = True
        citations: dict[str, Any] = {"citations": part["annotations"]} if part.get("annotations") else {}
        blocks.append(TextBlock(text=text, **as_extra_field(state), **citations))
    return blocks


# Thinking and reasoning


def _encode_thinking(
    block: ThinkingBlock | RedactedThinkingBlock | ReasoningBlock,
    state: ReplayState,
    _message: Item | None,
    replay: Replay,
) -> Item | None:
    if "type" in (item := state.get("item", {})):
        return replay.replay_opaque_item(item, state)
    if state and isinstance(block, ReasoningBlock) and (items := _read_opaque_items(block)):
        return replay.replay_opaque_item(items[0], state)
    replay.ids_are_valid = False
    replay.drop("reasoning of another provider")
    return None


def _encode_opaque_input(block: ReasoningBlock, _replay: Replay) -> list[Item] | None:
    """Return the items that a host puts into an input message itself."""
    return None if read_replay_state(block) else _read_opaque_items(block)


def _read_opaque_items(block: ReasoningBlock) -> list[Item]:
    return [cast(Item, item) for item in block.content if isinstance(as_object(item).get("type"), str)]


def _decode_reasoning(item: Item, decoding: Decoding) -> list[Block]:
    state: ReplayState = {**decoding.maker, "item": copy_without(item, "status")}
    return [ThinkingBlock(thinking=read_thinking(item), visibility="internal", **as_extra_field(state))]


def _decode_opaque_item(item: Item, decoding: Decoding) -> list[Block]:
    return [ReasoningBlock(content=[item], summary=[], visibility="internal", **as_extra_field(decoding.maker))]


# Tool calls and their results


_OTHER_CALL_TYPES = frozenset(CLIENT_CALLS) - {"function_call"}


def _encode_tool_call(block: ToolCallBlock, state: ReplayState, _message: Item | None, replay: Replay) -> Item:
    fields = state.get("item", {})
    item = dict(fields)
    if fields.get("type", "function_call") not in _OTHER_CALL_TYPES:
        item = {"type": "function_call", "call_id": block.id, "name": block.name, "arguments": "", **fields}
        item |= {"type": "function_call", "arguments": fields.get("arguments") or replay.dump_arguments(block.input)}
    return replay.encode_call(block.id, block.name, item, state)


def _decode_call(item: Item, decoding: Decoding) -> list[Block]:
    state: ReplayState = {**decoding.maker, "item": item}
    name = decoding.tool_names.read_tool_name(item)
    arguments = CLIENT_CALLS[item["type"]].read_input(item)
    if item["type"] == "function_call":
        arguments = _parse_arguments(item, name)
        fields = copy_without(item, "status", "call_id", "name", "arguments")
        raw_arguments = item.get("arguments") or "{}"
        if dumps(arguments) != raw_arguments or "null" in raw_arguments:  # some hosts drop nulls inside the input
            fields["arguments"] = raw_arguments
        state["item"] = fields
    call_id = decoding.choose_call_id(item)
    return [ToolCallBlock(id=call_id, name=name, input=arguments, **as_extra_field(state))]


def _parse_arguments(item: Item, name: str) -> dict[str, Any]:
    raw_arguments = str(item.get("arguments") or "")
    arguments = loads_object_or_none(raw_arguments or "{}", allow_nan=False)
    if arguments is None:
        raise InvalidToolCallError(
            f"the model called {name} with arguments that are not a JSON object; the tool was not run",
            tool_name=name,
            raw_arguments=raw_arguments,
        )
    return arguments


def _encode_result_input(block: ToolResultBlock, replay: Replay) -> list[Item]:
    return [replay.encode_call_output(block.tool_call_id, block.output)]


# Images


def _encode_image_output(block: ImageBlock, state: ReplayState, message: Item | None, replay: Replay) -> Item | None:
    if "item" not in state:
        return _drop_in_assistant_message(block, state, message, replay)
    return replay.replay_opaque_item({**state["item"], "result": block.source.get("data")}, state)


def _encode_image_input(block: ImageBlock, replay: Replay) -> list[Item]:
    return [replay.encode_media(read_host_media({**(block.model_extra or {}), "source": block.source}))]


def _decode_image(item: Item, decoding: Decoding) -> list[Block]:
    state: ReplayState = {**decoding.maker, "item": copy_without(item, "result")}
    media_type = f"image/{item.get('output_format') or 'png'}"
    source = {"type": "base64", "media_type": media_type, "data": item["result"]}
    return [ImageBlock(source=source, **as_extra_field(state))]


# By Amplifier's `type`. The last row that can decode takes each item that no row before it takes.
CONTENT_BLOCKS: Mapping[str, BlockTranslation] = {
    "text": BlockTranslation(
        encode_output=_encode_text_output,
        encode_input=_encode_text_input,
        can_decode=lambda item: item.get("type") == "message",
        decode=_decode_message,
        make_event_block=lambda block: TextContent(text=block.text) if is_visible(block.text) else None,
        delta_kind="text",
        read_texts=read_message_texts,
    ),
    "thinking": BlockTranslation(
        encode_output=_encode_thinking,
        can_decode=lambda item: item.get("type") == "reasoning",
        decode=_decode_reasoning,
        make_event_block=lambda block: ThinkingContent(text=block.thinking) if is_visible(block.thinking) else None,
        delta_kind="thinking",
        read_texts=lambda item: [read_thinking(item)],
    ),
    "redacted_thinking": BlockTranslation(encode_output=_encode_thinking),
    "tool_call": BlockTranslation(
        encode_output=_encode_tool_call,
        can_decode=lambda item: find_client_call(item) is not None,
        decode=_decode_call,
        make_event_block=lambda block: ToolCallContent(id=block.id, name=block.name, arguments=block.input),
        delta_kind="tool_use",
    ),
    "tool_result": BlockTranslation(
        encode_output=lambda block, _state, _message, replay: _encode_result_input(block, replay)[0],
        encode_input=_encode_result_input,
        input_is_item=True,
    ),
    "image": BlockTranslation(
        encode_output=_encode_image_output,
        encode_input=_encode_image_input,
        can_decode=lambda item: item.get("type") == "image_generation_call" and bool(item.get("result")),
        decode=_decode_image,
    ),
    "reasoning": BlockTranslation(
        encode_output=_encode_thinking,
        encode_input=_encode_opaque_input,
        input_is_item=True,
        can_decode=lambda item: True,
        decode=_decode_opaque_item,
    ),
}
