"""Reads the token counts of responses, and sums them as the kernel's `Usage` with the cost of the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from amplifier_core.message_models import Usage

from ..facts.backend_profile import BackendProfile
from ..facts.model_ids import name_same_model, remove_snapshot_date, table_name
from ..facts.price import DISCOUNTED_WINDOWS, TokenCounts
from ..options.model_info import ModelOverrides
from ..wire.json_values import as_object
from ..wire.types import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What decides the price of a token in one call.

    Attributes:
        model: the requested model.
        profile: the service, with its price factors.
        model_info: the user's overrides, by model.
        day: the day of the call, for prices that change.
        completion_window: of the background, which may have a discount. None, the default, has none.
    """

    model: str
    profile: BackendProfile
    model_info: ModelOverrides
    day: date
    completion_window: str | None = None


def read_token_counts(response: Response) -> TokenCounts | None:
    """Return the token counts of one response; None if it reports none that can be read, and no cost.

    Older servers leave out the details, and other servers send null for them. Bridges write the names of Chat
    Completions, or a number as a text.
    """
    usage = as_object(response.get("usage"))
    input_count, output_count = _read_sum(usage, "input", "prompt"), _read_sum(usage, "output", "completion")
    if input_count is None and output_count is None and "cost" not in usage:
        return None
    details = as_object(usage.get("input_tokens_details")) or as_object(usage.get("prompt_tokens_details"))
    write_details = as_object(details.get("cache_write_tokens_details"))
    return TokenCounts(
        input=input_count or 0,
        output=output_count or 0,
        cache_read=_read_count(details.get("cached_tokens")),
        cache_write=_read_count(details.get("cache_write_tokens")),
        cache_write_12h=_read_count(write_details.get("ttl_12h_tokens")),
    )


def sum_usage(responses: Sequence[Response], pricing: Pricing) -> Usage | None:
    """Return the usage of one call, summed over its responses; None if no response reports its usage.

    The sums are those of the kernel's contract (amplifier-core, PROVIDER_CONTRACT.md, seen 2026-11-30): `input_tokens`
    is fresh input and input read from the cache, and hosts add `cache_write_tokens` to it. A service counts what it
    wrote as input, so that number is taken off both sums. If one cost is not known, the cost of the call is None,
    because a partial sum would look like the whole.

    Args:
        responses: all responses that were paid for.
        pricing: what decides their prices.
    """
    total = Usage(input_tokens=0, output_tokens=0, total_tokens=0, cost_usd=Decimal(0))
    for response in responses:
        counts = read_token_counts(response)
        if counts is None:
            total.cost_usd = None
            continue
        usage = response["usage"]
        output_details = as_object(usage.get("output_tokens_details")) or as_object(
            usage.get("completion_tokens_details")
        )
        reasoning: object = output_details.get("reasoning_tokens")
        input_tokens = max(counts.input - counts.cache_write, min(counts.input, counts.cache_read))
        total.input_tokens += input_tokens
        total.output_tokens += counts.output
        reported_total = _read_count(usage.get("total_tokens")) or counts.input + counts.output
        total.total_tokens += max(reported_total - (counts.input - input_tokens), 0)
        total.reasoning_tokens = _add_optional(
            total.reasoning_tokens, None if reasoning is None else _read_count(reasoning)
        )
        total.cache_read_tokens = _add_optional(total.cache_read_tokens, counts.cache_read)
        total.cache_write_tokens = _add_optional(total.cache_write_tokens, counts.cache_write)
        cost = _find_cost_usd(response, counts, pricing)
        total.cost_usd = None if cost is None or total.cost_usd is None else total.cost_usd + cost
    return total if any(read_token_counts(response) for response in responses) else None


def calculate_missed_cost_usd(response: Response, missed_tokens: int, pricing: Pricing) -> Decimal | None:
    """Return what a response cost more because some of its input was not read from the cache; None if nobody knows.

    Args:
        response: the response.
        missed_tokens: how many tokens of its input the cache should have had.
        pricing: what decides its price.
    """
    counts = read_token_counts(response)
    if counts is None:
        return None
    written = max(counts.cache_write - missed_tokens, 0)
    cached = replace(
        counts,
        cache_read=counts.cache_read + missed_tokens,
        cache_write=written,
        cache_write_12h=min(counts.cache_write_12h, written),
    )
    cost, lower_cost = (_find_cost_usd(response, each, pricing) for each in (counts, cached))
    return None if cost is None or lower_cost is None or cost <= lower_cost else cost - lower_cost


def _find_cost_usd(response: Response, token_counts: TokenCounts, pricing: Pricing) -> Decimal | None:
    """The cost of one response; None if it is not known.

    Prices of the user count first. Then the cost that the response reports counts if the profile says so, else our own
    prices. If the first of the two is not known, the other one counts.
    """
    if not pricing.profile.priced:
        return None
    name = _choose_priced_name(str(response.get("model") or ""), pricing)
    has_user_prices = pricing.model_info.find_entry(name).prices is not None
    reported_cost = None if has_user_prices else _read_reported_cost_usd(as_object(response.get("usage")))
    if pricing.profile.prefers_reported_cost and reported_cost is not None:
        return reported_cost
    tier = str(response.get("service_tier") or "") or None
    cost = calculate_cost_usd(token_counts, replace(pricing, model=name), service_tier=tier)
    return reported_cost if cost is None else cost


def _choose_priced_name(response_model: str, pricing: Pricing) -> str:
    """The name whose price counts: that of the response, because a gateway may serve another model.

    The requested name counts if the user sets prices for it, if the response names no model, and if the response names
    it in another way and under a name without a price.
    """
    model, model_info = pricing.model, pricing.model_info
    if not response_model or model_info.find_entry(model).prices is not None:
        return model
    has_price = model_info.price_of(response_model, pricing.day) is not None
    return model if not has_price and name_same_model(response_model, model) else response_model


def calculate_cost_usd(token_counts: TokenCounts, pricing: Pricing, *, service_tier: str | None) -> Decimal | None:
    """Return what tokens cost in US dollars by the price list; None if the price is not known.

    Args:
        token_counts: the tokens.
        pricing: what decides their price; its model is the one whose price counts.
        service_tier: the tier; None is the standard tier.
    """
    profile, model_info = pricing.profile, pricing.model_info
    price = model_info.price_of(pricing.model, pricing.day) if profile.priced else None
    if price is None:
        return None
    table_id = remove_snapshot_date(table_name(model_info.find_table_id(pricing.model)))
    factor = profile.price_factors.get(table_id, profile.price_factor)
    factor *= DISCOUNTED_WINDOWS.get(pricing.completion_window or "", Decimal(1))
    return price.calculate_cost_usd(token_counts, service_tier=service_tier, factor=factor)


# Where gateways write what a response cost in US dollars. LiteLLM 1.108 (recorded 2026-11-30) and OpenRouter write a
# number, Perplexity an object (their API references, seen 2026-11-30).
_COST_PATHS = (("cost",), ("cost", "total_cost"))
# With a user's own key at the provider, OpenRouter's `cost` is its fee alone.
_UPSTREAM_COST_PATH = ("cost_details", "upstream_inference_cost")
_MAX_COST_USD = Decimal(10**9)  # with a cost such as 1e999999 a sum would overflow


def _read_reported_cost_usd(usage: Mapping[str, Any]) -> Decimal | None:
    """The cost that a gateway reports; None if it reports none, or one that is not a number of 0 or more."""
    cost = next((cost for path in _COST_PATHS if (cost := _read_amount(usage, path)) is not None), None)
    if cost is None or usage.get("is_byok") is not True:
        return cost
    upstream = _read_amount(usage, _UPSTREAM_COST_PATH)
    return None if upstream is None else cost + upstream


def _read_amount(usage: Mapping[str, Any], path: Sequence[str]) -> Decimal | None:
    value: object = usage
    for key in path:
        value = as_object(value).get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < _MAX_COST_USD else None


def _read_sum(usage: Mapping[str, Any], *names: str) -> int | None:
    """Return the tokens of input or output under the first of these names; None if no name has a number."""
    counts = (_read_optional_count(usage.get(f"{name}_tokens")) for name in names)
    return next((count for count in counts if count is not None), None)


def _read_count(value: object) -> int:
    """Return a number of tokens; 0 for a value that is not a whole number of 0 or more."""
    return _read_optional_count(value) or 0


def _read_optional_count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value if type(value) is int and value >= 0 else None


def _add_optional(total: int | None, increment: int | None) -> int | None:
    return total if increment is None else (total or 0) + increment
