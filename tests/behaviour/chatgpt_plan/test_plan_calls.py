"""Calls that a plan pays for: what the service does not take is left out, and what it says reaches the user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError, QuotaExceededError
from responses_emulator import PLAN_ERROR_CODES, Call, Emulator, ErrorEvent, HttpReply, Say, Think, Turn, plan_error
from responses_emulator.chatgpt_plan.surface import chatgpt_plan_surface, strict_plan_catalogue

from tests.support.backends import PLAN_BACKEND, BackendUnderTest
from tests.support.session import Conversation, OpenSession, Session, assistant, result, sent_items, sent_tools, tool

MOVED: dict[str, Any] = {"type": "shell_call", "call_id": "call_1", "action": {"commands": ["ls"]}}


@pytest.fixture
def backend() -> BackendUnderTest:
    return PLAN_BACKEND


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """The API with the list of models that live runs report."""
    with Emulator(surfaces=(chatgpt_plan_surface(catalogue=strict_plan_catalogue()),)) as running:
        yield running


def interrupt(refused: HttpReply) -> Turn:
    """Return a response that ends with the error of a refusal, in an `error` event and in `response.failed`."""
    error: dict[str, Any] = refused.body["error"]  # type: ignore[index]
    return Turn(Say("half of it"), ErrorEvent(error["code"], error["message"], then_failed=True, after_events=5))


@pytest.mark.promise("a refusal of a plan has no class and no remedy", area="hazard")
@pytest.mark.parametrize("code", PLAN_ERROR_CODES)
async def test_refusal_is_the_same_error_however_it_arrives(open_session: OpenSession, code: str) -> None:
    refused = plan_error(code)
    errors: list[LLMError] = []
    for transport, reply in (("http", refused), ("http", interrupt(refused)), ("websocket", refused)):
        session = await open_session(transport=transport, max_retries=0)
        session.emulator.reset()
        session.emulator.script(*[reply] * 3)
        with pytest.raises(LLMError) as raised:
            await session.ask("hello")
        errors.append(raised.value)
    texts = [re.sub(r" \(sent: [^)]*\)| \[request .*", "", str(error)) for error in errors]
    assert len({(type(error), error.retryable, text) for error, text in zip(errors, texts, strict=True)}) == 1
    assert errors[0].retryable is code.endswith("unavailable")
    assert errors[0].status_code == errors[2].status_code == refused.status


async def test_used_up_plan_names_the_page_and_what_else_works_and_sends_no_more(session: Session) -> None:
    session.emulator.script(*[plan_error()] * 3)
    with pytest.raises(QuotaExceededError) as raised:
        await session.ask("hello")
    text = str(raised.value)
    assert "chatgpt.com/settings/usage" in text
    assert "an API key works with provider-openai-v2" in text
    assert "\n" not in text
    assert session.sent == 1
    assert session.recorder.named("provider:transport", "provider:retry") == []


async def test_what_a_plan_does_not_pay_for_is_left_out_and_reported(open_session: OpenSession) -> None:
    session = await open_session(
        web_search=True,
        hosted_tools=[{"type": "image_generation"}],
        temperature=0.5,
        max_output_tokens=500,
        compact_threshold=100_000,
    )
    session.emulator.script(Say("ok"))
    await session.ask("hello", tools=[tool("look", "at")])
    assert [each["type"] for each in sent_tools(session.body)] == ["web_search", "function"]
    assert not {"temperature", "max_output_tokens", "context_management"} & session.body.keys()
    event = session.recorder.one("llm:request")
    assert (event["tool_count"], event["input_count"]) == (2, 1)
    for name in ("image_generation", "temperature", "max_output_tokens", "context_management"):
        assert any(name in line for line in event["dropped"]), name
    assert session.sent == 1


async def test_calls_of_native_tools_from_another_service_are_left_out_and_reported(session: Session) -> None:
    block = {"type": "tool_call", "id": "call_1", "name": "shell", "input": {}, "openai": {"item": MOVED}}
    session.emulator.script(Say("ok"))
    await session.ask("list", assistant([block]), result("call_1", "a.txt"), "go on")
    types = [item["type"] for item in sent_items(session.body)]
    assert session.sent == 1
    assert "shell_call" not in types
    assert types[-1] == "message"


async def test_conversation_over_a_websocket_sends_its_tools_once(open_session: OpenSession) -> None:
    session = await open_session(transport="websocket")
    session.emulator.script(Turn(Think(["Look."]), Call("look", {"at": "x"})), Say("done"), Say("more"))
    chat = Conversation(session, tools=[tool("look", "at")])
    first = await chat.say("look")
    await chat.go_on(*map(result, first.tool_calls))
    assert (await chat.say("and then?")).text == "more"
    frames = [each.sent for each in session.emulator.model_requests]
    assert [len(sent_tools(frame)) for frame in frames] == [1, 0, 0]
    assert [len(sent_items(frame)) for frame in frames] == [1, 1, 1]
    assert len(session.emulator.upgrades) == 1
    assert session.recorder.named("provider:transport") == []


async def test_model_that_is_not_listed_is_asked(open_session: OpenSession) -> None:
    session = await open_session(default_model="gpt-6-sol")
    names = [model.id for model in await session.provider.list_models()]
    assert "gpt-5.6-sol" in names
    session.emulator.script(Say("ok"))
    assert (await session.ask("hello")).text == "ok"
    assert session.body["model"] == "gpt-6-sol"
    assert session.recorder.one("llm:response")["rate_limits"] is None
