"""Servers that speak only part of the API: what they refuse is left out, once, with one warning, and remembered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidRequestError
from responses_emulator import HttpReply, RejectParameters, Say

from tests.support.backends import BackendUnderTest
from tests.support.session import OpenSession, Session, developer, tool

PARTS = ["include", "reasoning", "prompt_cache_key", "service_tier", "truncation", "safety_identifier"]


def everything(backend: BackendUnderTest) -> dict[str, str]:
    """A setting for each of them that the service takes."""
    settings = {
        "service_tier": backend.tier,
        "truncation": "auto",
        "safety_identifier": "me",
        "reasoning_effort": "high",
    }
    return {key: value for key, value in settings.items() if key not in backend.refuses}


def refused(message: str, **fields: Any) -> HttpReply:
    """A 400 in words."""
    return HttpReply(400, {"error": {"message": message, "type": "invalid_request_error", "code": None, **fields}})


def warnings(log: pytest.LogCaptureFixture) -> list[str]:
    """What the user was told."""
    return [record.getMessage() for record in log.records if record.levelname == "WARNING"]


# tests/unit/failures/test_learn.py reads each parameter in the form of each server.
@pytest.mark.parametrize(("name", "dialect"), [("include", "openai"), ("service_tier", "pydantic422")])
async def test_a_refused_parameter_is_left_out_and_remembered(
    open_session: OpenSession,
    backend: BackendUnderTest,
    caplog: pytest.LogCaptureFixture,
    dialect: Any,
    name: str,
) -> None:
    session = await open_session(**everything(backend))
    session.emulator.script(RejectParameters([name], dialect=dialect))
    await session.ask("hello")
    assert session.sent == 2
    first, second = session.emulator.request_bodies
    assert second == {key: value for key, value in first.items() if key != name}
    told = warnings(caplog)
    assert len(told) == 1
    assert name in told[0]
    await session.ask("again")
    assert session.sent == 3, "the second call knows"
    assert name not in session.body
    assert warnings(caplog) == told
    assert not session.recorder.named("provider:retry")
    assert [event["status"] for event in session.recorder.named("llm:response")] == ["ok", "ok"]


async def test_a_server_that_refuses_much_is_learned_in_one_call(
    open_session: OpenSession, backend: BackendUnderTest
) -> None:
    session = await open_session(**everything(backend))
    parts = [name for name in PARTS if name not in backend.needs]
    session.emulator.script(RejectParameters(parts, dialect="vllm"))
    await session.ask("hello")
    learned = session.sent
    assert learned <= len(parts) + 1
    await session.ask("again")
    assert session.sent == learned + 1
    assert not set(parts) & session.body.keys()
    assert {"model", "input", "stream"} <= session.body.keys()


@pytest.mark.promise("a refused include is sent with every later request", area="hazard")
async def test_refused_include_is_asked_for_no_more(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    """As Azure says it for models that keep their reasoning to themselves."""
    message = "Encrypted content is not supported with this model."
    session.emulator.script(refused(message, param="include"), Say("ok"), Say("ok"))
    await session.ask("hello")
    await session.ask("hello")
    assert session.sent == 3
    assert "include" not in session.body
    assert session.body["reasoning"], "what was asked otherwise is still asked"
    assert len(warnings(caplog)) == 1


async def test_the_listed_efforts_are_obeyed(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    message = (
        "Unsupported value: 'xhigh' is not supported with the 'gpt-5.6-sol' model. "
        "Supported values are: 'low', 'medium', and 'high'."
    )
    session.emulator.script(refused(message, param="reasoning.effort", code="unsupported_value"))
    await session.ask("hello", reasoning_effort="xhigh")
    assert session.sent == 2
    assert session.body["reasoning"]["effort"] == "high"
    await session.ask("hello", reasoning_effort="max")
    assert session.sent == 3
    assert session.body["reasoning"]["effort"] == "high"
    await session.ask("hello", reasoning_effort="low")
    assert session.body["reasoning"]["effort"] == "low"
    assert any("low, medium, high" in line for line in warnings(caplog))


async def test_a_role_that_a_server_does_not_know_is_sent_as_system(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    session.emulator.script(refused("Unexpected message role: developer"))
    if not session.backend.takes_system or session.backend.system_text_role == "system":
        with pytest.raises(InvalidRequestError):
            await session.ask(developer("Use metric units."), "hello")
        assert session.sent == 1
        return
    await session.ask(developer("Use metric units."), "hello")
    assert [item["role"] for item in session.emulator.request_bodies[0]["input"]] == ["developer", "user"]
    assert [item["role"] for item in session.body["input"]] == ["system", "user"]
    await session.ask(developer("Use metric units."), "again")
    assert session.sent == 3
    assert len(warnings(caplog)) == 1


async def test_a_field_that_would_change_the_question_is_never_left_out(session: Session) -> None:
    message = "Unsupported parameter: 'tools' is not supported with this model."
    session.emulator.script(refused(message, param="tools", code="unsupported_parameter"))
    with pytest.raises(InvalidRequestError):
        await session.ask("hello", tools=[tool("a")])
    assert session.sent == 1


async def test_a_server_that_refuses_for_ever_is_an_error(session: Session) -> None:
    again = refused("Unknown parameter: 'include'.", param="include", code="unknown_parameter")
    session.emulator.script(*[again] * 10)
    with pytest.raises(InvalidRequestError):
        await session.ask("hello")
    assert session.sent == 2


async def test_lessons_belong_to_one_model(session: Session) -> None:
    session.emulator.script(refused("Unknown parameter: 'include'.", param="include", code="unknown_parameter"))
    await session.ask("hello")
    await session.ask("hello", model="gpt-5.6-luna")
    assert "include" in session.body
    await session.ask("hello")
    assert "include" not in session.body


async def test_many_calls_learn_at_once(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    session.emulator.script(RejectParameters(["include"]))
    answers = await asyncio.gather(*[session.ask("hello") for _ in range(8)])
    assert len(answers) == 8
    assert session.sent <= 16
    assert len(warnings(caplog)) == 1


async def test_a_lesson_costs_no_attempt(open_session: OpenSession) -> None:
    session = await open_session(max_retries=0)
    session.emulator.script(RejectParameters(["prompt_cache_key", "include"]))
    response = await session.ask("hello")
    assert response.text
