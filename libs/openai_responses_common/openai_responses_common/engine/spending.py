"""Keeps the spending limits of a call and of its session: a request that may exceed one of them is not sent.

Calls that are under way count with what they may cost, so that parallel calls do not pass together. Only the guard
refuses; what a session has spent is read from its provider.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from typing import Protocol

from amplifier_core.llm_errors import ConfigurationError, QuotaExceededError

from ..facts.backend_profile import BackendProfile
from ..translate.cost_estimate import CostEstimate, estimate_cost
from ._call import Call, Charge, find_pricing


class SessionSpending(Protocol):
    """What the calls of one session have cost, and what those under way may cost."""

    @property
    def reserved_usd(self) -> Decimal:
        """The sum of what the requests under way may cost, in US dollars."""
        ...

    @reserved_usd.setter
    def reserved_usd(self, amount_usd: Decimal) -> None: ...

    @property
    def unreported_usd(self) -> Decimal:
        """The estimated cost of answers that broke before they reported theirs, in US dollars."""
        ...

    @unreported_usd.setter
    def unreported_usd(self, amount_usd: Decimal) -> None: ...

    async def read_spent_usd(self) -> Decimal:
        """Return the known cost of what the session has spent so far, in US dollars."""
        ...


class SpendingGuard:
    """Holds the requests of an engine to the limits of their calls.

    Args:
        profile: the facts about the service.
        warn_once: logs each sentence that was not logged before.
        get_session: returns the spending of the session. None, if there is none, keeps the limits of calls only.
    """

    def __init__(
        self,
        profile: BackendProfile,
        *,
        warn_once: Callable[[list[str]], None],
        get_session: Callable[[], SessionSpending] | None,
    ) -> None:
        self._profile = profile
        self._warn_once = warn_once
        self._get_session = get_session

    @asynccontextmanager
    async def reserve(self, call: Call) -> AsyncGenerator[None, None]:
        """Hold what the next request of a call may cost until the block below ends.

        The estimated cost of its input stays counted if an answer began and did not report its cost.

        Raises:
            QuotaExceededError: it may exceed a limit.
            ConfigurationError: the price of the model is not known, so a limit cannot be kept.
        """
        options = call.options
        call.charge = Charge()  # that of the attempt before has been counted
        if options.max_call_cost_usd is None and options.max_session_cost_usd is None:
            yield
            return
        estimate = self._estimate(call)
        cost_usd = self._check_price(call, estimate)
        if cost_usd is None:
            yield
            return
        self._check_call(call, estimate, cost_usd)
        session = self._get_session() if self._get_session and options.max_session_cost_usd is not None else None
        if session is None:
            with _count_unreported(call, estimate, None):
                yield
            return
        # What is reserved by now belongs to earlier requests; a later one counts this request, too.
        earlier_usd = session.reserved_usd
        session.reserved_usd += cost_usd
        try:
            spent_usd = await session.read_spent_usd() + session.unreported_usd + earlier_usd
            self._check_session(call, estimate, spent_usd, cost_usd)
            with _count_unreported(call, estimate, session):
                yield
        finally:
            session.reserved_usd -= cost_usd

    def _estimate(self, call: Call) -> CostEstimate:
        body = call.prepared_request.body
        return estimate_cost(body.fields, body.items, find_pricing(call.options, self._profile))

    def _check_price(self, call: Call, estimate: CostEstimate) -> Decimal | None:
        """Return the estimated cost; 0 if the server reports costs. None if there is nothing to limit."""
        if estimate.cost_usd is not None:
            return estimate.cost_usd
        name = "max_session_cost_usd" if call.options.max_session_cost_usd is not None else "max_call_cost_usd"
        if not self._profile.priced:
            self._warn_once([f"{name} has no effect, because this account does not pay by the token"])
            return None
        model = call.options.model
        if self._profile.prefers_reported_cost:
            reason = f"the price of {model} is not known: set its prices in model_info"
            self._warn_once([f"{name} counts only the costs that the server reports, because {reason}"])
            return Decimal(0)
        tier = call.prepared_request.body.fields.get("service_tier")
        of_tier = f" in the tier {tier}" if tier else ""
        raise ConfigurationError(
            f"{name} cannot be kept, because the price of {model}{of_tier} is not known: set its prices in model_info, "
            "or remove the limit"
        )

    def _check_call(self, call: Call, estimate: CostEstimate, cost_usd: Decimal) -> None:
        limit_usd = call.options.max_call_cost_usd
        if limit_usd is None:
            return
        spent_usd = call.reported_usd + call.unreported_usd
        if not _exceeds(spent_usd + cost_usd, limit_usd, estimate):
            return
        has_spent = f"has spent ${_format(spent_usd)} and " if spent_usd else ""
        self._refuse(
            call,
            f"this call {has_spent}may cost {_describe(estimate)}, more than max_call_cost_usd (${limit_usd:f}) "
            "allows: shorten the conversation, choose a cheaper model, or raise the limit",
            limit_usd - spent_usd,
            limit_usd,
        )

    def _check_session(self, call: Call, estimate: CostEstimate, spent_usd: Decimal, cost_usd: Decimal) -> None:
        limit_usd = call.options.max_session_cost_usd
        if limit_usd is None or not _exceeds(spent_usd + cost_usd, limit_usd, estimate):
            return
        self._refuse(
            call,
            f"this session has spent ${_format(spent_usd)}, and this call may cost {_describe(estimate, 'more ')}, "
            f"which exceeds max_session_cost_usd (${limit_usd:f}): raise the limit, or begin a new session",
            limit_usd - spent_usd,
            limit_usd,
        )

    def _refuse(self, call: Call, message: str, remaining_usd: Decimal, limit_usd: Decimal) -> None:
        call.events.spending_limit = {"dimension": "usd", "remaining": str(remaining_usd), "limit": str(limit_usd)}
        raise QuotaExceededError(message, provider=self._profile.name, model=call.options.model, retryable=False)


@contextmanager
def _count_unreported(
    call: Call, estimate: CostEstimate, session: SessionSpending | None
) -> Generator[None, None, None]:
    """Count the input of the request that the block sends, if its answer was paid for and did not report its cost."""
    try:
        yield
    finally:
        if call.charge.is_missing() and estimate.input_cost_usd is not None:
            call.unreported_usd += estimate.input_cost_usd
            if session is not None:
                session.unreported_usd += estimate.input_cost_usd


def _exceeds(total_usd: Decimal, limit_usd: Decimal, estimate: CostEstimate) -> bool:
    """Return whether a request may not be sent. One without an estimate may be sent while something is left."""
    return total_usd > limit_usd or (estimate.cost_usd is None and total_usd >= limit_usd)


def _describe(estimate: CostEstimate, more: str = "") -> str:
    """Return what a request may cost, for an error; `more` stands behind the amount."""
    if estimate.cost_usd is None:
        return f"something {more}".strip()
    output = f" and up to {estimate.output_tokens:,} output tokens" if estimate.output_tokens else ""
    return f"${_format(estimate.cost_usd)} {more}(about {estimate.input_tokens:,} input tokens{output})"


def _format(amount_usd: Decimal) -> str:
    """Return an amount with the digits that a person reads: four decimals, more of them below a cent."""
    if amount_usd >= Decimal("0.01") or not amount_usd:
        return f"{amount_usd:.4f}"
    return f"{Decimal(f'{amount_usd:.2g}'):f}"
