"""Settings of every kind of value: read as documented, or refused by name."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from amplifier_core.message_models import ChatRequest, Message
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts.amendments import Amendments
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.facts.traits import EFFORTS
from openai_responses_common.options.options import (
    Options,
    list_unknown_settings,
    read_call_options,
    read_config,
    read_valid_config,
)
from openai_responses_common.options.settings import CALL_SETTINGS, SHARED_SETTINGS
from openai_responses_common.translate.encode import encode_request
from openai_responses_common.wire.json_values import dump_body

from tests.generated.fuzz.amount import examples
from tests.generated.fuzz.service import strict_json
from tests.generated.fuzz.strategies import JUNK, TEXTS, deep

# What wizards, settings files, variables and hands write.
WRITTEN: tuple[Any, ...] = (
    "", " ", "true", "False", "YES", "off", "0", "1", "-1", "30", " 30 ", "1_000", "1e3", "0.5", "nan",
    "inf", "-inf", "NaN",
    "1" * 5000, "\u0661", "low", "HIGH", "default", "none", "auto", "fast", "flex", "{", "[]", "{}", "null", "NaN",
    "X-High", "in-memory", "on_demand", "their-own",
    '{"effort": "low"}', '{"effort": {"a": 1}}', '{"effort": 5, "summary": []}',
    '[{"type": "web_search"}]', '[{"type": []}]',
    '{"type": "x", "name": {}}', '{"a": NaN}', "[" * 5000, '{"type": "json"}', "a,b,,c", "k" * 65,
    "\u2028" * 65, "\ud800" * 65,
)  # fmt: skip
GIVEN: tuple[Any, ...] = (
    True, False, 0, 1, -1, 3.5, -0.0, 1e300, 2**70, math.nan, math.inf, b"x", ("a", "b"), {1: 2}, {"effort": None},
    {"effort": {}}, {"effort": ["low"]}, [{"type": "web_search"}, {"type": "web_search"}],
    [{"type": None}], [{"type": {}}],
    {"type": "json_schema", "json_schema": {}}, {"m": {"context_window": "9k"}},
    {"m": {"efforts": ["low"]}}, {"m": []},
    {"m": {"prices": {"input": "nan"}}}, {None: {}}, {"input": [1]}, deep(50),
    object, {"type": "function"}, {"type": []},
    {"a": {1, 2}},
)  # fmt: skip
VALUES = st.sampled_from(WRITTEN) | st.sampled_from(GIVEN) | JUNK | TEXTS | st.integers() | st.floats()
CONFIGS = st.dictionaries(st.sampled_from(sorted(SHARED_SETTINGS)), VALUES, max_size=3)
KWARGS = st.dictionaries(st.sampled_from(sorted(CALL_SETTINGS)), VALUES, max_size=3)
REQUEST = ChatRequest(messages=[Message(role="user", content="hi")])
_HINTS = typing.get_type_hints(Options)


def fits(value: Any, hint: Any) -> bool:
    """Is this of the documented type? Of numbers only those that can be told and sent."""
    origin = typing.get_origin(hint)
    if hint in {Any, object}:
        return True
    if origin in {types.UnionType, typing.Union}:
        return any(fits(value, each) for each in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if origin is tuple:
        return isinstance(value, tuple) and all(fits(each, typing.get_args(hint)[0]) for each in value)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    if hint in {int, float}:
        return isinstance(value, (int, hint)) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, hint)


def check(options: Options) -> None:
    """Every field is what its type says."""
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        assert fits(value, _HINTS[field.name]), f"{field.name} became {value!r}"
    assert min(options.timeout_s, options.min_retry_delay_s, options.max_retry_delay_s) > 0
    assert min(options.max_retries, options.max_continuations, options.max_concurrent_requests) >= 0
    assert options.prompt_cache_key is None or isinstance(options.prompt_cache_key, str)


def names_one(error: ConfigurationError, values: Mapping[str, Any]) -> None:
    """The error says which setting it is about, in a line that a person can read."""
    text = str(error)
    assert any(repr(key) in text or f"'{key}." in text for key in values), text
    assert len(text) < 1000


@pytest.mark.parametrize("key", sorted(SHARED_SETTINGS))
def test_every_odd_value_of_every_setting(key: str) -> None:
    """The same without luck: each of the values above, for each key."""
    for value in (*WRITTEN, *GIVEN):
        try:
            check(read_config({key: value}, Options(model="m")))
        except ConfigurationError as error:
            names_one(error, {key: value})


@given(CONFIGS)
@examples(250)
def test_a_setting_is_of_its_type_or_refused_by_name(config: dict[str, Any]) -> None:
    """Whatever stands in a settings file."""
    try:
        options = read_config(config, Options(model="m"))
    except ConfigurationError as error:
        names_one(error, config)
    else:
        check(options)
    check(read_valid_config(config, Options(model="m"))[0])


@given(CONFIGS, KWARGS, st.none() | TEXTS | st.just("\ud800" * 65))
@examples(250)
def test_what_was_read_can_be_sent(config: dict[str, Any], kwargs: dict[str, Any], key: str | None) -> None:
    """What passes as an option makes a body, and the body is JSON."""
    try:
        options = read_call_options(read_config(config, Options(model="gpt-5.6-sol")), REQUEST, kwargs, cache_key=key)
    except ConfigurationError as error:
        names_one(error, {**config, **kwargs})
        return
    check(options)
    assert options.prompt_cache_key is None or len(options.prompt_cache_key) <= 64
    traits = options.model_info.traits_of(options.model)
    encoded = encode_request(
        REQUEST,
        options,
        profile=BackendProfile(name="p", display_name="P"),
        traits=traits,
        amendments=Amendments(),
        origin="here",
    )
    body = strict_json(dump_body(encoded.body))
    assert body["input"] == encoded.body["input"]
    assert list(body)[-1] == "input"
    if traits.efforts is not None and "reasoning" not in options.extra_body:
        assert (body.get("reasoning") or {}).get("effort") in {None, *EFFORTS}


@given(st.dictionaries(TEXTS | st.sampled_from(sorted(SHARED_SETTINGS)), st.none(), max_size=4))
@examples(40)
def test_every_unknown_key_gets_one_line(config: dict[str, Any]) -> None:
    """The nearest known name is told, and nothing is said of what is known."""
    lines = list_unknown_settings(config, ("own",))
    unknown = [key for key in config if key not in SHARED_SETTINGS and key != "own"]
    assert [repr(key) in line for key, line in zip(unknown, lines, strict=True)] == [True] * len(lines)


@given(KWARGS)
@examples(60)
def test_reading_changes_nothing_and_is_repeatable(kwargs: dict[str, Any]) -> None:
    """Settings are shared by all calls of a session."""
    before = repr(kwargs)

    def read() -> str:
        try:
            return repr(read_call_options(Options(model="m"), REQUEST, kwargs, cache_key="k"))
        except ConfigurationError as error:
            return str(error)

    assert read() == read()
    assert repr(kwargs) == before
    json.dumps(before)
