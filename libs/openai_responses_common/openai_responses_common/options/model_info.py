"""The setting `model_info`: what a user says of a model, over the tables of traits and prices."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal, InvalidOperation
from typing import Any, cast, get_args

from ..facts.prices import MODEL_PRICES, Price, PricingFields, Rates, TokenCounts
from ..facts.traits import EFFORTS, LeadingSystem, ModelTraits, Sampling, find_traits, remove_snapshot_date


def calculate_cost_usd(
    model: str,
    token_counts: TokenCounts,
    *,
    service_tier: str | None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    price_factor: Decimal = Decimal(1),
) -> Decimal | None:
    """US dollars for one reply; None if a rate that it needs is not known.

    `service_tier` is the one the reply reports. `overrides` is the option `model_info`, whose `prices` win: {input,
    cache_read, cache_write, cache_write_12h, output, long_above, priority: {...}, flex: {...}, ultrafast: {...}} in US
    dollars per million. `factor` multiplies the whole, for example 1.1 for data residency. Raises ValueError for prices
    that cannot be read.
    """
    price = price_of(model, overrides)
    rates = price.find_rates(service_tier, token_counts.input) if price else None
    if rates is None:
        return None
    written_12h = max(0, token_counts.cache_write_12h)
    written = max(0, token_counts.cache_write, written_12h)
    read = max(0, token_counts.cache_read)
    total = Decimal(0)
    for tokens, rate in (
        (max(0, token_counts.input - read - written), rates.input),
        (read, rates.cache_read),
        (written - written_12h, rates.cache_write),
        (written_12h, rates.cache_write_12h),
        (max(0, token_counts.output), rates.output),
    ):
        if tokens and rate is None:
            return None
        total += tokens * (rate or 0)
    return (total * price_factor).scaleb(-6)


def pricing_of(model: str, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> PricingFields | None:
    """List prices for display, as arguments of Amplifier's `Pricing`; None if not known."""
    price = price_of(model, overrides)
    if price is None:
        return None
    rates = price.rates_by_tier["standard"]
    write = None if rates.cache_write == rates.input else rates.cache_write
    return PricingFields(
        input_per_million=float(rates.input),
        output_per_million=float(rates.output),
        cache_read_per_million=None if rates.cache_read is None else float(rates.cache_read),
        cache_write_per_million=None if write is None else float(write),
        currency="USD",
    )


def price_of(model: str, overrides: Mapping[str, Mapping[str, Any]] | None) -> Price | None:
    entry = find_override(model, overrides)
    name = find_table_id(model, entry).lower()
    listed = MODEL_PRICES.get(name) or MODEL_PRICES.get(remove_snapshot_date(name))
    prices = entry.get("prices")
    if prices is None or prices == "":
        return listed
    return _override_price(model, listed, _read_mapping(model, "prices", prices))


RATE_KEYS = ("input", "cache_read", "cache_write", "cache_write_12h", "output")


TIER_KEYS = ("priority", "flex", "ultrafast")


PRICE_KEYS = (*RATE_KEYS, "long_above", *TIER_KEYS)


def _override_price(model: str, table_price: Price | None, prices: Mapping[str, object]) -> Price:
    """The row with the user's rates; its other tiers fall away, as they belong to the listed standard rates."""
    for key, value in prices.items():
        if key not in PRICE_KEYS:
            raise make_value_error(model, f"prices.{key}", value, f"one of the keys {', '.join(PRICE_KEYS)} instead")
    tiers = {
        "standard": _override_rates(
            model, "prices", prices, table_price.rates_by_tier["standard"] if table_price else None
        )
    }
    for name in TIER_KEYS:
        if (tier := prices.get(name)) not in (None, ""):
            tiers[name] = _override_rates(model, f"prices.{name}", _read_mapping(model, f"prices.{name}", tier), None)
    above = _read_rate(model, "prices.long_above", prices.get("long_above"))
    if above is None:
        above = Decimal(table_price.long_above if table_price and table_price.long_rates_by_tier else 0)
    long = {name: rates.scale_for_long_input() for name, rates in tiers.items()} if above else {}
    return Price(rates_by_tier=tiers, long_rates_by_tier=long, long_above=int(above))


def _override_rates(model: str, key: str, prices: Mapping[str, object], table_rates: Rates | None) -> Rates:
    rates: dict[str, Decimal | None] = asdict(table_rates) if table_rates else {}
    if table_rates and table_rates.cache_write == table_rates.input:
        del rates["cache_write"], rates["cache_write_12h"]
    for name in RATE_KEYS:
        rate = _read_rate(model, f"{key}.{name}", prices.get(name))
        if rate is not None:
            rates[name] = rate
    price, output = rates.get("input"), rates.get("output")
    if price is None or output is None:
        raise make_value_error(model, key, dict(prices), "at least input and output, in US dollars per million tokens")
    write = rates.get("cache_write", price)
    return Rates(
        input=price,
        cache_read=rates.get("cache_read"),
        cache_write=write,
        cache_write_12h=rates.get("cache_write_12h", price if write == price else None),
        output=output,
    )


def _read_rate(model: str, key: str, value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal("NaN" if isinstance(value, bool) else str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise make_value_error(model, key, value, "a number of 0 or more, such as 2.50")
    return number


def _read_mapping(model: str, key: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise make_value_error(model, key, value, "a mapping such as {input: 2.50, output: 10}")
    return cast("Mapping[str, object]", value)


def traits_of(model: str, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> ModelTraits:
    """The traits of `model`: its row, the row without the date, its family's, else `UNKNOWN`; then `overrides`.

    `overrides` is the option `model_info`: {model: {context_window, max_output_tokens, efforts, default_effort,
    sampling, verbosity, vision, leading_system, model, prices}}; `model` names the row behind a deployment's name.
    Raises ValueError with model, key and remedy for a value that cannot be read.
    """
    entry = find_override(model, overrides)
    row = find_traits(find_table_id(model, entry))
    return _override_traits(model, row, entry) if entry else row


def find_override(model: str, overrides: Mapping[str, Mapping[str, Any]] | None) -> Mapping[str, object]:
    """The `model_info` entry for this id, or for the id without its date; empty if there is none."""
    entries: Mapping[str, object] = overrides or {}
    entry = entries.get(model, entries.get(remove_snapshot_date(model)))
    if entry is None:
        return {}
    if not isinstance(entry, Mapping):
        raise ValueError(f'model_info["{model}"] is {entry!r}; give a mapping such as {{context_window: 128000}}')
    return cast("Mapping[str, object]", entry)


def find_table_id(model: str, override: Mapping[str, object]) -> str:
    """The id under which the tables know the model: what `model_info` says stands behind it, else its own."""
    behind = override.get("model") or model
    if not isinstance(behind, str):
        raise make_value_error(model, "model", behind, "the id of the model behind this name, such as gpt-6-sol")
    return behind


def make_value_error(model: str, key: str, value: object, remedy: str) -> ValueError:
    """The error for one unreadable `model_info` value."""
    return ValueError(f'model_info["{model}"]["{key}"] is {value!r}; give {remedy}')


def token_count(value: object) -> int:
    number = float("nan" if isinstance(value, bool) else str(value).replace(",", ""))
    if not number.is_integer() or number <= 0:
        raise ValueError(value)
    return int(number)


FLAG_VALUES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _read_flag(value: object) -> bool:
    return FLAG_VALUES[str(value).strip().lower()]


def one_of(*names: str) -> Callable[[object], str]:
    return lambda value: names[names.index(str(value).strip().lower())]


def effort_list(value: object) -> tuple[str, ...]:
    parts: object = re.findall(r"[^,\s]+", value.lower()) if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or any(part not in EFFORTS for part in cast("Sequence[object]", parts)):
        raise ValueError(value)
    return tuple(effort for effort in EFFORTS if effort in parts)


_TRAIT_READERS: dict[str, tuple[Callable[[object], object], str]] = {
    "context_window": (token_count, "a number of tokens above 0, such as 922000"),
    "max_output_tokens": (token_count, "a number of tokens above 0, such as 128000"),
    "efforts": (effort_list, f"some of {','.join(EFFORTS)}, or [] for a model that takes no effort"),
    "default_effort": (one_of(*EFFORTS), f"one of {', '.join(EFFORTS)}"),
    "sampling": (one_of(*get_args(Sampling)), f"one of {', '.join(get_args(Sampling))}"),
    "verbosity": (_read_flag, "true or false"),
    "vision": (_read_flag, "true or false"),
    "leading_system": (one_of(*get_args(LeadingSystem)), f"one of {', '.join(get_args(LeadingSystem))}"),
}


_MODEL_INFO_KEYS = (*_TRAIT_READERS, "model", "prices")


def _override_traits(model: str, base: ModelTraits, override: Mapping[str, object]) -> ModelTraits:
    changes: dict[str, Any] = {}
    for key, value in override.items():
        if key not in _MODEL_INFO_KEYS:
            raise make_value_error(model, key, value, f"one of the keys {', '.join(_MODEL_INFO_KEYS)} instead")
        if key not in _TRAIT_READERS or value is None or value == "":
            continue
        read, remedy = _TRAIT_READERS[key]
        try:
            changes[key] = read(value)
        except (KeyError, ValueError) as error:
            raise make_value_error(model, key, value, remedy) from error
    traits = replace(base, **changes)
    if traits.efforts is None or traits.default_effort in (None, *traits.efforts):
        return traits
    if "default_effort" in changes:
        raise make_value_error(
            model, "default_effort", traits.default_effort, f"one of its efforts: {list(traits.efforts)}"
        )
    return replace(traits, default_effort=None)
