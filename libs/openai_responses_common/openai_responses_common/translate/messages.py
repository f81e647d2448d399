"""Encodes Amplifier's messages as input items: an assistant message becomes the items that it was decoded from.

Order, ids, summary parts, ciphertext, phase and the original argument strings stay as they were. Reads the messages and
never changes them. Knows messages and the order of items; `blocks` encodes each block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from amplifier_core.message_models import Message, TextBlock, ToolCallBlock, ToolResultBlock
from pydantic import BaseModel

from ..facts.traits import SystemTextRole
from ..wire.json_values import as_object
from ..wire.types import Item
from .blocks import CONTENT_BLOCKS
from .call_order import are_in_order, is_input_item, read_order_facts
from .compaction import split_history
from .content_parts import dump_model, make_text_part
from .cut_calls import CUT_CALL_TYPE, encode_cut_call
from .effort_updates import plan_effort
from .encoding_cache import CachedMessages, EncodedMessage, EncodingCache
from .replay import Replay, TargetModel
from .replay_state import ReplayState, read_replay_state
from .tool_names import ToolNames


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedMessages:
    """The input items of a history.

    Attributes:
        items: in the order in which they are sent.
        instructions: the text of the leading system messages. None if there is none, or if they are items.
        dropped_content: what is not sent, in sentences for the user.
        window: what the service made of the messages before it. It is not among the items; empty by default.
        window_index: where in the items it belongs.
        are_in_order: whether the items need no repair; if not, only `repair_calls` can say.
        effort: what the field of the request says, see `effort_updates`; None if the items change no effort.
    """

    items: list[Item]
    instructions: str | None
    dropped_content: list[str]
    are_in_order: bool
    effort: str | None = None
    window: list[Item] = field(default_factory=list[Item])
    window_index: int = 0


def encode_messages(
    messages: Sequence[Message],
    *,
    origin: str,
    tool_names: ToolNames | None = None,
    refused_item_keys: frozenset[str] = frozenset(),
    replay_reasoning_ids: bool = True,
    system_as_instructions: bool = True,
    system_text_role: SystemTextRole = "developer",
    target: TargetModel | None = None,
    effort: str | None = None,
    default_effort: str | None = None,
    cache: EncodingCache | None = None,
) -> EncodedMessages:
    """Return a history as input items.

    Args:
        messages: the whole history, oldest first.
        origin: the account and endpoint that the request goes to.
        tool_names: the names of the tools of the request. None, the default, if no tool has an alias.
        refused_item_keys: reasoning that the service refused before, by `item_key`; none by default.
        replay_reasoning_ids: whether reasoning is sent with its id; true by default.
        system_as_instructions: whether leading system messages become `instructions`; true by default.
        system_text_role: the role of all other system messages, and of developer messages; `developer` by default.
        target: what the model of the request reads. None, the default, reads what any model made.
        effort: the effort of the request, if items may change it, see `effort_updates`. None, the default, adds none.
        default_effort: the model's own effort; None, the default, if it is not known.
        cache: what earlier requests encoded. None, the default, encodes everything anew.

    Raises:
        InvalidRequestError: see `read_window`.
    """
    target = target or TargetModel()
    history = split_history(messages, model_names=target.names, origin=origin)
    replay = Replay(
        origin=origin,
        tool_names=tool_names or ToolNames(),
        refused_item_keys=refused_item_keys,
        replay_reasoning_ids=replay_reasoning_ids,
        target=target,
    )
    encoder, dropped = _MessageEncoder(replay, system_text_role), replay.dropped_content
    start = _count_leading_system_messages(history.messages) if system_as_instructions else 0
    instructions = encoder.join_messages(history.messages[:start])
    # All that decides what the items of a message are, besides the message and the aliases of tools.
    context = (origin, refused_item_keys, replay_reasoning_ids, replay.target, system_text_role)
    encoded = encoder.encode_messages(history.messages[start:], cache.begin(context) if cache else None)
    plan = plan_effort(encoded, effort, default_effort) if effort else None
    items = plan.items if plan else [item for message in encoded for item in message.items]
    in_order = are_in_order([message.facts for message in encoded])
    dropped |= {text: None for message in encoded if message.dropped_content for text in message.dropped_content}
    return EncodedMessages(
        items=items if in_order else _drop_dangling_reasoning(_drop_before_compaction(items)),
        instructions=instructions,
        dropped_content=list(dropped),
        are_in_order=in_order,
        effort=plan.effort if plan else effort,
        window=[] if history.window and any(item.get("type") == "compaction" for item in items) else history.window,
        window_index=sum(len(message.items) for message in encoded[: max(len(history.system_texts) - start, 0)]),
    )


def _count_leading_system_messages(messages: Sequence[Message]) -> int:
    return next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))


@dataclass(slots=True)
class _MessageEncoder:
    replay: Replay
    system_text_role: SystemTextRole
    items: list[Item] = field(default_factory=list[Item])
    effort: str = ""

    def join_messages(self, messages: Sequence[Message]) -> str | None:
        """Return the text of system messages for `instructions`; None if they have none."""
        texts = [text for message in messages if (text := self.join_texts(message)).strip()]
        return "\n\n".join(texts) or None

    def join_texts(self, message: Message) -> str:
        """Return the text of a message for `instructions`, which hold nothing else."""
        blocks = _as_blocks(message.content)
        for block in blocks:
            if not isinstance(block, TextBlock):
                self.replay.drop(f"{block.type} block in a {message.role} message")
        return "\n\n".join(block.text for block in blocks if isinstance(block, TextBlock) and block.text)

    def encode_messages(self, messages: Sequence[Message], cache: CachedMessages | None) -> list[EncodedMessage]:
        """Return what each message becomes, from the cache if it is there and nothing before it counts."""
        replay, encode = self.replay, self._encode_message
        tool_names = replay.tool_names
        result: list[EncodedMessage] = []
        for message in messages:
            if cache is None or replay.open_calls_without_id:
                encoded = encode(message)
            else:
                encoded = cache.encode(message, encode)
                aliases = encoded.aliases
                if aliases and any(tool_names.encode(name) != alias for name, alias in aliases.items()):
                    encoded = encode(message)
            result.append(encoded)
        return result

    def _encode_message(self, message: Message) -> EncodedMessage:
        self.items, self.replay.dropped_content, self.replay.aliases, self.effort = [], {}, {}, ""
        had_open_calls = bool(self.replay.open_calls_without_id)
        self._add_items(message)
        return EncodedMessage(
            items=self.items,
            dropped_content=self.replay.dropped_content,
            aliases=self.replay.aliases,
            facts=read_order_facts(self.items),
            is_reusable=not (had_open_calls or self.replay.open_calls_without_id),
            effort=self.effort,
        )

    def _add_items(self, message: Message) -> None:
        match message.role:
            case "assistant":
                self._encode_assistant_message(message)
            case "tool" | "function":
                self._encode_tool_message(message)
            case "system" | "developer":
                self._encode_input_message(self.system_text_role, message.content)
            case role:
                self._encode_input_message(role, message.content)

    def _encode_input_message(self, role: str, content: str | list[Any]) -> None:
        if isinstance(content, str):  # a block for each text of a history takes as long as all the rest of this
            self._append_message(role, [make_text_part(content)] if content else [])
            return
        parts: list[Item] = []
        for block in content:
            row = CONTENT_BLOCKS.get(block.type)
            encoded = row.encode_input(block, self.replay) if row else None
            if row is None or encoded is None:
                self.replay.drop(f"{block.type} block in a {role} message")
            elif row.input_is_item:
                self._append_message(role, parts)
                self.items.extend(encoded)
            else:
                parts.extend(encoded)
        self._append_message(role, parts)

    def _append_message(self, role: str, parts: list[Item]) -> None:
        if parts:
            self.items.append({"type": "message", "role": role, "content": list(parts)})
            parts.clear()

    def _encode_tool_message(self, message: Message) -> None:
        content = message.content
        call_id = message.tool_call_id or ""
        if call_id or self.replay.open_calls_without_id > 0:
            self.items.append(self.replay.encode_call_output(call_id, _unwrap_tool_result(content)))
            return
        label = f"[Result of {message.name or 'a tool'}]"
        if isinstance(content, str):
            self._encode_input_message("user", f"{label} {content}")
        elif all(isinstance(block, ToolResultBlock) for block in content):
            self._encode_input_message("user", content)
        else:
            self._encode_input_message("user", [TextBlock(text=label), *content])

    def _encode_assistant_message(self, message: Message) -> None:
        self.replay.ids_are_valid = True
        blocks = _as_blocks(message.content)
        open_message: Item | None = None
        for block in blocks:
            state = read_replay_state(block)
            if (effort := state.get("effort")) and self.replay.is_own(state):
                self.effort = effort
            item = None if state.get("local") else self._encode_output_block(block, state, open_message)
            if item is not open_message and item is not None:
                self._append_output_item(item)
            open_message = item if item is not None and item["type"] == "message" else None
        if not any(isinstance(block, ToolCallBlock) for block in blocks):
            self._encode_tool_calls_field((message.model_extra or {}).get("tool_calls"))

    def _append_output_item(self, item: Item) -> None:
        if item["type"] != CUT_CALL_TYPE:
            self.items.append(item)
        elif items := encode_cut_call(item):
            items[0]["name"] = self.replay.encode_tool_name(str(items[0].get("name") or ""))
            self.items += items
        else:
            self.replay.drop(f"{as_object(item.get('call')).get('type')} that was cut off")

    def _encode_output_block(self, block: Any, state: ReplayState, open_message: Item | None) -> Item | None:
        row = CONTENT_BLOCKS.get(block.type)
        if row is None:
            self.replay.drop(f"{block.type} block in an assistant message")
            return None
        return row.encode_output(block, state, open_message, self.replay)

    def _encode_tool_calls_field(self, entries: object) -> None:
        """Some hosts store calls only in the field `tool_calls` of the message."""
        for entry in cast(list[object], entries) if isinstance(entries, list) else []:
            self._encode_tool_calls_entry(as_object(dump_model(entry) if isinstance(entry, BaseModel) else entry))

    def _encode_tool_calls_entry(self, entry: Mapping[str, Any]) -> None:
        """Each entry has the tool's name under `tool`, `name` or `function`."""
        function = as_object(entry.get("function"))
        key, name = entry.get("id"), entry.get("tool") or entry.get("name") or function.get("name")
        if not key and not name:
            self.replay.drop("tool call without an id and a name")
            return
        arguments: object = entry.get("arguments", function.get("arguments"))
        text = arguments if isinstance(arguments, str) else self.replay.dump_arguments(arguments or {})
        item: Item = {"type": "function_call", "call_id": "", "name": "", "arguments": text}
        self.items.append(self.replay.encode_call(str(key or ""), str(name or ""), item, ReplayState()))


_SYSTEM_ROLES = frozenset({"developer", "system"})


def _as_blocks(content: str | list[Any]) -> list[Any]:
    return [TextBlock(text=content)] if isinstance(content, str) else content


def _unwrap_tool_result(content: str | list[Any]) -> object:
    """Return the output of the `tool_result` block that is a tool message's only block; else the content itself."""
    return content[0].output if len(content) == 1 and isinstance(content[0], ToolResultBlock) else content


def _drop_before_compaction(items: list[Item]) -> list[Item]:
    """Return the leading system text, and the items from the turn of the last compaction on.

    A compaction item stands for everything before its own turn; calls of that turn may have their outputs after it.
    """
    lead = next((index for index, item in enumerate(items) if item.get("role") not in _SYSTEM_ROLES), len(items))
    start = max((index for index, item in enumerate(items) if item.get("type") == "compaction"), default=lead)
    while start > lead and not is_input_item(items[start - 1]):
        start -= 1
    return items[:lead] + items[start:]


def _drop_dangling_reasoning(items: list[Item]) -> list[Item]:
    """Return the items without reasoning that no output item follows: the service refuses it.

    A compaction or a dropped item may leave such reasoning.
    """
    result: list[Item] = []
    has_output_after = False
    for item in reversed(items):
        if item.get("type") == "reasoning":
            if not has_output_after:
                continue
        else:
            has_output_after = not is_input_item(item)
        result.append(item)
    result.reverse()
    return result
