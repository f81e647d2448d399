"""The numbers by which a host fits a conversation: they fit what hosts check, and shortening always makes shorter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.provider.context_budget import (
    BudgetDecision,
    InputSize,
    make_decision,
    make_recovery,
    read_estimate,
)

COUNT = st.integers(min_value=0, max_value=5_000_000)


def size(tokens: int = 1000, context: int = 800, tools: int = 200) -> InputSize:
    return InputSize(tokens=tokens, context_estimate=context, tool_estimate=tools)


def test_an_input_that_fits_keeps_its_length() -> None:
    assert make_decision(size(), limit=1000, max_output_tokens=None) == {
        "estimated_input_tokens": 1000,
        "input_limit_tokens": 1000,
        "context_token_budget": 800,
    }


def test_an_input_that_is_too_long_gets_a_shorter_length_in_the_words_of_the_host() -> None:
    counted = make_decision(size(2000), limit=1000, max_output_tokens=500, counted_by="/count")
    assert counted["context_token_budget"] == 285, "1000 less 400 for tools are 300 of the host's tokens, less room"
    assert counted["max_output_tokens"] == 500
    assert counted["measurement"] == {"kind": "provider_count", "source": "/count", "input_tokens": 2000}
    assert make_decision(size(900, 0, 900), limit=800, max_output_tokens=None)["context_token_budget"] == 0


async def test_a_decision_can_be_read_at_once_or_awaited() -> None:
    async def count() -> dict[str, Any]:
        return {"counted": True}

    decision = BudgetDecision({"estimated": 1}, count)
    assert decision == {"estimated": 1}
    assert await decision == {"counted": True}
    assert await decision == {"counted": True}


@pytest.mark.parametrize("value", [None, -5, "many", "", [], float("inf"), float("nan"), 10**400])
def test_what_is_no_number_of_tokens_is_no_estimate(value: object) -> None:
    assert read_estimate(value) == 0
    assert (read_estimate("12"), read_estimate(12.9), read_estimate(12)) == (12, 12, 12)


@given(tokens=COUNT, context=COUNT, tools=COUNT, limit=st.integers(min_value=1, max_value=2_000_000))
def test_a_budget_is_always_shorter(tokens: int, context: int, tools: int, limit: int) -> None:
    decision = make_decision(size(tokens, context, tools), limit=limit, max_output_tokens=None)
    if tokens > limit:
        assert 0 <= decision["context_token_budget"] < max(context, 1)


@given(
    tokens=COUNT,
    context=COUNT,
    tools=COUNT,
    limit=st.none() | st.integers(min_value=1, max_value=2_000_000),
    refused=st.none() | COUNT,
    output=st.none() | st.just(1000),
)
def test_a_recovery_is_one_that_hosts_accept(
    tokens: int, context: int, tools: int, limit: int | None, refused: int | None, output: int | None
) -> None:
    decision = make_recovery(
        size(tokens, context, tools), limit=limit, refused_tokens=refused, max_output_tokens=output
    )
    if decision is not None:
        assert decision["estimated_input_tokens"] > decision["input_limit_tokens"] > 0
        assert 0 < decision["context_token_budget"] < context
        assert decision.get("max_output_tokens") == output


def test_the_numbers_of_the_service_count_more_than_an_estimate() -> None:
    recovery = make_recovery(size(900), limit=1000, refused_tokens=2000, max_output_tokens=None)
    assert recovery is not None
    assert (recovery["estimated_input_tokens"], recovery["context_token_budget"]) == (2000, 285)


def test_an_estimate_that_was_too_low_halves_the_conversation() -> None:
    recovery = make_recovery(size(900), limit=1000, refused_tokens=None, max_output_tokens=None)
    assert recovery == {"estimated_input_tokens": 1001, "input_limit_tokens": 1000, "context_token_budget": 400}
    unknown = make_recovery(size(900), limit=None, refused_tokens=None, max_output_tokens=None)
    assert unknown is not None
    assert unknown["input_limit_tokens"] == 450


def test_nothing_is_offered_if_only_tools_are_left() -> None:
    assert make_recovery(size(900, 0, 900), limit=100, refused_tokens=None, max_output_tokens=None) is None
    assert make_recovery(size(1, 0, 0), limit=None, refused_tokens=None, max_output_tokens=None) is None
