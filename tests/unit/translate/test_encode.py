"""One request body: which fields are sent to which model, what is dropped and said, and that the bytes are stable."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from amplifier_core.message_models import ChatRequest, Message, ResponseFormatJson, ThinkingBlock, ToolSpec
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts.amendments import Amendments
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.facts.model_traits import find_traits
from openai_responses_common.facts.traits import EFFORTS
from openai_responses_common.options.options import Options, read_call_options
from openai_responses_common.translate.encode import EncodedRequest, encode_request, find_nearest_effort
from openai_responses_common.wire.json_values import dump_body

PLAIN = BackendProfile(name="p", display_name="P")
TOOL = ToolSpec(name="read", description="Read.", parameters={"type": "object", "properties": {}})
USER = Message(role="user", content="hi")
KEY_ORDER = [
    "model",
    "stream",
    "store",
    "service_tier",
    "include",
    "reasoning",
    "text",
    "temperature",
    "top_p",
    "max_output_tokens",
    "parallel_tool_calls",
    "truncation",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "instructions",
    "tools",
    "tool_choice",
    "input",
]


def encode(
    *messages: Message,
    model: str = "gpt-6-sol",
    profile: BackendProfile = PLAIN,
    amendments: Amendments | None = None,
    tools: list[ToolSpec] | None = None,
    **options: Any,
) -> EncodedRequest:
    request = ChatRequest(messages=list(messages or (USER,)), tools=tools)
    return encode_request(
        request,
        Options(model=model, **options),
        profile=profile,
        traits=find_traits(model),
        amendments=amendments or Amendments(),
        origin="here",
    )


def wire(encoded: EncodedRequest) -> dict[str, Any]:
    return dict(encoded.body)


def body(**options: Any) -> dict[str, Any]:
    return wire(encode(**options))


def developer(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": text}]}


def test_the_smallest_request() -> None:
    encoded = encode(model="gpt-4.1")
    assert wire(encoded) == {
        "model": "gpt-4.1",
        "stream": True,
        "store": False,
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
    }
    assert (encoded.dropped_options, encoded.dropped_content, encoded.repairs) == ([], [], [])


def test_a_request_with_everything_stands_in_one_order() -> None:
    encoded = encode(
        Message(role="system", content="be kind"),
        Message(role="user", content="write JSON"),
        tools=[TOOL],
        service_tier="flex",
        reasoning_effort="none",
        verbosity="low",
        response_format=ResponseFormatJson(),
        temperature=0.5,
        top_p=0.5,
        max_output_tokens=100,
        parallel_tool_calls=False,
        truncation="auto",
        prompt_cache_key="k",
        prompt_cache_retention="24h",
        safety_identifier="s",
        include=("message.output_text.logprobs",),
        tool_choice="auto",
    )
    assert list(wire(encoded)) == KEY_ORDER
    assert encoded.dropped_options == []


def test_nothing_is_ever_stored_and_streaming_is_always_on() -> None:
    for model in ("gpt-4.1", "gpt-6-sol", "somebody/s-model"):
        assert body(model=model)["store"] is False
        assert body(model=model, use_streaming=False)["stream"] is True


@pytest.mark.parametrize(
    ("model", "options", "asked"),
    [
        ("gpt-6-sol", {}, True),
        ("gpt-6-sol", {"reasoning_effort": "high"}, True),
        ("gpt-6-sol", {"reasoning_effort": "none"}, False),
        ("gpt-4.1", {}, False),
        ("somebody/s-model", {}, True),
        ("somebody/s-model", {"reasoning_effort": "none"}, False),
    ],
)
def test_ciphertext_is_asked_for_whenever_the_model_may_reason(
    model: str, options: dict[str, Any], asked: bool
) -> None:
    assert ("reasoning.encrypted_content" in body(model=model, **options).get("include", [])) is asked


def test_what_hosted_tools_found_is_asked_for_once() -> None:
    include = body(
        hosted_tools=({"type": "web_search"},),
        include=("web_search_call.action.sources", "reasoning.encrypted_content"),
    )["include"]
    assert include == ["reasoning.encrypted_content", "web_search_call.action.sources"]


@pytest.mark.parametrize(
    ("model", "options", "reasoning"),
    [
        ("gpt-6-sol", {}, {"summary": "auto"}),
        ("gpt-6-sol", {"reasoning_effort": "high"}, {"effort": "high", "summary": "auto"}),
        ("gpt-6-sol", {"reasoning_effort": "max"}, {"effort": "max", "summary": "auto"}),
        ("gpt-6-sol", {"reasoning_effort": "none"}, {"effort": "none"}),
        ("gpt-6-sol", {"reasoning_summary": None}, None),
        ("gpt-6-sol", {"reasoning_summary": "detailed"}, {"summary": "detailed"}),
        ("gpt-6-sol", {"reasoning": {"mode": "pro"}}, {"mode": "pro", "summary": "auto"}),
        ("gpt-5.4", {"extended_thinking": True}, {"effort": "medium", "summary": "auto"}),
        ("gpt-5.4", {"extended_thinking": True, "reasoning_effort": "low"}, {"effort": "low", "summary": "auto"}),
        ("gpt-6-sol", {"extended_thinking": True}, {"summary": "auto"}),
        ("gpt-4.1", {}, None),
        ("gpt-4.1", {"reasoning_effort": "none"}, None),
        ("gpt-4.1", {"extended_thinking": True}, None),
        ("somebody/s-model", {}, None),
        ("somebody/s-model", {"reasoning_effort": "whatever"}, {"effort": "whatever", "summary": "auto"}),
    ],
)
def test_reasoning_that_the_model_takes(model: str, options: dict[str, Any], reasoning: Any) -> None:
    encoded = encode(model=model, **options)
    assert wire(encoded).get("reasoning") == reasoning
    assert encoded.dropped_options == []


@pytest.mark.parametrize(
    ("model", "asked", "used", "says"),
    [
        ("gpt-5", "xhigh", "high", "reasoning_effort xhigh: gpt-5 accepts minimal, low, medium, high; high is used"),
        ("gpt-5", "none", "minimal", "minimal is used"),
        ("gpt-6-astra", "none", "low", "low is used"),
        ("gpt-5.5-pro", "low", "medium", "medium is used"),
        ("gpt-5.1", "max", "high", "high is used"),
        ("gpt-6-sol", "minimal", "none", "none is used"),
        ("gpt-6-sol", "gigantic", "medium", "reasoning_effort gigantic"),
        ("gpt-4.1", "high", None, "reasoning_effort high: gpt-4.1 does not reason"),
    ],
)
def test_an_effort_that_the_model_lacks_becomes_the_nearest_and_is_told(
    model: str, asked: str, used: str | None, says: str
) -> None:
    encoded = encode(model=model, reasoning_effort=asked)
    assert (wire(encoded).get("reasoning") or {}).get("effort") == used
    assert len(encoded.dropped_options) == 1
    assert says in encoded.dropped_options[0]


@given(st.sampled_from(EFFORTS), st.lists(st.sampled_from(EFFORTS), min_size=1, unique=True))
def test_the_nearest_effort_is_the_nearest_and_of_two_the_cheaper(asked: str, allowed: list[str]) -> None:
    nearest = find_nearest_effort(asked, tuple(allowed))
    distance = {effort: abs(EFFORTS.index(effort) - EFFORTS.index(asked)) for effort in allowed}
    closest = [effort for effort in allowed if distance[effort] == min(distance.values())]
    assert nearest == min(closest, key=EFFORTS.index)


def test_thinking_switched_off_means_no_effort() -> None:
    request = ChatRequest(messages=[USER])
    options = read_call_options(
        Options(model="gpt-6-sol", reasoning_effort="high"), request, {"extended_thinking": False}, cache_key=None
    )
    encoded = encode_request(
        request,
        options,
        profile=PLAIN,
        traits=find_traits("gpt-6-sol"),
        amendments=Amendments(),
        origin="here",
    )
    assert wire(encoded)["reasoning"] == {"effort": "none"}
    assert "include" not in wire(encoded)


@pytest.mark.parametrize(("model", "effort"), [("gpt-6-astra", "low"), ("gpt-5", "minimal"), ("gpt-4.1", None)])
def test_thinking_switched_off_is_the_lowest_effort_and_no_warning(model: str, effort: str | None) -> None:
    encoded = encode(model=model, reasoning_effort="none", extended_thinking=False)
    assert (wire(encoded).get("reasoning") or {}).get("effort") == effort
    assert encoded.dropped_options == []


@pytest.mark.parametrize(
    ("model", "options", "taken"),
    [
        ("gpt-4.1", {}, True),
        ("gpt-6-sol", {}, False),
        ("gpt-6-sol", {"reasoning_effort": "none"}, True),
        ("gpt-6-sol", {"reasoning_effort": "low"}, False),
        ("gpt-5.4", {}, True),
        ("gpt-5.4", {"reasoning_effort": "low"}, False),
        ("gpt-5.4", {"extended_thinking": True}, False),
        ("gpt-6-astra", {"reasoning_effort": "none"}, False),
        ("somebody/s-model", {}, True),
    ],
)
def test_sampling_is_sent_where_the_model_takes_it_and_zero_is_a_value(
    model: str, options: dict[str, Any], taken: bool
) -> None:
    encoded = encode(model=model, temperature=0.0, top_p=0.0, **options)
    sent = {key: wire(encoded)[key] for key in ("temperature", "top_p") if key in wire(encoded)}
    lines = [line for line in encoded.dropped_options if "does not accept it" in line]
    assert sent == ({"temperature": 0.0, "top_p": 0.0} if taken else {})
    assert [line.partition(":")[0] for line in lines] == ([] if taken else ["temperature", "top_p"])


@pytest.mark.parametrize("asked", [16, 1, 0, -5, 17, 128_000, None])
def test_a_limit_below_what_the_service_takes_is_raised_and_told(asked: int | None) -> None:
    encoded = encode(max_output_tokens=asked)
    assert wire(encoded).get("max_output_tokens") == (asked if asked is None else max(asked, 16))
    assert len(encoded.dropped_options) == (asked is not None and asked < 16)


def test_stop_sequences_do_not_exist_here_and_are_told() -> None:
    encoded = encode(stop=("END",))
    assert "stop" not in wire(encoded)
    assert encoded.dropped_options == ["stop: the Responses API has no stop sequences"]


def test_verbosity_is_sent_where_the_model_takes_it() -> None:
    assert body(verbosity="low")["text"] == {"verbosity": "low"}
    encoded = encode(model="o3", verbosity="low")
    assert "text" not in wire(encoded)
    assert encoded.dropped_options == ["verbosity: o3 does not accept it"]


def test_a_response_format_is_sent() -> None:
    assert body(response_format=ResponseFormatJson())["text"] == {"format": {"type": "json_object"}}


def test_without_tools_nothing_about_tools_is_sent() -> None:
    sent = body(parallel_tool_calls=True, tool_choice="auto")
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(sent)
    assert body(parallel_tool_calls=False, tools=[TOOL])["parallel_tool_calls"] is False
    assert body(tools=[TOOL], tool_choice="read")["tool_choice"] == {"type": "function", "name": "read"}


def test_what_a_service_never_takes_is_left_out_and_told_with_the_reason() -> None:
    profile = BackendProfile(
        name="p", display_name="P", refused_fields={"max_output_tokens": "the plan decides", "truncation": "not here"}
    )
    encoded = encode(profile=profile, max_output_tokens=100)
    assert "max_output_tokens" not in wire(encoded)
    assert encoded.dropped_options == ["max_output_tokens: the plan decides"], "what was not asked for is not told"


def test_what_was_refused_before_is_not_sent_again() -> None:
    amendments = Amendments(
        dropped_fields=frozenset({"reasoning.summary", "include", "tools.strict", "store"}), allowed_efforts=("low",)
    )
    encoded = encode(amendments=amendments, reasoning_effort="high", tools=[TOOL])
    assert wire(encoded)["reasoning"] == {"effort": "low"}
    assert not {"include", "store"} & set(wire(encoded))
    assert "strict" not in wire(encoded)["tools"][0]
    assert "low is used" in encoded.dropped_options[0]


def test_a_server_without_the_role_developer_gets_system() -> None:
    encoded = encode(USER, Message(role="developer", content="d"), amendments=Amendments(system_text_role="system"))
    assert [item["role"] for item in wire(encoded)["input"]] == ["user", "system"]


def test_extra_body_is_merged_last_and_the_input_stays_last() -> None:
    extra = {"user": "x", "store": True, "reasoning": {"effort": "low"}, "max_output_tokens": 1}
    profile = BackendProfile(name="p", display_name="P", refused_fields={"max_output_tokens": "no"})
    encoded = encode(profile=profile, extra_body=extra, amendments=Amendments(dropped_fields=frozenset({"reasoning"})))
    assert {key: wire(encoded)[key] for key in extra} == extra
    assert list(wire(encoded))[-1] == "input"


def test_extra_body_cannot_replace_the_conversation() -> None:
    encoded = encode(extra_body={"input": [], "user": "x"})
    assert len(wire(encoded)["input"]) == 1
    assert list(wire(encoded))[-1] == "input"
    assert encoded.dropped_options == ["extra_body.input: the messages of the call are sent instead"]


def test_leading_system_messages_are_the_instructions_and_later_ones_stay_in_place() -> None:
    encoded = encode(
        Message(role="system", content="one"),
        Message(role="system", content="two"),
        USER,
        Message(role="system", content="later"),
    )
    assert wire(encoded)["instructions"] == "one\n\ntwo"
    assert [item["role"] for item in wire(encoded)["input"]] == ["user", "developer"]


def test_a_model_that_wants_the_leading_text_in_its_input_gets_it_there() -> None:
    encoded = encode(Message(role="system", content="one"), USER, model="gpt-6.2-sol")
    assert "instructions" not in wire(encoded)
    assert wire(encoded)["input"][0] == developer("one")


def test_the_service_s_own_rule_about_the_leading_text_wins_over_the_model_s() -> None:
    profile = BackendProfile(name="p", display_name="P", leading_system="instructions", default_instructions="d")
    encoded = encode(Message(role="system", content="one"), USER, model="gpt-6.2-sol", profile=profile)
    assert wire(encoded)["instructions"] == "one"
    assert body(model="gpt-6.2-sol", profile=profile)["instructions"] == "d"
    turned = BackendProfile(name="p", display_name="P", leading_system="developer", default_instructions="d")
    encoded = encode(Message(role="system", content="one"), USER, profile=turned)
    assert (wire(encoded)["instructions"], wire(encoded)["input"][0]) == ("d", developer("one"))


def test_a_request_of_nothing_but_instructions_has_an_input_all_the_same() -> None:
    encoded = encode(Message(role="system", content="say hello"))
    assert wire(encoded)["input"] == [developer("say hello")]
    assert "instructions" not in wire(encoded)
    profile = BackendProfile(name="p", display_name="P", default_instructions="d")
    encoded = encode(Message(role="system", content="say hello"), profile=profile)
    assert (wire(encoded)["instructions"], wire(encoded)["input"]) == ("d", [developer("say hello")])


SYSTEM = "You answer with one JSON object."


@pytest.mark.parametrize(
    ("leading", "text", "first", "instructions"),
    [
        (SYSTEM, "hi", SYSTEM, None),
        (SYSTEM, "Write JSON.", SYSTEM, None),
        ("Be brief.", "Write json.", None, "Be brief."),
        ("Be brief.", "hi", "Be brief.\n\nRespond with JSON.", None),
        (None, "hi", "Respond with JSON.", None),
        (None, "Write JSON.", None, None),
    ],
)
def test_in_json_mode_the_input_names_json(
    leading: str | None, text: str, first: str | None, instructions: str | None
) -> None:
    messages = [Message(role="system", content=leading)] if leading else []
    profile = BackendProfile(name="p", display_name="P", system_text_role="system", default_instructions="d")
    encoded = encode(
        *messages, Message(role="user", content=text), response_format=ResponseFormatJson(), profile=profile
    )
    assert wire(encoded)["instructions"] == (instructions or "d")
    [*lead, user] = wire(encoded)["input"]
    assert lead == ([{**developer(first), "role": "system"}] if first else [])
    assert user["content"][0]["text"] == text


def test_json_in_a_leading_item_is_enough_in_json_mode() -> None:
    messages = [Message(role="system", content=SYSTEM), USER]
    encoded = encode(*messages, model="gpt-6.2-sol", response_format=ResponseFormatJson())
    assert [item["role"] for item in wire(encoded)["input"]] == ["developer", "user"]


def test_what_was_mended_and_left_out_is_told() -> None:
    history = [USER, Message(role="tool", tool_call_id="gone", content="x")]
    encoded = encode(*history)
    assert [each.kind for each in encoded.repairs] == ["orphan_result"]
    thinking = Message(role="assistant", content=[ThinkingBlock(thinking="hm", signature="s")])
    assert encode(USER, thinking).dropped_content == ["reasoning of another provider"]


MESSAGES = st.lists(
    st.builds(
        Message,
        role=st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
        content=st.text(max_size=5)
        | st.lists(st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=5))),
        tool_call_id=st.sampled_from([None, "c"]),
    ),
    max_size=5,
)


@given(MESSAGES, st.sampled_from(["gpt-4.1", "gpt-6-sol", "gpt-6.2-sol", "unheard-of"]), st.booleans())
def test_a_request_is_read_and_never_changed(messages: list[Message], model: str, tools: bool) -> None:
    request = ChatRequest(messages=messages, tools=[TOOL] if tools else None)
    before = copy.deepcopy(request)
    options = Options(model=model, hosted_tools=({"type": "web_search"},), extra_body={"user": "x"})
    arguments: dict[str, Any] = {
        "profile": PLAIN,
        "traits": find_traits(model),
        "amendments": Amendments(dropped_fields=frozenset({"tools.strict"})),
        "origin": "here",
    }
    encoded = encode_request(request, options, **arguments)
    assert request == before
    assert request.model_dump() == before.model_dump()
    assert dump_body(encode_request(before, options, **arguments).body) == dump_body(wire(encoded))
    assert all(item["content"] for item in wire(encoded)["input"] if item["type"] == "message"), "no empty message"
    assert wire(encoded).get("instructions") != ""


@pytest.mark.parametrize("marks", [True, False])
def test_a_continuation_marks_the_message_that_was_cut_off_where_the_server_reads_that(marks: bool) -> None:
    encoded = encode_request(
        ChatRequest(messages=[USER, Message(role="assistant", content="half a sen")]),
        Options(model="gpt-6-sol"),
        profile=replace(PLAIN, incomplete_status=marks),
        traits=find_traits("gpt-6-sol"),
        amendments=Amendments(),
        origin="here",
        is_continuation=True,
    )
    assert encoded.body["input"][-1].get("status") == ("incomplete" if marks else None)


def answer(effort: str) -> Message:
    state = {"origin": "here", "model": "gpt-6-sol", "effort": effort}
    return Message.model_validate(
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "a", "openai": state}, {"type": "text", "text": "b"}],
        }
    )


TAKES = replace(PLAIN, effort_updates=True)


@pytest.mark.parametrize(
    ("profile", "fields", "before", "field", "update"),
    [
        (TAKES, {}, "low", "low", "high"),
        (TAKES, {}, "default", None, "high"),
        (PLAIN, {"effort_updates": True}, "low", "low", "high"),
        (PLAIN, {}, "low", "high", None),
        (TAKES, {"effort_updates": False}, "low", "high", None),
        (TAKES, {"truncation": "auto"}, "low", "high", None),
        (TAKES, {"extra_body": {"context_management": []}}, "low", "high", None),
        (TAKES, {"reasoning": {"mode": "pro"}}, "low", "high", None),
        (TAKES, {"model": "gpt-5.6-sol"}, "low", "high", None),
        (replace(TAKES, item_types=frozenset({"message"})), {}, "low", "high", None),
        (TAKES, {"amendments": Amendments(effort_updates=False)}, "low", "high", None),
        (TAKES, {"amendments": Amendments(dropped_fields=frozenset({"reasoning.effort"}))}, "low", None, None),
    ],
)
def test_effort_changes_in_the_field_or_in_the_input(
    profile: BackendProfile, fields: dict[str, Any], before: str, field: str | None, update: str | None
) -> None:
    encoded = encode(USER, answer(before), USER, profile=profile, reasoning_effort="high", **fields)
    sent = wire(encoded)
    assert sent["reasoning"].get("effort") == field
    updates = [item["reasoning"]["effort"] for item in sent["input"] if item["type"] == "configuration_update"]
    assert updates == ([update] if update else [])
    assert encoded.effort == ("high" if update else "")


def test_effort_of_another_model_does_not_count() -> None:
    message = Message.model_validate(
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "a", "openai": {"origin": "there", "effort": "low"}}],
        }
    )
    encoded = encode(USER, message, USER, profile=TAKES, reasoning_effort="high")
    assert wire(encoded)["reasoning"]["effort"] == "high"


def test_cache_options_go_to_models_that_have_them() -> None:
    options = {"ttl": "12h"}
    assert body(model="gpt-5.6-sol", prompt_cache_options=options)["prompt_cache_options"] == options
    assert body(model="somebody/else", prompt_cache_options=options)["prompt_cache_options"] == options
    encoded = encode(model="gpt-5.4", prompt_cache_options=options)
    assert "prompt_cache_options" not in wire(encoded)
    assert encoded.dropped_options == ["prompt_cache_options: gpt-5.4 does not accept it"]
