"""The setting `model_info`: what a user says of a model wins over the tables, and is read once."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common.facts.model_prices import find_price
from openai_responses_common.facts.model_traits import find_traits
from openai_responses_common.facts.price import TokenCounts
from openai_responses_common.facts.traits import ModelTraits
from openai_responses_common.options import model_info
from openai_responses_common.options.model_info import MergedOverrides, read_model_info

DAY = date(2026, 11, 21)


def traits_of(model: str, info: dict[str, Any]) -> ModelTraits:
    return read_model_info(info).traits_of(model)


MAX = ("low", "medium", "high", "xhigh", "max")


@pytest.mark.parametrize(
    ("given_value", "field", "expected"),
    [
        ({"context_window": "922,000"}, "context_window", 922_000),
        ({"context_window": 1e6}, "context_window", 1_000_000),
        ({"max_output_tokens": "64_000"}, "max_output_tokens", 64_000),
        ({"max_output_tokens": ""}, "max_output_tokens", 16_384),
        ({"max_output_tokens": None}, "max_output_tokens", 16_384),
        ({"efforts": "high, low,Medium"}, "efforts", ("low", "medium", "high")),
        ({"efforts": ["none", "low"]}, "efforts", ("none", "low")),
        ({"efforts": ("max",)}, "efforts", ("max",)),
        ({"efforts": []}, "efforts", ()),
        ({"default_effort": "HIGH"}, "default_effort", "high"),
        ({"default_verbosity": "Low"}, "default_verbosity", "low"),
        ({"sampling": "never"}, "sampling", "never"),
        ({"verbosity": "false"}, "verbosity", False),
        ({"verbosity": True}, "verbosity", True),
        ({"vision": "no"}, "vision", False),
        ({"vision": "On"}, "vision", True),
        ({"leading_system": "developer"}, "leading_system", "developer"),
        ({"prices": {"input": 1, "output": 2}}, "context_window", 128_000),
    ],
)
def test_an_override_replaces_a_trait(given_value: dict[str, Any], field: str, expected: object) -> None:
    traits = traits_of("prod-chat", {"prod-chat": given_value})
    assert getattr(traits, field) == expected


def test_an_override_changes_no_other_trait() -> None:
    changed = traits_of("gpt-6-sol", {"gpt-6-sol": {"context_window": "400000"}, "other": {"vision": False}})
    assert changed.context_window == 400_000
    assert (changed.max_output_tokens, changed.efforts, changed.vision) == (128_000, ("none", *MAX), True)
    assert traits_of("gpt-6-sol", {}) == find_traits("gpt-6-sol")


def test_an_entry_covers_the_dated_snapshots_too_unless_they_have_their_own() -> None:
    info = {"gpt-6-sol": {"context_window": 1000}, "gpt-6-sol-2026-09-22": {"context_window": 2000}}
    assert traits_of("gpt-6-sol-2026-09-22", info).context_window == 2000
    assert traits_of("gpt-6-sol-2026-10-22", info).context_window == 1000
    assert traits_of("gpt-6-luna", info).context_window == 922_000


def test_a_deployments_name_has_the_traits_of_its_model() -> None:
    traits = traits_of("prod-chat", {"prod-chat": {"model": "gpt-6-sol", "vision": "false"}})
    assert traits.efforts == ("none", *MAX)
    assert traits.is_listed
    assert not traits.vision


def test_the_users_efforts_decide_whether_it_reasons() -> None:
    assert traits_of("local", {"local": {"efforts": "low,high"}}).can_reason is True
    assert traits_of("local", {"local": {"efforts": []}}).can_reason is False
    assert not traits_of("local", {"local": {"efforts": []}}).is_listed


def test_a_default_that_the_users_efforts_leave_out_is_forgotten() -> None:
    assert traits_of("gpt-5", {"gpt-5": {"efforts": "low,high"}}).default_effort is None
    assert traits_of("gpt-5", {"gpt-5": {"efforts": "low,medium"}}).default_effort == "medium"


@pytest.mark.parametrize(
    ("entry", "key", "remedy"),
    [
        ({"context_window": "many"}, "context_window", "128000"),
        ({"context_window": 0}, "context_window", "above 0"),
        ({"context_window": -5}, "context_window", "above 0"),
        ({"context_window": 1.5}, "context_window", "above 0"),
        ({"context_window": "inf"}, "context_window", "above 0"),
        ({"context_window": True}, "context_window", "above 0"),
        ({"max_output_tokens": [1]}, "max_output_tokens", "128000"),
        ({"efforts": "low,hihg"}, "efforts", "minimal"),
        ({"efforts": 3}, "efforts", "minimal"),
        ({"efforts": [{"effort": "low"}]}, "efforts", "minimal"),
        ({"default_effort": "ultra"}, "default_effort", "xhigh"),
        ({"default_verbosity": "loud"}, "default_verbosity", "medium"),
        ({"default_effort": "max", "efforts": "low"}, "default_effort", "(low)"),
        ({"sampling": "sometimes"}, "sampling", "effort_none"),
        ({"verbosity": "maybe"}, "verbosity", "true or false"),
        ({"vision": 2}, "vision", "true or false"),
        ({"leading_system": "system"}, "leading_system", "developer"),
        ({"model": 7}, "model", "gpt-6-sol"),
    ],
)
def test_a_trait_that_is_not_valid_names_model_key_and_remedy(entry: dict[str, Any], key: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        traits_of("prod-chat", {"prod-chat": entry})
    assert f"setting 'model_info': prod-chat.{key} takes " in str(caught.value)
    assert remedy in str(caught.value)


def test_an_unknown_key_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"prod takes the keys context_window, .*, not 'context_windw'"):
        read_model_info({"prod": {"context_windw": 1}})


def test_an_entry_that_is_not_an_object_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"prod takes an object such as .*, not this str"):
        read_model_info({"prod": "gpt-6-sol"})


@pytest.mark.parametrize("value", [[], "nonsense", 5])
def test_a_value_that_is_not_an_object_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="an object"):
        read_model_info(value)


def test_what_yaml_reads_as_another_type_is_read() -> None:
    """A bare 4.1 is a number there, and a bare day is a date."""
    overrides = read_model_info({4.1: {"shutdown": date(2026, 12, 11)}})
    assert overrides.traits_of("4.1").shutdown == "2026-12-11"


@pytest.mark.parametrize(
    "entry", [{"context_window": math.nan}, {"shutdown": datetime(2026, 12, 11, 8, tzinfo=UTC)}, {2: 1}]
)
def test_a_value_that_json_cannot_hold_is_refused_by_name(entry: dict[Any, Any]) -> None:
    (key,) = entry
    with pytest.raises(ConfigurationError, match=rf"prod.* takes .*{'not 2' if key == 2 else '(128000|2026-12-11)'}"):
        read_model_info({"prod": entry})


def test_an_empty_entry_changes_nothing() -> None:
    overrides = read_model_info('{"gpt-6-sol": null, "local": {}}')
    assert list(overrides.entries) == ["gpt-6-sol", "local"]
    assert overrides.traits_of("gpt-6-sol") == find_traits("gpt-6-sol")
    assert overrides.price_of("gpt-6-sol", DAY) == find_price("gpt-6-sol", DAY)


def test_the_entries_of_a_user_win_over_those_of_a_module() -> None:
    user = read_model_info({"prod": {"vision": False, "default_effort": "max"}, "other": {"vision": False}})
    merged = user.over(read_model_info({"prod": {"model": "gpt-6-sol", "vision": True}, "base": {"model": "gpt-4o"}}))
    assert sorted(merged.entries) == ["base", "other", "prod"]
    assert merged.find_table_id("prod") == "gpt-6-sol"
    assert merged.find_table_id("unheard-of") == "unheard-of"
    assert (merged.traits_of("prod").vision, merged.traits_of("prod").default_effort) == (False, "max")
    assert merged.price_of("prod", DAY) == find_price("gpt-6-sol", DAY)


def test_what_a_user_says_of_a_model_that_a_module_replaces_may_be_incomplete() -> None:
    user = read_model_info({"gpt-6-sol": {"prices": {"input": 1}, "default_effort": "max"}})
    merged = user.over(read_model_info({"gpt-6-sol": {"model": "unheard-of", "efforts": "low"}}))
    assert merged.price_of("gpt-6-sol", DAY) is None
    assert merged.traits_of("gpt-6-sol").default_effort is None


def test_a_modules_entries_are_read_once_until_they_change(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[object] = []
    original = read_model_info
    monkeypatch.setattr(model_info, "read_model_info", lambda value: reads.append(value) or original(value))
    merged = MergedOverrides(read_model_info({"prod": {"vision": False}}))
    assert merged.merge({}) is merged.merge({})
    assert not reads
    first = merged.merge({"prod": {"model": "gpt-6-sol"}})
    assert merged.merge({"prod": {"model": "gpt-6-sol"}}) is first
    assert len(reads) == 1
    assert merged.merge({"prod": {"model": "gpt-6-luna"}}).find_table_id("prod") == "gpt-6-luna"
    assert not merged.merge({}).entries["prod"].table_id


def counts(
    sent: int = 0, got: int = 0, *, cache_read: int = 0, cache_write: int = 0, cache_write_12h: int = 0
) -> TokenCounts:
    return TokenCounts(
        input=sent,
        output=got,
        cache_read=cache_read,
        cache_write=cache_write,
        cache_write_12h=cache_write_12h,
    )


def usd(model: str, tokens: TokenCounts, tier: str | None = None, *, info: dict[str, Any]) -> str | None:
    price = read_model_info(info).price_of(model, DAY)
    cost = price and price.calculate_cost_usd(tokens, service_tier=tier)
    return None if cost is None else str(cost.normalize())


def cache_write_per_million(info: dict[str, Any]) -> float | None:
    price = read_model_info(info).price_of("new", DAY)
    assert price is not None
    return price.pricing_fields()["cache_write_per_million"]


def priced(**values: Any) -> dict[str, Any]:
    return {
        name: {"prices": values}
        for name in ("gpt-6-sol", "gpt-4o", *(["new"] if {"input", "output"} <= {*values} else []))
    }


def test_a_new_model_is_priced_by_the_user() -> None:
    info = priced(input="3", output=12.5, cache_read=0.3)
    assert usd("new", counts(1_000, 100, cache_read=500), info=info) == "0.0029"
    assert usd("new", counts(300_000, 0), info=info) == "0.9", "no rule for long requests unless it is asked for"
    assert usd("new", counts(1_000, 0, cache_write=500), info=info) == "0.003", "writes as ordinary input"
    assert usd("new", counts(1_000, 0, cache_write=500, cache_write_12h=500), info=info) == "0.003"
    assert usd("new", counts(1_000, 0), "priority", info=info) is None
    assert cache_write_per_million(info) is None


def test_what_the_user_leaves_out_is_not_invented() -> None:
    info = priced(input=3, output=12, cache_write=4)
    assert usd("new", counts(1_000, 0, cache_read=1), info=info) is None
    assert usd("new", counts(1_000, 0, cache_write=500), info=info) == "0.0035"
    assert usd("new", counts(1_000, 0, cache_write=500, cache_write_12h=1), info=info) is None
    assert cache_write_per_million(info) == 4.0


def test_the_user_can_price_tiers_and_long_requests() -> None:
    info = priced(input=3, output=12, long_above="200000", flex={"input": 1, "output": 6}, priority="", ultrafast=None)
    assert usd("new", counts(1_000, 100), "flex", info=info) == "0.0016"
    assert usd("new", counts(200_000, 0), info=info) == "0.6"
    assert usd("new", counts(300_000, 100), info=info) == "1.8018"
    assert usd("new", counts(300_000, 100), "flex", info=info) == "0.6009"
    assert usd("new", counts(1_000, 100), "priority", info=info) is None


def test_the_users_prices_replace_the_rows_and_its_other_tiers() -> None:
    info = priced(input=1)
    assert usd("gpt-6-sol", counts(1_000, 100, cache_read=500), info=info) == "0.0016", "the rest of the row stays"
    assert usd("gpt-6-sol", counts(1_000, 100), "priority", info=info) is None
    assert usd("gpt-6-sol", counts(300_000, 0), info=info) == "0.6", "the rule for long requests stays"
    assert usd("gpt-6-sol", counts(300_000, 0), info=priced(input=1, long_above=0)) == "0.3"
    assert usd("gpt-4o", counts(1_000, 0, cache_write=500), info=info) == "0.001", "still no charge for writing"
    assert usd("gpt-6-sol-2026-09-22", counts(1_000, 0), info=info) == "0.001"


def test_a_deployments_name_has_the_price_of_its_model() -> None:
    info = {"prod": {"model": "gpt-6-sol"}, "half": {"model": "gpt-6-sol", "prices": {"input": "1"}}}
    assert usd("prod", counts(1_000, 100), info=info) == "0.003"
    assert usd("half", counts(1_000, 100), info=info) == "0.002"


@pytest.mark.parametrize(
    ("values", "key", "remedy"),
    [
        ({"input": "cheap", "output": 1}, "prices.input", "2.50"),
        ({"input": -1, "output": 1}, "prices.input", "0 or more"),
        ({"input": True, "output": 1}, "prices.input", "0 or more"),
        ({"input": "inf", "output": 1}, "prices.input", "0 or more"),
        ({"input": 1, "output": [2]}, "prices.output", "0 or more"),
        ({"input": 1}, "prices", "at least input and output"),
        ({"output": 1}, "prices", "at least input and output"),
        ({"input": 1, "output": 1, "flex": {"input": 1}}, "prices", "at least input and output"),
        ({"input": 1, "output": 1, "flex": 2}, "prices.flex", "an object such as"),
        ({"input": 1, "output": 1, "cached": 2}, "prices", "the keys input, cache_read"),
        ("cheap", "prices", "an object such as"),
    ],
)
def test_a_price_that_is_not_valid_names_model_key_and_remedy(values: Any, key: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_model_info({"new": {"prices": values}})
    assert f"setting 'model_info': new.{key} takes " in str(caught.value)
    assert remedy in str(caught.value)
