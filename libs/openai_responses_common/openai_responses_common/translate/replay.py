"""Decides which items and ids of earlier turns may be sent again, while a history is encoded from its start to its end.

Ciphertext and ids are valid for one origin. Reasoning of another origin, or without its ciphertext, is dropped together
with the ids of the items that depend on it, so that one conversation can move between backends.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..wire.client_calls import CLIENT_CALLS
from ..wire.json_values import dumps
from ..wire.types import Item, item_key
from .content_parts import encode_tool_result
from .cut_calls import CUT_CALL_TYPE
from .media import Media, encode_media
from .replay_state import ReplayState
from .tool_names import ToolNames

_REFERENCED_ID_TYPES = frozenset(item_type for item_type, row in CLIENT_CALLS.items() if row.id_key == "id")


@dataclass(slots=True, kw_only=True)
class Replay:
    """What the encoding of one history has seen so far.

    Attributes:
        origin: the account and endpoint that the request goes to.
        refused_item_keys: reasoning that the service refused before, by `item_key`.
        replay_reasoning_ids: whether reasoning is sent with its id.
        vision: whether the model sees images; true by default.
        dropped_content: what is not sent, in sentences for the user; an ordered set.
        tool_names: the names of the tools of the request.
        open_calls_without_id: how many client calls have neither an id nor a call output so far.
        ids_are_valid: false after dropped reasoning, because the service refuses the ids of what followed it.
    """

    origin: str
    refused_item_keys: frozenset[str]
    replay_reasoning_ids: bool
    vision: bool = True
    tool_names: ToolNames = field(default_factory=ToolNames)
    dropped_content: dict[str, None] = field(default_factory=dict[str, None])
    open_calls_without_id: int = 0
    ids_are_valid: bool = True

    def drop(self, description: str) -> None:
        """Report that content is not sent; a description counts once."""
        self.dropped_content[description] = None

    def encode_call(self, call_id: str, name: str, item: Item, state: ReplayState) -> Item:
        """Return the item of a client call.

        Args:
            call_id: the id by which the host pairs the call with its result.
            name: the host's name of the tool.
            item: the item as it was, or as it would be with any id and any name.
            state: the replay state of its block.
        """
        item = dict(item)
        if item["type"] in _REFERENCED_ID_TYPES:
            item.setdefault("id", call_id)
        else:
            item["call_id"] = call_id
        if not CLIENT_CALLS[item["type"]].tool_name:
            item["name"] = self.tool_names.encode(name)
        if not call_id:
            self.open_calls_without_id += 1
        return self.remove_invalid_id(item, state)

    def encode_call_output(self, call_id: str, output: object) -> Item:
        """Return the call output that carries a tool result, as that of a function; the repair knows its call."""
        if not call_id:
            self.open_calls_without_id -= 1
        return {
            "type": "function_call_output",
            "call_id": call_id,
            "output": encode_tool_result(output, self.encode_media),
        }

    def encode_media(self, media: Media) -> Item:
        """Return the part for an image or a file, or a line that says why it is left out, which is reported."""
        part, reason = encode_media(media, vision=self.vision)
        if reason:
            self.drop(reason)
        return part

    def dump_arguments(self, arguments: object) -> str:
        """Return arguments as JSON; an empty object if JSON cannot hold them."""
        try:
            return dumps(arguments)
        except (TypeError, ValueError, RecursionError):
            self.drop("arguments of a tool call that cannot be written as JSON")
            return "{}"

    def replay_opaque_item(self, item: Item, state: ReplayState) -> Item | None:
        """Return an item that only its origin can read; None if it is dropped. A cut call is for every origin."""
        if item.get("type") == CUT_CALL_TYPE:
            return item
        is_own = state.get("origin") == self.origin
        if item.get("type") == "reasoning":
            return self._replay_reasoning(item, is_own)
        if is_own and self.ids_are_valid:
            return item
        self.drop(f"{item.get('type')} item of another account or behind left-out reasoning")
        return None

    def _replay_reasoning(self, item: Item, is_own: bool) -> Item | None:
        if not self.replay_reasoning_ids:
            item = {key: value for key, value in item.items() if key != "id"}
        is_readable = bool(item.get("encrypted_content") or item.get("content"))
        self.ids_are_valid = is_own and is_readable and item_key(item) not in self.refused_item_keys
        if self.ids_are_valid:
            return item
        self.drop("reasoning of another account, refused, or without its ciphertext")
        return None

    def remove_invalid_id(self, item: Item, state: ReplayState) -> Item:
        """Return the item without an id of another origin, or one that belongs to dropped reasoning.

        An item keeps the id to which its call output refers. The repair adds an id that the service requires.
        """
        if item["type"] in _REFERENCED_ID_TYPES or (self.ids_are_valid and state.get("origin") == self.origin):
            return item
        return {key: value for key, value in item.items() if key != "id"}
