"""What a request may cost: its input as if nothing was cached, the output it allows, at the price of its tier."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.options.model_info import read_model_info
from openai_responses_common.translate.cost_estimate import CostEstimate, estimate_cost
from openai_responses_common.translate.usage import Pricing

DAY = date(2026, 12, 1)
PRICED = BackendProfile(name="p", display_name="P")
PLAN = BackendProfile(name="p", display_name="P", priced=False)
INFO = read_model_info({"m": {"prices": {"input": 1000, "output": 2000, "flex": {"input": 500, "output": 1000}}}})
ITEMS = [{"type": "message", "content": "x" * 270}]


def estimate(profile: BackendProfile = PRICED, model: str = "m", **fields: Any) -> CostEstimate:
    return estimate_cost(fields, ITEMS, Pricing(model=model, profile=profile, model_info=INFO, day=DAY))


def test_without_a_limit_of_output_only_the_input_counts() -> None:
    known = estimate()
    assert known.output_tokens == 0
    assert known.cost_usd == Decimal(known.input_tokens) / 1000


@pytest.mark.parametrize(("limit", "tokens"), [(1_000, 1_000), (0, 0), ("1000", 0), (None, 0)])
def test_the_output_that_a_request_allows_counts(limit: object, tokens: int) -> None:
    allowed = estimate(max_output_tokens=limit)
    assert allowed.output_tokens == tokens
    assert allowed.cost_usd == (Decimal(allowed.input_tokens) + 2 * tokens) / 1000
    assert allowed.input_cost_usd == Decimal(allowed.input_tokens) / 1000


def test_the_tier_of_the_request_decides() -> None:
    standard, flex = estimate(service_tier=7).cost_usd, estimate(service_tier="flex").cost_usd
    assert standard is not None
    assert flex == standard / 2
    assert estimate(service_tier="ultrafast").cost_usd is None


def test_a_discounted_window_costs_less() -> None:
    standard = estimate().cost_usd
    assert standard is not None
    assert estimate(background_options={"completion_window": "2h"}).cost_usd == standard * Decimal("0.7")
    assert estimate(background_options={"continuation_id": "c"}).cost_usd == standard


def test_without_a_price_there_is_no_cost() -> None:
    assert estimate(model="unheard-of").cost_usd is None
    assert estimate(PLAN).cost_usd is None
    assert estimate(PLAN).input_cost_usd is None
