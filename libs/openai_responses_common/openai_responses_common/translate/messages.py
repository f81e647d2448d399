"""Amplifier messages to input items: an assistant turn goes back as the items it was.

Order, ids, summary parts, ciphertext, phase and the original argument strings are kept. Reasoning of another account
or endpoint, or without its ciphertext, is left out together with the ids of the items that depend on it, so one
conversation can move between backends. Reads the messages and changes nothing in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from amplifier_core.message_models import (
    ImageBlock,
    Message,
    ReasoningBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from pydantic import BaseModel

from ..wire.client_calls import CLIENT_CALLS, OUTPUT_TYPES, call_output
from ..wire.json_values import as_object, as_objects, dumps
from ..wire.types import Item, reasoning_key
from .content import dump_model, encode_media_part, encode_tool_result, make_text_part
from .replay_state import ReplayState, read_replay_state


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedMessages:
    """`instructions` is the text of the leading system messages, if they were asked for apart; `dropped` says in
    words what could not be sent."""

    items: list[Item]
    instructions: str | None
    dropped_content: list[str]


def encode_messages(
    messages: Sequence[Message],
    *,
    origin: str,
    refused_reasoning_keys: frozenset[str] = frozenset(),
    replay_reasoning_ids: bool = True,
    system_as_instructions: bool = True,
) -> EncodedMessages:
    """Translate a history.

    Args:
        messages: the whole history, oldest first.
        origin: account and endpoint that the request goes to; state of any other origin is foreign.
        refused_reasoning: reasoning items that the service would not take back (`reasoning_key`).
        reasoning_ids: reasoning goes back with its id.
        apart: give leading system messages as `instructions` instead of items.
    """
    encoder = _MessageEncoder(
        origin=origin, refused_reasoning_keys=refused_reasoning_keys, replay_reasoning_ids=replay_reasoning_ids
    )
    leading = 0
    if system_as_instructions:
        while leading < len(messages) and messages[leading].role == "system":
            leading += 1
    texts = [text for message in messages[:leading] if (text := _join_text_blocks(message)).strip()]
    for message in messages[leading:]:
        encoder.encode_message(message)
    leading = 0
    while leading < len(encoder.items) and encoder.items[leading].get("role") == "developer":
        leading += 1
    items = encoder.items[:leading] + _drop_before_compaction(encoder.items[leading:])
    items = _drop_dangling_reasoning(items)
    return EncodedMessages(
        items=items, instructions="\n\n".join(texts) or None, dropped_content=list(encoder.dropped_content)
    )


@dataclass(slots=True)
class _MessageEncoder:
    origin: str
    refused_reasoning_keys: frozenset[str]
    replay_reasoning_ids: bool
    items: list[Item] = field(default_factory=list[Item])
    dropped_content: dict[str, None] = field(default_factory=dict[str, None])
    calls_by_key: dict[str, Item] = field(default_factory=dict[str, Item])
    """Client calls so far, by key: a result goes back as the kind of item that its call asks for."""
    ids_are_valid: bool = True
    """False behind reasoning that was left out: the ids of what followed it would be refused."""

    def encode_message(self, message: Message) -> None:
        match message.role:
            case "assistant":
                self._encode_assistant_message(message)
            case "tool" | "function":
                self._encode_tool_message(message)
            case role:
                self._encode_input_message("developer" if role == "system" else role, message.content)

    def _encode_input_message(self, role: str, content: str | list[Any]) -> None:
        parts: list[Item] = []
        for block in [TextBlock(text=content)] if isinstance(content, str) else content:
            if isinstance(block, ToolResultBlock):
                self._append_message(role, parts)
                self._append_call_output(block.tool_call_id, block.output)
            elif isinstance(block, ReasoningBlock) and not read_replay_state(block):
                self._append_message(role, parts)
                self.items.extend(_read_reasoning_items(block))
            elif part := _encode_input_part(block):
                parts.append(part)
            elif not isinstance(block, TextBlock):
                self.dropped_content[f"{block.type} block in a {role} message"] = None
        self._append_message(role, parts)

    def _append_message(self, role: str, parts: list[Item]) -> None:
        if parts:
            self.items.append({"type": "message", "role": role, "content": list(parts)})
            parts.clear()

    def _encode_tool_message(self, message: Message) -> None:
        content = message.content
        if message.tool_call_id:
            value = content if isinstance(content, str) else [dump_model(block) for block in content]
            self._append_call_output(message.tool_call_id, _unwrap_tool_result(value))
        else:
            label = f"[Result of {message.name or 'a tool'}]"
            if isinstance(content, str):
                self._encode_input_message("user", f"{label} {content}")
            elif all(isinstance(block, ToolResultBlock) for block in content):
                self._encode_input_message("user", content)
            else:
                self._encode_input_message("user", [TextBlock(text=label), *content])

    def _append_call_output(self, call_id: str, output: object) -> None:
        call = self.calls_by_key.get(call_id, {"type": "function_call", "call_id": call_id})
        self.items.append(call_output(call, call_id, encode_tool_result(output)))

    def _encode_assistant_message(self, message: Message) -> None:
        self.ids_are_valid = True
        blocks = [TextBlock(text=message.content)] if isinstance(message.content, str) else message.content
        joinable: Item | None = None
        for block in blocks:
            state = read_replay_state(block)
            item = None if state.get("local") else self._encode_block(block, state, joinable)
            if item is not joinable and item is not None:
                self.items.append(item)
            joinable = item if item is not None and item["type"] == "message" else None
        if not any(isinstance(block, ToolCallBlock) for block in blocks):
            loose: object = (message.model_extra or {}).get("tool_calls")
            for call in cast(list[object], loose) if isinstance(loose, list) else []:
                self._encode_tool_calls_entry(as_object(dump_model(call) if isinstance(call, BaseModel) else call))

    def _encode_block(self, block: Any, state: ReplayState, open_message: Item | None) -> Item | None:
        match block:
            case TextBlock():
                return self._encode_text_block(block, state, open_message)
            case ToolCallBlock():
                return self._encode_call_block(block, state)
            case ThinkingBlock() | ReasoningBlock() if "item" in state and "type" in state["item"]:
                return self._replay_opaque_item(state["item"], state)
            case ReasoningBlock() if state and (items := _read_reasoning_items(block)):
                return self._replay_opaque_item(items[0], state)
            case ImageBlock() if "item" in state:
                return self._replay_opaque_item({**state["item"], "result": block.source.get("data")}, state)
            case ToolResultBlock():
                self._append_call_output(block.tool_call_id, block.output)
            case ThinkingBlock() | RedactedThinkingBlock() | ReasoningBlock():
                self.ids_are_valid = False
                self.dropped_content["reasoning of another provider"] = None
            case _:
                self.dropped_content[f"{block.type} block in an assistant message"] = None
        return None

    def _encode_text_block(self, block: TextBlock, state: ReplayState, open_message: Item | None) -> Item | None:
        if not block.text:
            return open_message
        if state.get("refusal"):
            part: Item = {"type": "refusal", "refusal": block.text}
        else:
            citations = as_objects((block.model_extra or {}).get("citations")) if state else []
            part = {"type": "output_text", "text": block.text, "annotations": citations}
        if open_message is not None and (state.get("part") or "item" not in state):
            open_message["content"].append(part)
            return open_message
        kept = self._remove_foreign_id({"type": "message", "role": "assistant", **state.get("item", {})}, state)
        return {**kept, "content": [part]}

    def _encode_call_block(self, block: ToolCallBlock, state: ReplayState) -> Item:
        kept = state.get("item", {})
        if kept.get("type", "function_call") == "function_call":
            item = {"type": "function_call", "call_id": block.id, "name": block.name, "arguments": "", **kept}
            item["arguments"] = kept.get("arguments") or self._dump_arguments(block.input)
        else:
            item = dict(kept)
        item = self._remove_foreign_id(item, state) if item["type"] in _REMOVABLE_ID_TYPES else item
        self.calls_by_key[block.id] = item
        return item

    def _encode_tool_calls_entry(self, call: Mapping[str, Any]) -> None:
        """A call that a loop kept under `tool_calls` only: its name under `tool`, `name` or `function`."""
        function = as_object(call.get("function"))
        key, name = call.get("id"), call.get("tool") or call.get("name") or function.get("name")
        if not isinstance(key, str) or not isinstance(name, str):
            self.dropped_content["tool call without an id or a name"] = None
            return
        arguments: object = call.get("arguments", function.get("arguments"))
        text = arguments if isinstance(arguments, str) else self._dump_arguments(arguments or {})
        item: Item = {"type": "function_call", "call_id": key, "name": name, "arguments": text}
        self.calls_by_key[key] = item
        self.items.append(item)

    def _dump_arguments(self, arguments: object) -> str:
        try:
            return dumps(arguments)
        except (TypeError, RecursionError):
            self.dropped_content["arguments of a tool call that cannot be written as JSON"] = None
            return "{}"

    def _replay_opaque_item(self, item: Item, state: ReplayState) -> Item | None:
        """An item that only its maker understands: verbatim to its origin, left out everywhere else."""
        own = state.get("origin") == self.origin
        if item.get("type") != "reasoning":
            if own and self.ids_are_valid:
                return item
            self.dropped_content[f"{item.get('type')} item of another account or behind left-out reasoning"] = None
            return None
        if not self.replay_reasoning_ids:
            item = {key: value for key, value in item.items() if key != "id"}
        replayable = item.get("encrypted_content") or item.get("content")
        self.ids_are_valid = bool(own and replayable and reasoning_key(item) not in self.refused_reasoning_keys)
        if not self.ids_are_valid:
            self.dropped_content["reasoning of another account, refused, or without its ciphertext"] = None
            return None
        return item

    def _remove_foreign_id(self, item: Item, state: ReplayState) -> Item:
        """Ids are labels of one origin: they go only with the reasoning they belong to."""
        if self.ids_are_valid and state.get("origin") == self.origin:
            return item
        rest = {key: value for key, value in item.items() if key != "id"}
        kind = item["type"]
        return (
            {**rest, "id": f"{_REQUIRED_ID_PREFIXES[kind]}_{item['call_id']}"[:64]}
            if kind in _REQUIRED_ID_PREFIXES
            else rest
        )


_INPUT_ROLES = frozenset({"user", "developer", "system"})
# Calls without an id are refused: "Missing required parameter: 'input[0].id'". Source: the item types of openai 3.52.
_REQUIRED_ID_PREFIXES = {"local_shell_call": "lsh", "computer_call": "cu"}
_REMOVABLE_ID_TYPES = frozenset({kind for kind, row in CLIENT_CALLS.items() if row.id_key == "call_id"})


def _read_reasoning_items(block: ReasoningBlock) -> list[Item]:
    return [cast(Item, item) for item in block.content if isinstance(as_object(item).get("type"), str)]


def _encode_input_part(block: Any) -> Item | None:
    match block:
        case TextBlock() if block.text:
            return make_text_part(block.text)
        case ImageBlock():
            return encode_media_part({**(block.model_extra or {}), "source": block.source})
        case _:
            return None


def _unwrap_tool_result(content: object) -> object:
    """Tool messages whose content is one `tool_result` block: the block's output is what the tool said."""
    blocks = as_objects(content)
    return blocks[0].get("output") if len(blocks) == 1 and blocks[0].get("type") == "tool_result" else content


def _join_text_blocks(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n\n".join(block.text for block in message.content if isinstance(block, TextBlock) and block.text)


def _drop_before_compaction(items: list[Item]) -> list[Item]:
    """A compaction item stands for all before its own turn; calls of that turn may be answered behind it."""
    at = max((index for index, item in enumerate(items) if item.get("type") == "compaction"), default=0)
    while at and not _is_input_item(items[at - 1]):
        at -= 1
    return items[at:]


def _is_input_item(item: Item) -> bool:
    return str(item.get("role")) in _INPUT_ROLES or item.get("type") in OUTPUT_TYPES


def _drop_dangling_reasoning(items: list[Item]) -> list[Item]:
    """Reasoning must be followed by what it led to; behind a cut or a lost call there may be nothing."""
    kept: list[Item] = []
    follows = False
    for item in reversed(items):
        if item.get("type") == "reasoning":
            if not follows:
                continue
        else:
            follows = not _is_input_item(item)
        kept.append(item)
    kept.reverse()
    return kept
