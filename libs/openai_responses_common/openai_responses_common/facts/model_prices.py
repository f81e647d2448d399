"""The table of list prices: one row for each model, with its source and date; see `price.py` for what a row holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from .model_ids import remove_snapshot_date, table_name
from .price import Price, Rates

_FREE = ""


def _rates(
    *,
    input: str,  # noqa: A002 (the name of the field)
    output: str,
    cache_read: str | None = None,
    cache_write: str | None = _FREE,
    cache_write_12h: str | None = _FREE,
) -> Rates:
    """One tier of one model; by default the rate of a cache read is not known, and writing costs what input costs."""
    write, write_12h = (input if rate == _FREE else rate for rate in (cache_write, cache_write_12h))
    return Rates(
        input=Decimal(input),
        cache_read=None if cache_read is None else Decimal(cache_read),
        cache_write=None if write is None else Decimal(write),
        cache_write_12h=None if write_12h is None else Decimal(write_12h),
        output=Decimal(output),
    )


def _price(*, standard: Rates, long_tiers: str = "", long_flex: Rates | None = None, **tiers: Rates) -> Price:
    """All tiers of one model; `long_tiers` names those under the rule for long input, `long_flex` is an exception.

    `_until` gives a price its last day.
    """
    rates_by_tier = {"standard": standard, **tiers}
    long_rates = {name: rates_by_tier[name].scale_for_long_input() for name in long_tiers.split()}
    if long_flex is not None:
        long_rates["flex"] = long_flex
    return Price(rates_by_tier=rates_by_tier, long_rates_by_tier=long_rates)


def _until(last_day: str, price: Price, *, then: Price) -> Price:
    """A price up to and with a day, as "2026-11-21", and the price that follows it."""
    return replace(price, last_day=date.fromisoformat(last_day), next_price=then)


# A promotion that OpenAI's page guaranteed up to this day; the list price of the launch follows. litellm 1.110.2 still
# has the promotion. Seen 2026-11-30. Whether OpenAI has prolonged it is not known: `model_info` can say so.
_GPT_5_6_SOL = _until(
    "2026-11-21",
    _price(
        standard=_rates(input="4", cache_read=".4", cache_write="5", cache_write_12h="10", output="20"),
        priority=_rates(input="8", cache_read=".8", cache_write="10", cache_write_12h="20", output="40"),
        flex=_rates(input="2", cache_read=".2", cache_write="2.5", cache_write_12h="5", output="10"),
        long_tiers="standard priority flex",
    ),
    then=_price(
        standard=_rates(input="5", cache_read=".5", cache_write="6.25", cache_write_12h="12.5", output="30"),
        priority=_rates(input="10", cache_read="1", cache_write="12.5", cache_write_12h="25", output="60"),
        flex=_rates(input="2.5", cache_read=".25", cache_write="3.125", cache_write_12h="6.25", output="15"),
        long_tiers="standard priority flex",
    ),
)


def _price_gpt_6_2_sol(*, ultrafast: Rates) -> Price:
    return _price(
        standard=_rates(input="2", cache_read=".1", cache_write="2.5", cache_write_12h="5", output="10"),
        priority=_rates(input="4", cache_read=".2", cache_write="5", cache_write_12h="10", output="20"),
        ultrafast=ultrafast,
        long_tiers="standard priority ultrafast",
    )


# OpenAI's model page, seen 2026-11-30: the standard tier, the rule for long input, fast at twice and ultrafast at three
# times the rate up to that day, then at six times. The tiers are multiplied out here; the page names no flex.
_GPT_6_2_SOL = _until(
    "2027-02-28",
    _price_gpt_6_2_sol(
        ultrafast=_rates(input="6", cache_read=".3", cache_write="7.5", cache_write_12h="15", output="30")
    ),
    then=_price_gpt_6_2_sol(
        ultrafast=_rates(input="12", cache_read=".6", cache_write="15", cache_write_12h="30", output="60")
    ),
)

_GPT_6_1_SOL = _price(
    standard=_rates(input="2", cache_read=".1", cache_write="2.5", cache_write_12h="5", output="10"),
    priority=_rates(input="4", cache_read=".2", cache_write="5", cache_write_12h="10", output="20"),
    flex=_rates(input="1", cache_read=".05", cache_write="1.25", cache_write_12h="2.5", output="5"),
    # Six times the standard rate in litellm 1.110.2; whether the offer for gpt-6.2-sol holds here is not known.
    ultrafast=_rates(input="12", cache_read=".6", cache_write="15", cache_write_12h="30", output="60"),
    long_tiers="standard priority flex ultrafast",
)

# litellm 1.110.2 price table, which cites the pricing page of OpenAI; seen 2026-11-30. Cache writes are free before
# gpt-5.6. OpenAI publishes no rate of cache reads for the pro models: tokens read make the cost unknown, because a
# tenth of the input rate, the usual discount, would be our invention. A comment marks a row that no page of OpenAI's
# and no price table vouches for ("secondary").
MODEL_PRICES: dict[str, Price] = {
    # Secondary: several third-party pages of 2026-11 agree on input, cache read and output; writes at OpenAI's usual
    # factors of 1.25 and 2.5. No tier besides the standard one.
    "gpt-6.2-astra": _price(
        standard=_rates(input="8", cache_read=".4", cache_write="10", cache_write_12h="20", output="40"),
        long_tiers="standard",
    ),
    "gpt-6.2-sol": _GPT_6_2_SOL,
    "gpt-6-astra": _price(
        standard=_rates(input="10", cache_read="1", cache_write="12.5", cache_write_12h="25", output="50"),
        priority=_rates(input="20", cache_read="2", cache_write="25", cache_write_12h="50", output="100"),
        flex=_rates(input="5", cache_read=".5", cache_write="6.25", cache_write_12h="12.5", output="25"),
        ultrafast=_rates(input="60", cache_read="6", cache_write="75", cache_write_12h="150", output="300"),
        long_tiers="standard priority flex ultrafast",
    ),
    "gpt-6.1-sol": _GPT_6_1_SOL,
    "gpt-6.1-terra": _price(
        standard=_rates(input="1", cache_read=".05", cache_write="1.25", cache_write_12h="2.5", output="5"),
        priority=_rates(input="2", cache_read=".1", cache_write="2.5", cache_write_12h="5", output="10"),
        flex=_rates(input=".5", cache_read=".025", cache_write=".625", cache_write_12h="1.25", output="2.5"),
        long_tiers="standard priority flex",
    ),
    "gpt-6-sol": _price(
        standard=_rates(input="2", cache_read=".2", cache_write="2.5", cache_write_12h="5", output="10"),
        priority=_rates(input="4", cache_read=".4", cache_write="5", cache_write_12h="10", output="20"),
        flex=_rates(input="1", cache_read=".1", cache_write="1.25", cache_write_12h="2.5", output="5"),
        long_tiers="standard priority flex",
    ),
    "gpt-6-luna": _price(
        standard=_rates(input=".1", cache_read=".01", cache_write=".125", cache_write_12h=".25", output=".5"),
        priority=_rates(input=".2", cache_read=".02", cache_write=".25", cache_write_12h=".5", output="1"),
        flex=_rates(input=".05", cache_read=".005", cache_write=".0625", cache_write_12h=".125", output=".25"),
        long_tiers="standard priority flex",
    ),
    "gpt-6-rosalind": _price(
        standard=_rates(input="15", cache_read="1.5", cache_write="18.75", cache_write_12h="37.5", output="75"),
        long_tiers="standard",
    ),
    "gpt-6-astra-law": _price(standard=_rates(input="10", cache_read="1", output="50")),
    "gpt-6-cyber": _price(
        standard=_rates(input="20", cache_read="2", cache_write="25", cache_write_12h="50", output="100")
    ),
    # Secondary (litellm 1.110.2, without a source): the names are in openai 3.57.0, the prices on no page of OpenAI's.
    "gpt-daybreak-blue-latest": _price(
        standard=_rates(input="4", cache_read=".4", cache_write="5", cache_write_12h=None, output="20"),
        long_tiers="standard",
    ),
    "gpt-daybreak-red-latest": _price(
        standard=_rates(input="12.5", cache_read="1.25", cache_write="15.625", cache_write_12h=None, output="75"),
        long_tiers="standard",
    ),
    "gpt-rosalind-research": _price(standard=_rates(input="5", cache_read=".5", output="25")),
    "gpt-rosalind-discovery": _price(standard=_rates(input="5", cache_read=".5", output="25")),
    "gpt-5.6": _GPT_5_6_SOL,  # OpenAI's alias of sol
    "gpt-5.6-sol": _GPT_5_6_SOL,
    "gpt-5.6-terra": _price(
        standard=_rates(input="2", cache_read=".2", cache_write="2.5", cache_write_12h="5", output="12"),
        priority=_rates(input="4", cache_read=".4", cache_write="5", cache_write_12h="10", output="24"),
        flex=_rates(input="1", cache_read=".1", cache_write="1.25", cache_write_12h="2.5", output="6"),
        long_tiers="standard priority flex",
    ),
    "gpt-5.6-luna": _price(
        standard=_rates(input=".2", cache_read=".02", cache_write=".25", cache_write_12h=".5", output="1.2"),
        priority=_rates(input=".4", cache_read=".04", cache_write=".5", cache_write_12h="1", output="2.4"),
        flex=_rates(input=".1", cache_read=".01", cache_write=".125", cache_write_12h=".25", output=".6"),
        long_tiers="standard priority flex",
    ),
    "gpt-5.6-cyber": _price(
        standard=_rates(input="12.5", cache_read="1.25", cache_write="15.625", cache_write_12h="31.25", output="75"),
        long_tiers="standard",
    ),
    # Secondary (litellm 1.110.2, without a source).
    "gpt-5.5-cyber": _price(standard=_rates(input="12.5", cache_read="1.25", output="75")),
    "gpt-5.5-cyber-preview": _price(standard=_rates(input="12.5", cache_read="1.25", output="75")),
    # No price for priority above 272k before gpt-5.6, nor for flex of gpt-5.5-pro. The flex read of gpt-5.4 is listed
    # rounded to .13, its double as .25.
    "gpt-5.5": _price(
        standard=_rates(input="5", cache_read=".5", output="30"),
        priority=_rates(input="12.5", cache_read="1.25", output="75"),
        flex=_rates(input="2.5", cache_read=".25", output="15"),
        long_tiers="standard flex",
    ),
    "gpt-5.5-pro": _price(
        standard=_rates(input="30", output="180"), flex=_rates(input="15", output="90"), long_tiers="standard"
    ),
    "gpt-5.4": _price(
        standard=_rates(input="2.5", cache_read=".25", output="15"),
        priority=_rates(input="5", cache_read=".5", output="30"),
        flex=_rates(input="1.25", cache_read=".13", output="7.5"),
        long_tiers="standard",
        long_flex=_rates(input="2.5", cache_read=".25", output="11.25"),
    ),
    "gpt-5.4-pro": _price(
        standard=_rates(input="30", output="180"), flex=_rates(input="15", output="90"), long_tiers="standard flex"
    ),
    "gpt-5.4-mini": _price(
        standard=_rates(input=".75", cache_read=".075", output="4.5"),
        priority=_rates(input="1.5", cache_read=".15", output="9"),
        flex=_rates(input=".375", cache_read=".0375", output="2.25"),
    ),
    "gpt-5.4-nano": _price(
        standard=_rates(input=".2", cache_read=".02", output="1.25"),
        flex=_rates(input=".1", cache_read=".01", output=".625"),
    ),
    "gpt-5.3-codex": _price(
        standard=_rates(input="1.75", cache_read=".175", output="14"),
        priority=_rates(input="3.5", cache_read=".35", output="28"),
    ),
    "gpt-5.2": _price(
        standard=_rates(input="1.75", cache_read=".175", output="14"),
        priority=_rates(input="3.5", cache_read=".35", output="28"),
        flex=_rates(input=".875", cache_read=".0875", output="7"),
    ),
    "gpt-5.2-pro": _price(standard=_rates(input="21", output="168")),
    "gpt-5.2-codex": _price(standard=_rates(input="1.75", cache_read=".175", output="14")),
    "gpt-5.1": _price(
        standard=_rates(input="1.25", cache_read=".125", output="10"),
        priority=_rates(input="2.5", cache_read=".25", output="20"),
        flex=_rates(input=".625", cache_read=".0625", output="5"),
    ),
    "gpt-5.1-codex": _price(standard=_rates(input="1.25", cache_read=".125", output="10")),
    "gpt-5.1-codex-max": _price(standard=_rates(input="1.25", cache_read=".125", output="10")),
    "gpt-5.1-codex-mini": _price(standard=_rates(input=".25", cache_read=".025", output="2")),
    "gpt-5": _price(
        standard=_rates(input="1.25", cache_read=".125", output="10"),
        priority=_rates(input="2.5", cache_read=".25", output="20"),
        flex=_rates(input=".625", cache_read=".0625", output="5"),
    ),
    "gpt-5-codex": _price(standard=_rates(input="1.25", cache_read=".125", output="10")),
    "gpt-5-mini": _price(
        standard=_rates(input=".25", cache_read=".025", output="2"),
        priority=_rates(input=".45", cache_read=".045", output="3.6"),
        flex=_rates(input=".125", cache_read=".0125", output="1"),
    ),
    "gpt-5-nano": _price(
        standard=_rates(input=".05", cache_read=".005", output=".4"),
        flex=_rates(input=".025", cache_read=".0025", output=".2"),
    ),
    "gpt-5-pro": _price(standard=_rates(input="15", output="120")),
    "chat-latest": _price(standard=_rates(input="5", cache_read=".5", output="30")),
    "o3": _price(
        standard=_rates(input="2", cache_read=".5", output="8"),
        priority=_rates(input="3.5", cache_read=".875", output="14"),
        flex=_rates(input="1", cache_read=".25", output="4"),
    ),
    "o3-pro": _price(standard=_rates(input="20", output="80")),
    "o3-mini": _price(standard=_rates(input="1.1", cache_read=".55", output="4.4")),
    "o4-mini": _price(
        standard=_rates(input="1.1", cache_read=".275", output="4.4"),
        priority=_rates(input="2", cache_read=".5", output="8"),
        flex=_rates(input=".55", cache_read=".138", output="2.2"),
    ),
    "o1": _price(standard=_rates(input="15", cache_read="7.5", output="60")),
    "o1-pro": _price(standard=_rates(input="150", output="600")),
    "o3-deep-research": _price(standard=_rates(input="10", cache_read="2.5", output="40")),
    "o4-mini-deep-research": _price(standard=_rates(input="2", cache_read=".5", output="8")),
    "gpt-4.1": _price(
        standard=_rates(input="2", cache_read=".5", output="8"),
        priority=_rates(input="3.5", cache_read=".875", output="14"),
    ),
    "gpt-4.1-mini": _price(
        standard=_rates(input=".4", cache_read=".1", output="1.6"),
        priority=_rates(input=".7", cache_read=".175", output="2.8"),
    ),
    "gpt-4.1-nano": _price(
        standard=_rates(input=".1", cache_read=".025", output=".4"),
        priority=_rates(input=".2", cache_read=".05", output=".8"),
    ),
    "gpt-4o": _price(
        standard=_rates(input="2.5", cache_read="1.25", output="10"),
        priority=_rates(input="4.25", cache_read="2.125", output="17"),
    ),
    "gpt-4o-2024-05-13": _price(standard=_rates(input="5", output="15"), priority=_rates(input="8.75", output="26.25")),
    "gpt-4o-mini": _price(
        standard=_rates(input=".15", cache_read=".075", output=".6"),
        priority=_rates(input=".25", cache_read=".125", output="1"),
    ),
}


def find_price(model: str, day: date) -> Price | None:
    """Return the listed price of a model on one day; None if no price is listed.

    The id may be that of a dated snapshot or have a maker in front, as in `openai/gpt-6-sol`.
    """
    name = table_name(model)
    price = MODEL_PRICES.get(name) or MODEL_PRICES.get(remove_snapshot_date(name))
    return price and price.find_price_on(day)
