"""Why a prompt that should have been in the cache was not: in `llm:response`, and in one line of the log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from responses_emulator import RejectParameters, ResponseFields, Say, Turn

from tests.support.session import Conversation, OpenSession, Session, tool, user

LONG = "rules " * 4000


def miss(session: Session) -> dict[str, Any]:
    return session.recorder.named("llm:response")[-1].get("cache_miss") or {}


async def start(session: Session, **fields: Any) -> Conversation:
    """Start a conversation with a long prompt."""
    chat = Conversation(session, conversation_id="c", **fields)
    chat.messages.append(user(LONG))
    await chat.say("hello")
    return chat


@pytest.mark.parametrize(
    ("change", "reason", "item"),
    [
        ({"tools": [tool("other", "x")]}, "tools_changed", None),
        ({"reasoning_effort": "high"}, "reasoning_effort_changed", None),
        ({"message": user("edited " + LONG)}, None, None),
        ({"second": user("edited " + LONG)}, "input_changed", 1),
        ({}, None, None),
    ],
    ids=["tools", "effort", "another conversation", "history", "nothing"],
)
async def test_provider_sees_what_the_host_changed(
    session: Session, change: dict[str, Any], reason: str | None, item: int | None
) -> None:
    chat = Conversation(session, conversation_id="c")
    chat.messages += [user("hi"), user(LONG)]
    await chat.say("hello")
    chat.fields |= {key: value for key, value in change.items() if key not in {"message", "second"}}
    chat.messages[0] = change.get("message", chat.messages[0])
    chat.messages[1] = change.get("second", chat.messages[1])
    await chat.say("again")
    if reason is None:
        assert miss(session) == {}
        return
    found = miss(session)
    assert (found["reason"], found["changed_item"], found["source"]) == (reason, item, "provider")
    assert found["missed_tokens"] > 4000
    assert (found["extra_cost_usd"] is not None) is session.backend.priced


@pytest.mark.one_transport("the service's reason comes with the response on every transport")
async def test_service_says_why_the_cache_missed(open_session: OpenSession) -> None:
    session = await open_session(cache_diagnostics=True)
    chat = await start(session)
    await chat.say("again")
    asks = session.backend.name != "chatgpt-oauth"
    id_before = session.made(0)["id"]
    assert session.body.get("prompt_cache_options") == ({"comparison_response_id": id_before} if asks else None)
    chat.fields["tools"] = [tool("other", "x")]
    await chat.say("and now")
    if asks:
        event = session.recorder.named("llm:response")[-1]
        assert event["prompt_cache"]["reason"] == "tools_changed"
        assert (miss(session)["reason"], miss(session)["source"]) == ("tools_changed", "service")


@pytest.mark.one_transport("what is read of a response")
async def test_a_reason_that_is_no_word_is_not_shown(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    chat = await start(session)
    chat.fields["tools"] = [tool("other", "x")]
    reason = f"see {session.backend.secret}\x1b[31m"
    notice = {"prompt_cache_diagnostics": {"type": "cache_miss", "reason": reason}}
    session.emulator.script(Turn(Say("ok"), ResponseFields(notice)))
    with caplog.at_level(logging.WARNING):
        await chat.say("again")
    assert (miss(session)["reason"], miss(session)["source"]) == ("tools_changed", "provider")
    assert session.backend.secret not in caplog.text


@pytest.mark.one_transport("what is counted of a request")
async def test_a_call_that_only_begins_alike_missed_nothing(session: Session) -> None:
    chat = Conversation(session, conversation_id="c", system="rules")
    chat.messages.append(user("hi"))
    chat.messages.append(user(LONG))
    await chat.say("hello")
    other = Conversation(session, conversation_id="c", system="rules")
    other.messages.append(user("hi"))
    other.messages.append(user("words " * 60_000))
    await other.say("summarize")
    assert miss(session) == {}


async def test_question_for_the_reason_keeps_a_websocket_going(open_session: OpenSession) -> None:
    session = await open_session(cache_diagnostics=True)
    chat = await start(session)
    await chat.say("again")
    if session.backend.transport == "websocket":
        assert session.emulator.model_requests[-1].sent.get("previous_response_id") == session.made(0)["id"]


@pytest.mark.one_transport("what is logged of a response")
@pytest.mark.parametrize(("limit", "lines"), [("0.001", 1), ("5", 0), ("none", 0)])
async def test_expensive_miss_is_one_line_of_the_log(
    open_session: OpenSession, caplog: pytest.LogCaptureFixture, limit: str, lines: int
) -> None:
    session = await open_session(cache_miss_warning_usd=limit)
    chat = await start(session)
    chat.fields["tools"] = [tool("other", "x")]
    with caplog.at_level(logging.WARNING):
        await chat.say("again")
        await chat.say("and again")
    found = [line for line in caplog.messages if "prompt cache missed" in line]
    assert len(found) == (lines if session.backend.priced else 0)
    if found:
        assert "the tools changed (seen by the provider)" in found[0]


@pytest.mark.one_transport("only what is encoded")
async def test_question_that_is_refused_is_left_out(open_session: OpenSession) -> None:
    session = await open_session(cache_diagnostics=True)
    session.emulator.script(RejectParameters(["prompt_cache_options"]))
    chat = await start(session)
    await chat.say("again")
    await chat.say("and again")
    assert "prompt_cache_options" not in session.body
    assert session.recorder.named("provider:retry") == []
