"""What tokens cost: the rates of one model, and the cost of one response.

Amounts are exact decimals. A rate that is not known makes a cost None, never 0 and never a guess. Only tokens have a
price here: no tool fees, no batch discount. A region's surcharge comes in as a factor. This file reads no clock: the
caller says of which day a price is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """The numbers of tokens of one response, as the service reports them; a part is included in its sum.

    Attributes:
        input: all input tokens, those read from and written to a cache included.
        output: all output tokens, reasoning included.
        cache_read: input tokens that the service read from its cache; 0 by default.
        cache_write: input tokens that the service wrote to its cache, whatever their lifetime; 0 by default.
        cache_write_12h: those of `cache_write` that live for 12 hours; 0 by default.
    """

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    cache_write_12h: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """US dollars per million tokens of each kind; None for a rate that is not known.

    `cache_write` and `cache_write_12h` equal `input` if the service does not charge for writing.
    """

    input: Decimal
    cache_read: Decimal | None
    cache_write: Decimal | None
    cache_write_12h: Decimal | None
    output: Decimal

    def scale_for_long_input(self) -> Rates:
        """Return the rates of a request with long input: input and cache cost double, output half more."""
        return Rates(
            input=self.input * 2,
            cache_read=self.cache_read and self.cache_read * 2,
            cache_write=self.cache_write and self.cache_write * 2,
            cache_write_12h=self.cache_write_12h and self.cache_write_12h * 2,
            output=self.output * 3 / 2,
        )


class PricingFields(TypedDict):
    """The fields of `amplifier_core.models.Pricing`."""

    input_per_million: float
    output_per_million: float
    cache_read_per_million: float | None
    cache_write_per_million: float | None
    currency: str


# The tier of the response decides the rate. A request for fast gets priority (openai 3.52.0) or fast (seen 2026-09-24)
# in its response. Scale is prepaid: its tokens are shown at what they would cost otherwise.
_TIER_ALIASES = {"": "standard", "auto": "standard", "default": "standard", "scale": "standard", "fast": "priority"}


DISCOUNTED_WINDOWS: Mapping[str, Decimal] = {"2h": Decimal("0.7"), "8h": Decimal("0.6")}
"""What a completion window of the background costs, as a factor of the standard tier. Source: OpenAI's background guide
(public beta), seen 2026-11-30."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The rates of one model.

    Attributes:
        rates_by_tier: the rates of each service tier.
        long_rates_by_tier: those of requests with more than `long_above` input tokens; empty if length does not matter.
        long_above: in tokens; 272,000 by default.
        last_day: the last day of these rates. None, by default, if no end is announced.
        next_price: the price after that day. None, by default, if it is not known.
    """

    rates_by_tier: Mapping[str, Rates]
    long_rates_by_tier: Mapping[str, Rates]
    long_above: int = 272_000
    last_day: date | None = None
    next_price: Price | None = None

    def find_price_on(self, day: date) -> Price | None:
        """Return the price of one day; None if nobody has announced it."""
        price: Price | None = self
        while price is not None and price.last_day is not None and day > price.last_day:
            price = price.next_price
        return price

    def find_rates(self, service_tier: str | None, input_tokens: int) -> Rates | None:
        """Return the rates of one request; None if its tier or its length has no known rates."""
        name = (service_tier or "").lower()
        is_long = bool(self.long_rates_by_tier) and input_tokens > self.long_above
        tiers = self.long_rates_by_tier if is_long else self.rates_by_tier
        return tiers.get(_TIER_ALIASES.get(name, name))

    def calculate_cost_usd(
        self, token_counts: TokenCounts, *, service_tier: str | None, factor: Decimal = Decimal(1)
    ) -> Decimal | None:
        """Return what one response cost in US dollars; None if a rate that it needs is not known.

        Args:
            token_counts: the tokens of the response.
            service_tier: the tier that the response reports; None is the standard tier.
            factor: multiplies the whole, for example 1.1 for data residency; 1 by default.
        """
        rates = self.find_rates(service_tier, token_counts.input)
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
        return (total * factor).scaleb(-6)

    def pricing_fields(self) -> PricingFields:
        """Return the standard rates as arguments of Amplifier's `Pricing`."""
        rates = self.rates_by_tier["standard"]
        write = None if rates.cache_write == rates.input else rates.cache_write
        return PricingFields(
            input_per_million=float(rates.input),
            output_per_million=float(rates.output),
            cache_read_per_million=None if rates.cache_read is None else float(rates.cache_read),
            cache_write_per_million=None if write is None else float(write),
            currency="USD",
        )
