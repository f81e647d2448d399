"""Other servers behind openai-v2: one address with many models, each of which reads only what it made itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from responses_emulator import Emulator, Refuse, ResponseFields, Say, Think, Turn, openai_surface

from tests.support.backends import BACKENDS
from tests.support.session import Conversation, Session, items

OPENAI = BACKENDS[0]


@pytest.fixture
async def gateway() -> AsyncIterator[Session]:
    """An address behind which every model id is served, and no model reads another one's ciphertext."""
    with Emulator(surfaces=(openai_surface(any_model=True, shares_ciphertext=False),)) as emulator:
        session = await Session(OPENAI, emulator).mount(OPENAI.settings(emulator, max_retries=0))
        yield session
        await session.cleanup()


@pytest.mark.promise("ciphertext goes to another model behind the same address", area="hazard")
async def test_a_conversation_moves_between_models_of_one_gateway_and_back(gateway: Session) -> None:
    chat = Conversation(gateway)
    gateway.emulator.script(*[Turn(Think(["Hm."]), Say("ok"))] * 4)
    reasoning_counts = []
    for model in ("gpt-5.6-sol", "tiny", "tiny", "gpt-5.6-sol"):
        chat.fields = {"model": model}
        await chat.say("hello")
        reasoning_counts.append(len(items(gateway.body, "reasoning")))
        assert len(items(gateway.body, "message")) == 2 * len(reasoning_counts) - 1
    assert reasoning_counts == [0, 0, 1, 1]
    assert gateway.sent == 4, "no request was refused"


async def test_reasoning_goes_back_to_the_model_behind_an_alias(gateway: Session) -> None:
    """The name of the request stands for a model of another name, which the response tells."""
    chat = Conversation(gateway, model="my-alias")
    gateway.emulator.script(*[Turn(Think(["Hm."]), Say("ok"), ResponseFields({"model": "qwen3"}))] * 2)
    await chat.say("hello")
    await chat.say("more")
    assert len(items(gateway.body, "reasoning")) == 1


async def test_a_refusal_is_plain_text_for_another_model(gateway: Session) -> None:
    chat = Conversation(gateway, model="gpt-5.6-sol")
    gateway.emulator.script(Refuse("I can't help with that."), Say("ok"), Say("ok"))
    await chat.say("do something bad")
    for model, kind in (("tiny", "output_text"), ("gpt-5.6-sol", "refusal")):
        chat.fields = {"model": model}
        await chat.say("more")
        [part] = gateway.body["input"][1]["content"]
        assert part["type"] == kind


async def test_fields_that_a_server_adds_to_an_item_go_to_no_other_service(gateway: Session) -> None:
    """transformers serve puts `annotations` on the message itself, which the API refuses."""
    chat = Conversation(gateway, model="tiny")
    await chat.say("hello")
    block: Any = chat.messages[-1].content[-1]
    block.model_extra["openai"]["item"]["annotations"] = []
    chat.fields = {"model": "gpt-5.6-sol"}
    await chat.say("more")
    assert all("annotations" not in item for item in gateway.body["input"])
    assert gateway.sent == 2, "no request was refused"
