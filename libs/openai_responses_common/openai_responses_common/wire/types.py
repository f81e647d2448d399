"""Types of the Responses API's JSON.

Only the keys that we write are spelled out. What the service sends stays as it came, unknown keys included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Required, TypeAlias, TypedDict

Item: TypeAlias = dict[str, Any]
"""An input or output item: message, reasoning, function_call, web_search_call …"""


Event: TypeAlias = dict[str, Any]
"""One event of the stream; its `type` says which."""


Response: TypeAlias = dict[str, Any]
"""The response object of a terminal event."""


class Body(TypedDict, total=False):
    """A request to `POST /responses`, in the order in which it is sent.

    `input` comes last and everything before it is stable within a conversation, so the bytes of one request are a
    prefix of the next one's up to the end of the shared history. Prompt caches depend on that.
    """

    model: Required[str]
    stream: bool
    store: bool
    background: bool
    background_options: dict[str, Any]
    service_tier: str
    include: list[str]
    reasoning: dict[str, Any]
    text: dict[str, Any]
    temperature: float
    top_p: float
    max_output_tokens: int
    parallel_tool_calls: bool
    truncation: str
    prompt_cache_key: str
    prompt_cache_retention: str
    prompt_cache_options: dict[str, Any]
    safety_identifier: str
    instructions: str
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    input: Required[list[Item]]


TERMINAL_STATUS: Mapping[str, str] = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
}
"""Terminal events that have a response, and the status that each implies if the response has none."""


EFFORT_UPDATE_TYPE = "configuration_update"
"""The input item that changes the effort from there on. The host's messages imply it, and no model makes it."""


def item_key(item: Item) -> str:
    """Return what identifies an item that only its service reads: its id, the start of its ciphertext, or its text."""
    ciphertext: object = item.get("encrypted_content")
    return str(
        item.get("id") or (str(ciphertext)[:64] if ciphertext else f"{item.get('content')}{item.get('summary')}")
    )
