"""Reads recorded exchanges, and what the reply of one says; shares no line with the library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from amplifier_core.message_models import ChatRequest, Message, ToolSpec

from tests.generated.fuzz.plain_sse import read_events

FOLDER = Path(__file__).parent / "recordings"
_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One exchange.

    Attributes:
        name: the name of its file.
        request: the body that was sent.
        status: the HTTP status of the reply.
        headers: those headers of the reply that a client may read.
        body: the bytes of the reply.
    """

    name: str
    request: Mapping[str, Any]
    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def items(self) -> list[dict[str, Any]]:
        """The finished items, each once, in the order in which the stream first shows them."""
        items: dict[tuple[str, str], dict[str, Any]] = {}
        for event in self._events:
            if event["type"] in ("response.output_item.added", "response.output_item.done"):
                items[event["item"]["type"], event["item"]["id"]] = event["item"]
        return list(items.values())

    @cached_property
    def response(self) -> dict[str, Any]:
        """The response object of the terminal event."""
        (response,) = [event["response"] for event in self._events if event["type"] in _TERMINAL]
        return response

    @property
    def texts(self) -> list[str]:
        """The text of each message that has one."""
        messages = ["".join(part["text"] for part in item["content"]) for item in self._of("message")]
        return [text for text in messages if text.strip()]

    @property
    def reasoning(self) -> list[str]:
        """The text of each reasoning item: its summary if it has one, and otherwise the reasoning itself."""
        items = self._of("reasoning")
        return ["\n\n".join(part["text"] for part in item["summary"] or item.get("content") or []) for item in items]

    @property
    def ciphertexts(self) -> list[str]:
        return [item["encrypted_content"] for item in self._of("reasoning") if item.get("encrypted_content")]

    @property
    def calls(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The id, the name and the arguments of each call."""
        return [(item["call_id"], item["name"], json.loads(item["arguments"])) for item in self._of("function_call")]

    @property
    def finish_reason(self) -> str:
        """As the kernel names it. Not every server says of a response at its limit that it is incomplete."""
        if self.response["status"] == "incomplete":
            return {"max_output_tokens": "length"}[self.response["incomplete_details"]["reason"]]
        limit = self.request.get("max_output_tokens")
        if limit and self.response["usage"]["output_tokens"] >= limit:
            return "length"
        return "tool_calls" if self.calls else "stop"

    def rebuild_request(self) -> ChatRequest:
        """Return the chat request behind the recorded body. Reasoning in its history is left out."""
        messages = [message for item in self.request["input"] for message in _rebuild_message(item)]
        tools = [
            ToolSpec(name=tool["name"], description=tool["description"], parameters=tool["parameters"])
            for tool in self.request.get("tools", [])
            if tool["type"] == "function"
        ]
        limit = self.request.get("max_output_tokens")
        return ChatRequest(messages=messages, tools=tools or None, max_output_tokens=limit)

    @cached_property
    def _events(self) -> list[dict[str, Any]]:
        return read_events(self.body)

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [item for item in self.items if item["type"] == kind]


def read_recordings() -> list[Recording]:
    """Return all recordings, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*.json"))]


def _read(path: Path) -> Recording:
    document = json.loads(path.read_text("utf-8"))
    return Recording(
        name=path.stem,
        request=document["request"],
        status=document["status"],
        headers=document["headers"],
        body="\n".join(document["body"]).encode(),
    )


def _rebuild_message(item: Mapping[str, Any]) -> list[Message]:
    match item["type"]:
        case "message":
            return [_message(item["role"], content=[_rebuild_block(part) for part in item["content"]])]
        case "function_call":
            call = {"id": item["call_id"], "name": item["name"], "input": json.loads(item["arguments"])}
            return [_message("assistant", content=[{"type": "tool_call", **call}])]
        case "function_call_output":
            output = item["output"]
            content = output if isinstance(output, str) else [_rebuild_block(part) for part in output]
            return [_message("tool", content=content, tool_call_id=item["call_id"])]
        case _:
            return []


def _message(role: str, **fields: Any) -> Message:
    return Message.model_validate({"role": role, **fields})


def _rebuild_block(part: Mapping[str, Any]) -> dict[str, Any]:
    if part["type"] != "input_image":
        return {"type": "text", "text": part["text"]}
    media_type, _, data = part["image_url"].removeprefix("data:").partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
