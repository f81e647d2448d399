"""The tools of behaviour tests: a session that records its hook events, a conversation, and builders of messages.

A conversation stores responses as the loops of hosts do.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from amplifier_core.events import ALL_EVENTS  # type: ignore[attr-defined]
from amplifier_core.message_models import ChatRequest, ImageBlock, Message, TextBlock, ToolCall, ToolSpec
from amplifier_core.models import HookResult
from openai_responses_common.engine.event_names import OWN_EVENTS
from openai_responses_common.transport._websocket_connection import WATCH_NAME
from responses_emulator import Emulator

from tests.support.backends import BackendUnderTest
from tests.support.coordinator import Coordinator

PATIENCE_S = 60.0  # only a call that hangs needs as long, even on a busy machine
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One recorded event."""

    name: str
    data: dict[str, Any]


class Recorder:
    """Records every event of a coordinator's hooks, in order."""

    def __init__(self, hooks: Any) -> None:
        self.events: list[RecordedEvent] = []
        for name in dict.fromkeys([*ALL_EVENTS, *OWN_EVENTS]):
            hooks.register(name, self._record, name=f"recorder:{name}")

    async def _record(self, event: str, data: dict[str, Any]) -> HookResult:
        self.events.append(RecordedEvent(event, json.loads(json.dumps(data))))
        return HookResult(action="continue")

    @property
    def names(self) -> list[str]:
        """The names of the events in order, without `llm:progress`: the time decides how many there are of it."""
        return [event.name for event in self.events if event.name != "llm:progress"]

    def named(self, *names: str) -> list[dict[str, Any]]:
        """Return the data of the events with these names."""
        return [event.data for event in self.events if event.name in names]

    def one(self, name: str) -> dict[str, Any]:
        """Return the data of the only event with this name. Fails if there is another number of them."""
        events = self.named(name)
        assert len(events) == 1, f"{len(events)} events {name} among {self.names}"
        return events[0]

    def shown(self, block_type: str = "text") -> str:
        """Return the text that a user saw of the blocks of one type. An abort takes all of it back."""
        texts: list[str] = []
        for event in self.events:
            if event.name == "llm:stream_aborted":
                texts.clear()
            elif event.name == "llm:stream_block_delta" and event.data["block_type"] == block_type:
                texts.append(event.data["text"])
        return "".join(texts)

    def visible_blocks(self) -> list[tuple[str, str]]:
        """Return type and text of each block that a user saw; of a call, its tool. Fails if a block did not end."""
        blocks: dict[int, list[str]] = {}
        ended: list[int] = []
        for name, data in ((event.name, event.data) for event in self.events):
            match name:
                case "llm:stream_aborted":
                    blocks.clear()
                    ended.clear()
                case "llm:stream_block_start":
                    assert data["block_index"] == len(blocks)
                    blocks[data["block_index"]] = [data["block_type"], data.get("name") or ""]
                case "llm:stream_block_delta":
                    assert data["sequence"] == len(blocks[data["block_index"]]) - 2
                    blocks[data["block_index"]].append(data["text"])
                case "llm:stream_block_end":
                    ended.append(data["block_index"])
                case _:
                    pass
        assert sorted(ended) == sorted(blocks), "each block that starts ends once"
        return [(kind, "".join(texts)) for kind, *texts in blocks.values()]


def returned_blocks(response: Any) -> list[tuple[str, str]]:
    """Return type and text of each block of a response, as `Recorder.visible_blocks` does."""
    kinds = {"text": "text", "thinking": "thinking", "tool_call": "tool_use"}
    return [(kinds[each.type.value], getattr(each, "text", None) or each.name) for each in response.content_blocks]


class Session:
    """A provider that the module's `mount()` put on the kernel's test coordinator."""

    def __init__(self, backend: BackendUnderTest, emulator: Emulator) -> None:
        self.backend = backend
        self.emulator = emulator
        self.coordinator: Any = Coordinator()
        self.recorder = Recorder(self.coordinator.hooks)
        self.provider: Any = None
        self.cleanup: Any = None

    async def mount(self, config: dict[str, Any]) -> Session:
        """Mount with exactly this config."""
        self.cleanup = await self.backend.mount(self.coordinator, config)
        self.provider = self.coordinator.get("providers")[self.backend.name]
        return self

    async def ask(self, *messages: Message | str, **fields: Any) -> Any:
        """Make a call with these messages and fields of the chat request. A call that hangs fails."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.provider.complete(asking(*messages, **fields))

    @property
    def body(self) -> dict[str, Any]:
        """The body of the newest model request."""
        return self.emulator.request_bodies[-1]

    def made(self, number: int = -1) -> dict[str, Any]:
        """Return the response object that the service made for a request; by default for the newest one."""
        response = self.emulator.model_requests[number].response
        assert response is not None
        return response

    @property
    def sent(self) -> int:
        """The number of requests to models that the service received."""
        return len(self.emulator.model_requests)


OpenSession = Callable[..., Awaitable[Session]]
"""Opens a session with settings that a test chooses."""


class Conversation:
    """A history that grows as in the loop of a host: each response is stored and read again for the next call.

    Args:
        session: the session that makes the calls.
        keep: turns a response into a message. The default is `stored`.
        fields: fields of every chat request.
    """

    def __init__(self, session: Session, *, keep: Callable[[Any], Message] | None = None, **fields: Any) -> None:
        self.session = session
        self.keep = keep or stored
        self.fields = fields
        self.messages: list[Message] = []

    async def say(self, text: str) -> Any:
        """Add a user message, and return the response to it."""
        self.messages.append(user(text))
        return await self.go_on()

    async def go_on(self, *results: Message) -> Any:
        """Add tool results, and return the response to them."""
        self.messages += results
        response = await self.session.ask(*self.messages, **self.fields)
        self.messages.append(self.keep(response))
        return response


def stored(response: Any) -> Message:
    """Return a response as the message that loops store."""
    return Message(**_as_a_dict(response))


def stored_as_json(response: Any) -> Message:
    """Return the same after it was written to a transcript file and read again."""
    return Message(**json.loads(json.dumps(_as_a_dict(response))))


def stored_without_nones(response: Any) -> Message:
    """Return the same after a transcript that drops null fields."""
    return Message(**_pruned(json.loads(json.dumps(_as_a_dict(response)))))


KEEPERS = [stored, stored_as_json, stored_without_nones]


def _as_a_dict(response: Any) -> dict[str, Any]:
    blocks = [block.model_dump() for block in response.content]
    calls = [{"id": call.id, "tool": call.name, "arguments": call.arguments} for call in response.tool_calls or []]
    message: dict[str, Any] = {"role": "assistant", "content": blocks, "metadata": response.metadata}
    if calls:
        message["tool_calls"] = calls
    if thinking := next((block for block in blocks if block["type"] == "thinking"), None):
        message["thinking_block"] = thinking
    return message


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [_pruned(entry) for entry in value if entry is not None]
    return value


def user(*content: Any) -> Message:
    """Return a user message of texts and blocks."""
    if len(content) == 1 and isinstance(content[0], str):
        return Message(role="user", content=content[0])
    return Message(role="user", content=[TextBlock(text=each) if isinstance(each, str) else each for each in content])


def system(text: str) -> Message:
    return Message(role="system", content=text)


def developer(text: str) -> Message:
    return Message(role="developer", content=text)


def assistant(content: str | list[dict[str, Any]], **beside: Any) -> Message:
    """Return an assistant message that another provider made."""
    return Message.model_validate({"role": "assistant", "content": content, **beside})


def state(block: Any) -> dict[str, Any]:
    """Return the replay state of a block."""
    return block.model_extra["openai"]


def result(call: ToolCall | str, content: Any = "ok") -> Message:
    """Return the tool message with the result of a call."""
    call_id = call if isinstance(call, str) else call.id
    return Message(role="tool", tool_call_id=call_id, content=content)


def picture(**source: Any) -> ImageBlock:
    """Return an image with this source; by default one red pixel."""
    return ImageBlock(source=source or {"type": "base64", "media_type": "image/png", "data": PIXEL})


def tool(name: str, *required: str, **extra: Any) -> ToolSpec:
    """Return a function tool whose parameters are strings."""
    properties = {key: {"type": "string"} for key in required}
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return ToolSpec(name=name, description=f"The tool {name}.", parameters=parameters, **extra)


def asking(*messages: Message | str, **fields: Any) -> ChatRequest:
    """Return a chat request. A string becomes a user message."""
    return ChatRequest(messages=[user(each) if isinstance(each, str) else each for each in messages], **fields)


def sent_tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tools of a body, wherever they stand: in the field `tools`, or in an item of the input."""
    items_of_tools = [item for item in body.get("input", ()) if item.get("type") == "additional_tools"]
    return [*body.get("tools", ()), *(each for item in items_of_tools for each in item["tools"])]


def sent_items(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the conversation in a body: the input items, without one that only holds the tools."""
    return [item for item in body["input"] if item.get("type") != "additional_tools"]


def items(body: dict[str, Any], *kinds: str) -> list[dict[str, Any]]:
    """Return the input items of these types, in order."""
    return [item for item in body["input"] if item["type"] in kinds]


def texts(body: dict[str, Any], role: str = "user") -> list[str]:
    """Return the texts of the messages of a role."""
    messages = [item for item in items(body, "message") if item["role"] == role]
    return [part["text"] for message in messages for part in message["content"] if "text" in part]


def other_tasks() -> set[asyncio.Task[Any]]:
    """Return every task of this loop but the current one, and those that read an idle connection."""
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current and task.get_name() != WATCH_NAME}


def blocked() -> set[threading.Thread]:
    """Return the threads of the library. Tests of a call that hangs leave some behind."""
    return {each for each in threading.enumerate() if each.name == "openai-responses-blocking"}


def server_items(body: dict[str, Any]) -> list[str]:
    """Return the types of the input items that are neither messages nor reasoning."""
    return [item["type"] for item in body["input"] if item["type"] not in {"message", "reasoning"}]
