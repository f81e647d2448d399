"""A few calls to real accounts (`nox -s live`): what no emulator can prove. They cost money, so they are short."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from amplifier_core.message_models import ChatRequest, ResponseFormatJsonSchema

from tests.support.backends import BackendUnderTest
from tests.support.session import Conversation, Session, items, picture, result, stored, tool, user

pytestmark = pytest.mark.live

SCHEMA = {
    "type": "object",
    "properties": {"sum": {"type": "integer"}},
    "required": ["sum"],
    "additionalProperties": False,
}


@pytest.fixture
async def live(backend: BackendUnderTest):
    """A session on the account that the environment names."""
    if not all(os.environ.get(name) for name in backend.account):
        pytest.skip(f"no account: set {' and '.join(backend.account)}")
    session = Session(backend, backend.emulator())
    model = os.environ.get("LIVE_MODEL", backend.live_model)
    await session.mount({"default_model": model, "reasoning_effort": "low", "raw": True})
    yield session
    await session.cleanup()


async def test_an_answer_is_streamed_and_priced(live: Session) -> None:
    response = await live.ask("Say the word blue and nothing else.")
    assert "blue" in response.text.lower()
    assert live.recorder.shown() == response.text
    assert response.usage.output_tokens > 0
    if live.backend.priced:
        assert response.usage.cost_usd is not None


async def test_tools_and_reasoning_go_round(live: Session) -> None:
    chat = Conversation(live, tools=[tool("get_temperature", "city")])
    first = await chat.say("What is the temperature in Oslo, and in Rome? Ask the tool for both at once.")
    assert first.tool_calls
    last = await chat.go_on(*[result(call, f"{number + 11} degrees") for number, call in enumerate(first.tool_calls)])
    assert "11" in last.text
    await chat.say("Which of the two is warmer?")
    raw = live.recorder.named("llm:request")[-1]["raw"]
    kept = [block for message in chat.messages[:-1] for block in message.content if not isinstance(block, str)]
    assert len(items(raw, "reasoning")) == len([block for block in kept if block.type == "thinking"])


async def test_a_conversation_goes_on_over_a_websocket(live: Session) -> None:
    """The service remembers what is not sent again. If it opens no WebSocket, the event says why."""
    question = ChatRequest(messages=[user("Remember the word heron, and answer with yes.")])
    first = await live.provider.complete(question, transport="websocket")
    messages = [*question.messages, stored(first), user("Which word?")]
    last = await live.provider.complete(ChatRequest(messages=messages), transport="websocket")
    assert "heron" in last.text.lower()
    assert live.recorder.named("provider:transport") == []


async def test_a_picture_and_a_schema(live: Session) -> None:
    response = await live.ask(user("How many pictures are here, plus one?", picture()))
    assert response.text
    response = await live.ask("2 + 3", response_format=ResponseFormatJsonSchema(json_schema=SCHEMA, strict=True))
    assert json.loads(response.text) == {"sum": 5}


async def test_a_call_can_be_cancelled(live: Session) -> None:
    task = asyncio.create_task(live.ask("Count from one to five hundred in words."))
    await live.emulator.wait_until_async(lambda: live.recorder.shown() or task.done(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert live.recorder.one("llm:response")["status"] == "cancelled"


async def test_models_are_listed(live: Session) -> None:
    assert live.provider.default_model in {model.id for model in await live.provider.list_models()}
