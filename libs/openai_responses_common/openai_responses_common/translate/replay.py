"""Decides which items and ids of earlier turns may be sent again, while a history is encoded from its start to its end.

Ciphertext and ids are valid for one origin. Reasoning of another origin, or without its ciphertext, is dropped together
with the ids of the items that depend on it, so that one conversation can move between backends.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..wire.client_calls import CLIENT_CALLS, call_output
from ..wire.json_values import dumps
from ..wire.types import Item, item_key
from .content_parts import encode_tool_result
from .media import Media, encode_media
from .replay_state import ReplayState

# Calls without an id are refused: "Missing required parameter: 'input[0].id'". Source: the item types of openai 3.52.
_REQUIRED_ID_PREFIXES = {"local_shell_call": "lsh", "computer_call": "cu"}
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
        calls_by_key: the client calls so far. The type of a call output depends on its call.
        ids_are_valid: false after dropped reasoning, because the service refuses the ids of what followed it.
    """

    origin: str
    refused_item_keys: frozenset[str]
    replay_reasoning_ids: bool
    vision: bool = True
    dropped_content: dict[str, None] = field(default_factory=dict[str, None])
    calls_by_key: dict[str, Item] = field(default_factory=dict[str, Item])
    ids_are_valid: bool = True

    def drop(self, description: str) -> None:
        """Report that content is not sent; a description counts once."""
        self.dropped_content[description] = None

    def encode_call(self, key: str, item: Item, state: ReplayState) -> Item:
        """Return the item of a client call, and remember it for its call output."""
        item = self.calls_by_key[key] = self.remove_invalid_id(item, state)
        return item

    def encode_call_output(self, call_id: str, output: object) -> Item:
        """Return the call output that carries a tool result; a function's if no call has this id."""
        call = self.calls_by_key.get(call_id, {"type": "function_call", "call_id": call_id})
        return call_output(call, call_id, encode_tool_result(output, self.encode_media))

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
        """Return an item that only its origin can read; None if it is dropped."""
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

        Two types must have an id and get a new one. An item keeps the id to which its call output refers.
        """
        item_type = item["type"]
        if item_type in _REFERENCED_ID_TYPES or (self.ids_are_valid and state.get("origin") == self.origin):
            return item
        fields = {key: value for key, value in item.items() if key != "id"}
        if prefix := _REQUIRED_ID_PREFIXES.get(item_type):
            fields["id"] = f"{prefix}_{item['call_id']}"[:64]
        return fields
