"""What a reply cost, from its token counts and one table of list prices.

Invariants: exact `Decimal` arithmetic; a rate that is not known makes the cost None, never 0 and never a guess. Only
tokens are priced: no tool fees, no batch discount; a region's surcharge comes in as `factor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """Tokens of one reply, as the service reports them: the parts are contained in the sums."""

    input: int  # all of the input, cached and written tokens included
    output: int  # all of the output, reasoning included
    cache_read: int = 0
    cache_write: int = 0  # all written, whatever their lifetime
    cache_write_12h: int = 0  # those of cache_write that live for 12 hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """US dollars per million tokens; None = not known."""

    input: Decimal
    cache_read: Decimal | None
    cache_write: Decimal | None  # equal to `input` where the service does not charge for writing
    cache_write_12h: Decimal | None
    output: Decimal

    def scale_for_long_input(self) -> Rates:
        """The rates of a whole request whose input is over the limit: input and cache double, output half more."""
        return Rates(
            input=self.input * 2,
            cache_read=self.cache_read and self.cache_read * 2,
            cache_write=self.cache_write and self.cache_write * 2,
            cache_write_12h=self.cache_write_12h and self.cache_write_12h * 2,
            output=self.output * 3 / 2,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A model's rates by service tier, and those that hold for requests with more than `long_above` input tokens."""

    rates_by_tier: Mapping[str, Rates]
    long_rates_by_tier: Mapping[str, Rates]  # empty: the same rates at any length
    long_above: int = 272_000

    def find_rates(self, service_tier: str | None, input_tokens: int) -> Rates | None:
        """The rates of one request, None where they are not known for its tier or length."""
        name = (service_tier or "").lower()
        tiers = (
            self.long_rates_by_tier
            if self.long_rates_by_tier and input_tokens > self.long_above
            else self.rates_by_tier
        )
        return tiers.get(_TIER_ALIASES.get(name, name))


class PricingFields(TypedDict):
    """The fields of `amplifier_core.models.Pricing`."""

    input_per_million: float
    output_per_million: float
    cache_read_per_million: float | None
    cache_write_per_million: float | None
    currency: str


# The tier that bills is the one of the reply. A request for fast is answered with priority (openai 3.52.0) or with fast
# (seen 2026-09-24). Scale is prepaid: its tokens are shown at what they would cost otherwise.
_TIER_ALIASES = {"": "standard", "auto": "standard", "default": "standard", "scale": "standard", "fast": "priority"}


def _parse_rates(columns_text: str) -> Rates:
    """Rates from "input read output" or "input read write-30m write-12h output": "-" is not charged, "?" not known."""
    columns = columns_text.split()
    if len(columns) == 3:
        columns[2:2] = ["-", "-"]
    price, read, write, write_12h, output = columns
    return Rates(
        input=Decimal(price),
        cache_read=None if read in ("-", "?") else Decimal(read),
        cache_write=None if write == "?" else Decimal(price if write == "-" else write),
        cache_write_12h=None if write_12h == "?" else Decimal(price if write_12h == "-" else write_12h),
        output=Decimal(output),
    )


def _parse_price(standard: str, *, long_tiers: str = "", long_flex_rates: str = "", **tiers: str) -> Price:
    """One row; `long` names the tiers under the rule for long requests, `long_flex` is an exception from it."""
    rates = {"standard": _parse_rates(standard)} | {name: _parse_rates(text) for name, text in tiers.items()}
    beyond = {name: rates[name].scale_for_long_input() for name in long_tiers.split()}
    if long_flex_rates:
        beyond["flex"] = _parse_rates(long_flex_rates)
    return Price(rates_by_tier=rates, long_rates_by_tier=beyond)


_ALL_TIERS = "standard priority flex"


# litellm 1.109.1 price table, which cites the pricing page of OpenAI; seen 2026-11-21. Models before gpt-5.6 take
# nothing for cache writes. For the pro models no price of a cache read is published: read tokens make the cost
# unknown, because a tenth of the input price, the usual discount, would be our invention.
MODEL_PRICES: dict[str, Price] = {
    # Third party only (litellm discussion, blogs, 2026-11): verify. Cache prices are not agreed on.
    "gpt-6.2-astra": _parse_price("8 ? ? ? 40"),
    "gpt-6.2-sol": _parse_price("2 ? ? ? 10"),
    "gpt-6-astra": _parse_price(
        "10 1 12.5 25 50",
        priority="20 2 25 50 100",
        flex="5 .5 6.25 12.5 25",
        ultrafast="60 6 75 150 300",
        long_tiers=f"{_ALL_TIERS} ultrafast",
    ),
    "gpt-6.1-sol": _parse_price(
        "2 .1 2.5 5 10",
        priority="4 .2 5 10 20",
        flex="1 .05 1.25 2.5 5",
        ultrafast="12 .6 15 30 60",
        long_tiers=f"{_ALL_TIERS} ultrafast",
    ),
    "gpt-6.1-terra": _parse_price(
        "1 .05 1.25 2.5 5", priority="2 .1 2.5 5 10", flex=".5 .025 .625 1.25 2.5", long_tiers=_ALL_TIERS
    ),
    "gpt-6-sol": _parse_price("2 .2 2.5 5 10", priority="4 .4 5 10 20", flex="1 .1 1.25 2.5 5", long_tiers=_ALL_TIERS),
    "gpt-6-luna": _parse_price(
        ".1 .01 .125 .25 .5", priority=".2 .02 .25 .5 1", flex=".05 .005 .0625 .125 .25", long_tiers=_ALL_TIERS
    ),
    "gpt-6-rosalind": _parse_price("15 1.5 18.75 37.5 75", long_tiers="standard"),
    "gpt-6-astra-law": _parse_price("10 1 50"),
    "gpt-5.6-sol": _parse_price("4 .4 5 10 20", priority="8 .8 10 20 40", flex="2 .2 2.5 5 10", long_tiers=_ALL_TIERS),
    "gpt-5.6-terra": _parse_price(
        "2 .2 2.5 5 12", priority="4 .4 5 10 24", flex="1 .1 1.25 2.5 6", long_tiers=_ALL_TIERS
    ),
    "gpt-5.6-luna": _parse_price(
        ".2 .02 .25 .5 1.2", priority=".4 .04 .5 1 2.4", flex=".1 .01 .125 .25 .6", long_tiers=_ALL_TIERS
    ),
    "gpt-5.6-cyber": _parse_price("12.5 1.25 15.625 31.25 75", long_tiers="standard"),
    # No price for priority above 272k before gpt-5.6, nor for flex of gpt-5.5-pro. The flex read of gpt-5.4 is listed
    # rounded to .13, its double as .25.
    "gpt-5.5": _parse_price("5 .5 30", priority="12.5 1.25 75", flex="2.5 .25 15", long_tiers="standard flex"),
    "gpt-5.5-pro": _parse_price("30 - 180", flex="15 - 90", long_tiers="standard"),
    "gpt-5.4": _parse_price(
        "2.5 .25 15", priority="5 .5 30", flex="1.25 .13 7.5", long_tiers="standard", long_flex_rates="2.5 .25 11.25"
    ),
    "gpt-5.4-pro": _parse_price("30 - 180", flex="15 - 90", long_tiers="standard flex"),
    "gpt-5.4-mini": _parse_price(".75 .075 4.5", priority="1.5 .15 9", flex=".375 .0375 2.25"),
    "gpt-5.4-nano": _parse_price(".2 .02 1.25", flex=".1 .01 .625"),
    "gpt-5.3-codex": _parse_price("1.75 .175 14", priority="3.5 .35 28"),
    "gpt-5.2": _parse_price("1.75 .175 14", priority="3.5 .35 28", flex=".875 .0875 7"),
    "gpt-5.2-pro": _parse_price("21 - 168"),
    "gpt-5.2-codex": _parse_price("1.75 .175 14"),
    "gpt-5.1": _parse_price("1.25 .125 10", priority="2.5 .25 20", flex=".625 .0625 5"),
    "gpt-5.1-codex": _parse_price("1.25 .125 10"),
    "gpt-5.1-codex-max": _parse_price("1.25 .125 10"),
    "gpt-5.1-codex-mini": _parse_price(".25 .025 2"),
    "gpt-5": _parse_price("1.25 .125 10", priority="2.5 .25 20", flex=".625 .0625 5"),
    "gpt-5-codex": _parse_price("1.25 .125 10"),
    "gpt-5-mini": _parse_price(".25 .025 2", priority=".45 .045 3.6", flex=".125 .0125 1"),
    "gpt-5-nano": _parse_price(".05 .005 .4", flex=".025 .0025 .2"),
    "gpt-5-pro": _parse_price("15 - 120"),
    "chat-latest": _parse_price("5 .5 30"),
    "o3": _parse_price("2 .5 8", priority="3.5 .875 14", flex="1 .25 4"),
    "o3-pro": _parse_price("20 - 80"),
    "o3-mini": _parse_price("1.1 .55 4.4"),
    "o4-mini": _parse_price("1.1 .275 4.4", priority="2 .5 8", flex=".55 .138 2.2"),
    "o1": _parse_price("15 7.5 60"),
    "o1-pro": _parse_price("150 - 600"),
    "o3-deep-research": _parse_price("10 2.5 40"),
    "o4-mini-deep-research": _parse_price("2 .5 8"),
    "gpt-4.1": _parse_price("2 .5 8", priority="3.5 .875 14"),
    "gpt-4.1-mini": _parse_price(".4 .1 1.6", priority=".7 .175 2.8"),
    "gpt-4.1-nano": _parse_price(".1 .025 .4", priority=".2 .05 .8"),
    "gpt-4o": _parse_price("2.5 1.25 10", priority="4.25 2.125 17"),
    "gpt-4o-2024-05-13": _parse_price("5 - 15", priority="8.75 - 26.25"),
    "gpt-4o-mini": _parse_price(".15 .075 .6", priority=".25 .125 1"),
}


MODEL_PRICES["gpt-5.6"] = MODEL_PRICES["gpt-5.6-sol"]  # OpenAI's alias
