"""Reasoning goes back as it came: in place, with its ciphertext, to nobody but its maker.

The service checks every ciphertext and every group; a request that it accepts had them right.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.message_models import Message
from responses_emulator import Call, Emulator, HttpReply, RotateIds, Say, Think, Turn

from tests.support.backends import BackendUnderTest
from tests.support.session import (
    KEEPERS,
    Conversation,
    OpenSession,
    Session,
    assistant,
    items,
    result,
    sent_items,
    state,
    system,
    texts,
    tool,
)

WEATHER = tool("get_weather", "city")
LOOK = Turn(
    Think(["**Plan**\n\nLook first.", "Then speak."], tokens=40),
    Say("I'll look."),
    Call("get_weather", '{"city": "Oslo"}'),
    Call("get_weather", '{"city":"Rome"}'),
)
AGAIN = Turn(Think(["Only one more."]), Call("get_weather", {"city": "Paris"}))
DONE = Turn(Think([], tokens=20), Say("It is cold."))
UNVERIFIED = HttpReply(
    400,
    {
        "error": {
            "message": "The encrypted content gAAA...abcd could not be verified. "
            "Reason: Encrypted content could not be decrypted or parsed.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_encrypted_content",
        }
    },
)


async def two_steps_and_a_turn(chat: Conversation) -> None:
    """A turn of three requests with five calls, and one more turn."""
    chat.session.emulator.script(LOOK, AGAIN, DONE, DONE)
    first = await chat.say("weather?")
    second = await chat.go_on(*[result(call, "cold") for call in first.tool_calls])
    await chat.go_on(*[result(call, "cold") for call in second.tool_calls])
    await chat.say("thanks")


@pytest.mark.promise("dropping null fields destroys reasoning", area="hazard")
@pytest.mark.one_transport("a WebSocket does not send an item back")
@pytest.mark.parametrize("keep", KEEPERS)
async def test_every_request_extends_the_one_before(session: Session, keep: Callable[[Any], Message]) -> None:
    chat = Conversation(session, keep=keep, tools=[WEATHER])
    chat.messages.append(system("Be brief."))
    await two_steps_and_a_turn(chat)
    bodies = session.emulator.request_bodies
    assert len(bodies) == 4
    for before, after in itertools.pairwise(bodies):
        assert after["input"][: len(before["input"])] == before["input"]
    raw = [request.raw_body for request in session.emulator.model_requests]
    for before, after in itertools.pairwise(raw):
        assert after.startswith(before[: before.rindex(b"]")])


@pytest.mark.promise("parts of a summary are merged", area="hazard")
@pytest.mark.one_transport("a WebSocket does not send an item back")
@pytest.mark.parametrize("keep", KEEPERS)
async def test_items_go_back_in_order_with_ids_phase_and_the_very_arguments(
    session: Session, keep: Callable[[Any], Message]
) -> None:
    chat = Conversation(session, keep=keep, tools=[WEATHER])
    session.emulator.script(LOOK)
    first = await chat.say("weather?")
    await chat.go_on(*[result(call) for call in first.tool_calls])
    made = session.made(0)["output"]
    sent = sent_items(session.body)[1:5]
    assert [item["type"] for item in sent] == ["reasoning", "message", "function_call", "function_call"]
    ids = [item["id"] for item in made]
    assert [item.get("id") for item in sent] == (ids if session.backend.reasoning_ids else [None, *ids[1:]])
    assert sent[0]["summary"] == made[0]["summary"]
    assert sent[0]["encrypted_content"]
    assert sent[1]["phase"] == "commentary"
    assert [item["arguments"] for item in sent[2:]] == ['{"city": "Oslo"}', '{"city":"Rome"}']
    assert all("status" not in item for item in sent)


async def test_the_ciphertext_is_that_of_the_finished_item(session: Session) -> None:
    chat = Conversation(session)
    session.emulator.script(Turn(Think(["a"]), Say("b"), RotateIds()))
    response = await chat.say("hello")
    kept = state(response.content[0])["item"]["encrypted_content"]
    assert kept != session.made(0)["output"][0]["encrypted_content"]
    await chat.say("more")  # accepted: the copy of `added` would have been refused
    assert items(session.body, "reasoning")[0]["encrypted_content"] == kept


@pytest.mark.promise("stored state beside the whole history", area="hazard")
async def test_reasoning_is_asked_for_without_server_state(session: Session) -> None:
    await session.ask("hello")
    assert session.body["store"] is False
    assert "previous_response_id" not in session.body
    assert "reasoning.encrypted_content" in session.body["include"]
    assert session.recorder.one("llm:request")["reasoning_enabled"] is True


async def test_a_context_manager_may_remove_a_call_with_its_result(session: Session) -> None:
    chat = Conversation(session, tools=[WEATHER])
    await two_steps_and_a_turn(chat)
    without_the_step = [m for m in chat.messages if m.role != "tool" and not (m.model_extra or {}).get("tool_calls")]
    chat.messages = without_the_step
    await chat.say("still there?")
    assert not items(session.body, "function_call", "function_call_output")
    assert len(items(session.body, "reasoning")) == 2  # those that led to a message


@pytest.mark.promise("thinking of another provider is sent back as text", area="hazard")
async def test_thinking_of_another_provider_is_left_out_and_reported(session: Session) -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "abc"}
    foreign = assistant([thinking, {"type": "text", "text": "Hi."}])
    await session.ask("hello", foreign, "more")
    assert not items(session.body, "reasoning")
    assert "hm" not in json.dumps(session.body["input"])
    assert any("another provider" in line for line in session.recorder.one("llm:request")["dropped"])


@pytest.mark.promise("ciphertext goes to another account", area="hazard")
async def test_a_conversation_moves_to_another_account_and_back(backend: BackendUnderTest, emulator: Emulator) -> None:
    """The other account gets the words and calls, never the ciphertext or the ids; the first gets it all again."""
    one = await Session(backend, emulator).mount(backend.settings(emulator))
    other = backend.other(emulator.base_url, backend.secret)
    two = await Session(backend, emulator).mount({**backend.settings(emulator), **other})
    chat = Conversation(one, tools=[WEATHER])
    emulator.script(LOOK)
    first = await chat.say("weather?")
    chat.session = two
    emulator.script(DONE)
    await chat.go_on(*[result(call) for call in first.tool_calls])
    moved = emulator.request_bodies[-1]
    assert not items(moved, "reasoning")
    assert [item["name"] for item in items(moved, "function_call")] == ["get_weather", "get_weather"]
    assert all("id" not in item for item in moved["input"])
    chat.session = one
    await chat.say("thanks")
    assert len(items(emulator.request_bodies[-1], "reasoning")) == 1
    assert [item["id"] for item in items(emulator.request_bodies[-1], "function_call")]
    for session in (one, two):
        await session.cleanup()


async def test_refused_reasoning_is_retried_once_without(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    chat = Conversation(session, tools=[WEATHER])
    session.emulator.script(LOOK)
    first = await chat.say("weather?")
    session.emulator.script(UNVERIFIED, DONE, DONE)
    await chat.go_on(*[result(call) for call in first.tool_calls])
    assert session.sent == 3
    assert len(items(session.emulator.request_bodies[1], "reasoning")) == 1
    retried = session.emulator.request_bodies[2]
    assert not items(retried, "reasoning")
    assert all("id" not in item for item in retried["input"])
    await chat.say("thanks")
    assert session.sent == 4, "what was refused is remembered"
    assert len(items(session.body, "reasoning")) == 1, "the reasoning made since goes back"
    assert len([r for r in caplog.records if "refused replayed reasoning" in r.message]) == 1
    assert not session.recorder.named("provider:retry")


async def test_a_refusal_that_goes_on_is_an_error_and_no_loop(session: Session) -> None:
    chat = Conversation(session)
    session.emulator.script(DONE)
    await chat.say("hello")
    session.emulator.script(*[UNVERIFIED] * 5)
    with pytest.raises(Exception, match="could not be verified"):
        await chat.say("more")
    assert session.sent == 3


@pytest.mark.promise("models that do not reason are asked to", area="hazard")
async def test_a_model_that_does_not_reason_is_asked_for_none(open_session: OpenSession) -> None:
    session = await open_session(reasoning_effort="high")
    await session.ask("hello", model=session.backend.plain_model)
    assert "reasoning" not in session.body
    assert "include" not in session.body
    assert any("does not reason" in line for line in session.recorder.one("llm:request")["dropped"])


@pytest.mark.promise("a conversation cannot move to a model that does not reason", area="hazard")
async def test_a_conversation_moves_to_another_model_and_to_one_that_does_not_reason(session: Session) -> None:
    chat = Conversation(session, tools=[WEATHER])
    session.emulator.script(LOOK, *[Say("It is cold.")] * 3)
    results = [result(call, "cold") for call in (await chat.say("weather?")).tool_calls]
    for model, reasoning_count in (("gpt-5.6-terra", 1), (session.backend.plain_model, 0), ("gpt-5.6-sol", 1)):
        chat.fields["model"] = model
        await chat.go_on(*results)
        results = []
        assert session.body["model"] == model
        assert len(items(session.body, "reasoning")) == reasoning_count
        calls = items(session.body, "function_call")
        assert ["id" in call for call in calls] == [reasoning_count == 1] * 2
        dropped = session.recorder.named("llm:request")[-1]["dropped"]
        assert any("this model accepts none" in line for line in dropped) is (reasoning_count == 0)
    assert session.sent == 4, "no request was refused"


@pytest.mark.promise("the items of an assistant turn change their order", area="hazard")
async def test_an_interleaved_turn_keeps_its_order(session: Session) -> None:
    chat = Conversation(session, tools=[tool("look", "at")])
    session.emulator.script(
        Turn(Say("First."), Call("look", {"at": "x"}), Think(["Hm."]), Say("Second."), Call("look", {"at": "y"})),
        Say("ok"),
    )
    first = await chat.say("look")
    await chat.go_on(*[result(call) for call in first.tool_calls])
    kinds = [item["type"] for item in sent_items(session.body)[1:6]]
    assert kinds == ["message", "function_call", "reasoning", "message", "function_call"]
    assert texts(session.body, "assistant") == ["First.", "Second."]


@pytest.mark.promise("one bare reasoning id spoils the others", area="hazard")
async def test_reasoning_with_and_without_ciphertext_in_one_history(session: Session) -> None:
    chat = Conversation(session)
    session.emulator.script(*[Turn(Think([]), Say("ok"))] * 3)
    await chat.say("one")
    await chat.say("two")
    del state(chat.messages[1].content[0])["item"]["encrypted_content"]
    await chat.say("three")
    assert len(items(session.body, "reasoning")) == 1
    ids = ["id" in item for item in session.body["input"] if item.get("role") == "assistant"]
    assert ids == [False, True]
