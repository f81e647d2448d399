"""Calls that are not functions: handed to the loop as tool calls, and answered with the item that each asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.message_models import Message, ToolCall
from responses_emulator import CustomCall, HostedItem, Say, Think, Turn

from tests.support.session import KEEPERS, PIXEL, Conversation, Session, items, result

SHELL = {
    "type": "shell_call",
    "action": {"commands": ["ls", "pwd"], "max_output_length": 4096, "timeout_ms": None},
    "environment": {"type": "local"},
}
LOCAL_SHELL = {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls", "-l"], "env": {}}}
PATCH = {"type": "apply_patch_call", "operation": {"type": "create_file", "path": "a.txt", "diff": "+hi\n"}}
COMPUTER = {
    "type": "computer_call",
    "action": {"type": "click", "button": "left", "x": 1, "y": 2},
    "pending_safety_checks": [],
}
SEARCH = {"type": "tool_search_call", "execution": "client", "arguments": {"query": "weather"}}
APPROVAL = {"type": "mcp_approval_request", "server_label": "wiki", "name": "ask", "arguments": '{"q":1}'}


async def call_of(chat: Conversation, part: HostedItem | CustomCall) -> ToolCall:
    """The tool call that the loop gets for one item."""
    chat.session.emulator.script(Turn(Think(["Use a tool."]), part))
    response = await chat.say("go")
    assert response.finish_reason == "tool_calls"
    start = chat.session.recorder.named("llm:stream_block_start")[-1]
    assert (start["block_type"], start["name"]) == ("tool_use", response.tool_calls[0].name)
    return response.tool_calls[0]


async def answered(chat: Conversation, kind: str, call: ToolCall, content: Any) -> dict[str, Any]:
    """The item that carried the result back to the service, which accepted it."""
    chat.session.emulator.script(Say("thanks"))
    await chat.go_on(result(call, content))
    (item,) = items(chat.session.body, kind)
    return item


@pytest.fixture(params=KEEPERS, ids=lambda keep: keep.__name__)
def chat(session: Session, request: pytest.FixtureRequest) -> Conversation:
    """A conversation for each way of storing it."""
    keep: Callable[[Any], Message] = request.param
    return Conversation(session, keep=keep)


async def test_a_custom_tool_gets_its_free_text(chat: Conversation) -> None:
    call = await call_of(chat, CustomCall("run", "print(1 + 1)"))
    assert (call.name, call.arguments) == ("run", {"input": "print(1 + 1)"})
    item = await answered(chat, "custom_tool_call_output", call, "2")
    assert (item["call_id"], item["output"]) == (call.id, "2")
    assert items(chat.session.body, "custom_tool_call")[0]["input"] == "print(1 + 1)"


async def test_a_shell_call_gets_its_commands_and_gives_streams_and_exit_code(chat: Conversation) -> None:
    call = await call_of(chat, HostedItem(SHELL))
    assert call.name == "shell"
    assert call.arguments["commands"] == ["ls", "pwd"]
    item = await answered(
        chat, "shell_call_output", call, json.dumps({"stdout": "a.txt", "stderr": "oops", "exit_code": 3})
    )
    assert item["call_id"] == call.id
    assert item["output"] == [
        {"stdout": "a.txt", "stderr": "oops", "outcome": {"type": "exit", "exit_code": 3}},
    ]
    assert item["max_output_length"] == 4096


async def test_a_shell_call_understands_the_wrapper_of_the_loops(chat: Conversation) -> None:
    call = await call_of(chat, HostedItem(SHELL))
    wrapped = {"success": False, "output": {"stdout": "", "stderr": "no", "returncode": 1}, "error": None}
    item = await answered(chat, "shell_call_output", call, json.dumps(wrapped))
    assert item["output"][0]["outcome"] == {"type": "exit", "exit_code": 1}
    assert item["output"][0]["stderr"] == "no"


async def test_a_local_shell_call_is_answered_by_its_id(chat: Conversation) -> None:
    call = await call_of(chat, HostedItem(LOCAL_SHELL))
    assert call.name == "local_shell"
    assert call.arguments["command"] == ["ls", "-l"]
    item = await answered(chat, "local_shell_call_output", call, "a.txt")
    assert item["output"] == "a.txt"


@pytest.mark.promise("a patch counts as failed because of the words in its output", area="hazard")
@pytest.mark.parametrize(
    ("content", "status"),
    [("A a.txt", "completed"), ('{"success": false, "output": "conflict"}', "failed"), ("Error: conflict", "failed")],
)
async def test_a_patch_is_handed_over_and_its_outcome_told(chat: Conversation, content: str, status: str) -> None:
    call = await call_of(chat, HostedItem(PATCH))
    assert call.name == "apply_patch"
    assert call.arguments == {"type": "create_file", "path": "a.txt", "diff": "+hi\n"}
    item = await answered(chat, "apply_patch_call_output", call, content)
    assert item["status"] == status
    assert "operation" in items(chat.session.body, "apply_patch_call")[0]


async def test_a_computer_call_is_answered_with_a_screenshot(chat: Conversation) -> None:
    call = await call_of(chat, HostedItem(COMPUTER))
    assert call.name == "computer"
    assert call.arguments["action"] == {"type": "click", "button": "left", "x": 1, "y": 2}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    item = await answered(chat, "computer_call_output", call, [image])
    assert item["output"]["type"] == "computer_screenshot"
    assert item["output"]["image_url"].endswith(PIXEL)


async def test_a_tool_search_of_the_client_gets_tools(chat: Conversation) -> None:
    call = await call_of(chat, HostedItem(SEARCH))
    assert (call.name, call.arguments) == ("tool_search", {"query": "weather"})
    found = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": False}
    item = await answered(chat, "tool_search_output", call, json.dumps({"tools": [found]}))
    assert item["tools"] == [found]
    assert item["execution"] == "client"


@pytest.mark.parametrize(("content", "approve"), [("true", True), ('{"approve": false}', False), ("denied", False)])
async def test_an_approval_is_asked_for_and_given(chat: Conversation, content: str, approve: bool) -> None:
    call = await call_of(chat, HostedItem(APPROVAL))
    assert call.name == "mcp_approval"
    assert call.arguments == {"server_label": "wiki", "name": "ask", "arguments": '{"q":1}'}
    item = await answered(chat, "mcp_approval_response", call, content)
    assert item == {"type": "mcp_approval_response", "approval_request_id": call.id, "approve": approve}
    assert items(chat.session.body, "mcp_approval_request")[0]["id"] == call.id


@pytest.mark.parametrize("part", [SHELL, LOCAL_SHELL, PATCH, COMPUTER, SEARCH, APPROVAL], ids=lambda p: p["type"])
async def test_a_lost_result_is_made_up_in_the_right_form(session: Session, part: dict[str, Any]) -> None:
    chat = Conversation(session)
    await call_of(chat, HostedItem(part))
    session.emulator.script(Say("fine"))
    response = await chat.say("never mind")
    assert response.text == "fine"
    assert session.recorder.one("provider:tool_sequence_repaired")["repair_count"] == 1
