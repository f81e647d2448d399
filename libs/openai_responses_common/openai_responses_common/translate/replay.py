"""Decides which items and ids of earlier turns may be sent again, while a history is encoded from its start to its end.

Ciphertext, raw reasoning and ids are valid for one account, endpoint and model. Other reasoning is dropped together
with the ids of the items that depend on it, so that one conversation can move between backends and between models. Of
what others made, only the fields that the API has for an item are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..facts.model_ids import name_same_model
from ..facts.model_traits import find_traits
from ..wire.client_calls import CLIENT_CALLS
from ..wire.json_values import dumps
from ..wire.types import Item, item_key
from .content_parts import encode_tool_result
from .cut_calls import CUT_CALL_TYPE
from .media import Media, encode_media
from .replay_state import ReplayState
from .tool_names import ToolNames

_REFERENCED_ID_TYPES = frozenset(item_type for item_type, row in CLIENT_CALLS.items() if row.id_key == "id")


# What an item of another origin may carry: some servers add fields, and the API refuses those that it does not know
# ("Unknown parameter: 'input[1].annotations'"; transformers serve 5.24 writes it, seen 2026-11-30). Left out are also
# `caller` and `async`, which refer to other items of their origin. Source: the item types of openai 3.57.
PORTABLE_FIELDS: Mapping[str, frozenset[str]] = {
    "message": frozenset({"type", "role", "content", "phase"}),
    "function_call": frozenset({"type", "call_id", "name", "arguments", "namespace"}),
    "custom_tool_call": frozenset({"type", "call_id", "name", "input", "namespace"}),
    "shell_call": frozenset({"type", "call_id", "action", "environment", "status"}),
    "local_shell_call": frozenset({"type", "call_id", "action", "status"}),
    "apply_patch_call": frozenset({"type", "call_id", "operation", "status"}),
    "computer_call": frozenset({"type", "call_id", "action", "actions", "pending_safety_checks", "status"}),
    "tool_search_call": frozenset({"type", "call_id", "arguments", "execution", "status"}),
    "mcp_approval_request": frozenset({"type", "name", "arguments", "server_label"}),
}
"""By the type of an item, the fields with which it goes to a service that did not make it, beside a valid id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetModel:
    """What the model of the request reads.

    Attributes:
        names: its names: the one in the request, and its id in the tables. Without names it reads what any model made.
        ciphertext_family: the models whose ciphertext and raw reasoning it reads too, see `ModelTraits`; empty by
            default.
        is_alias: its name may stand for a model of another name, as that of a deployment does; false by default.
        reasons: whether it accepts reasoning items; true by default.
        reads_summaries: whether it reads reasoning that has a summary only; false by default.
        vision: whether it sees images; true by default.
    """

    names: tuple[str, ...] = ()
    ciphertext_family: str = ""
    is_alias: bool = False
    reasons: bool = True
    reads_summaries: bool = False
    vision: bool = True

    def reads(self, state: ReplayState) -> bool:
        """Return whether it reads what the model of a replay state made; true if the state names no model."""
        model = state.get("model")
        if not self.names or not model or any(name_same_model(name, model) for name in self.names):
            return True
        if self.is_alias and state.get("alias") == self.names[0]:
            return True
        return bool(self.ciphertext_family) and find_traits(model).ciphertext_family == self.ciphertext_family


@dataclass(slots=True, kw_only=True)
class Replay:
    """What the encoding of one history has seen so far.

    Attributes:
        origin: the account and endpoint that the request goes to.
        refused_item_keys: reasoning that the service refused before, by `item_key`.
        replay_reasoning_ids: whether reasoning is sent with its id.
        target: what the model of the request reads.
        dropped_content: what is not sent, in sentences for the user; an ordered set.
        tool_names: the names of the tools of the request.
        open_calls_without_id: how many client calls have neither an id nor a call output so far.
        ids_are_valid: false after dropped reasoning, because the service refuses the ids of what followed it.
        own_by_maker: by origin, model and alias, what `is_own` returned before; a history has few of them.
        aliases: the names of tools that the service does not accept, with those that stand for them.
    """

    origin: str
    refused_item_keys: frozenset[str]
    replay_reasoning_ids: bool
    target: TargetModel = field(default_factory=TargetModel)
    tool_names: ToolNames = field(default_factory=ToolNames)
    dropped_content: dict[str, None] = field(default_factory=dict[str, None])
    open_calls_without_id: int = 0
    ids_are_valid: bool = True
    own_by_maker: dict[tuple[object, ...], bool] = field(default_factory=dict[tuple[object, ...], bool])
    aliases: dict[str, str] = field(default_factory=dict[str, str])

    def is_own(self, state: ReplayState) -> bool:
        """Return whether the target itself made an item, or reads it as if it had."""
        # A damaged transcript may have anything here, also what cannot be a key.
        maker = tuple(str(state.get(key)) for key in ("origin", "model", "alias"))
        if maker not in self.own_by_maker:
            self.own_by_maker[maker] = maker[0] == self.origin and self.target.reads(state)
        return self.own_by_maker[maker]

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
            item["name"] = self.encode_tool_name(name)
        if not call_id:
            self.open_calls_without_id += 1
        return self.make_sendable(item, state)

    def encode_tool_name(self, name: str) -> str:
        """Return the name under which the service accepts a tool."""
        alias = self.tool_names.encode(name)
        if alias != name:
            self.aliases[name] = alias
        return alias

    def encode_call_output(self, call_id: str, output: object) -> Item:
        """Return the call output that carries a tool result, as that of a function; the repair knows its call."""
        if not call_id:
            self.open_calls_without_id = max(0, self.open_calls_without_id - 1)
        return {
            "type": "function_call_output",
            "call_id": call_id,
            "output": encode_tool_result(output, self.encode_media),
        }

    def encode_media(self, media: Media) -> Item:
        """Return the part for an image or a file, or a line that says why it is left out, which is reported."""
        part, reason = encode_media(media, vision=self.target.vision)
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
        """Return an item that only its maker can read; None if it is dropped. A cut call is for every maker."""
        if item.get("type") == CUT_CALL_TYPE:
            return item
        is_own = self.is_own(state)
        if item.get("type") == "reasoning":
            return self._replay_reasoning(item, is_own)
        if is_own and self.ids_are_valid and item_key(item) not in self.refused_item_keys:
            return item
        self.drop(f"{item.get('type')} item of another account or model, or behind left-out reasoning")
        return None

    def _replay_reasoning(self, item: Item, is_own: bool) -> Item | None:
        if not self.replay_reasoning_ids:
            item = {key: value for key, value in item.items() if key != "id"}
        has_text = bool(item.get("content") or (self.target.reads_summaries and item.get("summary")))
        reason = ""
        if not self.target.reasons:
            reason = "this model accepts none"
        elif not is_own:
            reason = "another account or model made it"
        elif not has_text and not item.get("encrypted_content"):
            reason = "it has no ciphertext"
        elif item_key(item) in self.refused_item_keys:
            reason = "the service refused it"
        self.ids_are_valid = not reason
        if not reason:
            return item
        self.drop(f"reasoning of an earlier turn is left out: {reason}")
        return None

    def make_sendable(self, item: Item, state: ReplayState) -> Item:
        """Return the item without an id that is not valid here, and without fields that only its origin knows.

        An id is not valid if it is of another maker, or if it belongs to dropped reasoning. An item keeps the id to
        which its call output refers. The repair adds an id that the service requires.
        """
        item_type, is_own = item["type"], self.is_own(state)
        keeps_id = item_type in _REFERENCED_ID_TYPES or (is_own and self.ids_are_valid)
        if not is_own and (fields := PORTABLE_FIELDS.get(item_type)):
            return {key: value for key, value in item.items() if key in fields or (keeps_id and key == "id")}
        return item if keeps_id else {key: value for key, value in item.items() if key != "id"}
