"""Tools as other people define them: the service takes them all, and the host gets its own names back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidRequestError
from amplifier_core.message_models import ToolSpec
from responses_emulator import Call, CustomCall, HostedItem, Say, Think, Turn

from tests.support.session import (
    KEEPERS,
    Conversation,
    OpenSession,
    Session,
    assistant,
    items,
    result,
    sent_tools,
    tool,
    user,
)

pytestmark = pytest.mark.one_transport("what is encoded does not depend on the transport")

EMPTY = {"type": "object", "properties": {}}
BAD_NAMES = ["files.read", "read a file", "a/b", "файл", "x" * 65, "", "python"]


def spec(parameters: Any, name: str = "look", **extra: Any) -> ToolSpec:
    return ToolSpec(name=name, parameters=parameters, **extra)


def native(name: str, **fields: str) -> ToolSpec:
    """A tool of another type than `function`."""
    return ToolSpec.model_validate({"name": name, "parameters": {}, **fields})


@pytest.mark.promise("one MCP tool without properties makes every call fail", area="hazard")
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"type": "object"},
        {"type": "object", "properties": None},
        {"type": None},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"properties": {"a": {"type": "array", "enum": None}}},
        {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "null"}]},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("strict", [False, True])
async def test_service_takes_tools_with_schemas_that_it_would_refuse(
    session: Session, parameters: Any, strict: bool
) -> None:
    before = json.dumps(parameters)
    strict = strict and "properties" not in parameters  # a strict schema with properties is the host's own affair
    session.emulator.script(Say("ok"))
    await session.ask("hello", tools=[spec(parameters, strict=strict)])
    assert json.dumps(parameters) == before
    [sent] = sent_tools(session.body)
    assert sent["parameters"]["type"] == "object"
    assert "properties" in sent["parameters"]
    dropped = session.recorder.one("llm:request")["dropped"]
    assert [line for line in dropped if "anyOf" in line] == ([] if "anyOf" not in parameters else dropped)


@pytest.mark.promise("a tool with a dot in its name makes every call fail", area="hazard")
@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
@pytest.mark.parametrize("keep", KEEPERS[1:])
async def test_call_of_a_tool_with_an_alias_comes_back_under_its_name(session: Session, name: str, keep: Any) -> None:
    chat = Conversation(session, tools=[spec(EMPTY, name), tool("other")], tool_choice=name or None, keep=keep)
    alias = offered_name(chat)
    session.emulator.script(Turn(Think(["Use it."]), Call(alias, {})))
    response = await chat.say("go")
    assert response.tool_calls[0].name == name
    assert session.recorder.named("llm:stream_block_start")[-1].get("name", "") == name
    assert sent_tools(session.body)[0]["name"] == alias
    assert not name or session.body["tool_choice"] == {"type": "function", "name": alias}
    session.emulator.script(Say("done"))
    before = session.body["input"]
    await chat.go_on(result(response.tool_calls[0]))
    assert session.body["input"][: len(before)] == before
    assert items(session.body, "function_call")[0]["name"] == alias


def offered_name(chat: Conversation) -> str:
    from openai_responses_common.translate.tool_names import ToolNames

    alias = ToolNames().encode(chat.fields["tools"][0].name)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", alias)
    return alias


async def test_custom_tools_and_namespaces_have_aliases_too(open_session: OpenSession) -> None:
    inner = {"type": "function", "name": "get.mail", "parameters": {"type": "object"}}
    namespace = {"type": "namespace", "name": "my mail", "description": "d", "tools": [inner]}
    session = await open_session(hosted_tools=[namespace])
    chat = Conversation(session, tools=[native("run.sql", type="custom")])
    session.emulator.script(Say("ok"))
    await chat.say("hello")
    group, custom = sorted(sent_tools(session.body), key=lambda each: each["type"], reverse=True)
    assert group["tools"][0]["parameters"] == EMPTY
    session.emulator.script(Turn(CustomCall(custom["name"], "select"), Call(group["tools"][0]["name"], {})))
    response = await chat.say("go")
    assert [call.name for call in response.tool_calls] == ["run.sql", "get.mail"]
    session.emulator.script(Say("done"))
    await chat.go_on(*[result(call) for call in response.tool_calls])
    assert items(session.body, "custom_tool_call")[0]["name"] == custom["name"]


@pytest.mark.one_sign_in("a plan has no tool search")
async def test_tools_that_a_search_returns_are_called_by_their_names(session: Session) -> None:
    chat = Conversation(
        session,
        tools=[native("find", type="tool_search", execution="client")],
    )
    session.emulator.script(
        HostedItem({"type": "tool_search_call", "execution": "client", "arguments": {"query": "x"}})
    )
    response = await chat.say("go")
    assert response.tool_calls[0].name == "find"
    tools = [
        {"type": "function", "name": "mail.send", "parameters": {"type": "object"}},
        {"type": "function", "name": 5},
    ]
    session.emulator.script(Say("found"))
    await chat.go_on(result(response.tool_calls[0], json.dumps(tools)))
    sent = items(session.body, "tool_search_output")[0]["tools"]
    assert sent[0]["parameters"] == EMPTY
    session.emulator.script(Call(sent[0]["name"], {}))
    assert (await chat.say("send")).tool_calls[0].name == "mail.send"


@pytest.mark.promise("a bad tool name in the history makes every later call fail", area="hazard")
@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
async def test_calls_of_other_providers_are_replayed_under_names_that_the_service_takes(
    session: Session, name: str
) -> None:
    """The tool is not offered any more; other providers allow longer names, and some have none."""
    block = {"type": "tool_call", "id": "call_1", "name": name, "input": {}}
    session.emulator.script(Say("ok"))
    await session.ask(user("hi"), assistant([block]), result("call_1", "seen"), "go on")
    assert items(session.body, "function_call_output")[0]["output"] == "seen"


async def test_one_bad_tool_is_left_out_and_reported(session: Session) -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    session.emulator.script(Say("ok"))
    good = tool("good", "path")
    again = good.model_copy(update={"description": "Another tool."})
    tools = [good, spec({"default": endless}, "bad"), again, good]
    await session.ask("hello", tools=tools)
    assert [each["name"] for each in sent_tools(session.body)] == ["good"]
    dropped = session.recorder.one("llm:request")["dropped"]
    assert [re.sub(":.*", "", line) for line in dropped] == ["tool 'bad'", "tool 'good'"]
    await session.ask("hello", tools=tools, tool_choice={"type": "tool", "name": "bad"})
    assert session.body["tool_choice"] == "auto"
    assert "tool_choice" in session.recorder.named("llm:request")[-1]["dropped"][-1]


async def test_choice_of_allowed_tools_has_their_aliases(session: Session) -> None:
    choice = {"type": "allowed_tools", "mode": "auto", "tools": ["a.b", {"type": "function", "name": "good"}, "bash"]}
    tools = [
        spec(EMPTY, "a.b"),
        tool("good"),
        native("bash", type="shell"),
    ]
    session.emulator.script(Say("ok"))
    await session.ask("hello", tools=tools, tool_choice=choice)
    assert session.body["tool_choice"]["tools"] == [
        {"type": "function", "name": sent_tools(session.body)[0]["name"]},
        {"type": "function", "name": "good"},
        *([{"type": "shell"}] if session.backend.takes("shell") else []),
    ]


async def test_choice_of_a_tool_that_nobody_offers_is_refused_by_the_service(session: Session) -> None:
    with pytest.raises(InvalidRequestError, match="Tool choice 'no_such"):
        await session.ask("hello", tools=[tool("good")], tool_choice="no.such")
