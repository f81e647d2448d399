"""The numbers by which a host fits a conversation into the window of a model, in the form that hosts read.

Hosts read a dictionary. If `estimated_input_tokens` is above `input_limit_tokens`, a host shortens the conversation to
`context_token_budget`, which is in its own estimate of tokens. `measurement` is there only if the service counted.
Source: loop-streaming and bundle-context-managed, seen 2026-12-01. Knows neither requests nor services.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any

# What a shortened conversation leaves free, because a host's estimate of a part is not exact.
_ROOM = 0.95
# What is left of a conversation of which nobody says how much too long it is.
_UNKNOWN_ROOM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSize:
    """How long an input is.

    Attributes:
        tokens: all of it, as the service counted or as it is estimated.
        context_estimate: the host's estimate of its messages.
        tool_estimate: an estimate of its tools, which a host cannot shorten.
    """

    tokens: int
    context_estimate: int
    tool_estimate: int

    def find_budget(self, limit: int) -> int:
        """Return how long the messages may be by the host's estimate; 0 if even none would fit."""
        whole_estimate = max(self.context_estimate + self.tool_estimate, 1)
        tokens_per_estimate = max(self.tokens, 1) / whole_estimate
        room = limit - self.tool_estimate * tokens_per_estimate
        return max(min(int(room / tokens_per_estimate * _ROOM), self.context_estimate - 1), 0)


def read_estimate(value: object) -> int:
    """Return an estimate as a host hands it over; 0, which is none, if it is not a number of tokens."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        return 0
    return int(number) if math.isfinite(number) and number > 0 else 0


class BudgetDecision(dict[str, Any]):
    """A decision that holds an estimate, and that can be awaited for one with the count of the service.

    Older hosts read it at once, newer ones await what can be awaited.

    Args:
        fields: the fields of the estimate.
        count: returns the decision with the count.
    """

    def __init__(self, fields: dict[str, Any], count: Callable[[], Coroutine[Any, Any, dict[str, Any]]]) -> None:
        super().__init__(fields)
        self._count = count

    def __await__(self) -> Generator[Any, Any, dict[str, Any]]:
        return self._count().__await__()


def make_decision(
    size: InputSize, *, limit: int, max_output_tokens: int | None, counted_by: str | None = None
) -> dict[str, Any]:
    """Return whether an input fits, and to what it has to be shortened if it does not.

    Args:
        size: the length of the input.
        limit: how many input tokens the model accepts.
        max_output_tokens: the limit of the output, if a lower one leaves more room for the input. None if it does not.
        counted_by: the path at which the service counted. None, the default, if the size is an estimate.
    """
    fits = size.tokens <= limit
    decision: dict[str, Any] = {
        "estimated_input_tokens": size.tokens,
        "input_limit_tokens": limit,
        "context_token_budget": size.context_estimate if fits else size.find_budget(limit),
    }
    if max_output_tokens is not None:
        decision["max_output_tokens"] = max_output_tokens
    if counted_by is not None:
        decision["measurement"] = {"kind": "provider_count", "source": counted_by, "input_tokens": size.tokens}
    return decision


def make_recovery(
    size: InputSize, *, limit: int | None, refused_tokens: int | None, max_output_tokens: int | None
) -> dict[str, Any] | None:
    """Return to what a conversation has to be shortened that the service refused as too long.

    Returns None if shortening cannot help: there is nothing to take out.

    Args:
        size: the length of the input, as it is estimated.
        limit: how many tokens there may be. None if nobody says.
        refused_tokens: how many tokens there were, as the service says. None if it does not.
        max_output_tokens: see `make_decision`.
    """
    if refused_tokens is not None:
        size = InputSize(
            tokens=refused_tokens, context_estimate=size.context_estimate, tool_estimate=size.tool_estimate
        )
    if limit is None or size.tokens <= limit:  # the estimate is too low, since the service refused the input
        tokens = max(size.tokens, (limit or 0) + 1)
        limit = limit or max(int(tokens * _UNKNOWN_ROOM), 1)
        budget = min(int(size.context_estimate * _UNKNOWN_ROOM), size.find_budget(limit))
    else:
        tokens, budget = size.tokens, size.find_budget(limit)
    if budget <= 0 or tokens <= limit:
        return None
    decision: dict[str, Any] = {
        "estimated_input_tokens": tokens,
        "input_limit_tokens": limit,
        "context_token_budget": budget,
    }
    return decision if max_output_tokens is None else {**decision, "max_output_tokens": max_output_tokens}
