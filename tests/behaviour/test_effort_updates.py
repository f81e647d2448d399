"""An effort that changes in mid-conversation keeps the cached prompt valid where the model takes the item for it."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import pytest
from responses_emulator import Call, Say, Turn

from tests.support.session import Conversation, OpenSession, Session, result, stored_without_nones, system, tool

MODEL = "gpt-6-astra"
LONG = "rules " * 2000
WEATHER = tool("get_weather", "city")


@pytest.fixture
async def session(open_session: OpenSession) -> Session:
    """A session whose service and model take such items; that of a plan takes none."""
    return await open_session(default_model=MODEL, effort_updates=True)


def takes_updates(session: Session) -> bool:
    return session.backend.mode != "plan"


def efforts(body: dict[str, Any]) -> list[str]:
    """Return the effort of the field, then a word for each item: its effort, its role, or its type."""
    names = [
        item["reasoning"]["effort"] if item["type"] == "configuration_update" else item.get("role") or item["type"]
        for item in body["input"]
        if item["type"] not in {"reasoning", "additional_tools"}
    ]
    return [body["reasoning"].get("effort"), *names]


async def say(chat: Conversation, *chosen: str) -> None:
    """Say something with each of these efforts."""
    for effort in chosen:
        chat.fields["reasoning_effort"] = effort
        await chat.say("go on")


@pytest.mark.promise("a changed effort loses the prompt cache", area="hazard")
async def test_changed_effort_reads_the_cache(session: Session) -> None:
    chat = Conversation(session, keep=stored_without_nones)
    chat.messages.append(system(LONG))
    await say(chat, "low", "low", "high", "high", "low")
    bodies = session.emulator.request_bodies
    if not takes_updates(session):
        assert efforts(session.body) == ["low", *["user", "assistant"] * 4, "user"]
        return
    turn = ["user", "assistant"]
    assert efforts(session.body) == ["low", *turn, *turn, "high", *turn, *turn, "low", "user"]
    assert session.made()["usage"]["input_tokens_details"]["cached_tokens"] > 2000
    for before, after in itertools.pairwise(bodies):
        assert after["input"][: len(before["input"])] == before["input"]
        assert {**before, "input": []} == {**after, "input": []}
    if session.backend.transport == "websocket":
        assert [request.sent["input"][0]["type"] for request in session.emulator.model_requests[1:]] == [
            *("message", "configuration_update", "message", "configuration_update"),
        ]


@pytest.mark.one_transport("only what is encoded")
async def test_effort_that_changes_in_a_tool_loop_counts_from_there_on(session: Session) -> None:
    session.emulator.script(Turn(Call("get_weather", {"city": "Oslo"})), Say("cold"), Say("fine"))
    chat = Conversation(session, tools=[WEATHER], reasoning_effort="low")
    first = await chat.say("hello")
    chat.fields["reasoning_effort"] = "max"
    await chat.go_on(result(first.tool_calls[0]))
    await chat.say("thanks")
    update = ["max"] if takes_updates(session) else []
    field = "low" if takes_updates(session) else "max"
    loop = ["user", "function_call", "function_call_output", *update, "assistant"]
    assert efforts(session.body) == [field, *loop, "user"]


@pytest.mark.one_transport("only what is encoded")
@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        ({"effort_updates": False}, "high"),
        ({"truncation": "auto"}, "high"),
        ({"reasoning": {"mode": "pro"}}, "high"),
        ({"extra_body": {"context_management": [{"type": "compaction", "compact_threshold": 9000}]}}, "high"),
        ({"default_model": "gpt-6-luna"}, "none"),
    ],
    ids=["switched off", "truncation", "pro", "compaction", "none"],
)
async def test_field_has_the_new_effort_where_no_item_may_change_it(
    open_session: OpenSession, settings: dict[str, Any], chosen: str
) -> None:
    session = await open_session(**{"default_model": MODEL, "effort_updates": True, **settings})
    if session.backend.refuses & settings.keys() or session.backend.mode == "plan" or session.backend.catalogue:
        return
    await say(Conversation(session), "low", chosen)
    assert efforts(session.body) == [chosen, "user", "assistant", "user"]


@pytest.mark.one_transport("what a refusal teaches counts on every transport")
async def test_model_that_refuses_the_item_gets_the_effort_in_the_field(
    open_session: OpenSession, caplog: pytest.LogCaptureFixture
) -> None:
    session = await open_session(effort_updates=True)
    chat = Conversation(session)
    with caplog.at_level(logging.WARNING):
        await say(chat, "low", "high", "medium")
    assert efforts(session.body) == ["medium", "user", "assistant", "user", "assistant", "user"]
    attempts = 4 if takes_updates(session) else 3
    assert session.sent == attempts, "one request was refused, and the next call knew"
    assert len([line for line in caplog.messages if "refused a change of the effort" in line]) == attempts - 3


@pytest.mark.one_transport("a fact about services and models")
async def test_services_that_are_known_to_take_the_item_get_it_by_default(open_session: OpenSession) -> None:
    session = await open_session(default_model=MODEL)
    await say(Conversation(session), "low", "high")
    is_known = session.backend.name == "chatgpt-oauth" and takes_updates(session)
    assert efforts(session.body)[0] == ("low" if is_known else "high")
