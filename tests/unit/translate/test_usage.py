"""What an answer cost: counts of every reply summed, each priced as what it was."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from amplifier_core.message_models import Usage
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.facts.model_prices import find_price
from openai_responses_common.facts.price import TokenCounts
from openai_responses_common.options.model_info import NO_OVERRIDES, ModelOverrides, read_model_info
from openai_responses_common.translate.usage import Pricing, calculate_missed_cost_usd, read_token_counts, sum_usage

DAY = date(2026, 11, 21)
PRICED = BackendProfile(name="p", display_name="P")
GATEWAY = BackendProfile(name="g", display_name="G", prefers_reported_cost=True)
PRICES = {"input": 1, "cache_read": "0.1", "cache_write": "1.25", "cache_write_12h": "2.5", "output": 10}
INFO = read_model_info({"m": {"prices": {**PRICES, "flex": {**PRICES, "output": 5}}}})


def cost_of(model: str) -> Decimal | None:
    price = find_price(model, DAY)
    return price and price.calculate_cost_usd(TokenCounts(input=1000, output=10), service_tier=None)


def reply(usage: Any, model: str | None = "m", **more: Any) -> dict[str, Any]:
    return {"model": model, "usage": usage, **more}


def counts(tokens_in: int = 0, tokens_out: int = 0, **details: Any) -> dict[str, Any]:
    return {
        "input_tokens": tokens_in,
        "input_tokens_details": {"cached_tokens": 0, **details},
        "output_tokens": tokens_out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens_in + tokens_out,
    }


def total(
    *replies: dict[str, Any],
    profile: BackendProfile = PRICED,
    model: str = "m",
    info: ModelOverrides = INFO,
    day: date = DAY,
) -> Usage | None:
    return sum_usage(replies, Pricing(model=model, profile=profile, model_info=info, day=day))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ("nonsense", None),
        ({"input_tokens": 5, "output_tokens": 3}, TokenCounts(input=5, output=3)),
        ({"input_tokens": None, "output_tokens": None, "total_tokens": 0}, None),
        ({"input_tokens": -1, "output_tokens": True}, None),
        ({"input_tokens": 0, "output_tokens": "many"}, TokenCounts(input=0, output=0)),
        ({"input_tokens": 5.0, "output_tokens": 3.5}, TokenCounts(input=5, output=0)),
        ({"cost": 0.5}, TokenCounts(input=0, output=0)),
        (
            {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
            TokenCounts(input=5, output=3, cache_read=4),
        ),
        ({"input_tokens": 5, "input_tokens_details": None, "output_tokens": 3}, TokenCounts(input=5, output=3)),
        ({"input_tokens": "5", "input_tokens_details": [], "output_tokens": 3}, TokenCounts(input=5, output=3)),
        (
            {"input_tokens": 5, "input_tokens_details": {"cached_tokens": None}, "output_tokens": 3},
            TokenCounts(input=5, output=3),
        ),
        (
            counts(100, 10, cached_tokens=40, cache_write_tokens=30, cache_write_tokens_details=None),
            TokenCounts(input=100, output=10, cache_read=40, cache_write=30),
        ),
        (
            counts(
                100,
                10,
                cached_tokens=40,
                cache_write_tokens=30,
                cache_write_tokens_details={"ttl_30m_tokens": 20, "ttl_12h_tokens": 10},
            ),
            TokenCounts(input=100, output=10, cache_read=40, cache_write=30, cache_write_12h=10),
        ),
    ],
)
def test_counts_with_details_absent_or_null(usage: Any, expected: TokenCounts | None) -> None:
    assert read_token_counts({"usage": usage}) == expected
    assert read_token_counts({}) is None


def test_the_usage_of_one_reply() -> None:
    usage = counts(1_000_000, 100_000, cached_tokens=400_000, cache_write_tokens=100_000)
    usage["output_tokens_details"] = {"reasoning_tokens": 60_000}
    assert total(reply(usage)) == Usage(
        input_tokens=900_000,
        output_tokens=100_000,
        total_tokens=1_000_000,
        reasoning_tokens=60_000,
        cache_read_tokens=400_000,
        cache_write_tokens=100_000,
        cost_usd=Decimal("0.5") + Decimal("0.04") + Decimal("0.125") + Decimal("1.0"),
    )


@pytest.mark.parametrize(
    ("usage", "input_tokens", "total_tokens"),
    [
        # the example of the report on doubled writes, microsoft/amplifier-module-provider-openai @2cc765c
        (counts(9_028, 32, cache_write_tokens=9_025), 3, 35),
        (counts(100, 10, cached_tokens=40), 100, 110),
        (counts(100, 10, cached_tokens=40, cache_write_tokens=60), 40, 50),
        # counts that do not add up never make a sum less than its part
        (counts(100, 10, cached_tokens=40, cache_write_tokens=80), 40, 50),
        (counts(100, 10, cached_tokens=400, cache_write_tokens=400), 100, 110),
        (counts(0, 10, cache_write_tokens=30), 0, 10),
        ({**counts(100, 10, cache_write_tokens=60), "total_tokens": 5}, 40, 0),
        ({**counts(100, 10, cache_write_tokens=60), "total_tokens": None}, 40, 50),
    ],
)
def test_what_was_written_to_the_cache_comes_on_top(usage: Any, input_tokens: int, total_tokens: int) -> None:
    found = total(reply(usage))
    assert found is not None
    assert (found.input_tokens, found.total_tokens) == (input_tokens, total_tokens)


@given(fresh=st.integers(0, 10**6), read=st.integers(0, 10**6), written=st.integers(0, 10**6))
def test_the_footer_of_the_host_shows_what_the_service_counts(fresh: int, read: int, written: int) -> None:
    """hooks-streaming-ui shows `input_tokens + cache_write_tokens`; context and loop modules add the two alike."""
    raw = counts(fresh + read + written, 7, cached_tokens=read, cache_write_tokens=written)
    usage = total(reply(raw))
    assert usage is not None
    assert usage.input_tokens + (usage.cache_write_tokens or 0) == raw["input_tokens"]
    assert usage.total_tokens + (usage.cache_write_tokens or 0) == raw["total_tokens"]
    assert usage.input_tokens - (usage.cache_read_tokens or 0) == fresh


def test_reasoning_that_is_not_reported_is_unknown_and_not_zero() -> None:
    usage = total(reply({"input_tokens": 5, "output_tokens": 3}))
    assert usage is not None
    assert usage.reasoning_tokens is None
    assert usage.total_tokens == 8, "the sum where the service gives none"


def test_what_is_no_count_costs_no_answer() -> None:
    """Other servers report what they like; an answer that was paid for is never lost to it."""
    usage = {**counts(5, 3), "total_tokens": [8], "output_tokens_details": {"reasoning_tokens": {}}}
    found = sum_usage(
        [{"usage": usage, "service_tier": ["flex"]}],
        Pricing(
            model="gpt-6-sol",
            profile=PRICED,
            model_info=NO_OVERRIDES,
            day=DAY,
        ),
    )
    assert found is not None
    assert (found.input_tokens, found.output_tokens, found.total_tokens, found.reasoning_tokens) == (5, 3, 8, 0)


def test_no_usage_is_no_usage() -> None:
    assert total(reply(None)) is None
    assert total(reply(None), reply({})) is None
    assert total() is None


def test_replies_are_summed() -> None:
    usage = total(reply(counts(100, 10, cached_tokens=50)), reply(counts(200, 20, cached_tokens=5)))
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (300, 30, 330)
    assert (usage.cache_read_tokens, usage.reasoning_tokens) == (55, 0)


def test_a_reply_without_usage_makes_the_cost_unknown_and_nothing_else() -> None:
    for replies in ([reply(None), reply(counts(100, 10))], [reply(counts(100, 10)), reply(None)]):
        usage = total(*replies)
        assert usage is not None
        assert (usage.input_tokens, usage.output_tokens) == (100, 10)
        assert usage.cost_usd is None


def test_each_reply_is_priced_by_the_tier_that_it_names() -> None:
    usage = total(reply(counts(0, 1_000_000)), reply(counts(0, 1_000_000), service_tier="flex"))
    assert usage is not None
    assert usage.cost_usd == Decimal(15)


def test_an_unknown_price_is_unknown_and_never_zero() -> None:
    usage = total(reply(counts(100, 10), model="unheard-of"), model="unheard-of", info=NO_OVERRIDES)
    assert usage is not None
    assert usage.cost_usd is None
    partly = total(reply(counts(100, 10)), reply(counts(100, 10), service_tier="unheard-of"))
    assert partly is not None
    assert partly.cost_usd is None, "a partial sum would look like the whole"


def test_a_plan_is_not_priced() -> None:
    usage = total(reply(counts(100, 10)), profile=BackendProfile(name="p", display_name="P", priced=False))
    assert usage is not None
    assert usage.cost_usd is None
    assert usage.input_tokens == 100


def test_a_region_s_surcharge_is_on_everything() -> None:
    profile = BackendProfile(name="p", display_name="P", price_factor=Decimal("1.1"))
    usage = total(reply(counts(1_000_000, 0)), profile=profile)
    assert usage is not None
    assert usage.cost_usd == Decimal("1.1")


def test_the_model_that_answered_is_the_one_that_is_paid() -> None:
    usage = total(reply(counts(1000, 10), model="gpt-6-luna"), model="gpt-6-sol", info=NO_OVERRIDES)
    assert usage is not None
    assert usage.cost_usd == cost_of("gpt-6-luna")


@pytest.mark.parametrize(
    ("asked", "served", "priced_as"),
    [
        ("gpt-6-sol", None, "gpt-6-sol"),
        ("gpt-6-sol", "", "gpt-6-sol"),
        ("gpt-6-sol", "gpt-6-sol-2026-09-22", "gpt-6-sol"),
        ("gpt-6-sol", "azure/gpt-6-sol", "gpt-6-sol"),
        ("openai/gpt-6-sol", "openai/gpt-6-sol", "gpt-6-sol"),
        ("openai/gpt-6-sol", None, "gpt-6-sol"),
        ("my-deployment", "gpt-6-sol-2026-09-22", "gpt-6-sol"),
        # a deployment that is called like an old model, and a gateway's fallback
        ("gpt-4o", "gpt-6-sol", "gpt-6-sol"),
        ("gpt-6-sol", "gpt-7-astra", None),
        ("gpt-6-sol", "some-other-model", None),
        ("gpt-6-sol", "models/tiny-chat.gguf", None),
        ("gpt-6-sol", "ft:gpt-6-sol:acme::id", None),
        ("my-deployment", "my-deployment", None),
        # the setting says which model the deployment is
        ("prod", "prod", "gpt-6-sol"),
        ("prod", "prod-2026-01-01", "gpt-6-sol"),
        ("prod", "gpt-6-luna", "gpt-6-luna"),
        ("prod", "who-knows", None),
    ],
)
def test_a_response_is_priced_as_the_model_that_it_names(asked: str, served: str | None, priced_as: str | None) -> None:
    info = read_model_info({"prod": {"model": "gpt-6-sol"}})
    usage = total(reply(counts(1000, 10), model=served), model=asked, info=info)
    assert usage is not None
    assert usage.cost_usd == (None if priced_as is None else cost_of(priced_as))


def test_a_tier_without_a_price_is_not_priced_as_the_model_that_was_asked() -> None:
    usage = total(reply(counts(1000, 10), model="gpt-4o", service_tier="flex"), model="gpt-6-sol", info=NO_OVERRIDES)
    assert usage is not None
    assert usage.cost_usd is None


def test_the_day_of_the_call_decides_the_price() -> None:
    costs = [
        usage and usage.cost_usd
        for day in (date(2026, 11, 21), date(2026, 11, 22))
        if (usage := total(reply(counts(1000, 0), model="gpt-5.6-sol"), model="gpt-5.6-sol", day=day))
    ]
    assert costs == [Decimal("0.004"), Decimal("0.005")]


@pytest.mark.parametrize(
    ("reported", "cost"),
    [
        ({"cost": 0.002916}, "0.002916"),  # recorded from LiteLLM 1.108.7
        ({"cost": 0.000030016000000000002}, "0.000030016000000000002"),  # the same, for a model that we do not know
        ({"cost": "0.0000101"}, "0.0000101"),
        ({"cost": 0}, "0"),
        ({"cost": {"currency": "USD", "total_cost": 0.25}}, "0.25"),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.5}}, "0.51"),
        ({"cost": 0.01, "is_byok": True, "cost_details": None}, None),
        *(
            ({"cost": odd}, None)
            for odd in (None, True, -1, "", "free", "nan", "1e999999", float("inf"), [1], {"total_cost": "x"})
        ),
    ],
)
def test_the_cost_that_a_gateway_reports(reported: dict[str, Any], cost: str | None) -> None:
    usage = total(reply({**counts(1000, 10), **reported}, model="unheard-of"), model="unheard-of", profile=GATEWAY)
    assert usage is not None
    assert usage.cost_usd == (None if cost is None else Decimal(cost))


OURS, USERS, REPORTED = cost_of("gpt-6-sol"), Decimal("0.0011"), Decimal("0.25")


@pytest.mark.parametrize(
    ("profile", "model", "reported", "cost"),
    [
        (GATEWAY, "gpt-6-sol", 0.25, REPORTED),
        (GATEWAY, "gpt-6-sol", None, OURS),
        (GATEWAY, "m", 0.25, USERS),
        (PRICED, "gpt-6-sol", 0.25, OURS),
        (PRICED, "unheard-of", 0.25, REPORTED),
        (PRICED, "m", 0.25, USERS),
    ],
)
def test_a_reported_cost_counts_before_our_prices_at_a_gateway_only(
    profile: BackendProfile, model: str, reported: float | None, cost: Decimal
) -> None:
    usage = total(reply({**counts(1000, 10), "cost": reported}, model=model), model=model, profile=profile)
    assert usage is not None
    assert usage.cost_usd == cost


def test_a_reported_cost_is_none_of_a_plan() -> None:
    plan = BackendProfile(name="p", display_name="P", priced=False, prefers_reported_cost=True)
    usage = total(reply({**counts(10, 10), "cost": 1}), profile=plan)
    assert usage is not None
    assert usage.cost_usd is None


def test_what_the_user_says_about_the_model_that_was_asked_wins() -> None:
    usage = total(reply(counts(0, 1_000_000), model="gpt-6-luna"))
    assert usage is not None
    assert usage.cost_usd == Decimal(10)


TOKENS = st.integers(0, 10**7)


@given(st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=4))
def test_the_sum_is_exact(replies: list[tuple[int, int]]) -> None:
    usage = total(*[reply(counts(*each)) for each in replies])
    assert usage is not None
    expected = sum(Decimal(tokens_in) + Decimal(tokens_out) * 10 for tokens_in, tokens_out in replies) / 10**6
    assert usage.cost_usd == expected
    assert usage.model_dump()["cost_usd"] == str(usage.cost_usd)


MILLION = 1_000_000


@pytest.mark.parametrize(
    ("usage", "profile", "cost"),
    [
        (counts(2 * MILLION), PRICED, "0.9"),
        (counts(2 * MILLION, cache_write_tokens=2 * MILLION), PRICED, "1.15"),
        (
            counts(MILLION, cache_write_tokens=MILLION, cache_write_tokens_details={"ttl_12h_tokens": MILLION}),
            PRICED,
            "2.4",
        ),
        (None, PRICED, None),
        ({**counts(MILLION), "cost": 3}, GATEWAY, None),
        (counts(MILLION), BackendProfile(name="p", display_name="P", priced=False), None),
    ],
)
def test_cost_of_what_the_cache_should_have_had(usage: Any, profile: BackendProfile, cost: str | None) -> None:
    info = INFO if profile is PRICED else NO_OVERRIDES
    found = calculate_missed_cost_usd(
        reply(usage), MILLION, Pricing(model="m", profile=profile, model_info=info, day=DAY)
    )
    assert found == (Decimal(cost) if cost else None)
