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

from ..wire.client_calls import ANSWERS, CLIENT_CALLS, answer
from ..wire.json_values import dump, record, records
from ..wire.types import Item, reasoning_key
from .content import media_part, text_part, tool_output
from .replay_state import State, state_of


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedMessages:
    """`instructions` is the text of the leading system messages, if they were asked for apart; `dropped` says in
    words what could not be sent."""

    items: list[Item]
    instructions: str | None
    dropped: list[str]


def encode_messages(
    messages: Sequence[Message],
    *,
    origin: str,
    refused_reasoning: frozenset[str] = frozenset(),
    reasoning_ids: bool = True,
    apart: bool = True,
) -> EncodedMessages:
    """Translate a history.

    Args:
        messages: the whole history, oldest first.
        origin: account and endpoint that the request goes to; state of any other origin is foreign.
        refused_reasoning: reasoning items that the service would not take back (`reasoning_key`).
        reasoning_ids: reasoning goes back with its id.
        apart: give leading system messages as `instructions` instead of items.
    """
    encoder = _Encoder(origin=origin, refused_reasoning=refused_reasoning, reasoning_ids=reasoning_ids)
    leading = 0
    if apart:
        while leading < len(messages) and messages[leading].role == "system":
            leading += 1
    texts = [text for message in messages[:leading] if (text := _plain_text(message)).strip()]
    for message in messages[leading:]:
        encoder.message(message)
    leading = 0
    while leading < len(encoder.items) and encoder.items[leading].get("role") == "developer":
        leading += 1
    items = encoder.items[:leading] + _since_compaction(encoder.items[leading:])
    items = _without_dangling_reasoning(items)
    return EncodedMessages(items=items, instructions="\n\n".join(texts) or None, dropped=list(encoder.dropped))


@dataclass(slots=True)
class _Encoder:
    origin: str
    refused_reasoning: frozenset[str]
    reasoning_ids: bool
    items: list[Item] = field(default_factory=list[Item])
    dropped: dict[str, None] = field(default_factory=dict[str, None])
    calls: dict[str, Item] = field(default_factory=dict[str, Item])
    """Client calls so far, by key: a result goes back as the kind of item that its call asks for."""
    ids_hold: bool = True
    """False behind reasoning that was left out: the ids of what followed it would be refused."""

    def message(self, message: Message) -> None:
        match message.role:
            case "assistant":
                self._assistant(message)
            case "tool" | "function":
                self._tool(message)
            case role:
                self._input("developer" if role == "system" else role, message.content)

    def _input(self, role: str, content: str | list[Any]) -> None:
        parts: list[Item] = []
        for block in [TextBlock(text=content)] if isinstance(content, str) else content:
            if isinstance(block, ToolResultBlock):
                self._flush(role, parts)
                self._result(block.tool_call_id, block.output)
            elif isinstance(block, ReasoningBlock) and not state_of(block):
                self._flush(role, parts)
                self.items.extend(_raw_items(block))
            elif part := _input_part(block):
                parts.append(part)
            elif not isinstance(block, TextBlock):
                self.dropped[f"{block.type} block in a {role} message"] = None
        self._flush(role, parts)

    def _flush(self, role: str, parts: list[Item]) -> None:
        if parts:
            self.items.append({"type": "message", "role": role, "content": list(parts)})
            parts.clear()

    def _tool(self, message: Message) -> None:
        content = message.content
        if message.tool_call_id:
            value = content if isinstance(content, str) else [block.model_dump(exclude_none=True) for block in content]
            self._result(message.tool_call_id, _unwrapped(value))
        else:
            label = f"[Result of {message.name or 'a tool'}]"
            if isinstance(content, str):
                self._input("user", f"{label} {content}")
            elif all(isinstance(block, ToolResultBlock) for block in content):
                self._input("user", content)
            else:
                self._input("user", [TextBlock(text=label), *content])

    def _result(self, key: str, output: object) -> None:
        call = self.calls.get(key, {"type": "function_call", "call_id": key})
        self.items.append(answer(call, key, tool_output(output)))

    def _assistant(self, message: Message) -> None:
        self.ids_hold = True
        blocks = [TextBlock(text=message.content)] if isinstance(message.content, str) else message.content
        joinable: Item | None = None
        for block in blocks:
            state = state_of(block)
            item = None if state.get("local") else self._block(block, state, joinable)
            if item is not joinable and item is not None:
                self.items.append(item)
            joinable = item if item is not None and item["type"] == "message" else None
        if not any(isinstance(block, ToolCallBlock) for block in blocks):
            loose: object = (message.model_extra or {}).get("tool_calls")
            for call in cast(list[object], loose) if isinstance(loose, list) else []:
                self._loose_call(record(call.model_dump() if isinstance(call, BaseModel) else call))

    def _block(self, block: Any, state: State, joinable: Item | None) -> Item | None:
        match block:
            case TextBlock():
                return self._text(block, state, joinable)
            case ToolCallBlock():
                return self._call(block, state)
            case ThinkingBlock() | ReasoningBlock() if "item" in state and "type" in state["item"]:
                return self._opaque(state["item"], state)
            case ReasoningBlock() if state and (items := _raw_items(block)):
                return self._opaque(items[0], state)
            case ImageBlock() if "item" in state:
                return self._opaque({**state["item"], "result": block.source.get("data")}, state)
            case ToolResultBlock():
                self._result(block.tool_call_id, block.output)
            case ThinkingBlock() | RedactedThinkingBlock() | ReasoningBlock():
                self.ids_hold = False
                self.dropped["reasoning of another provider"] = None
            case _:
                self.dropped[f"{block.type} block in an assistant message"] = None
        return None

    def _text(self, block: TextBlock, state: State, joinable: Item | None) -> Item | None:
        if not block.text:
            return joinable
        if state.get("refusal"):
            part: Item = {"type": "refusal", "refusal": block.text}
        else:
            citations = records((block.model_extra or {}).get("citations")) if state else []
            part = {"type": "output_text", "text": block.text, "annotations": citations}
        if joinable is not None and (state.get("part") or "item" not in state):
            joinable["content"].append(part)
            return joinable
        kept = self._labelled({"type": "message", "role": "assistant", **state.get("item", {})}, state)
        return {**kept, "content": [part]}

    def _call(self, block: ToolCallBlock, state: State) -> Item:
        kept = state.get("item", {})
        if kept.get("type", "function_call") == "function_call":
            item = {"type": "function_call", "call_id": block.id, "name": block.name, "arguments": "", **kept}
            item["arguments"] = kept.get("arguments") or dump(block.input)
        else:
            item = dict(kept)
        item = self._labelled(item, state) if item["type"] in _ID_IS_A_LABEL else item
        self.calls[block.id] = item
        return item

    def _loose_call(self, call: Mapping[str, Any]) -> None:
        """A call that a loop kept under `tool_calls` only: its name under `tool`, `name` or `function`."""
        function = record(call.get("function"))
        key, name = call.get("id"), call.get("tool") or call.get("name") or function.get("name")
        if not isinstance(key, str) or not isinstance(name, str):
            self.dropped["tool call without an id or a name"] = None
            return
        arguments: object = call.get("arguments", function.get("arguments"))
        text = arguments if isinstance(arguments, str) else dump(arguments or {})
        item: Item = {"type": "function_call", "call_id": key, "name": name, "arguments": text}
        self.calls[key] = item
        self.items.append(item)

    def _opaque(self, item: Item, state: State) -> Item | None:
        """An item that only its maker understands: verbatim to its origin, left out everywhere else."""
        own = state.get("origin") == self.origin
        if item.get("type") != "reasoning":
            if own and self.ids_hold:
                return item
            self.dropped[f"{item.get('type')} item of another account or behind left-out reasoning"] = None
            return None
        if not self.reasoning_ids:
            item = {key: value for key, value in item.items() if key != "id"}
        replayable = item.get("encrypted_content") or item.get("content")
        self.ids_hold = bool(own and replayable and reasoning_key(item) not in self.refused_reasoning)
        if not self.ids_hold:
            self.dropped["reasoning of another account, refused, or without its ciphertext"] = None
            return None
        return item

    def _labelled(self, item: Item, state: State) -> Item:
        """Ids are labels of one origin: they go only with the reasoning they belong to."""
        if self.ids_hold and state.get("origin") == self.origin:
            return item
        rest = {key: value for key, value in item.items() if key != "id"}
        kind = item["type"]
        return {**rest, "id": f"{_NEEDS_ID[kind]}_{item['call_id']}"[:64]} if kind in _NEEDS_ID else rest


_INPUT_ROLES = frozenset({"user", "developer", "system"})
# Calls without an id are refused: "Missing required parameter: 'input[0].id'". Source: the item types of openai 3.52.
_NEEDS_ID = {"local_shell_call": "lsh", "computer_call": "cu"}
_ID_IS_A_LABEL = frozenset({kind for kind, row in CLIENT_CALLS.items() if row.id_key == "call_id"})


def _raw_items(block: ReasoningBlock) -> list[Item]:
    return [cast(Item, item) for item in block.content if isinstance(record(item).get("type"), str)]


def _input_part(block: Any) -> Item | None:
    match block:
        case TextBlock() if block.text:
            return text_part(block.text)
        case ImageBlock():
            return media_part({**(block.model_extra or {}), "source": block.source})
        case _:
            return None


def _unwrapped(content: object) -> object:
    """Tool messages whose content is one `tool_result` block: the block's output is what the tool said."""
    blocks = records(content)
    return blocks[0].get("output") if len(blocks) == 1 and blocks[0].get("type") == "tool_result" else content


def _plain_text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n\n".join(block.text for block in message.content if isinstance(block, TextBlock) and block.text)


def _since_compaction(items: list[Item]) -> list[Item]:
    """A compaction item stands for all before its own turn; calls of that turn may be answered behind it."""
    at = max((index for index, item in enumerate(items) if item.get("type") == "compaction"), default=0)
    while at and not _is_input(items[at - 1]):
        at -= 1
    return items[at:]


def _is_input(item: Item) -> bool:
    return str(item.get("role")) in _INPUT_ROLES or item.get("type") in ANSWERS


def _without_dangling_reasoning(items: list[Item]) -> list[Item]:
    """Reasoning must be followed by what it led to; behind a cut or a lost call there may be nothing."""
    kept: list[Item] = []
    follows = False
    for item in reversed(items):
        if item.get("type") == "reasoning":
            if not follows:
                continue
        else:
            follows = not _is_input(item)
        kept.append(item)
    kept.reverse()
    return kept
