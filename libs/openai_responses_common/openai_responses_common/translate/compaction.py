"""The window that a service made of a conversation, and the message in which a host keeps it.

The window is opaque: it goes back whole and unchanged, to no other model, account or endpoint than made it. It stands
for all messages before it except system text, which the host sends again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from amplifier_core.llm_errors import InvalidRequestError
from amplifier_core.message_models import Message

from ..facts.model_ids import name_same_model
from ..wire.client_calls import OUTPUT_TYPES, find_client_call, read_call_key, read_output_key
from ..wire.json_values import as_object
from ..wire.types import Item

WINDOW_KEY = "openai:compaction"
"""The key in the metadata of a message. Microsoft's modules use it, too (seen 2026-11-30)."""

# The metadata by which `bundle-context-managed` knows its own messages (seen 2026-11-30).
_HOST_METADATA: Mapping[str, Any] = {"ephemeral": True, "persisted": True, "source": "context-managed"}
_VERSION = 1
_LABEL = "[The conversation up to here, as the service compacted it. Only the model that made it can read it.]"


def make_window_message(output: Sequence[Item], *, model: str, origin: str) -> dict[str, Any]:
    """Return the message that carries a window.

    Args:
        output: the items that the service made.
        model: the model of the request.
        origin: the account and the endpoint.
    """
    state = {"version": _VERSION, "model": model, "origin": origin, "output": list(output)}
    return {"role": "user", "content": _LABEL, "metadata": {**_HOST_METADATA, WINDOW_KEY: state}}


def holds_window(metadata: object) -> bool:
    """Return whether the metadata of a message hold a window."""
    return isinstance(metadata, Mapping) and WINDOW_KEY in metadata


def read_window(metadata: object, *, model_names: Sequence[str], origin: str) -> list[Item]:
    """Return the window in the metadata of a message.

    Args:
        metadata: the metadata, with a window.
        model_names: the names of the model that is to read it.
        origin: the account and the endpoint that the request goes to.

    Raises:
        InvalidRequestError: another model, account or endpoint made it, or it is damaged.
    """
    state = as_object(cast(Mapping[str, Any], metadata).get(WINDOW_KEY))
    output: object = state.get("output")
    model = str(state.get("model") or "")
    if state.get("version") != _VERSION or not is_window(output):
        raise InvalidRequestError(f"the compacted conversation is damaged: {_REMEDY}")
    if not any(name_same_model(name, model) for name in model_names):
        raise InvalidRequestError(f"only {model or 'another model'} can read the compacted conversation: {_REMEDY}")
    if state.get("origin") != origin:
        raise InvalidRequestError(
            f"only the account and the address that compacted the conversation can read it: {_REMEDY}"
        )
    return cast(list[Item], output)


_REMEDY = "go on there, or begin a new session"


def is_window(output: object) -> bool:
    """Return whether a value is a list of items with a compaction and its ciphertext among them."""
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in cast(list[object], output)):
        return False
    return any(is_compaction(item) for item in cast(list[Item], output))


def is_compaction(item: Item) -> bool:
    """Return whether an item is a compaction with its ciphertext."""
    return item.get("type") == "compaction" and bool(item.get("encrypted_content"))


@dataclass(frozen=True, slots=True)
class SplitHistory:
    """A history that a window stands at the beginning of.

    Attributes:
        system_texts: the messages before the window that it does not hold.
        window: the items of the window; empty if there is none.
        rest: the messages behind it.
    """

    system_texts: Sequence[Message]
    window: list[Item]
    rest: Sequence[Message]

    @property
    def messages(self) -> Sequence[Message]:
        """All messages that are encoded one by one."""
        return [*self.system_texts, *self.rest] if self.system_texts else self.rest


def split_history(messages: Sequence[Message], *, model_names: Sequence[str], origin: str) -> SplitHistory:
    """Return a history in the parts before, of and behind its newest window. The errors are those of `read_window`."""
    for index in range(len(messages) - 1, -1, -1):
        metadata = messages[index].metadata
        if metadata and holds_window(metadata):
            window = read_window(metadata, model_names=model_names, origin=origin)
            texts = [message for message in messages[:index] if message.role in ("system", "developer")]
            return SplitHistory(texts, window, messages[index + 1 :])
    return SplitHistory((), [], messages)


def find_answered_calls(window: list[Item], items: list[Item]) -> list[Item]:
    """Return the calls of a window whose outputs stand behind it.

    The other ones are in order: their outputs are in the window, or in its ciphertext.

    Args:
        window: the window.
        items: the items behind it.
    """
    if not window:
        return []
    outputs = {read_output_key(item) for item in items if item.get("type") in OUTPUT_TYPES}
    outputs -= {read_call_key(item) for item in items if find_client_call(item)}
    outputs -= {read_output_key(item) for item in window if item.get("type") in OUTPUT_TYPES}
    return [item for item in window if find_client_call(item) and read_call_key(item) in outputs]


def encode_threshold(threshold: int | None) -> list[Item] | None:
    """Return the field of a request by which the service compacts within a response. None if it shall not."""
    return None if threshold is None else [{"type": "compaction", "compact_threshold": threshold}]


def build_window(items: Sequence[Item], compaction: Item) -> list[Item]:
    """Return the window of a compaction that came in a stream: the messages of the user, and the compaction.

    Source: what OpenAI's own client sends next (captured 2026-11-30).
    """
    return [*(item for item in items if item.get("role") == "user"), compaction]
