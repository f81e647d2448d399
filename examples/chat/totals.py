"""What a turn took: requests, tokens, money and time, added up and put into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(slots=True)
class Totals:
    """Sums over the calls of one turn; `cost_usd` is None as soon as one price is unknown."""

    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    cost_usd: Decimal | None = Decimal(0)

    def add(self, response: Mapping[str, Any]) -> None:
        """Count a call, from the payload of its `llm:response`. Calls that failed tell no usage."""
        usage = response.get("usage")
        self.calls += 1
        if usage is None:
            return
        self.input += usage.get("input_tokens") or 0
        self.cached += usage.get("cache_read_tokens") or 0
        self.output += usage.get("output_tokens") or 0
        self.reasoning += usage.get("reasoning_tokens") or 0
        cost = usage.get("cost_usd")
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + Decimal(cost)

    def parts(self, *, seconds: float, emulated: bool) -> list[str]:
        """The pieces of the line below an answer."""
        cached = f" ({self.cached / self.input:.0%} cached)" if self.input else ""
        reasoning = f" ({self.reasoning:,} reasoning)" if self.reasoning else ""
        price = "cost unknown" if self.cost_usd is None else dollars(self.cost_usd)
        return [
            f"{self.input:,} tokens in{cached}",
            f"{self.output:,} out{reasoning}",
            f"would cost {price}" if emulated and self.cost_usd is not None else price,
            f"{self.calls} {'request' if self.calls == 1 else 'requests'}",
            f"{seconds:.1f} s",
        ]


def dollars(amount: Decimal) -> str:
    """An amount with four digits that mean something, and never fewer than cents."""
    if not amount:
        return "$0"
    return f"${amount:,.{max(2, 3 - amount.adjusted())}f}"
