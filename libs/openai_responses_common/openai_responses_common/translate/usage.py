"""Reads the token counts of responses, and sums them as the kernel's `Usage` with the cost of the call."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from amplifier_core.message_models import Usage

from ..facts.backend_profile import BackendProfile
from ..facts.model_ids import remove_snapshot_date
from ..facts.model_prices import TokenCounts
from ..options.model_info import ModelOverrides
from ..wire.json_values import as_object
from ..wire.types import Response


def read_token_counts(response: Response) -> TokenCounts | None:
    """Return the token counts of one response; None if it reports none.

    Older servers leave out the details, and other servers send null for them.
    """
    usage = as_object(response.get("usage"))
    if not usage:
        return None
    details = as_object(usage.get("input_tokens_details"))
    write_details = as_object(details.get("cache_write_tokens_details"))
    return TokenCounts(
        input=_read_count(usage.get("input_tokens")),
        output=_read_count(usage.get("output_tokens")),
        cache_read=_read_count(details.get("cached_tokens")),
        cache_write=_read_count(details.get("cache_write_tokens")),
        cache_write_12h=_read_count(write_details.get("ttl_12h_tokens")),
    )


def sum_usage(
    responses: Sequence[Response], *, model: str, profile: BackendProfile, model_info: ModelOverrides
) -> Usage | None:
    """Return the usage of one call, summed over its responses; None if no response reports its usage.

    The model and the service tier that a response reports decide its price. If one price is not known, the cost of the
    call is None, because a partial sum would look like the whole.

    Args:
        responses: all responses that were paid for.
        model: the requested model. Its price counts if a response reports no model or one without a known price. If
            `model_info` has an entry for it, its price counts first.
        profile: the service, with its price factors.
        model_info: the user's overrides, by model.
    """
    total = Usage(input_tokens=0, output_tokens=0, total_tokens=0, cost_usd=Decimal(0))
    for response in responses:
        counts = read_token_counts(response)
        if counts is None:
            total.cost_usd = None
            continue
        usage = response["usage"]
        reasoning: object = as_object(usage.get("output_tokens_details")).get("reasoning_tokens")
        total.input_tokens += counts.input
        total.output_tokens += counts.output
        total.total_tokens += _read_count(usage.get("total_tokens")) or counts.input + counts.output
        total.reasoning_tokens = _add_optional(
            total.reasoning_tokens, None if reasoning is None else _read_count(reasoning)
        )
        total.cache_read_tokens = _add_optional(total.cache_read_tokens, counts.cache_read)
        total.cache_write_tokens = _add_optional(total.cache_write_tokens, counts.cache_write)
        cost = _calculate_response_cost_usd(response, counts, model=model, profile=profile, model_info=model_info)
        total.cost_usd = None if cost is None or total.cost_usd is None else total.cost_usd + cost
    return total if any(read_token_counts(response) for response in responses) else None


def _calculate_response_cost_usd(
    response: Response,
    token_counts: TokenCounts,
    *,
    model: str,
    profile: BackendProfile,
    model_info: ModelOverrides,
) -> Decimal | None:
    if not profile.priced:
        return None
    tier = str(response.get("service_tier") or "") or None
    response_model = str(response.get("model") or model)
    for name in (model, response_model) if model in model_info.entries else (response_model, model):
        price = model_info.price_of(name)
        if price is None:
            continue
        table_id = remove_snapshot_date(model_info.find_table_id(name))
        factor = profile.price_factors.get(table_id, profile.price_factor)
        cost = price.calculate_cost_usd(token_counts, service_tier=tier, factor=factor)
        if cost is not None:
            return cost
    return None


def _read_count(value: object) -> int:
    """Return a number of tokens; 0 for a value that is not an integer."""
    return value if isinstance(value, int) else 0


def _add_optional(total: int | None, increment: int | None) -> int | None:
    return total if increment is None else (total or 0) + increment
