"""What responses cost: rates by tier and length, cache reads and writes, and rates that are not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from amplifier_core.models import Pricing
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.facts import model_prices as prices
from openai_responses_common.facts.model_ids import is_agent_model
from openai_responses_common.facts.model_prices import find_price
from openai_responses_common.facts.model_traits import find_traits
from openai_responses_common.facts.price import Price, Rates, TokenCounts

TABLE = prices.MODEL_PRICES
DAY = date(2026, 11, 21)


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


def cost_of(
    model: str, tokens: TokenCounts, tier: str | None = None, factor: str = "1", day: date = DAY
) -> Decimal | None:
    price = find_price(model, day)
    return price and price.calculate_cost_usd(tokens, service_tier=tier, factor=Decimal(factor))


def usd(model: str, tokens: TokenCounts, tier: str | None = None) -> str | None:
    cost = cost_of(model, tokens, tier)
    return None if cost is None else str(cost.normalize())


@pytest.mark.parametrize(
    ("model", "tokens", "tier", "dollars"),
    [
        # 10,000 in of which 6,000 cached and 3,000 written: 1,000*2 + 6,000*.2 + 3,000*2.5 + 500*10 = 15,700
        ("gpt-6-sol", counts(10_000, 500, cache_read=6_000, cache_write=3_000), "default", "0.0157"),
        # the same, 1,000 of the writes for 12 hours: 2,000 + 1,200 + 2,000*2.5 + 1,000*5 + 5,000 = 18,200
        (
            "gpt-6-sol",
            counts(10_000, 500, cache_read=6_000, cache_write=3_000, cache_write_12h=1_000),
            None,
            "0.0182",
        ),
        # twice: 1,000*4 + 6,000*.4 + 3,000*5 + 500*20 = 31,400
        ("gpt-6-sol", counts(10_000, 500, cache_read=6_000, cache_write=3_000), "priority", "0.0314"),
        # half: 1,000*1 + 6,000*.1 + 3,000*1.25 + 500*5 = 7,850
        ("gpt-6-sol", counts(10_000, 500, cache_read=6_000, cache_write=3_000), "flex", "0.00785"),
        # above 272k, whole request: 100,000*20 + 200,000*2 + 1,000*75 = 2,475,000
        ("gpt-6-astra", counts(300_000, 1_000, cache_read=200_000), "default", "2.475"),
        # at 272k exactly, not yet: 272,000*10 + 1,000*50 = 2,770,000
        ("gpt-6-astra", counts(272_000, 1_000), "default", "2.77"),
        # one more: 272,001*20 + 1,000*75 = 5,515,020
        ("gpt-6-astra", counts(272_001, 1_000), "default", "5.51502"),
        # 1,000*60 + 100*300 = 90,000
        ("gpt-6-astra", counts(1_000, 100), "ultrafast", "0.09"),
        # above 272k in priority: 2 doubled is 4, 10 and a half more is 15: 300,000*4 + 10*15 = 1,200,150
        ("gpt-6.1-terra", counts(300_000, 10), "priority", "1.20015"),
        # above 272k, most of it cached: 100,000*4 + 500,000*.2 + 2,000*15 = 530,000
        ("gpt-6.1-sol", counts(600_000, 2_000, cache_read=500_000), "default", "0.53"),
        # 4,158*4 + 4,418*5 + 100*20 = 40,722
        ("gpt-5.6-sol", counts(8_576, 100, cache_write=4_418), "default", "0.040722"),
        # 1,000*.2 + 1,000*1.2 = 1,400
        ("gpt-5.6-luna", counts(1_000, 1_000), "default", "0.0014"),
        # no write charge before gpt-5.6: 2,000*5 + 100*30 = 13,000
        ("gpt-5.5", counts(2_000, 100, cache_write=1_500), "default", "0.013"),
        # 1,000*1.25 + 1,000*.13 = 1,380; 100*7.5 = 750
        ("gpt-5.4", counts(2_000, 100, cache_read=1_000), "flex", "0.00213"),
        # above 272k in flex: 200,000*2.5 + 100,000*.25 + 100*11.25 = 526,125
        ("gpt-5.4", counts(300_000, 100, cache_read=100_000), "flex", "0.526125"),
        # 1,000*1.75 + 9,000*.175 + 1,000*14 = 17,325
        ("gpt-5.2", counts(10_000, 1_000, cache_read=9_000), "default", "0.017325"),
        # 1,000*.45 + 1,000*.045 + 100*3.6 = 855
        ("gpt-5-mini", counts(2_000, 100, cache_read=1_000), "priority", "0.000855"),
        # 1,000*2.5 + 1,000*1.25 + 100*10 = 4,750
        ("gpt-4o", counts(2_000, 100, cache_read=1_000), "default", "0.00475"),
        # 1,000*4.25 + 1,000*2.125 + 100*17 = 8,075
        ("gpt-4o", counts(2_000, 100, cache_read=1_000), "priority", "0.008075"),
        # 1,000*.15 + 1,000*.075 + 100*.6 = 285
        ("gpt-4o-mini", counts(2_000, 100, cache_read=1_000), "default", "0.000285"),
        # 1,000*15 + 1,000*7.5 + 100*60 = 28,500
        ("o1", counts(2_000, 100, cache_read=1_000), "default", "0.0285"),
        # 1,000*1.1 + 1,000*.55 + 100*4.4 = 2,090
        ("o3-mini", counts(2_000, 100, cache_read=1_000), "default", "0.00209"),
        # no rule for long requests: 1,000,000*2
        ("gpt-4.1", counts(1_000_000, 0), "default", "2"),
        ("gpt-5.5-pro", counts(1_000, 100), "default", "0.048"),
        # 1,000*8 + 100*40 = 12,000
        ("gpt-6.2-astra", counts(1_000, 100), "default", "0.012"),
        # 1,000*.1 + 2,000*2.5 + 1,000*5 + 1,000*2 + 100*10 = 13,100
        ("gpt-6.2-sol", counts(5_000, 100, cache_read=1_000, cache_write=3_000, cache_write_12h=1_000), None, "0.0131"),
        # above 272k in priority: 300,000*8 + 100*30 = 2,403,000
        ("gpt-6.2-sol", counts(300_000, 100), "priority", "2.403"),
        # three times: 1,000*6 + 100*30 = 9,000
        ("gpt-6.2-sol", counts(1_000, 100), "ultrafast", "0.009"),
        # a maker in front: 1,000*2 + 100*10 = 3,000
        ("openai/gpt-6-sol", counts(1_000, 100), None, "0.003"),
        ("gpt-6-cyber", counts(1_000, 100, cache_write=500), None, "0.0325"),
        # an alias: 1,000*2 + 100*10 = 3,000
        ("gpt-sol-latest", counts(1_000, 100), None, "0.003"),
        ("gpt-6-sol", counts(), "default", "0"),
    ],
)
def test_costs_worked_out_by_hand(model: str, tokens: TokenCounts, tier: str | None, dollars: str) -> None:
    cost = cost_of(model, tokens, tier)
    assert cost == Decimal(dollars)


@pytest.mark.parametrize("tier", [None, "", "auto", "default", "standard", "scale", "Default"])
def test_ordinary_tiers_cost_the_standard_rate(tier: str | None) -> None:
    assert usd("gpt-6-sol", counts(1_000, 100), tier) == "0.003"


@pytest.mark.parametrize("tier", ["priority", "fast", "FAST"])
def test_fast_is_priority(tier: str) -> None:
    assert usd("gpt-6-sol", counts(1_000, 100), tier) == "0.006"


@pytest.mark.parametrize(
    ("model", "tokens", "tier"),
    [
        ("prod-chat", counts(10, 10), None),
        ("gpt-oss-120b", counts(10, 10), None),
        ("gpt-7-x", counts(10, 10), None),
        ("gpt-5.7-foo", counts(10, 10), None),
        ("ft:gpt-4o-2024-08-06:acme::id", counts(10, 10), None),
        ("", counts(0, 0), None),
        ("gpt-6-sol", counts(10, 10), "ultrafast"),
        ("gpt-6-sol", counts(10, 10), "warp"),
        ("gpt-4o", counts(10, 10), "flex"),
        # no rate is published for these tiers of long requests
        ("gpt-5.5", counts(272_001, 10), "priority"),
        ("gpt-5.5-pro", counts(272_001, 10), "flex"),
        # no price of a cache read
        ("gpt-5.4-pro", counts(10, 10, cache_read=1), None),
        ("o3-pro", counts(10, 10, cache_read=1), None),
        # nobody publishes these tiers and rates
        ("gpt-6.2-sol", counts(10, 10), "flex"),
        ("gpt-6.2-astra", counts(10, 10), "priority"),
        ("gpt-daybreak-red-latest", counts(10, 10, cache_write=1, cache_write_12h=1), None),
    ],
)
def test_what_is_not_known_is_none_and_never_zero(model: str, tokens: TokenCounts, tier: str | None) -> None:
    assert cost_of(model, tokens, tier) is None


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("gpt-6-sol-2026-09-22", "0.3"),
        ("gpt-5.4-2026-03-05", "0.4"),
        ("GPT-4o-2024-08-06", "0.35"),
        ("gpt-4o-2024-05-13", "0.65"),
        ("gpt-5.6", "0.6"),
        ("gpt-6-sol-20260922", "0.3"),
    ],
)
def test_a_dated_id_costs_what_its_alias_costs_unless_it_has_a_row(model: str, dollars: str) -> None:
    assert usd(model, counts(100_000, 10_000)) == dollars


@given(
    st.sampled_from(sorted(TABLE)),
    st.sampled_from([None, "priority", "flex", "ultrafast"]),
    st.builds(
        TokenCounts,
        input=st.integers(-5, 10**6),
        output=st.integers(-5, 10**6),
        cache_read=st.integers(-5, 10**6),
        cache_write=st.integers(-5, 10**6),
        cache_write_12h=st.integers(-5, 10**6),
    ),
)
def test_odd_counts_never_make_a_negative_part(model: str, tier: str | None, tokens: TokenCounts) -> None:
    cost = cost_of(model, tokens, tier)
    assert cost is None or cost >= 0


def test_more_cached_than_sent_charges_what_was_reported_cached() -> None:
    assert usd("gpt-6-sol", counts(100, 0, cache_read=1_000)) == "0.0002"
    assert usd("gpt-6-sol", counts(1_000, 0, cache_write_12h=1_000)) == "0.005"


def test_a_factor_multiplies_the_whole() -> None:
    cost = cost_of("gpt-6-sol", counts(1_000, 100), factor="1.1")
    assert cost == Decimal("0.0033")


def _list_prices() -> dict[str, tuple[str, Price]]:
    """Every price of the table, those that follow another one included."""
    found: dict[str, tuple[str, Price]] = {}
    for model, price in TABLE.items():
        later: Price | None = price
        while later is not None:
            found[f"{model} up to {later.last_day}"] = (model, later)
            assert later.next_price is None or later.last_day is not None
            later = later.next_price
    return found


@pytest.mark.parametrize(
    ("model", "tier", "day", "dollars"),
    [
        # 1,000*4 + 100*20, from the next day on 1,000*5 + 100*30
        ("gpt-5.6-sol", None, date(2026, 11, 21), "0.006"),
        ("gpt-5.6-sol", None, date(2026, 11, 22), "0.008"),
        ("openai/gpt-5.6-2026-07-09", "flex", date.max, "0.004"),
        # 1,000*6 + 100*30, from the next day on twice that
        ("gpt-6.2-sol", "ultrafast", date(2027, 2, 28), "0.009"),
        ("gpt-6.2-sol", "ultrafast", date(2027, 3, 1), "0.018"),
        ("gpt-6.2-sol", None, date.max, "0.003"),
        ("gpt-6.2-sol", None, date.min, "0.003"),
    ],
)
def test_a_price_ends_after_its_last_day(model: str, tier: str | None, day: date, dollars: str) -> None:
    assert cost_of(model, counts(1_000, 100), tier, day=day) == Decimal(dollars)


def test_a_price_without_a_successor_is_not_known_after_its_last_day() -> None:
    price = replace(TABLE["gpt-6-sol"], last_day=date(2026, 1, 1))
    assert price.find_price_on(date(2026, 1, 1)) is price
    assert price.find_price_on(date(2026, 1, 2)) is None


PRICES = _list_prices()


@pytest.mark.parametrize("row", PRICES)
def test_every_row_is_coherent(row: str) -> None:
    model, price = PRICES[row]
    assert set(price.long_rates_by_tier) <= set(price.rates_by_tier)
    assert find_traits(model).is_listed
    assert is_agent_model(model) or "deep-research" in model
    standard = price.rates_by_tier["standard"]
    for name, rates in {
        **price.rates_by_tier,
        **{f"long {name}": rates for name, rates in price.long_rates_by_tier.items()},
    }.items():
        assert rates.input < rates.output, name
        assert rates.cache_read is None or rates.cache_read < rates.input, name
        assert (rates.cache_read is None) == (standard.cache_read is None), name
        if rates.cache_write is not None and rates.cache_write != rates.input:
            assert rates.cache_write == rates.input * Decimal("1.25"), name
            assert rates.cache_write_12h in (None, rates.input * Decimal("2.5")), name
    for name, rates in price.long_rates_by_tier.items():
        if (model, name) != ("gpt-5.4", "flex"):
            assert rates == price.rates_by_tier[name].scale_for_long_input()


def test_long_requests_cost_double_in_and_half_more_out() -> None:
    rates = Rates(
        input=Decimal(2), cache_read=None, cache_write=Decimal(3), cache_write_12h=Decimal(5), output=Decimal(10)
    )
    assert rates.scale_for_long_input() == Rates(
        input=Decimal(4), cache_read=None, cache_write=Decimal(6), cache_write_12h=Decimal(10), output=Decimal(15)
    )


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-6-sol-2026-09-22", (2.0, 10.0, 0.2, 2.5)),
        ("gpt-4o", (2.5, 10.0, 1.25, None)),
        ("gpt-5.5-pro", (30.0, 180.0, None, None)),
        ("gpt-6.2-sol", (2.0, 10.0, 0.1, 2.5)),
    ],
)
def test_pricing_is_what_the_kernels_model_takes(model: str, expected: tuple[float | None, ...]) -> None:
    price = find_price(model, DAY)
    assert price is not None
    shown = Pricing(**price.pricing_fields())
    assert (
        shown.input_per_million,
        shown.output_per_million,
        shown.cache_read_per_million,
        shown.cache_write_per_million,
    ) == expected
    assert shown.currency == "USD"


def test_an_unknown_model_has_no_price() -> None:
    assert find_price("prod-chat", DAY) is None


def test_an_alias_costs_what_its_model_costs() -> None:
    assert find_price("gpt-5.6", DAY) == find_price("gpt-5.6-sol", DAY)
