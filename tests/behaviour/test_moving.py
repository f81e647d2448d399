"""One conversation over all services and back: each request is valid for its service, own reasoning is replayed and
foreign reasoning left out, and nothing else is lost on the way."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.message_models import Message
from responses_emulator import Call, Emulator, Say, Think, Turn

from tests.support.backends import BACKENDS
from tests.support.session import KEEPERS, Session, items, result, system, texts, tool, user

WEATHER = tool("get_weather", "city")


ORDERS = list(itertools.permutations(BACKENDS))


def turn(number: int) -> tuple[Turn, Turn]:
    """A request for a call, and the answer after its result."""
    look = Turn(
        Think([f"**Look {number}**"]), Say(f"Looking, {number}."), Call("get_weather", {"city": f"City {number}"})
    )
    return look, Turn(Think([f"**Say {number}**"]), Say(f"It is cold, {number}."))


@pytest.mark.parametrize("keep", KEEPERS)
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(each.name for each in order))
async def test_from_service_to_service_and_back(order: tuple[Any, ...], keep: Callable[[Any], Message]) -> None:
    with Emulator(surfaces=tuple(backend.surface() for backend in order)) as emulator:
        surfaces = [surface.name for surface in emulator._surfaces]
        sessions = []
        for backend, name in zip(order, surfaces, strict=True):
            config = {**backend.config(emulator.base_url_of(name), backend.secret), "default_model": backend.model}
            sessions.append(await Session(backend, emulator).mount({**config, "max_retries": 0}))
        history: list[Message] = [system("Be brief.")]
        visits = [*range(len(order)), 0]
        for number, at in enumerate(visits):
            await visit(sessions[at], history, number, keep)
            sent = emulator.request_bodies[-1]
            own = [each for each in range(number + 1) if visits[each] == at]
            # Of this turn one step was sent back so far; of earlier turns on this service both.
            assert len(items(sent, "reasoning")) == 2 * len(own) - 1
            assert texts(sent) == [f"Question {each}?" for each in range(number + 1)]
            calls, results = items(sent, "function_call"), items(sent, "function_call_output")
            assert [call["call_id"] for call in calls] == [each["call_id"] for each in results]
            assert [call["arguments"] for call in calls] == [f'{{"city":"City {each}"}}' for each in range(number + 1)]
            assert [each["output"] for each in results] == [f"cold {each}" for each in range(number + 1)]
            assert len(texts(sent, "assistant")) == 2 * number + 1
            assert sent["instructions"] == "Be brief."
        for session in sessions:
            assert {event["status"] for event in session.recorder.named("llm:response")} == {"ok"}
            assert not session.recorder.named("provider:retry")
            assert not session.recorder.named("provider:tool_sequence_repaired")
            await session.cleanup()
        assert len(emulator.model_requests) == 2 * len(visits), "no request had to be sent twice"
        assert {each.status for each in emulator.model_requests} == {200}


async def visit(session: Session, history: list[Message], number: int, keep: Callable[[Any], Message]) -> None:
    """One turn on one service: a question, a call, its result, an answer."""
    session.emulator.script(*turn(number))
    history.append(user(f"Question {number}?"))
    asked = await session.ask(*history, tools=[WEATHER])
    (call,) = asked.tool_calls
    history += [keep(asked), result(call, f"cold {number}")]
    answer = await session.ask(*history, tools=[WEATHER])
    assert answer.text == f"It is cold, {number}."
    history.append(keep(answer))
