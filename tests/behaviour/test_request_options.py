"""Every option reaches the wire from settings, arguments and fields; tests/unit/options checks each spelling."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError, NotFoundError
from amplifier_core.message_models import ResponseFormatJson
from responses_emulator import ResponseFields, Say, Turn

from tests.support.backends import BackendUnderTest
from tests.support.session import Conversation, OpenSession, Session, asking, sent_tools, system, tool


def settings(backend: BackendUnderTest) -> dict[str, tuple[Any, str, Any]]:
    """Return each setting with a value, the path of its field in a body, and the value there."""
    name, value = backend.extra
    reasoning = {"effort": "high", "summary": "detailed", "context": "auto"}
    include = ["reasoning.encrypted_content", "message.output_text.logprobs"]
    return {
        "default_model": ("gpt-5.6-terra", "model", "gpt-5.6-terra"),
        "reasoning_effort": ("HIGH", "reasoning", reasoning),
        "reasoning": ('{"context": "auto"}', "reasoning", reasoning),
        "reasoning_summary": ("detailed", "reasoning", reasoning),
        "verbosity": ("low", "text.verbosity", "low"),
        "max_output_tokens": ("4096", "max_output_tokens", 4096),
        "parallel_tool_calls": ("false", "parallel_tool_calls", False),
        "service_tier": (backend.tier.capitalize(), "service_tier", backend.tier),
        "truncation": ("auto", "truncation", "auto"),
        "prompt_cache_key": ("mine", "prompt_cache_key", "mine"),
        "prompt_cache_retention": ("24h", "prompt_cache_retention", "24h"),
        "safety_identifier": ("somebody", "safety_identifier", "somebody"),
        "include": ("message.output_text.logprobs", "include", include),
        "extra_body": (json.dumps({name: value}), name, value),
    }


def at(body: dict[str, Any], path: str) -> Any:
    """Return the value at a dotted path."""
    value: Any = body
    for key in path.split("."):
        value = value[key]
    return value


def check(session: Session, path: str, expected: Any) -> None:
    """Check a value of the newest body, or the report about a field that the service never accepts."""
    top = path.partition(".")[0]
    if top not in session.backend.refuses:
        assert at(session.body, path) == expected
        return
    assert top not in session.body
    assert any(line.startswith(top) for line in session.recorder.named("llm:request")[-1]["dropped"])


@pytest.mark.promise("a setting of the wizard is never read", area="hazard")
async def test_every_setting_reaches_the_wire(open_session: OpenSession, backend: BackendUnderTest) -> None:
    rows = settings(backend)
    session = await open_session(**{key: value for key, (value, _, _) in rows.items()})
    await session.ask("hello", tools=[tool("look", "at")])
    for _, path, expected in rows.values():
        check(session, path, expected)


async def test_every_argument_of_the_call_reaches_the_wire(session: Session) -> None:
    rows = settings(session.backend)
    rows["model"] = rows.pop("default_model")
    arguments = {key: value for key, (value, _, _) in rows.items()}
    await session.provider.complete(asking("hello", tools=[tool("look", "at")]), **arguments)
    for _, path, expected in rows.values():
        check(session, path, expected)


SAMPLING = [("temperature", "0"), ("top_p", 0.5)]


@pytest.mark.promise("zero counts as absent", area="hazard")
@pytest.mark.parametrize(("key", "value"), SAMPLING)
async def test_sampling_reaches_a_model_that_takes_it(open_session: OpenSession, key: str, value: Any) -> None:
    session = await open_session(**{key: value})
    await session.ask("hello", model=session.backend.plain_model)
    check(session, key, float(value))


@pytest.mark.promise("sampling is sent to models that refuse it", area="hazard")
@pytest.mark.parametrize("key", ["temperature", "top_p"])
async def test_sampling_is_left_out_and_reported_where_the_model_reasons(session: Session, key: str) -> None:
    await session.ask("hello", **{key: 0.3})
    assert key not in session.body
    assert any(key in line for line in session.recorder.one("llm:request")["dropped"])


async def test_sampling_is_taken_where_the_model_is_told_not_to_reason(session: Session) -> None:
    await session.ask("hello", temperature=0.3, reasoning_effort="none")
    check(session, "temperature", 0.3)
    resting = session.backend.rests
    assert session.body["reasoning"].get("effort") == ("none" if resting else "low")
    assert ("reasoning.encrypted_content" in session.body.get("include", [])) is not resting


@pytest.mark.promise("fields of the request are ignored", area="hazard")
async def test_every_field_of_the_request_reaches_the_wire(session: Session) -> None:
    await session.ask(
        "hello",
        tools=[tool("look", "at")],
        model="gpt-5.6-luna",
        reasoning_effort="xhigh",
        max_output_tokens=2000,
        tool_choice="look",
        conversation_id="conv-1",
    )
    check(session, "model", "gpt-5.6-luna")
    check(session, "reasoning.effort", "xhigh")
    check(session, "max_output_tokens", 2000)
    check(session, "tool_choice", {"type": "function", "name": "look"})
    check(session, "prompt_cache_key", "conv-1")


async def test_stop_sequences_are_reported_as_not_taken(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        await session.ask("hello", stop=["END"])
    assert "stop" not in session.body
    assert all("stop" in event["dropped"][0] for event in session.recorder.named("llm:request"))
    assert len([record for record in caplog.records if "stop" in record.message]) == 1


@pytest.mark.promise("the text false counts as true", area="hazard")
@pytest.mark.parametrize("off", ["false", "False", "0", "no", "off", False])
async def test_false_is_false_however_it_is_spelled(open_session: OpenSession, off: Any) -> None:
    flags = ["use_streaming", "raw", "debug", "raw_debug", "web_search", "parallel_tool_calls"]
    session = await open_session(**dict.fromkeys(flags, off))
    await session.ask("hello", tools=[tool("look", "at")])
    assert not session.recorder.named("llm:stream_block_start", "llm:request:debug", "llm:request:raw")
    assert "raw" not in session.recorder.one("llm:request")
    assert [entry["type"] for entry in sent_tools(session.body)] == ["function"]
    assert session.body["parallel_tool_calls"] is False


async def test_extra_body_is_merged_last_and_named(open_session: OpenSession, backend: BackendUnderTest) -> None:
    name, value = backend.extra
    session = await open_session(
        extra_body={"prompt_cache_key": "last", name: value, "input": []}, prompt_cache_key="first"
    )
    await session.ask("hello")
    assert session.body["prompt_cache_key"] == "last"
    assert session.body[name] == value
    assert session.recorder.one("llm:request")["extra_body"] == sorted(["prompt_cache_key", name])


async def test_the_cache_key_is_the_session_and_the_second_turn_is_cached(session: Session) -> None:
    chat = Conversation(session)
    chat.messages.append(system("Know this by heart. " * 300))
    first = await chat.say("hello")
    second = await chat.say("more")
    assert [body["prompt_cache_key"] for body in session.emulator.request_bodies] == ["test-session"] * 2
    assert first.usage.cache_read_tokens == 0
    assert second.usage.cache_read_tokens > 1000
    usage = session.recorder.named("llm:response")[-1]["usage"]
    assert usage["cache_read_tokens"] == second.usage.cache_read_tokens
    assert usage["cache_read_tokens"] <= usage["input_tokens"]


@pytest.mark.promise("tools become strict", area="hazard")
async def test_function_tools_are_not_strict_unless_they_ask(session: Session) -> None:
    tight = tool("tight", "a", strict=True)
    tight.parameters["additionalProperties"] = False
    await session.ask("hello", tools=[tool("loose", "a"), tight])
    assert [entry["strict"] for entry in sent_tools(session.body)] == [False, True]
    assert sent_tools(session.body)[0]["parameters"]["required"] == ["a"]


async def test_a_setting_that_is_not_valid_is_named_by_the_first_call(open_session: OpenSession) -> None:
    session = await open_session(max_output_tokens="many")
    with pytest.raises(ConfigurationError, match="max_output_tokens") as caught:
        await session.ask("hello")
    assert "a whole number" in str(caught.value)
    assert not caught.value.retryable
    assert session.sent == 0
    assert session.recorder.names == ["llm:request", "llm:response"]
    assert session.recorder.one("llm:response")["status"] == "error"
    with pytest.raises(ConfigurationError, match="max_output_tokens"):
        await session.provider.list_models()


async def test_an_argument_that_is_not_valid_is_named_and_both_events_are_emitted(session: Session) -> None:
    with pytest.raises(ConfigurationError, match="temperature"):
        await session.provider.complete(asking("hello"), temperature="warm")
    assert session.recorder.names == ["llm:request", "llm:response"]


@pytest.mark.promise("an unknown setting is ignored in silence", area="hazard")
async def test_an_unknown_setting_is_warned_of_with_the_nearest_name(
    open_session: OpenSession, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        session = await open_session(reasoning_efort="high", sparkle=1)
    lines = [record.message for record in caplog.records]
    assert any("'reasoning_efort'" in line and "'reasoning_effort'" in line for line in lines)
    assert any("'sparkle'" in line for line in lines)
    await session.ask("hello")
    assert "efort" not in json.dumps(session.body)


async def test_model_info_makes_a_new_model_known(open_session: OpenSession) -> None:
    rows = {"gpt-77": {"context_window": "1234", "max_output_tokens": 777}}
    session = await open_session(default_model="gpt-77", model_info=json.dumps(rows))
    info = session.provider.get_model_info()
    assert (info.context_window, info.max_output_tokens) == (1234, 777)
    assert session.provider.get_info().defaults["context_window"] == 1234


@pytest.mark.promise("a small output limit is sent by default", area="hazard")
async def test_no_output_limit_is_sent_unless_asked_for(session: Session) -> None:
    await session.ask("hello")
    assert "max_output_tokens" not in session.body


@pytest.mark.promise("the effort in force cannot be seen", area="hazard")
async def test_the_events_name_effort_model_and_tier_in_force(open_session: OpenSession) -> None:
    session = await open_session(reasoning_effort="low")
    session.emulator.script(
        Turn(Say("ok"), ResponseFields({"model": "gpt-5.6-sol-2026-08-01", "service_tier": "flex"}))
    )
    await session.ask("hello", reasoning_effort="high")
    request, response = session.recorder.one("llm:request"), session.recorder.one("llm:response")
    assert request["reasoning"]["effort"] == "high"
    assert response["served_model"] == "gpt-5.6-sol-2026-08-01"
    assert response["service_tier"] == "flex"
    assert response["response_id"].startswith("resp_")


@pytest.mark.promise("a request gets an effort that nobody chose", area="hazard")
async def test_reasoning_without_an_effort_makes_none_up(open_session: OpenSession) -> None:
    session = await open_session(reasoning={"summary": "detailed"})
    await session.ask("hello")
    effort = session.backend.stated_effort
    assert session.body["reasoning"] == {"summary": "detailed", **({"effort": effort} if effort else {})}


@pytest.mark.promise("unknown models are taken for ones that do not reason", area="hazard")
async def test_an_unknown_model_gets_what_was_asked(open_session: OpenSession) -> None:
    session = await open_session(default_model="my-deployment", reasoning_effort="xhigh")
    with pytest.raises(NotFoundError):
        await session.ask("hello")
    assert session.body["reasoning"]["effort"] == "xhigh"
    assert "reasoning.encrypted_content" in session.body["include"]


@pytest.mark.promise("JSON mode fails if only the system message names JSON", area="hazard")
@pytest.mark.parametrize("leading", ["You answer with one JSON object.", "Be brief."])
async def test_json_mode_works_and_the_input_only_grows(session: Session, leading: str) -> None:
    """The service looks for the word in the input, and not in the instructions."""
    chat = Conversation(session, response_format=ResponseFormatJson())
    chat.messages.append(system(leading))
    for text in ("The capital of France?", "And of Norway? As JSON."):
        session.emulator.script(Say('{"capital": "?"}'))
        await chat.say(text)
    first, second = session.emulator.request_bodies
    assert second["input"][: len(first["input"])] == first["input"]
    assert leading in json.dumps(first)
