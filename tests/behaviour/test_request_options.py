"""Options: every one reaches the wire, in the right order of precedence, however a wizard spelled it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from responses_emulator import Call, Say

from tests.support.backends import BackendUnderTest
from tests.support.session import Conversation, OpenSession, Session, asking, system, tool

# Stand for what each service has of its own: a tier that it takes, and a body key that no setting writes.
TIER, EXTRA = "(tier)", "(extra)"

# setting, value, path on the wire, value there
SETTINGS = [
    ("default_model", "gpt-5.6-terra", "model", "gpt-5.6-terra"),
    ("reasoning_effort", "HIGH", "reasoning.effort", "high"),
    ("reasoning", "low", "reasoning.effort", "low"),
    (
        "reasoning",
        {"effort": "low", "context": "auto"},
        "reasoning",
        {"context": "auto", "effort": "low", "summary": "auto"},
    ),
    ("reasoning", '{"mode": "pro"}', "reasoning.mode", "pro"),
    ("reasoning_summary", "detailed", "reasoning.summary", "detailed"),
    ("verbosity", "low", "text.verbosity", "low"),
    ("max_output_tokens", "4096", "max_output_tokens", 4096),
    ("max_tokens", 4096, "max_output_tokens", 4096),
    ("parallel_tool_calls", "false", "parallel_tool_calls", False),
    ("service_tier", TIER, "service_tier", TIER),
    ("truncation", "auto", "truncation", "auto"),
    ("prompt_cache_key", "mine", "prompt_cache_key", "mine"),
    ("prompt_cache_retention", "24h", "prompt_cache_retention", "24h"),
    ("safety_identifier", "somebody", "safety_identifier", "somebody"),
    (
        "include",
        "message.output_text.logprobs",
        "include",
        ["reasoning.encrypted_content", "message.output_text.logprobs"],
    ),
    ("extra_body", EXTRA, EXTRA, EXTRA),
]
SAMPLING = [("temperature", "0"), ("temperature", 0.7), ("top_p", "0.5"), ("top_p", 0)]


def at(body: dict[str, Any], path: str) -> Any:
    """The value at a dotted path."""
    value: Any = body
    for key in path.split("."):
        value = value[key]
    return value


def on(backend: BackendUnderTest, key: str, value: Any, path: str, wanted: Any) -> tuple[str, Any, str, Any]:
    """A row of the table for one service."""
    if value == TIER:
        return key, backend.tier.capitalize(), path, backend.tier
    if value == EXTRA:
        name, inside = backend.extra
        return key, json.dumps({name: inside}), name, inside
    return key, value, path, wanted


def check(session: Session, path: str, wanted: Any) -> None:
    """The newest body has a value, or leaves it out where the service never takes it; and that is reported."""
    top = path.partition(".")[0]
    if top not in session.backend.refuses:
        assert at(session.body, path) == wanted
        return
    assert top not in session.body
    assert any(line.startswith(top) for line in session.recorder.named("llm:request")[-1]["dropped"])


@pytest.mark.promise("a setting of the wizard is never read", area="hazard")
@pytest.mark.parametrize(("key", "value", "path", "wanted"), SETTINGS)
async def test_a_setting_reaches_the_wire(
    open_session: OpenSession, backend: BackendUnderTest, key: str, value: Any, path: str, wanted: Any
) -> None:
    key, value, path, wanted = on(backend, key, value, path, wanted)
    session = await open_session(**{key: value})
    await session.ask("hello", tools=[tool("look", "at")])
    check(session, path, wanted)


@pytest.mark.parametrize(("key", "value", "path", "wanted"), SETTINGS)
async def test_an_argument_of_the_call_reaches_the_wire(
    session: Session, key: str, value: Any, path: str, wanted: Any
) -> None:
    key, value, path, wanted = on(session.backend, key, value, path, wanted)
    key = "model" if key == "default_model" else key
    await session.provider.complete(asking("hello", tools=[tool("look", "at")]), **{key: value})
    check(session, path, wanted)


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


# request field, value, path, wanted
FIELDS = [
    ("model", "gpt-5.6-luna", "model", "gpt-5.6-luna"),
    ("reasoning_effort", "xhigh", "reasoning.effort", "xhigh"),
    ("max_output_tokens", 2000, "max_output_tokens", 2000),
    ("tool_choice", "required", "tool_choice", "required"),
    ("tool_choice", "none", "tool_choice", "none"),
    ("tool_choice", "any", "tool_choice", "required"),
    ("tool_choice", "look", "tool_choice", {"type": "function", "name": "look"}),
    ("tool_choice", {"type": "tool", "name": "look"}, "tool_choice", {"type": "function", "name": "look"}),
    (
        "tool_choice",
        {"type": "function", "function": {"name": "look"}},
        "tool_choice",
        {"type": "function", "name": "look"},
    ),
    ("tool_choice", {"type": "function", "name": "look"}, "tool_choice", {"type": "function", "name": "look"}),
    ("conversation_id", "conv-1", "prompt_cache_key", "conv-1"),
    ("reasoning", {"effort": "low", "summary": "concise"}, "reasoning", {"effort": "low", "summary": "concise"}),
]


@pytest.mark.promise("fields of the request are ignored", area="hazard")
@pytest.mark.parametrize(("field", "value", "path", "wanted"), FIELDS)
async def test_a_field_of_the_request_reaches_the_wire(
    session: Session, field: str, value: Any, path: str, wanted: Any
) -> None:
    await session.ask("hello", tools=[tool("look", "at")], **{field: value})
    check(session, path, wanted)


async def test_arguments_win_over_the_request_and_the_request_over_settings(open_session: OpenSession) -> None:
    session = await open_session(reasoning_effort="low")
    request = asking("hello", reasoning_effort="high")
    await session.ask("hello")
    await session.provider.complete(request)
    await session.provider.complete(request, reasoning_effort="xhigh")
    assert [body["reasoning"]["effort"] for body in session.emulator.request_bodies] == ["low", "high", "xhigh"]


async def test_extended_thinking_false_switches_reasoning_off(open_session: OpenSession) -> None:
    session = await open_session(reasoning_effort="high")
    await session.provider.complete(asking("hello"), extended_thinking=False)
    assert session.body["reasoning"]["effort"] == ("none" if session.backend.rests else "low")


async def test_an_effort_that_the_model_does_not_allow_becomes_the_nearest(session: Session) -> None:
    await session.ask("hello", reasoning_effort="minimal")
    assert session.body["reasoning"]["effort"] in {"none", "low"}
    assert any("minimal" in line for line in session.recorder.one("llm:request")["dropped"])


async def test_stop_sequences_are_reported_as_not_taken(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        await session.ask("hello", stop=["END"])
    assert "stop" not in session.body
    assert all("stop" in event["dropped"][0] for event in session.recorder.named("llm:request"))
    assert len([record for record in caplog.records if "stop" in record.message]) == 1


async def test_an_output_limit_below_the_least_is_raised_to_it(session: Session) -> None:
    session.emulator.script(Say("ok"))
    await session.ask("hello", max_output_tokens=1)
    check(session, "max_output_tokens", 16)
    assert any("16" in line for line in session.recorder.one("llm:request")["dropped"])


async def test_empty_strings_count_as_absent(open_session: OpenSession) -> None:
    keys = ["reasoning_effort", "max_output_tokens", "temperature", "prompt_cache_key", "timeout", "web_search"]
    session = await open_session(**dict.fromkeys([*keys, "use_streaming", "extra_body", "model_info"], ""))
    await session.ask("hello")
    assert session.body["model"] == session.backend.model
    assert session.body["prompt_cache_key"] == "test-session"
    assert "effort" not in session.body.get("reasoning", {})


@pytest.mark.promise("the text false counts as true", area="hazard")
@pytest.mark.parametrize("off", ["false", "False", "0", "no", "off", False])
async def test_false_is_false_however_it_is_spelled(open_session: OpenSession, off: Any) -> None:
    flags = ["use_streaming", "raw", "debug", "raw_debug", "web_search", "parallel_tool_calls"]
    session = await open_session(**dict.fromkeys(flags, off))
    await session.ask("hello", tools=[tool("look", "at")])
    assert not session.recorder.named("llm:stream_block_start", "llm:request:debug", "llm:request:raw")
    assert "raw" not in session.recorder.one("llm:request")
    assert [entry["type"] for entry in session.body["tools"]] == ["function"]
    assert session.body["parallel_tool_calls"] is False


async def test_unknown_arguments_of_a_call_are_ignored(session: Session) -> None:
    session.emulator.script(Say("ok"))
    response = await session.provider.complete(asking("hello"), thinking_budget_tokens=5000, sparkle=True)
    assert response.text == "ok"


async def test_extra_body_is_merged_last_and_named(open_session: OpenSession, backend: BackendUnderTest) -> None:
    name, value = backend.extra
    session = await open_session(extra_body={"prompt_cache_key": "last", name: value}, prompt_cache_key="first")
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


async def test_a_long_cache_key_is_kept_apart_but_short(session: Session) -> None:
    for name in ("a", "b"):
        await session.ask("hello", conversation_id=name * 100)
    keys = [body["prompt_cache_key"] for body in session.emulator.request_bodies]
    assert len(set(keys)) == 2
    assert all(len(key) <= 64 for key in keys)


@pytest.mark.promise("tools become strict", area="hazard")
async def test_function_tools_are_not_strict_unless_they_ask(session: Session) -> None:
    tight = tool("tight", "a", strict=True)
    tight.parameters["additionalProperties"] = False
    await session.ask("hello", tools=[tool("loose", "a"), tight])
    assert [entry["strict"] for entry in session.body["tools"]] == [False, True]
    assert session.body["tools"][0]["parameters"]["required"] == ["a"]


async def test_a_custom_tool_is_offered_as_one(session: Session) -> None:
    session.emulator.script(Call("get_weather", {}))
    await session.ask("go", tools=[tool("run", type="custom")])
    assert session.body["tools"][0]["type"] == "custom"
    assert "parameters" not in session.body["tools"][0]


BAD = [
    ("max_output_tokens", "many", "a whole number"),
    ("timeout", "-1", "a number of seconds above 0"),
    ("use_streaming", "maybe", "true or false"),
    ("max_retries", -1, "0 or more"),
    ("extra_body", "[1]", "an object"),
    ("hosted_tools", "[1]", "a list of tools"),
    ("model_info", {"gpt-x": {"context_window": "big"}}, "model_info"),
]


@pytest.mark.parametrize(("key", "value", "words"), BAD, ids=[row[0] for row in BAD])
async def test_a_bad_setting_is_told_by_the_first_call(
    open_session: OpenSession, key: str, value: Any, words: str
) -> None:
    session = await open_session(**{key: value})
    with pytest.raises(ConfigurationError, match=key) as caught:
        await session.ask("hello")
    assert words in str(caught.value)
    assert not caught.value.retryable
    assert session.sent == 0
    assert session.recorder.names == ["llm:request", "llm:response"]
    assert session.recorder.one("llm:response")["status"] == "error"
    with pytest.raises(ConfigurationError, match=key):
        await session.provider.list_models()


async def test_an_effort_that_nobody_knows_is_not_sent_as_it_stands(open_session: OpenSession) -> None:
    session = await open_session(reasoning_effort="huge")
    await session.ask("hello")
    assert session.body["reasoning"]["effort"] != "huge"
    assert any("huge" in line for line in session.recorder.one("llm:request")["dropped"])


async def test_a_bad_argument_is_told_and_both_events_are_emitted(session: Session) -> None:
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
