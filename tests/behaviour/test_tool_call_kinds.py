"""Client calls that are not functions: the host gets a tool call, and the service the call output that it asks for.

tests/unit/wire/test_client_calls.py reads results of every shape.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidRequestError
from amplifier_core.message_models import ToolCall, ToolSpec
from responses_emulator import CustomCall, HostedItem, Say, Think, Turn

from tests.support.session import PIXEL, Conversation, Session, items, result, sent_tools, stored_as_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of client call.

    Attributes:
        part: what the model writes.
        name: the tool that the host is to run.
        arguments: some of the arguments that the host gets.
        content: the result of the tool.
        output_type: the type of the call output.
        output: some fields of the call output.
    """

    part: HostedItem | CustomCall
    name: str
    arguments: dict[str, Any]
    content: Any
    output_type: str
    output: dict[str, Any]


WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": False}
SENT_WEATHER = {**WEATHER, "parameters": {"type": "object", "properties": {}}}
CLICK = {"type": "click", "button": "left", "x": 1, "y": 2}
COMMANDS = {"commands": ["ls", "pwd"], "max_output_length": 4096, "timeout_ms": None}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
OPERATION = {"type": "create_file", "path": "a.txt", "diff": "+hi\n"}
FAILED_EXIT = {"stdout": "a.txt", "stderr": "oops", "outcome": {"type": "exit", "exit_code": 3}}
KINDS = {
    "custom": Kind(
        part=CustomCall("run", "print(1 + 1)"),
        name="run",
        arguments={"input": "print(1 + 1)"},
        content="2",
        output_type="custom_tool_call_output",
        output={"output": "2"},
    ),
    "shell": Kind(
        part=HostedItem({"type": "shell_call", "action": COMMANDS, "environment": {"type": "local"}}),
        name="shell",
        arguments={"commands": ["ls", "pwd"]},
        content=json.dumps({"stdout": "a.txt", "stderr": "oops", "exit_code": 3}),
        output_type="shell_call_output",
        output={"output": [FAILED_EXIT], "max_output_length": 4096},
    ),
    "local shell": Kind(
        part=HostedItem({"type": "local_shell_call", "action": {"type": "exec", "command": ["ls", "-l"], "env": {}}}),
        name="local_shell",
        arguments={"command": ["ls", "-l"]},
        content="a.txt",
        output_type="local_shell_call_output",
        output={"output": "a.txt"},
    ),
    "patch": Kind(
        part=HostedItem({"type": "apply_patch_call", "operation": OPERATION}),
        name="apply_patch",
        arguments=OPERATION,
        content="Error: conflict",
        output_type="apply_patch_call_output",
        output={"status": "failed"},
    ),
    "computer": Kind(
        part=HostedItem({"type": "computer_call", "action": CLICK, "pending_safety_checks": []}),
        name="computer",
        arguments={"action": CLICK},
        content=[IMAGE],
        output_type="computer_call_output",
        output={"output": {"type": "computer_screenshot", "image_url": f"data:image/png;base64,{PIXEL}"}},
    ),
    "tool search": Kind(
        part=HostedItem({"type": "tool_search_call", "execution": "client", "arguments": {"query": "weather"}}),
        name="tool_search",
        arguments={"query": "weather"},
        content=json.dumps({"tools": [WEATHER]}),
        output_type="tool_search_output",
        output={"tools": [SENT_WEATHER], "execution": "client"},
    ),
    "approval": Kind(
        part=HostedItem({"type": "mcp_approval_request", "server_label": "wiki", "name": "ask", "arguments": "{}"}),
        name="mcp_approval",
        arguments={"server_label": "wiki", "name": "ask", "arguments": "{}"},
        content="denied",
        output_type="mcp_approval_response",
        output={"approve": False},
    ),
}
NATIVE = pytest.mark.one_sign_in("a plan has no native tools")
each_kind = pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=name, marks=[] if name == "custom" else NATIVE) for name, kind in KINDS.items()]
)


async def ask_for_call(chat: Conversation, part: HostedItem | CustomCall) -> ToolCall:
    """Return the tool call that the host gets for an item of the model."""
    chat.session.emulator.script(Turn(Think(["Use a tool."]), part))
    response = await chat.say("go")
    assert response.finish_reason == "tool_calls"
    start = chat.session.recorder.named("llm:stream_block_start")[-1]
    assert (start["block_type"], start["name"]) == ("tool_use", response.tool_calls[0].name)
    return response.tool_calls[0]


def part_of(whole: dict[str, Any], some: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of `some` with their values in `whole`."""
    return {key: whole.get(key) for key in some}


@each_kind
async def test_a_client_call_is_a_tool_call_and_its_result_the_call_output_of_its_kind(
    session: Session, kind: Kind
) -> None:
    chat = Conversation(session, keep=stored_as_json)
    call = await ask_for_call(chat, kind.part)
    assert call.name == kind.name
    assert part_of(call.arguments, kind.arguments) == kind.arguments
    session.emulator.script(Say("thanks"))
    await chat.go_on(result(call, kind.content))  # the service accepts only the call output of its call
    (item,) = items(session.body, kind.output_type)
    assert part_of(item, kind.output) == kind.output


@NATIVE
@pytest.mark.promise("a patch counts as failed because of the words in its output", area="hazard")
async def test_a_patch_is_reported_as_completed_whatever_its_output_mentions(session: Session) -> None:
    chat = Conversation(session)
    call = await ask_for_call(chat, KINDS["patch"].part)
    session.emulator.script(Say("thanks"))
    await chat.go_on(result(call, "A a.txt: 0 errors, nothing failed"))
    assert items(session.body, "apply_patch_call_output")[0]["status"] == "completed"


@each_kind
async def test_a_lost_result_is_replaced_in_the_form_of_its_kind(session: Session, kind: Kind) -> None:
    chat = Conversation(session)
    await ask_for_call(chat, kind.part)
    session.emulator.script(Say("fine"))
    response = await chat.say("never mind")
    assert response.text == "fine"
    assert session.recorder.one("provider:tool_sequence_repaired")["repair_count"] == 1


@NATIVE
@pytest.mark.promise("a native tool is called by a name that the host does not know", area="hazard")
@pytest.mark.parametrize(
    ("kind", "tool_type"),
    [
        ("shell", "shell"),
        ("local shell", "local_shell"),
        ("patch", "apply_patch"),
        ("computer", "computer"),
        ("tool search", "tool_search"),
    ],
)
async def test_a_native_tool_keeps_the_name_under_which_the_host_registered_it(
    session: Session, kind: str, tool_type: str
) -> None:
    extra: dict[str, Any] = {"type": tool_type} | ({"execution": "client"} if tool_type == "tool_search" else {})
    native = ToolSpec(name="my.own tool", parameters={}, **extra)
    chat = Conversation(session, tools=[native], tool_choice="my.own tool" if kind == "shell" else None)
    call = await ask_for_call(chat, KINDS[kind].part)
    assert call.name == "my.own tool"
    assert sent_tools(session.body) == [extra]
    assert kind != "shell" or session.body["tool_choice"] == {"type": "shell"}
    session.emulator.script(Say("thanks"))
    await chat.go_on(result(call, KINDS[kind].content))


@NATIVE
@pytest.mark.parametrize("wrapped", [False, True])
async def test_safety_checks_that_a_result_names_are_acknowledged(session: Session, wrapped: bool) -> None:
    """Nobody acknowledges a check that the host did not name, so the service refuses the next request."""
    check = {"id": "cu_sc_1", "code": "malicious_instructions", "message": "Look twice."}
    chat = Conversation(session, keep=stored_as_json)
    call = await ask_for_call(
        chat, HostedItem({"type": "computer_call", "action": CLICK, "pending_safety_checks": [check]})
    )
    assert call.arguments["pending_safety_checks"] == [check]
    with pytest.raises(InvalidRequestError, match="unacknowledged safety check"):
        await session.ask(*chat.messages, result(call, [IMAGE]))
    named: dict[str, Any] = {"content": [IMAGE], "acknowledged_safety_checks": [check]}
    session.emulator.script(Say("thanks"))
    await chat.go_on(result(call, json.dumps({"success": True, "output": named} if wrapped else named)))
    (item,) = items(session.body, "computer_call_output")
    assert item["acknowledged_safety_checks"] == [check]
    assert item["output"]["image_url"].endswith(PIXEL)
