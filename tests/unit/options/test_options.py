"""Options: strings of a wizard, absent values, aliases, and who wins over whom."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from amplifier_core.message_models import ChatRequest, Message, ResponseFormatJson, ResponseFormatJsonSchema
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.options.model_info import read_model_info
from openai_responses_common.options.options import (
    Options,
    find_conflict,
    list_unknown_settings,
    list_unknown_tiers,
    read_call_options,
    read_config,
    read_valid_config,
    state_model_defaults,
)
from openai_responses_common.options.settings import CALL_SETTINGS, SHARED_SETTINGS

from tests.support.witness import leaks

DEFAULTS = Options(model="default-model")


def config(**values: Any) -> Options:
    return read_config(values, DEFAULTS)


def call(
    settings: Options = DEFAULTS, *, kwargs: dict[str, Any] | None = None, cache_key: str | None = None, **request: Any
) -> Options:
    chat = ChatRequest(messages=[Message(role="user", content="hi")], **request)
    return read_call_options(settings, chat, kwargs or {}, cache_key=cache_key)


CHOICES = ("verbosity", "truncation", "prompt_cache_retention")
SETTINGS: list[tuple[str, Any, str, Any]] = [
    ("default_model", " gpt-6-sol ", "model", "gpt-6-sol"),
    ("reasoning_effort", "High", "reasoning_effort", "high"),
    ("reasoning_effort", "default", "reasoning_effort", None),
    ("reasoning_effort", "auto", "reasoning_effort", None),
    ("reasoning_effort", "none", "reasoning_effort", "none"),
    ("reasoning_effort", "off", "reasoning_effort", "none"),
    ("reasoning_effort", False, "reasoning_effort", "none"),
    ("reasoning_effort", "null", "reasoning_effort", None),
    ("reasoning_effort", "X-High", "reasoning_effort", "xhigh"),
    ("reasoning_effort", "extra high", "reasoning_effort", "xhigh"),
    ("reasoning_summary", "Detailed", "reasoning_summary", "detailed"),
    ("reasoning_summary", "none", "reasoning_summary", None),
    ("reasoning_summary", "off", "reasoning_summary", None),
    ("reasoning_summary", False, "reasoning_summary", None),
    ("reasoning_summary", "default", "reasoning_summary", "auto"),
    ("verbosity", "LOW", "verbosity", "low"),
    *((key, word, key, None) for key in CHOICES for word in ("Default", "none", "off", "null", False)),
    ("max_output_tokens", "4096", "max_output_tokens", 4096),
    ("max_output_tokens", "128_000", "max_output_tokens", 128_000),
    ("max_tokens", 4096, "max_output_tokens", 4096),
    ("temperature", "0", "temperature", 0.0),
    ("temperature", 0, "temperature", 0.0),
    ("temperature", 0.7, "temperature", 0.7),
    ("top_p", "0.0", "top_p", 0.0),
    ("parallel_tool_calls", "false", "parallel_tool_calls", False),
    ("service_tier", "Flex", "service_tier", "flex"),
    ("service_tier", "default", "service_tier", "default"),
    ("service_tier", "Standard", "service_tier", "default"),
    ("service_tier", "on-demand", "service_tier", "on_demand"),
    ("service_tier", "performance", "service_tier", "performance"),
    ("service_tier", "standard_only", "service_tier", "standard_only"),
    ("service_tier", " Their-Own ", "service_tier", "Their-Own"),
    *(("service_tier", word, "service_tier", None) for word in ("none", "off", "null", False)),
    ("truncation", "auto", "truncation", "auto"),
    ("compact_threshold", "200,000", "compact_threshold", 200_000),
    ("compact_threshold", "off", "compact_threshold", None),
    ("native_compaction", "true", "native_compaction", True),
    ("native_compaction", "false", "native_compaction", False),
    ("count_input", "on", "count_input", True),
    ("prompt_cache_key", "k", "prompt_cache_key", "k"),
    ("prompt_cache_retention", "24h", "prompt_cache_retention", "24h"),
    ("prompt_cache_retention", "in-memory", "prompt_cache_retention", "in_memory"),
    ("prompt_cache_options", '{"ttl": "12h"}', "prompt_cache_options", {"ttl": "12h"}),
    ("cache_diagnostics", "off", "cache_diagnostics", False),
    ("cache_miss_warning_usd", "1.50", "cache_miss_warning_usd", Decimal("1.50")),
    ("cache_miss_warning_usd", "none", "cache_miss_warning_usd", None),
    ("effort_updates", "true", "effort_updates", True),
    ("effort_updates", "off", "effort_updates", False),
    ("effort_updates", "Auto", "effort_updates", None),
    ("safety_identifier", "user-1", "safety_identifier", "user-1"),
    ("include", "a, b,,", "include", ("a", "b")),
    ("include", ["a", "b"], "include", ("a", "b")),
    ("extra_body", {"user": "x"}, "extra_body", {"user": "x"}),
    ("extra_body", '{"user": "x"}', "extra_body", {"user": "x"}),
    ("timeout", "30", "timeout_s", 30.0),
    ("max_retries", "0", "max_retries", 0),
    ("min_retry_delay", "0.5", "min_retry_delay_s", 0.5),
    ("max_retry_delay", 120, "max_retry_delay_s", 120.0),
    ("max_continuations", "0", "max_continuations", 0),
    ("auto_continue", "false", "auto_continue", False),
    ("max_concurrent_requests", 5, "max_concurrent_requests", 5),
    ("max_session_cost_usd", "2.50", "max_session_cost_usd", Decimal("2.50")),
    ("max_call_cost_usd", 0, "max_call_cost_usd", Decimal(0)),
    ("store", "true", "store", True),
    ("background", "on", "background", True),
    ("background_options", "8h", "background_options", {"completion_window": "8h"}),
    ("opentelemetry", "true", "opentelemetry", True),
    ("use_streaming", "false", "use_streaming", False),
    ("use_streaming", "True", "use_streaming", True),
    ("prepare", "off", "prepare", False),
    ("transport", "WebSocket", "transport", "websocket"),
    ("hide_dated_models", "yes", "hide_dated_models", True),
    ("filtered", "on", "hide_dated_models", True),
    ("priority", "-5", "priority", -5),
    ("raw", "true", "raw", True),
    ("raw", "0", "raw", False),
    ("debug", "1", "debug", True),
    ("raw_debug", "off", "raw_debug", False),
    ("raw", " FALSE ", "raw", False),
    ("raw", False, "raw", False),
    ("web_search", "true", "hosted_tools", ({"type": "web_search"},)),
    ("web_search", True, "hosted_tools", ({"type": "web_search"},)),
    ("web_search", "false", "hosted_tools", ()),
    (
        "web_search",
        {"search_context_size": "low"},
        "hosted_tools",
        ({"type": "web_search", "search_context_size": "low"},),
    ),
    ("web_search", '{"filters": {}}', "hosted_tools", ({"type": "web_search", "filters": {}},)),
    ("hosted_tools", [{"type": "mcp"}], "hosted_tools", ({"type": "mcp"},)),
    ("hosted_tools", {"type": "mcp"}, "hosted_tools", ({"type": "mcp"},)),
    ("hosted_tools", '[{"type": "mcp"}]', "hosted_tools", ({"type": "mcp"},)),
    ("model_info", {"m": {"vision": "no"}}, "model_info", read_model_info({"m": {"vision": False}})),
    ("model_info", '{"m": {"efforts": "low"}}', "model_info", read_model_info({"m": {"efforts": ["low"]}})),
]


@pytest.mark.parametrize(("key", "value", "field", "read"), SETTINGS)
def test_settings_are_read_from_what_wizards_and_files_hand_over(key: str, value: Any, field: str, read: Any) -> None:
    options = config(**{key: value})
    assert getattr(options, field) == read
    assert type(getattr(options, field)) is type(read)
    assert dataclasses.replace(options, **{field: getattr(DEFAULTS, field)}) == DEFAULTS, "and nothing else"


@pytest.mark.parametrize(
    ("settings", "conflict"),
    [
        ({"background": True}, "needs 'store: true'"),
        ({"background_options": {"continuation_id": "c"}}, "needs 'background: true'"),
        ({"background": 1, "store": 1, "background_options": "2h", "service_tier": "flex"}, "needs the standard tier"),
        ({"background": 1, "store": 1, "background_options": "2h", "service_tier": "default"}, ""),
        ({"background": 1, "store": 1, "background_options": "soonest", "service_tier": "flex"}, ""),
        ({"store": 1}, ""),
    ],
)
def test_settings_that_do_not_go_together_are_an_error(settings: dict[str, Any], conflict: str) -> None:
    options = config(**settings)
    assert conflict in find_conflict(options)
    assert bool(conflict) == bool(find_conflict(options))
    if conflict:
        with pytest.raises(ConfigurationError, match=conflict):
            read_call_options(options, ChatRequest(messages=[]), {}, cache_key=None)


def test_every_setting_is_tested() -> None:
    assert {row[0] for row in SETTINGS} | {"reasoning"} == set(SHARED_SETTINGS)


@pytest.mark.parametrize("key", SHARED_SETTINGS)
@pytest.mark.parametrize("absent", ["", None])
def test_an_empty_setting_is_absent(key: str, absent: Any) -> None:
    assert config(**{key: absent}) == DEFAULTS


@pytest.mark.parametrize(
    ("key", "value", "takes"),
    [
        ("use_streaming", "maybe", "true or false"),
        ("raw", 2, "true or false"),
        ("max_output_tokens", "many", "a whole number"),
        ("max_tokens", "1.5", "a whole number"),
        ("priority", "first", "a whole number"),
        ("temperature", "warm", "a number"),
        ("top_p", [], "a number"),
        ("temperature", "nan", "a number"),
        ("top_p", float("-inf"), "a number"),
        ("timeout", "inf", "a number"),
        ("include", 5, "a list of words"),
        ("timeout", "0", "a number of seconds above 0"),
        ("timeout", -1, "a number of seconds above 0"),
        ("timeout", "soon", "a number"),
        ("min_retry_delay", 0, "a number of seconds above 0"),
        ("max_retries", -1, "0 or more"),
        ("max_continuations", "-3", "0 or more"),
        ("extra_body", "nonsense", "an object"),
        ("extra_body", ["a"], "an object"),
        ("extra_body", "[1]", "an object"),
        ("extra_body", {1: "a"}, "an object"),
        ("extra_body", {"a": {1}}, "an object"),
        ("extra_body", '{"a": NaN}', "an object"),
        ("reasoning", {"effort": ["low"]}, "an object, whose effort and summary are words"),
        ("reasoning", {"summary": 5}, "an object, whose effort and summary are words"),
        ("hosted_tools", [{"type": []}], "a list of tools, each with a type"),
        ("reasoning", 5, "an object"),
        ("hosted_tools", "web_search", "a list of tools, each with a type"),
        ("hosted_tools", ["web_search"], "a list of tools, each with a type"),
        ("hosted_tools", [{"name": "x"}], "a list of tools, each with a type"),
        ("web_search", "perhaps", "true or false"),
        ("web_search", ["x"], "an object"),
        ("model_info", "nonsense", "an object"),
        ("reasoning_effort", "lots", "one of none, minimal, low, medium, high, xhigh, max, ultra, default"),
        ("reasoning_summary", "long", "one of auto, concise, detailed, none"),
        ("verbosity", "loud", "one of low, medium, high"),
        ("service_tier", True, "the name of a tier, such as auto, default, flex"),
        ("service_tier", "two words!", "the name of a tier"),
        (
            "extra_body",
            {"a": date(2026, 12, 11)},
            "an object that JSON can hold: its keys are texts, and it has no dates",
        ),
        ("truncation", "yes", "one of auto, disabled"),
        ("prompt_cache_retention", "1h", "one of in_memory, 24h"),
        ("prompt_cache_options", {"ttl": "1h"}, "an object with `mode` (implicit or explicit) and `ttl` (30m or 12h)"),
        ("prompt_cache_options", {"prewarm": True}, "an object with `mode`"),
        ("effort_updates", 2, "auto, true or false"),
    ],
)
def test_a_value_that_cannot_be_read_names_key_remedy_and_value(key: str, value: Any, takes: str) -> None:
    """Of a value that may hold secrets, the error names the type."""
    with pytest.raises(ConfigurationError) as raised:
        config(**{key: value})
    assert f"setting {key!r} takes " in str(raised.value)
    assert takes in str(raised.value)
    is_shown = isinstance(value, int | float) or (isinstance(value, str) and not SHARED_SETTINGS[key].is_structured)
    assert (repr(value) if is_shown else f"not this {type(value).__name__}") in str(raised.value)
    assert raised.value.__cause__ is None


SECRET_VALUES: list[Any] = [
    {"token": "canary"},
    [{"headers": {"X-Key": "canary"}}],
    [[{"type": 1, "authorization": "canary"}]],
    {"effort": ["canary"]},
    {"model": {"prices": {"input": "canary"}}},
    {"model": {"prices": ["canary"]}},
    {"model": {"efforts": ["canary"]}},
    {"model": {"default_effort": "canary"}},
    {"model": {"model": ["canary"]}},
    {"model": ["canary"]},
    ({"type": "json_schema", "json_schema": "canary"},),
    {"canary"},
]


@pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security")
@pytest.mark.parametrize("key", CALL_SETTINGS)
def test_error_of_a_value_that_may_hold_a_secret_does_not_show_it(key: str) -> None:
    texts = [json.dumps(value)[:-1] for value in SECRET_VALUES[:-1]] if CALL_SETTINGS[key].is_structured else []
    for value in [*SECRET_VALUES, *texts]:
        for settings, kwargs in (({key: value}, {}), ({}, {key: value})):
            caught: list[ConfigurationError] = []
            try:
                call(config(**settings), kwargs=kwargs)
            except ConfigurationError as error:
                caught.append(error)
            assert [leak for error in caught for leak in leaks("canary", error)] == []


def test_a_bad_keyword_is_named_too() -> None:
    with pytest.raises(ConfigurationError, match="setting 'temperature' takes a number, not 'hot'"):
        call(kwargs={"temperature": "hot"})
    with pytest.raises(ConfigurationError, match="setting 'stop' takes a list of words, not 5"):
        call(kwargs={"stop": 5})
    with pytest.raises(ConfigurationError, match="setting 'tool_choice' takes a name or an object, not 5"):
        call(kwargs={"tool_choice": 5})


@pytest.mark.parametrize("value", ["[" * 100_000, "x" * 100_000])
def test_a_long_value_is_named_by_its_beginning(value: str) -> None:
    """A person reads the line."""
    with pytest.raises(ConfigurationError) as raised:
        config(timeout=value)
    assert str(raised.value) == f"setting 'timeout' takes a number, not '{value[:199]}"


def test_efforts_and_summaries_inside_reasoning_are_read_like_those_beside_it() -> None:
    options = config(reasoning={"effort": "HIGH", "summary": "None"})
    assert (options.reasoning_effort, options.reasoning_summary) == ("high", None)


def test_any_text_can_be_a_cache_key() -> None:
    """Two halves of different characters are two keys."""
    first, second = (call(kwargs={"prompt_cache_key": half * 65}).prompt_cache_key for half in ("\ud800", "\udfff"))
    assert first != second
    assert first is not None
    assert len(first) == 64


@pytest.mark.parametrize(
    ("value", "effort", "summary", "rest"),
    [
        ("High", "high", "auto", {}),
        ({"effort": "high", "summary": "concise"}, "high", "concise", {}),
        ({"mode": "pro", "context": "all_turns"}, None, "auto", {"mode": "pro", "context": "all_turns"}),
        ('{"effort": "low", "mode": "pro"}', "low", "auto", {"mode": "pro"}),
        (False, "none", "auto", {}),
        ({"effort": False, "summary": False}, "none", None, {}),
    ],
)
def test_reasoning_may_be_one_object(value: Any, effort: str | None, summary: str, rest: dict[str, Any]) -> None:
    options = config(reasoning=value)
    assert (options.reasoning_effort, options.reasoning_summary, options.reasoning) == (effort, summary, rest)


@pytest.mark.parametrize(("field", "value"), [("effort", "lots"), ("summary", "long")])
def test_effort_and_summary_of_one_object_are_checked_too(field: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"setting 'reasoning.{field}' takes one of"):
        config(reasoning={field: value})


def test_an_effort_that_nobody_knows_is_an_error_of_the_settings_alone() -> None:
    """A host may choose the effort of a call by a name of another service, which must not end the conversation."""
    assert call(kwargs={"reasoning_effort": "lots"}).reasoning_effort == "lots"
    assert call(reasoning_effort="lots").reasoning_effort == "lots"


def test_a_setting_of_its_own_counts_more_than_the_same_in_the_object() -> None:
    options = config(
        reasoning={"effort": "low", "summary": "concise"}, reasoning_effort="high", reasoning_summary="auto"
    )
    assert (options.reasoning_effort, options.reasoning_summary) == ("high", "auto")


def test_hosted_tools_add_up() -> None:
    options = config(web_search=True, hosted_tools=[{"type": "mcp"}])
    assert options.hosted_tools == ({"type": "web_search"}, {"type": "mcp"})


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("reasoning_efort", "unknown setting 'reasoning_efort' is ignored: did you mean 'reasoning_effort'?"),
        ("max_output_token", "unknown setting 'max_output_token' is ignored: did you mean 'max_output_tokens'?"),
        ("api_kye", "unknown setting 'api_kye' is ignored: did you mean 'api_key'?"),
        ("zzzzzz", "unknown setting 'zzzzzz' is ignored"),
    ],
)
def test_an_unknown_setting_is_told_with_the_nearest_known_name(key: str, line: str) -> None:
    assert list_unknown_settings({key: 1, "raw": True, "api_key": "x"}, ["api_key"]) == [line]


def test_a_key_that_is_no_text_is_unknown_too() -> None:
    """YAML reads a bare `on` as true and a bare number as a number."""
    settings: dict[Any, Any] = {True: 1, 5: 2}
    assert list_unknown_settings(settings, []) == [
        "unknown setting 'True' is ignored",
        "unknown setting '5' is ignored",
    ]


@pytest.mark.parametrize("tier", ["fsat", "fsat" * 100])
def test_a_tier_that_is_not_known_is_told(tier: str) -> None:
    (line,) = list_unknown_tiers(config(service_tier=tier))
    assert line.startswith(f"setting 'service_tier' has an unknown tier, which is sent as it is, '{tier[:199]}")
    assert line.endswith(": did you mean 'fast'?") is (tier == "fsat")
    assert not list_unknown_tiers(config(service_tier="on_demand"))
    assert not list_unknown_tiers(config())


@pytest.mark.parametrize(
    ("field", "kwarg", "request_value", "kwarg_value", "config_key", "config_value"),
    [
        ("model", "model", "r", "k", "default_model", "c"),
        ("reasoning_effort", "reasoning_effort", "low", "high", "reasoning_effort", "medium"),
        ("max_output_tokens", "max_output_tokens", 200, 300, "max_output_tokens", 100),
        ("temperature", "temperature", 0.2, 0.3, "temperature", 0.1),
        ("top_p", "top_p", 0.2, 0.3, "top_p", 0.1),
    ],
)
def test_keywords_win_over_the_request_and_the_request_over_the_config(
    field: str, kwarg: str, request_value: Any, kwarg_value: Any, config_key: str, config_value: Any
) -> None:
    settings = config(**{config_key: config_value})
    request = {kwarg: request_value}
    assert getattr(call(settings), field) == config_value
    assert getattr(call(settings, **request), field) == request_value
    assert getattr(call(settings, kwargs={kwarg: kwarg_value}, **request), field) == kwarg_value
    assert getattr(call(settings, kwargs={kwarg: None}, **request), field) == request_value
    assert getattr(call(), field) == getattr(DEFAULTS, field)


def test_zero_in_the_request_is_a_value() -> None:
    options = call(config(temperature=1, top_p=1), temperature=0.0, top_p=0.0)
    assert (options.temperature, options.top_p) == (0.0, 0.0)


def test_every_field_of_the_request_is_read() -> None:
    schema = ResponseFormatJsonSchema(json_schema={"type": "object"})
    options = call(
        model="m",
        tool_choice="required",
        response_format=schema,
        stop=["END"],
        timeout=12.5,
        reasoning={"effort": "low", "context": "all_turns"},
        conversation_id="conv",
        metadata={"stream": False},
    )
    assert options.model == "m"
    assert options.tool_choice == "required"
    assert options.response_format == schema
    assert options.stop == ("END",)
    assert options.call_timeout_s == 12.5
    assert options.timeout_s == 600.0, "the longest silence stays what the config says"
    assert options.reasoning_effort == "low"
    assert options.reasoning == {"context": "all_turns"}
    assert options.prompt_cache_key == "conv"
    assert options.use_streaming is False


@pytest.mark.parametrize(
    ("kwargs", "field", "value"),
    [
        ({"max_tokens": "50"}, "max_output_tokens", 50),
        ({"tools": [{"type": "web_search"}]}, "hosted_tools", ({"type": "web_search"},)),
        ({"timeout": "9"}, "call_timeout_s", 9.0),
        ({"use_streaming": "false"}, "use_streaming", False),
        ({"tool_choice": {"type": "function", "name": "x"}}, "tool_choice", {"type": "function", "name": "x"}),
        ({"stop": "a,b"}, "stop", ("a", "b")),
        ({"extended_thinking": True}, "extended_thinking", True),
        ({"response_format": {"type": "json"}}, "response_format", ResponseFormatJson()),
        ({"unheard_of": object()}, "model", "default-model"),
    ],
)
def test_keywords_of_complete(kwargs: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(call(kwargs=kwargs), field) == value


def test_a_response_format_may_be_a_dict() -> None:
    given_format = {"type": "json_schema", "json_schema": {"type": "object"}, "strict": True}
    assert call(kwargs={"response_format": given_format}).response_format == ResponseFormatJsonSchema(
        json_schema={"type": "object"}, strict=True
    )
    with pytest.raises(ConfigurationError, match="setting 'response_format' takes"):
        call(kwargs={"response_format": {"type": "yaml"}})


def test_the_effort_none_of_a_single_call_is_no_choice_of_the_user() -> None:
    """So a model without it is no reason for a warning."""
    assert call(config(reasoning_effort="high"), reasoning_effort="none").extended_thinking is False
    assert call(kwargs={"reasoning_effort": "none"}).extended_thinking is False
    assert call(config(reasoning_effort="none")).extended_thinking is None
    assert call(config(reasoning_effort="none"), reasoning_effort="none").extended_thinking is None


def test_extended_thinking_false_wins_over_every_effort() -> None:
    settings = config(reasoning_effort="high")
    assert call(settings, kwargs={"extended_thinking": False}).reasoning_effort == "none"
    assert call(settings, kwargs={"extended_thinking": "false"}, reasoning_effort="low").reasoning_effort == "none"
    assert call(settings, kwargs={"extended_thinking": True}).reasoning_effort == "high"
    for beside in ({"reasoning_effort": "low"}, {"reasoning_effort": ""}, {"reasoning": {"effort": "high"}}):
        assert call(settings, kwargs={"extended_thinking": False, **beside}).reasoning_effort == "none"


def test_a_keyword_default_takes_the_configured_effort_back() -> None:
    assert call(config(reasoning_effort="high"), kwargs={"reasoning_effort": "default"}).reasoning_effort is None


def test_streaming_is_switched_off_per_request_only_by_false() -> None:
    assert call(metadata={"stream": None}).use_streaming is True
    assert call(metadata={}).use_streaming is True
    assert call(config(use_streaming=False), metadata={"stream": True}).use_streaming is False


@pytest.mark.parametrize(
    ("settings", "request_fields", "kwargs", "continues"),
    [
        ({}, {}, {}, True),
        ({"max_output_tokens": 100}, {}, {}, True),
        ({}, {"max_output_tokens": 100}, {}, False),
        ({}, {}, {"max_output_tokens": "100"}, False),
        ({}, {}, {"max_tokens": 100}, False),
        ({}, {}, {"extra_body": {"max_output_tokens": 100}}, False),
        ({"extra_body": {"max_output_tokens": 100}}, {}, {}, True),
        ({}, {"max_output_tokens": 100}, {"max_continuations": 2}, True),
        ({}, {"max_output_tokens": 100}, {"auto_continue": True}, True),
        ({"auto_continue": False}, {}, {}, False),
        ({"auto_continue": False}, {}, {"auto_continue": "true"}, True),
        ({"auto_continue": False}, {}, {"max_continuations": 2}, True),
        ({}, {}, {"request_options": {"auto_continue": False}}, False),
        ({}, {}, {"request_options": {"auto_continue": False}, "max_continuations": 2}, False),
        ({}, {}, {"request_options": {"auto_continue": False}, "auto_continue": True}, True),
        ({}, {}, {"request_options": {"auto_continue": None}}, True),
        ({}, {}, {"request_options": "other"}, True),
        ({}, {"metadata": {"auto_continue": False}}, {}, False),
        ({}, {"metadata": {"auto_continue": "another host's"}}, {}, True),
    ],
)
def test_only_a_limit_of_the_settings_is_continued_and_the_caller_decides(
    settings: dict[str, Any], request_fields: dict[str, Any], kwargs: dict[str, Any], continues: bool
) -> None:
    options = call(config(**settings), kwargs=kwargs, **request_fields)
    assert (options.max_continuations > 0) is continues


def test_a_request_option_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigurationError, match="'auto_continue' takes true or false"):
        call(kwargs={"request_options": {"auto_continue": "perhaps"}})


@pytest.mark.parametrize(
    ("entry", "chosen", "effort", "verbosity"),
    [
        ({}, {}, None, None),
        ({"default_effort": "high", "default_verbosity": "low"}, {}, "high", "low"),
        ({"default_effort": "high", "default_verbosity": "low", "verbosity": False}, {}, "high", None),
        (
            {"default_effort": "high", "default_verbosity": "low"},
            {"reasoning_effort": "max", "verbosity": "high"},
            "max",
            "high",
        ),
    ],
)
def test_the_defaults_of_an_entry_are_stated_if_nobody_chose(
    entry: dict[str, Any], chosen: dict[str, Any], effort: str | None, verbosity: str | None
) -> None:
    options = state_model_defaults(call(config(model_info={DEFAULTS.model: entry}), kwargs=chosen))
    assert (options.reasoning_effort, options.verbosity) == (effort, verbosity)


def test_the_cache_key_is_chosen_then_the_conversation_then_the_session() -> None:
    assert call().prompt_cache_key is None
    assert call(cache_key="session").prompt_cache_key == "session"
    assert call(cache_key="session", conversation_id="conv").prompt_cache_key == "conv"
    settings = config(prompt_cache_key="mine")
    assert call(settings, cache_key="session", conversation_id="conv").prompt_cache_key == "mine"


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_cache_key_fits_and_stays_itself(first: str, second: str) -> None:
    keys = [call(cache_key=key).prompt_cache_key for key in (first, second)]
    assert all(key is None or len(key) <= 64 for key in keys)
    assert (keys[0] == keys[1]) is (first == second)
    assert call(cache_key=first).prompt_cache_key == keys[0]
    assert len(first) > 64 or keys[0] == first


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
NESTED = VALUES | st.lists(VALUES, max_size=2) | st.dictionaries(st.text(max_size=6), VALUES, max_size=2)


@given(st.dictionaries(st.sampled_from(sorted(CALL_SETTINGS)), NESTED, max_size=4))
def test_any_value_is_read_or_named(values: dict[str, Any]) -> None:
    for read in (lambda: config(**values), lambda: call(kwargs=values)):
        try:
            assert isinstance(read(), Options)
        except ConfigurationError as caught:
            error = str(caught)
        else:
            continue
        assert any(repr(key) in error for key in values)


def test_settings_are_not_shared_between_calls() -> None:
    settings = config(extra_body={"user": "x"})
    assert call(settings) is not settings
    assert settings == config(extra_body={"user": "x"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.model = "other"  # pyright: ignore[reportAttributeAccessIssue]


def test_what_can_be_read_counts_beside_what_cannot() -> None:
    values = {"timeout": "soon", "priority": "7", "default_model": "gpt-6-sol", "a": 1, "verbosity": "loud"}
    found, problems = read_valid_config(values, DEFAULTS)
    assert (found.priority, found.model, found.timeout_s) == (7, "gpt-6-sol", DEFAULTS.timeout_s)
    assert [problem.split(" takes ")[0] for problem in problems] == ["setting 'timeout'", "setting 'verbosity'"]


def test_an_integer_that_python_does_not_write_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="setting 'priority' takes a whole number, not this int"):
        read_config({"priority": 10**5000}, Options())


def test_a_limit_that_would_hold_anyway_is_not_one_of_the_call() -> None:
    own = DEFAULTS.model_info.traits_of(DEFAULTS.model).max_output_tokens
    assert call(max_output_tokens=own).max_continuations == DEFAULTS.max_continuations
    assert call(max_output_tokens=own - 1).max_continuations == 0
    settings = config(max_output_tokens=4000)
    assert call(settings, max_output_tokens=4000).max_continuations == DEFAULTS.max_continuations
