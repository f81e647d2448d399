"""What the sessions of this process spend: a session, its sub-sessions, and every provider that is mounted in them.

The numbers are those of the contribution `session.cost`, which hosts show: of all providers, also of other makers, of
sub-sessions that have ended, and of the time before a session was resumed. A sub-session that still runs is not part of
its parent's number yet, so the running sessions of one family are added up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from weakref import WeakSet, WeakValueDictionary, ref

from ..wire.json_values import as_object

logger = logging.getLogger(__name__)


class Spender(Protocol):
    """A provider that adds up what its calls cost."""

    coordinator: Any
    spent_usd: Decimal


class FamilySpending:
    """The spending of a session and its sub-sessions; see `SessionSpending`.

    Attributes:
        reserved_usd: what the requests under way may cost, in US dollars.
        providers: the providers that have made a call and are not closed.
    """

    def __init__(self) -> None:
        self.reserved_usd = Decimal(0)
        self.providers: WeakSet[Spender] = WeakSet()

    async def read_spent_usd(self) -> Decimal:
        """Return what the running sessions of the family have spent so far, in US dollars."""
        total_usd = Decimal(0)
        by_session: dict[int, list[Spender]] = {}
        for provider in list(self.providers):
            by_session.setdefault(id(provider.coordinator), []).append(provider)
        for providers in by_session.values():
            total_usd += await _read_session_cost(providers)
        return total_usd


# A provider holds the spending of its family, so that an entry ends with the last provider of the family.
_families: WeakValueDictionary[str, FamilySpending] = WeakValueDictionary()


class FamilyMember:
    """The place of one provider in the family of its session; a provider without a session has a family for itself.

    Args:
        provider: the provider.
    """

    def __init__(self, provider: Spender) -> None:
        self._provider = ref(provider)
        self._family: FamilySpending | None = None

    def join(self) -> FamilySpending:
        """Return the spending of the family, which counts the provider from now on."""
        provider = self._provider()
        if self._family is None:
            self._family = _find_family(provider)
        if provider is not None:
            self._family.providers.add(provider)
        return self._family

    def leave(self) -> None:
        """Count the provider no longer, because its session has ended; may be called at any time."""
        if self._family is not None and (provider := self._provider()) is not None:
            self._family.providers.discard(provider)
        self._family = None


def _find_family(provider: Spender | None) -> FamilySpending:
    coordinator = provider and provider.coordinator
    session_id, parent_id = (str(getattr(coordinator, key, None) or "") for key in ("session_id", "parent_id"))
    ids = [each for each in (parent_id, session_id) if each]
    family = next((found for each in ids if (found := _families.get(each)) is not None), None) or FamilySpending()
    for each in ids:
        _families.setdefault(each, family)
    return family


async def _read_session_cost(providers: Sequence[Spender]) -> Decimal:
    """Return what one session has spent: what its host would show, and at least what these providers have spent."""
    own_usd = sum((provider.spent_usd for provider in providers), Decimal(0))
    collect = getattr(providers[0].coordinator, "collect_contributions", None)
    if collect is None:
        return own_usd
    try:
        contributions: Sequence[object] = await collect("session.cost")
    except Exception:  # code of a host, without which the limit still counts our own calls
        logger.exception("the cost of the session could not be read")
        return own_usd
    return max(own_usd, sum(map(_read_cost, contributions), Decimal(0)))


def _read_cost(contribution: object) -> Decimal:
    """Return the US dollars of one contribution; 0 if it has none that can be read."""
    try:
        cost_usd = Decimal(str(as_object(contribution).get("cost_usd") or 0))
    except InvalidOperation:
        return Decimal(0)
    return cost_usd if cost_usd.is_finite() and cost_usd > 0 else Decimal(0)
