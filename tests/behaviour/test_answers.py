"""What a call gives back: text, calls, refusals, usage and the views that loops read."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from amplifier_core.content_models import TextContent, ThinkingContent, ToolCallContent
from amplifier_core.message_models import (
    ChatResponse,
    ResponseFormatJsonSchema,
    TextBlock,
)
from responses_emulator import (
    Call,
    NoUsage,
    Refuse,
    ResponseFields,
    ResponseIncomplete,
    Say,
    Think,
    Turn,
)

from tests.support.session import Conversation, OpenSession, Session, asking, result, sent_items, system, tool, user

WEATHER = tool("get_weather", "city")
THINK_TWICE = Think(["**Plan**\n\nLook first.", "Then speak."])


async def test_a_text_comes_back_as_text(session: Session) -> None:
    session.emulator.script(Say("Good morning."))
    response = await session.ask("hello")
    assert response.text == "Good morning."
    assert [(block.type, block.text) for block in response.content] == [("text", "Good morning.")]
    assert response.finish_reason == "stop"
    assert not response.tool_calls
    assert isinstance(response, ChatResponse)


@pytest.mark.promise("there is no finish reason", area="hazard")
async def test_parallel_calls_come_back_in_order_with_their_own_ids(session: Session) -> None:
    session.emulator.script(
        Turn(Call("get_weather", {"city": "Oslo"}, call_id="call_1"), Call("get_weather", {"city": "Rome"}))
    )
    response = await session.ask("weather?", tools=[WEATHER])
    assert response.finish_reason == "tool_calls"
    assert [call.arguments for call in response.tool_calls] == [{"city": "Oslo"}, {"city": "Rome"}]
    assert response.tool_calls[0].id == "call_1"
    assert len({call.id for call in response.tool_calls}) == 2
    assert session.provider.parse_tool_calls(response) == response.tool_calls


@pytest.mark.promise("the screen shows no tool block", area="hazard")
async def test_the_views_of_an_answer_agree(session: Session) -> None:
    session.emulator.script(Turn(THINK_TWICE, Say("I look."), Call("get_weather", {"city": "Oslo"})))
    response = await session.ask("weather?", tools=[WEATHER])
    assert [block.type for block in response.content] == ["thinking", "text", "tool_call"]
    assert [type(view) for view in response.content_blocks] == [ThinkingContent, TextContent, ToolCallContent]
    assert [view.type.value for view in response.content_blocks] == ["thinking", "text", "tool_call"]
    for view in response.content_blocks:
        json.dumps(view.to_dict())
    assert response.content_blocks[0].text == "**Plan**\n\nLook first.\n\nThen speak."


@pytest.mark.promise("a refusal is an empty answer", area="hazard")
async def test_a_refusal_is_shown_and_ends_as_content_filter(session: Session) -> None:
    session.emulator.script(Refuse("I can't help with that."))
    response = await session.ask("do something bad")
    assert response.text == "I can't help with that."
    assert response.finish_reason == "content_filter"
    assert session.recorder.shown() == "I can't help with that."


async def test_a_refusal_goes_back_as_a_refusal(session: Session) -> None:
    chat = Conversation(session)
    session.emulator.script(Refuse("No."))
    await chat.say("bad")
    await chat.say("and something good?")
    parts = [part for item in session.body["input"] if item.get("role") == "assistant" for part in item["content"]]
    assert parts == [{"type": "refusal", "refusal": "No."}]


@pytest.mark.promise("costs cannot be written as JSON", area="hazard")
async def test_usage_and_cost_are_those_of_the_reply(session: Session) -> None:
    session.emulator.script(Turn(Think([], tokens=100), Say("ok")))
    response = await session.ask("hello")
    told = session.made(0)["usage"]
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens) == (told["input_tokens"], told["output_tokens"])
    assert usage.total_tokens == told["total_tokens"]
    assert usage.reasoning_tokens == 100
    assert usage.cache_read_tokens == 0
    if session.backend.priced:
        assert isinstance(usage.cost_usd, Decimal)
        assert usage.cost_usd > 0
    event = session.recorder.one("llm:response")["usage"]
    assert event["cost_usd"] == (None if usage.cost_usd is None else str(usage.cost_usd))
    assert (event["input_tokens"], event["output_tokens"]) == (usage.input_tokens, usage.output_tokens)


@pytest.mark.promise("missing usage is zero", area="hazard")
async def test_a_reply_without_usage_claims_none(session: Session) -> None:
    session.emulator.script(Turn(Say("ok"), NoUsage()))
    response = await session.ask("hello")
    assert response.usage is None
    assert session.recorder.one("llm:response")["usage"] == {}


@pytest.mark.promise("an unknown price is free", area="hazard")
async def test_an_unknown_price_is_none_and_never_zero(session: Session) -> None:
    session.emulator.script(Turn(Say("ok"), ResponseFields({"service_tier": "a tier of tomorrow"})))
    response = await session.ask("hello")
    assert response.usage.cost_usd is None
    assert session.recorder.one("llm:response")["usage"]["cost_usd"] is None


@pytest.mark.promise("the tier does not count", area="hazard")
async def test_the_price_follows_the_tier_of_the_reply(session: Session) -> None:
    session.emulator.script(
        Turn(Say("ok"), ResponseFields({"service_tier": "default"})),
        Turn(Say("ok"), ResponseFields({"service_tier": "flex"})),
    )
    usual = await session.ask("hello")
    flex = await session.ask("hello")
    if session.backend.priced:
        assert flex.usage.cost_usd * 2 == usual.usage.cost_usd


@pytest.mark.promise("the whole response is stored in the transcript", area="hazard")
async def test_metadata_is_small_namespaced_json(session: Session) -> None:
    session.emulator.script(Turn(THINK_TWICE, Say("x" * 5000)))
    response = await session.ask("hello")
    assert all(key.startswith("openai:") for key in response.metadata)
    assert len(json.dumps(response.metadata)) < 500
    assert response.metadata["openai:response_id"] == session.made(0)["id"]


async def test_an_answer_without_any_text_says_why(session: Session) -> None:
    session.emulator.script(*[Turn(Think(["Hmm, a long story"], tokens=900), ResponseIncomplete())] * 5)
    response = await session.ask("hello")
    assert response.finish_reason == "length"
    assert "reasoning" in response.text
    assert isinstance(response.content[-1], TextBlock)


async def test_a_notice_of_ours_is_never_sent_back(session: Session) -> None:
    chat = Conversation(session)
    session.emulator.script(Turn(Think([], tokens=900), ResponseIncomplete()))
    response = await chat.say("hello")
    await chat.say("again")
    assert response.text not in json.dumps(session.body)
    assert not [item for item in session.body["input"] if item.get("role") == "assistant"]


SCHEMA = {
    "title": "City report",
    "type": "object",
    "properties": {"answer": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["answer", "n"],
    "additionalProperties": False,
}


@pytest.mark.promise("a response format is claimed and ignored", area="hazard")
@pytest.mark.parametrize("given", [SCHEMA, {"name": "report", "schema": SCHEMA, "strict": True}])
async def test_structured_output_is_asked_for_and_comes_back(session: Session, given: dict) -> None:
    response = await session.ask(
        "What is 2 + 3?", response_format=ResponseFormatJsonSchema(json_schema=given, strict=True)
    )
    sent = session.body["text"]["format"]
    assert sent["type"] == "json_schema"
    assert sent["schema"] == SCHEMA
    assert sent["strict"] is True
    assert set(json.loads(response.text)) == {"answer", "n"}


async def test_the_built_in_model_uses_a_tool_and_answers_from_it(session: Session) -> None:
    chat = Conversation(session, tools=[tool("get_weather", "city")])
    first = await chat.say("How is the weather in Oslo?")
    assert [call.name for call in first.tool_calls] == ["get_weather"]
    last = await chat.go_on(*[result(call, "minus four degrees") for call in first.tool_calls])
    assert "minus four degrees" in last.text
    assert session.sent == 2


async def test_text_survives_every_character(session: Session) -> None:
    text = "line\u2028sep\u2029par\x85nel\r\n\ttab \U0001f600 é \x00nul \ufeffbom"
    session.emulator.script(Say(text, chunks=7))
    response = await session.ask(user(text.replace("\x00", "")))
    assert response.text == text
    assert session.recorder.shown() == text
    assert sent_items(session.body)[0]["content"][0]["text"] == text.replace("\x00", "")


async def test_a_lone_surrogate_in_the_history_does_not_break_the_call(session: Session) -> None:
    session.emulator.script(Say("ok"))
    response = await session.ask("broken \ud800 text")
    assert response.text == "ok"


async def test_the_request_and_its_messages_are_left_as_they_were(open_session: OpenSession) -> None:
    session = await open_session()
    request = asking("hello", "again", tools=[tool("t", "x")], metadata={"stream": False})
    before = request.model_dump_json()
    await session.provider.complete(request)
    assert request.model_dump_json() == before


@pytest.mark.promise("dated models have no price", area="hazard")
async def test_a_dated_model_has_the_price_of_its_family(session: Session) -> None:
    session.emulator.script(Say("ok"), Turn(Say("ok"), ResponseFields({"model": "gpt-5.4-2026-03-05"})))
    plain = await session.ask("hello", model="gpt-5.4")
    dated = await session.ask("hello", model="gpt-5.4-2026-03-05")
    assert dated.usage.cost_usd == plain.usage.cost_usd
    assert (plain.usage.cost_usd or 0) > 0 if session.backend.priced else plain.usage.cost_usd is None


@pytest.mark.promise("cache writes do not count", area="hazard")
async def test_what_was_written_to_the_cache_counts(session: Session) -> None:
    chat = Conversation(session)
    chat.messages.append(system("Know this by heart. " * 400))
    session.emulator.script(Say("ok"), Say("ok"))
    first, second = await chat.say("hello"), await chat.say("hello")
    assert first.usage.cache_write_tokens > 1000
    assert second.usage.cache_read_tokens > 1000
    for response, made in ((first, session.made(0)["usage"]), (second, session.made(1)["usage"])):
        usage = response.usage
        # what the footer of hooks-streaming-ui and the meters of context modules add up
        assert usage.input_tokens + usage.cache_write_tokens == made["input_tokens"]
        assert usage.total_tokens + usage.cache_write_tokens == made["total_tokens"]
        assert usage.cache_read_tokens <= usage.input_tokens
    if session.backend.priced:
        assert second.usage.cost_usd < first.usage.cost_usd
