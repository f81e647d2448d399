"""Estimates what a request may cost before it is sent: its whole input as if no cache had it, and the output it allows.

Only tokens count. Without a limit of output tokens in the request, the estimate has no output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ..facts.price import TokenCounts
from ..wire.json_values import as_object
from ..wire.token_estimate import estimate_input_tokens
from ..wire.types import Item
from .usage import Pricing, calculate_cost_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """What one request may cost.

    Attributes:
        input_tokens: the estimated tokens of the input.
        output_tokens: the most output tokens that the request allows; 0 if it has no limit.
        cost_usd: the cost in US dollars. None if the price is not known.
        input_cost_usd: the part of it that the input costs. None if the price is not known.
    """

    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    input_cost_usd: Decimal | None


def estimate_cost(fields: Mapping[str, Any], items: Sequence[Item], pricing: Pricing) -> CostEstimate:
    """Return what a request may cost.

    Args:
        fields: the fields of the body except `input`.
        items: the items of `input`.
        pricing: what decides the price; the completion window in the fields counts, which `extra_body` may change.
    """
    limit: object = fields.get("max_output_tokens")
    counts = TokenCounts(
        input=estimate_input_tokens(fields, items), output=limit if isinstance(limit, int) and limit > 0 else 0
    )
    tier, background = fields.get("service_tier"), as_object(fields.get("background_options"))
    service_tier = tier if isinstance(tier, str) else None
    pricing = replace(pricing, completion_window=str(background.get("completion_window") or ""))
    cost_usd, input_cost_usd = (
        calculate_cost_usd(each, pricing, service_tier=service_tier) for each in (counts, replace(counts, output=0))
    )
    return CostEstimate(
        input_tokens=counts.input, output_tokens=counts.output, cost_usd=cost_usd, input_cost_usd=input_cost_usd
    )
