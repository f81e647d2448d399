"""The totals of calls: requests, tokens, cost and limits, and the text that shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(slots=True)
class Totals:
    """Sums over calls.

    Attributes:
        cost_usd: None as soon as one price is unknown.
        plan: a plan pays. The default is False.
        is_partial: a response was stopped or broke off. It used tokens, and the service does not say how many.
    """

    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    cost_usd: Decimal | None = Decimal(0)
    plan: bool = False
    is_partial: bool = False

    def add(self, response: Mapping[str, Any], *, is_partial: bool = False) -> None:
        """Count a call.

        Args:
            response: the payload of its `llm:response`. A call that failed has no usage.
            is_partial: a response of the call broke off. The default is False.
        """
        usage = response.get("usage")
        self.calls += 1
        self.is_partial = self.is_partial or is_partial or response.get("status") == "cancelled"
        if usage is None:
            return
        # What was written to the cache comes on top, as in the host's own footer.
        self.input += (usage.get("input_tokens") or 0) + (usage.get("cache_write_tokens") or 0)
        self.cached += usage.get("cache_read_tokens") or 0
        self.output += usage.get("output_tokens") or 0
        self.reasoning += usage.get("reasoning_tokens") or 0
        cost = usage.get("cost_usd")
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + Decimal(cost)

    def parts(self, *, emulated: bool) -> list[str]:
        """Return the totals as texts. An emulated call shows what it would cost at the service."""
        requests = f"{self.calls} {'request' if self.calls == 1 else 'requests'}"
        if self.is_partial and not self.input:
            return ["tokens and cost unknown", requests]
        at_least = "at least " if self.is_partial else ""
        cached = f" ({self.cached / self.input:.0%} cached)" if self.input else ""
        reasoning = f" ({self.reasoning:,} reasoning)" if self.reasoning else ""
        if self.cost_usd is None:
            price = "paid by the plan" if self.plan else "price unknown"
        else:
            price = f"{'would cost ' if emulated else ''}{at_least}{dollars(self.cost_usd)}"
        return [f"{at_least}{self.input:,} tokens in{cached}", f"{self.output:,} out{reasoning}", price, requests]


def sum_costs(totals: Iterable[Totals]) -> str | None:
    """Return the cost of all calls as a text. None if a price is unknown, or if nothing was paid."""
    rows = list(totals)
    costs = [row.cost_usd for row in rows if row.cost_usd is not None]
    cost = sum(costs, Decimal(0))
    if not cost or len(costs) < len(rows):
        return None
    return f"{'at least ' if any(row.is_partial for row in rows) else ''}{dollars(cost)}"


def cache_misses(response: Mapping[str, Any]) -> list[str]:
    """Return why the prompt cache missed, and what that cost, from the payload of an `llm:response`."""
    miss = response.get("cache_miss")
    if not miss:
        return []
    cost = miss.get("extra_cost_usd")
    price = f", {dollars(Decimal(cost))} more" if cost else ""
    return [f"cache missed {miss['missed_tokens']:,} tokens ({str(miss['reason']).replace('_', ' ')}{price})"]


def limits(rate_limits: Mapping[str, Any]) -> list[str]:
    """How much of its limits an account has used: each window of a plan, else the fullest of the rate limits."""
    if windows := _windows(rate_limits):
        return [f"{_duration(minutes)} limit {used:.0f}% used" for minutes, used in windows]
    kinds = ("requests", "tokens")
    counts = [
        (_number(rate_limits.get(f"{kind}_limit")), _number(rate_limits.get(f"{kind}_remaining"))) for kind in kinds
    ]
    used = [1 - left / limit for limit, left in counts if limit and left is not None and limit > 0]
    return [f"rate limit {max(used):.0%} used"] if used else []


def _windows(rate_limits: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return minutes and used percentage of each window with a percentage, the shortest first."""
    names = [key.removesuffix("_used_percent") for key in rate_limits if key.endswith("_used_percent")]
    pairs = [
        (_number(rate_limits.get(f"{name}_window_minutes")), _number(rate_limits[f"{name}_used_percent"]))
        for name in names
    ]
    return sorted((minutes, used) for minutes, used in pairs if minutes is not None and used is not None)


def _duration(minutes: float) -> str:
    size, unit = next(((size, unit) for size, unit in ((1440, "day"), (60, "hour")) if minutes >= size), (1, "minute"))
    return f"{minutes / size:.0f}-{unit}"


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def dollars(amount: Decimal) -> str:
    """An amount with four digits that mean something, and never fewer than cents."""
    if not amount:
        return "$0"
    return f"${amount:,.{max(2, 3 - amount.adjusted())}f}"
