"""The setting `model_info`: what a user says of models, read once and laid over the tables of traits and prices.

Lookups parse nothing: they lay typed changes over a row. An entry counts for its id and for the dated snapshots of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, cast, get_args

from amplifier_core.llm_errors import ConfigurationError

from ..facts.model_ids import remove_snapshot_date
from ..facts.model_prices import find_price
from ..facts.model_traits import find_traits
from ..facts.price import Price, Rates
from ..facts.traits import EFFORTS, VERBOSITIES, LeadingSystem, ModelTraits, Sampling
from .readers import day, effort_list, flag, json_value, one_of, rate, token_count
from .setting import Setting, describe_mismatch, is_unset

TRAIT_SETTINGS: Mapping[str, Setting] = {
    "context_window": Setting(read=token_count, meaning="How many input tokens it accepts."),
    "max_output_tokens": Setting(read=token_count, meaning="How many output tokens it writes at most."),
    "efforts": Setting(read=effort_list, meaning="The efforts that it accepts; `[]` for a model that does not reason."),
    "default_effort": Setting(read=one_of(*EFFORTS), meaning="Its effort if a request has none."),
    "sampling": Setting(
        read=one_of(*get_args(Sampling)),
        meaning="When it accepts `temperature` and `top_p`: `always`, `effort_none` or `never`.",
    ),
    "verbosity": Setting(read=flag, meaning="Whether it accepts `verbosity`."),
    "default_verbosity": Setting(read=one_of(*VERBOSITIES), meaning="Its verbosity if a request has none."),
    "vision": Setting(read=flag, meaning="Whether it sees images."),
    "shutdown": Setting(
        read=day,
        meaning='The last day on which the service offers it, as in `"2026-12-11"`. A warning tells of it.',
    ),
    "leading_system": Setting(
        read=one_of(*get_args(LeadingSystem)),
        meaning="Where leading system messages go: `instructions` or `developer`.",
    ),
}
"""Keys of a `model_info` entry that replace a field of `ModelTraits` of the same name."""

MODEL_INFO_SETTINGS: Mapping[str, Setting] = {
    **TRAIT_SETTINGS,
    "model": Setting(
        meaning="The model behind this name, as for a deployment; its facts are the defaults of all other keys."
    ),
    "prices": Setting(meaning="US dollars per million tokens, see below."),
}
"""All keys of a `model_info` entry."""

RATE_SETTINGS: Mapping[str, Setting] = {
    "input": Setting(read=rate, meaning="Input that is not cached."),
    "cache_read": Setting(read=rate, meaning="Input that is read from the cache."),
    "cache_write": Setting(read=rate, meaning="Input that is written to the cache, if that costs extra."),
    "cache_write_12h": Setting(read=rate, meaning="Input that is written to the cache for twelve hours."),
    "output": Setting(read=rate, meaning="Output, reasoning included."),
}
"""Keys of `prices` that replace a field of `Rates` of the same name."""

_LONG_ABOVE = Setting(
    read=rate,
    meaning="The number of input tokens above which a request costs more: twice for input, half more for output. "
    "0 means never.",
)

_PRICE_EXAMPLE = "{input: 2.50, output: 10}"

_TIERS = ("priority", "flex", "ultrafast")

PRICE_SETTINGS: Mapping[str, Setting] = {
    **RATE_SETTINGS,
    "long_above": _LONG_ABOVE,
    **{tier: Setting(meaning=f"The same keys for the tier `{tier}`.") for tier in _TIERS},
}
"""All keys of `prices` in a `model_info` entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOverride:
    """The prices of one entry.

    Attributes:
        standard: rates that replace those of the listed standard tier; the listed rates fill the rest.
        tiers: rates of the other tiers. The listed ones fall away, because they belong to the listed standard rates.
        long_above: input tokens above which the long rates count, 0 for never; None keeps the listed limit.
    """

    standard: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    tiers: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict[str, Mapping[str, Decimal]])
    long_above: int | None = None

    def apply(self, listed: Price | None) -> Price | None:
        """Return the price over the listed one; None if the rate of input or output is missing."""
        standard = _complete_rates(self.standard, listed.rates_by_tier["standard"] if listed else None)
        tiers = {"standard": standard, **{name: _complete_rates(rates, None) for name, rates in self.tiers.items()}}
        rates_by_tier = {name: rates for name, rates in tiers.items() if rates is not None}
        if len(rates_by_tier) < len(tiers):
            return None
        long_above = self.long_above
        if long_above is None:
            long_above = listed.long_above if listed and listed.long_rates_by_tier else 0
        long_rates = {name: rates.scale_for_long_input() for name, rates in rates_by_tier.items()} if long_above else {}
        return Price(rates_by_tier=rates_by_tier, long_rates_by_tier=long_rates, long_above=long_above)


def _complete_rates(changes: Mapping[str, Decimal], listed: Rates | None) -> Rates | None:
    """The listed rates with the changes; writing to a cache costs what input costs until a rate says otherwise."""
    rates: dict[str, Decimal | None] = {}
    if listed:
        rates = {"input": listed.input, "cache_read": listed.cache_read, "output": listed.output}
        if listed.cache_write != listed.input:
            rates |= {"cache_write": listed.cache_write, "cache_write_12h": listed.cache_write_12h}
    rates |= changes
    fresh, output = rates.get("input"), rates.get("output")
    if fresh is None or output is None:
        return None
    cache_write = rates.get("cache_write", fresh)
    return Rates(
        input=fresh,
        cache_read=rates.get("cache_read"),
        cache_write=cache_write,
        cache_write_12h=rates.get("cache_write_12h", fresh if cache_write == fresh else None),
        output=output,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOverride:
    """One entry of `model_info`.

    Attributes:
        table_id: the id of the model behind the entry's name; None if the name is the model's own.
        traits: changed fields of `ModelTraits`.
        prices: the changed price; None if it does not change.
    """

    table_id: str | None = None
    traits: Mapping[str, Any] = field(default_factory=dict[str, Any])
    prices: PriceOverride | None = None

    def over(self, base: ModelOverride) -> ModelOverride:
        """Return both entries as one; what this one says counts more than `base`."""
        return ModelOverride(
            table_id=self.table_id or base.table_id,
            traits={**base.traits, **self.traits},
            prices=self.prices or base.prices,
        )


_NO_OVERRIDE = ModelOverride()


@dataclass(frozen=True, slots=True)
class ModelOverrides:
    """The entries of `model_info` by model, and the look-up of traits and prices under them."""

    entries: Mapping[str, ModelOverride] = field(default_factory=dict[str, ModelOverride])

    def find_entry(self, model: str) -> ModelOverride:
        """Return the entry for this id, else for the id without its date; an empty entry if there is none."""
        return self.entries.get(model) or self.entries.get(remove_snapshot_date(model)) or _NO_OVERRIDE

    def find_table_id(self, model: str) -> str:
        """Return the id under which the tables know a model: the id behind its name, else its own."""
        return self.find_entry(model).table_id or model

    def traits_of(self, model: str) -> ModelTraits:
        """Return the traits of a model: its row, its family's or those of an unknown model, then the changes."""
        entry = self.find_entry(model)
        row = find_traits(entry.table_id or model)
        if not entry.traits:
            return row
        traits = replace(row, **entry.traits, vision_guess=row.vision_guess and "vision" not in entry.traits)
        if traits.efforts is None or traits.default_effort in (None, *traits.efforts):
            return traits
        return replace(traits, default_effort=None)

    def price_of(self, model: str, day: date) -> Price | None:
        """Return the price of a model on one day; None if it is not known."""
        entry = self.find_entry(model)
        listed = find_price(entry.table_id or model, day)
        return entry.prices.apply(listed) if entry.prices else listed

    def over(self, base: ModelOverrides) -> ModelOverrides:
        """Return the entries of both; what these say counts more than `base`."""
        merged = {model: entry.over(base.entries.get(model, _NO_OVERRIDE)) for model, entry in self.entries.items()}
        return ModelOverrides({**base.entries, **merged})


class MergedOverrides:
    """Lays the entries of a user over those of a module, and reads the module's again only after they changed.

    Args:
        user_overrides: the entries of the setting.
    """

    def __init__(self, user_overrides: ModelOverrides) -> None:
        self._user_overrides = user_overrides
        self._base_info: Mapping[str, Mapping[str, Any]] = {}
        self._merged = user_overrides

    def merge(self, base_info: Mapping[str, Mapping[str, Any]]) -> ModelOverrides:
        """Return the entries of both.

        Args:
            base_info: what the module knows of its models by now, in the form of the setting `model_info`.
        """
        if base_info != self._base_info:
            self._merged = self._user_overrides.over(read_model_info(base_info))
            self._base_info = dict(base_info)
        return self._merged


NO_OVERRIDES = ModelOverrides()
"""What an absent `model_info` stands for."""


def read_model_info(value: object) -> ModelOverrides:
    """Return the entries of `{model: {…}}`; see `MODEL_INFO_SETTINGS` for the keys of an entry.

    Raises:
        ValueError: the value is not an object.
        ConfigurationError: an entry is not valid; the error names the model, the key and the valid values.
    """
    parsed = json_value(value, "an object")
    if not isinstance(parsed, Mapping):
        raise ValueError("an object")
    # YAML reads a bare 4.1 as a number.
    entries = {str(model): entry for model, entry in cast("Mapping[object, object]", parsed).items()}
    overrides = ModelOverrides({model: _read_entry(model, entry) for model, entry in entries.items()})
    for model in overrides.entries:
        _check_against_tables(overrides, model)
    return overrides


def _read_entry(model: str, entry: object) -> ModelOverride:
    if entry is None:
        return _NO_OVERRIDE
    fields = _read_fields(model, entry, MODEL_INFO_SETTINGS, example="{context_window: 128000}")
    table_id: object = fields.get("model")
    if not isinstance(table_id, str | None):
        raise _invalid(f"{model}.model", "the id of the model behind this name, such as gpt-6-sol", table_id)
    return ModelOverride(
        table_id=table_id,
        traits=_read_values(model, fields, TRAIT_SETTINGS),
        prices=_read_prices(f"{model}.prices", fields["prices"]) if "prices" in fields else None,
    )


def _read_prices(path: str, prices: object) -> PriceOverride:
    fields = _read_fields(path, prices, PRICE_SETTINGS, example=_PRICE_EXAMPLE)
    tiers = {
        tier: _read_fields(f"{path}.{tier}", fields[tier], None, example=_PRICE_EXAMPLE)
        for tier in _TIERS
        if tier in fields
    }
    long_above = _read_values(path, fields, {"long_above": _LONG_ABOVE}).get("long_above")
    return PriceOverride(
        standard=_read_values(path, fields, RATE_SETTINGS),
        tiers={tier: _read_values(f"{path}.{tier}", rates, RATE_SETTINGS) for tier, rates in tiers.items()},
        long_above=None if long_above is None else int(long_above),
    )


def _read_fields(path: str, value: object, rows: Mapping[str, Setting] | None, *, example: str) -> Mapping[str, object]:
    """The keys that are set; one without a row is an error, unless `rows` is None."""
    if not isinstance(value, Mapping):
        raise _invalid(path, f"an object such as {example}", value)
    fields = cast("Mapping[str, object]", value)
    for key in fields:
        if rows is not None and key not in rows:
            raise ConfigurationError(
                f"setting 'model_info': {path:.200} takes the keys {', '.join(rows)}, not {key!r:.200}"
            )
    return {key: entry for key, entry in fields.items() if not is_unset(entry)}


def _read_values(path: str, fields: Mapping[str, object], rows: Mapping[str, Setting]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, row in rows.items():
        if key not in fields:
            continue
        try:
            values[key] = row.read(fields[key])
            continue
        except ValueError as error:
            expected = str(error)
        raise _invalid(f"{path}.{key}", expected, fields[key])
    return values


def _invalid(path: str, expected: str, value: object) -> ConfigurationError:
    problem = describe_mismatch(expected, value, is_structured=True)
    return ConfigurationError(f"setting 'model_info': {path:.200} takes {problem}")


def _check_against_tables(overrides: ModelOverrides, model: str) -> None:
    entry = overrides.entries[model]
    traits, default_effort = overrides.traits_of(model), entry.traits.get("default_effort")
    if default_effort is not None and traits.default_effort != default_effort:
        efforts = ", ".join(traits.efforts or ("none at all",))
        raise _invalid(f"{model}.default_effort", f"one of the model's efforts ({efforts})", default_effort)
    if entry.prices and overrides.price_of(model, date.max) is None:
        raise ConfigurationError(
            f"setting 'model_info': {model:.200}.prices takes at least input and output of each tier, "
            "in US dollars per million tokens"
        )
