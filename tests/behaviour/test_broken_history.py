"""Calls and results are paired on every request, whatever happened to the history, and the history is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.message_models import Message
from responses_emulator import Call, Say, Think, Turn

from tests.support.session import KEEPERS, Conversation, Session, assistant, items, result, tool

TWO = Turn(Think(["Look twice."]), Call("look", {"at": "x"}), Call("look", {"at": "y"}))


@pytest.fixture
async def broken(session: Session) -> Conversation:
    """A conversation with two calls, only the second of which was answered."""
    chat = Conversation(session, tools=[tool("look", "at")])
    session.emulator.script(TWO)
    first = await chat.say("look")
    chat.messages.append(result(first.tool_calls[1], "seen y"))
    session.recorder.events.clear()
    return chat


async def test_a_missing_result_is_made_up_and_reported(broken: Conversation) -> None:
    session = broken.session
    await broken.say("go on")
    outputs = {item["call_id"]: item["output"] for item in items(session.body, "function_call_output")}
    missing, given = items(session.body, "function_call")
    assert "no result" in outputs[missing["call_id"]]
    assert outputs[given["call_id"]] == "seen y"
    event = session.recorder.one("provider:tool_sequence_repaired")
    assert event["repair_count"] == 1
    (repair,) = event["repairs"]
    assert (repair["kind"], repair["tool_call_id"], repair["tool_name"]) == (
        "missing_result",
        missing["call_id"],
        "look",
    )
    assert "has no result" in repair["reason"]


@pytest.mark.promise("a history is repaired once and then sent broken", area="hazard")
async def test_it_is_made_up_again_on_every_later_request(broken: Conversation) -> None:
    """The history still lacks it, so every request does; each time the same bytes in the same place."""
    session = broken.session
    await broken.say("one")
    before = session.body
    await broken.say("two")
    await broken.say("three")
    assert len(session.recorder.named("provider:tool_sequence_repaired")) == 3
    assert session.body["input"][: len(before["input"])] == before["input"]


@pytest.mark.promise("a repair changes the history", area="hazard")
async def test_the_history_is_not_touched(broken: Conversation) -> None:
    before = [message.model_dump_json() for message in broken.messages]
    await broken.session.ask(*broken.messages, "go on", tools=[tool("look", "at")])
    assert [message.model_dump_json() for message in broken.messages] == before


@pytest.mark.promise("tool results without a call are sent", area="hazard")
async def test_results_without_a_call_are_left_out_and_reported(session: Session) -> None:
    await session.ask("hello", result("call_gone", "lost"), "more")
    assert not items(session.body, "function_call_output")
    (repair,) = session.recorder.one("provider:tool_sequence_repaired")["repairs"]
    assert (repair["kind"], repair["tool_call_id"]) == ("orphan_result", "call_gone")


async def test_a_turn_that_was_interrupted_goes_on(broken: Conversation) -> None:
    """What the CLI leaves behind after Ctrl-C: calls without results, a synthetic answer, and the next question."""
    broken.messages.append(assistant("The previous step was interrupted."))
    broken.session.emulator.script(Say("fine"))
    response = await broken.say("never mind")
    assert response.text == "fine"


async def test_many_conversations_are_repaired_at_once(session: Session) -> None:
    """No call remembers what another one repaired."""
    chats = [Conversation(session, tools=[tool("look", "at")]) for _ in range(4)]
    for chat in chats:
        session.emulator.script(TWO)
        await chat.say("look")
    session.recorder.events.clear()
    await asyncio.gather(*[chat.say("go on") for chat in chats])
    counts = [event["repair_count"] for event in session.recorder.named("provider:tool_sequence_repaired")]
    assert counts == [2, 2, 2, 2]


@pytest.mark.promise("results are lost where a server repeats the ids of calls", area="hazard")
@pytest.mark.parametrize("call_id", ["terminal:0", ""], ids=["repeated", "empty"])
@pytest.mark.parametrize("keep", KEEPERS[1:])
async def test_calls_with_the_ids_of_earlier_ones_keep_their_results(
    session: Session, call_id: str, keep: Callable[[Any], Message]
) -> None:
    """Some servers number the calls of each response anew, and others give them empty ids."""
    chat = Conversation(session, keep=keep, tools=[tool("look")])
    session.emulator.script(*[Turn(*[Call("look", {}, call_id=call_id)] * 2) for _ in range(3)], Say("done"))
    response = await chat.say("go")
    before: list[dict[str, Any]] = []
    for turn in range(3):
        first, second = response.tool_calls
        assert first.id != second.id, "a host pairs by id"
        assert session.body["input"][: len(before)] == before
        before = session.body["input"]
        response = await chat.go_on(result(second, f"{turn}b"), result(first, f"{turn}a"))
    calls = [item["call_id"] for item in items(session.body, "function_call")]
    outputs = {item["call_id"]: item["output"] for item in items(session.body, "function_call_output")}
    assert [outputs[each] for each in calls] == ["0a", "0b", "1a", "1b", "2a", "2b"]
    assert response.text == "done"


async def test_calls_of_another_provider_are_paired_in_their_order(session: Session) -> None:
    """Its ids are too long or empty, one call has no result, and what was changed is reported."""
    long = "toolu_" + "x" * 64
    blocks = [{"type": "tool_call", "id": key, "name": "look", "input": {}} for key in (long, "", "")]
    nameless = [Message(role="tool", content=text) for text in ("first", "second")]
    await session.ask("go", assistant(blocks), result(long, "seen"), *nameless, "again", assistant(blocks[:1]), "so?")
    calls = [item["call_id"] for item in items(session.body, "function_call")]
    outputs = {item["call_id"]: item["output"] for item in items(session.body, "function_call_output")}
    assert [outputs[each] for each in calls[:3]] == ["seen", "first", "second"]
    repairs = session.recorder.one("provider:tool_sequence_repaired")["repairs"]
    assert [(each["kind"], each["tool_call_id"]) for each in repairs] == [
        ("invalid_id", long),
        ("invalid_id", ""),
        ("repeated_id", ""),
        ("duplicate_call", long),
    ]
    assert all(each["reason"] for each in repairs)
