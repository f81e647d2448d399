"""What the sessions of this process spend: a session, its sub-sessions, and every provider that is mounted in them.

The numbers are those of the contribution `session.cost`, which hosts show: of all providers, also of other makers, of
sub-sessions that have ended, and of the time before a session was resumed. A sub-session that still runs is not part of
its parent's number yet, so the running sessions of one family are added up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from weakref import WeakSet, WeakValueDictionary, ref

from ..wire.json_values import as_object

logger = logging.getLogger(__name__)

# The contributors of other modules hold up a request for no longer.
_COLLECT_TIMEOUT_S = 1.0
# For a contributor that is cut off to end its own work.
_CUT_OFF_TIMEOUT_S = 0.05


class Spender(Protocol):
    """A provider that adds up what its calls cost."""

    coordinator: Any
    spent_usd: Decimal


class FamilySpending:
    """The spending of a session and its sub-sessions; see `SessionSpending`.

    Two families become one when a session turns out to link them. Either object then stands for both.

    Attributes:
        own_reserved_usd: the amount that counts until another family takes this one in; so do the next two.
        own_unreported_usd: see `unreported_usd`.
        own_providers: see `providers`.
        members: the places that have not been left.
        merged_into: the family that took this one in. None if there is none.
    """

    def __init__(self) -> None:
        self.own_reserved_usd = Decimal(0)
        self.own_unreported_usd = Decimal(0)
        self.own_providers: WeakSet[Spender] = WeakSet()
        self.members: WeakSet[FamilyMember] = WeakSet()
        self.merged_into: FamilySpending | None = None

    @property
    def reserved_usd(self) -> Decimal:
        """What the requests under way may cost, in US dollars."""
        return self.find_whole().own_reserved_usd

    @reserved_usd.setter
    def reserved_usd(self, amount_usd: Decimal) -> None:
        self.find_whole().own_reserved_usd = amount_usd

    @property
    def unreported_usd(self) -> Decimal:
        """The estimated cost of answers that broke before they reported theirs, in US dollars."""
        return self.find_whole().own_unreported_usd

    @unreported_usd.setter
    def unreported_usd(self, amount_usd: Decimal) -> None:
        self.find_whole().own_unreported_usd = amount_usd

    @property
    def providers(self) -> WeakSet[Spender]:
        """The providers that have made a call and are not closed."""
        return self.find_whole().own_providers

    def add(self, member: FamilyMember) -> None:
        """Keep the family until the member leaves."""
        self.find_whole().members.add(member)

    def remove(self, member: FamilyMember) -> None:
        """Forget a member, and the ids of the sessions if it was the last one."""
        whole = self.find_whole()
        whole.members.discard(member)
        if not whole.members:
            for key in [key for key, each in _families.items() if each is whole]:
                del _families[key]

    def find_whole(self) -> FamilySpending:
        """Return the family that this one is a part of; itself, if it is not."""
        whole = self
        while whole.merged_into is not None:
            whole = whole.merged_into
        return whole

    def merge(self, other: FamilySpending) -> None:
        """Count another family as a part of this one."""
        whole, part = self.find_whole(), other.find_whole()
        if whole is part:
            return
        whole.own_reserved_usd += part.own_reserved_usd
        whole.own_unreported_usd += part.own_unreported_usd
        whole.own_providers |= part.own_providers
        whole.members |= part.members
        part.merged_into = whole

    async def read_spent_usd(self) -> Decimal:
        """Return the known cost of what the running sessions of the family have spent so far, in US dollars."""
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

    def register(self) -> FamilySpending:
        """Return the spending of the family; a sub-session finds it from now on, also if the provider makes no call."""
        if self._family is None:
            self._family = _find_family(self._provider())
            self._family.add(self)
        return self._family

    def join(self) -> FamilySpending:
        """Return the spending of the family, which counts the provider from now on."""
        family, provider = self.register(), self._provider()
        if provider is not None:
            family.providers.add(provider)
        return family

    def leave(self) -> None:
        """Count the provider no longer, because its session has ended; may be called at any time."""
        if self._family is None:
            return
        if (provider := self._provider()) is not None:
            self._family.providers.discard(provider)
        self._family.remove(self)
        self._family = None


def _find_family(provider: Spender | None) -> FamilySpending:
    coordinator = provider and provider.coordinator
    session_id, parent_id = (str(getattr(coordinator, key, None) or "") for key in ("session_id", "parent_id"))
    ids = [each for each in (parent_id, session_id) if each]
    families = [found for each in ids if (found := _families.get(each)) is not None] or [FamilySpending()]
    family, *others = families
    for other in others:
        family.merge(other)
        # Each family lives as long as a provider has it; an id must not end with a part that nobody has any more.
        for key in [key for key, each in _families.items() if each is other]:
            _families[key] = family
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
        contributions = await _collect(collect)
    except TimeoutError:
        logger.warning("the cost of the session could not be read in time, so only what our own calls cost counts")
        return own_usd
    except Exception:  # code of a host, without which the limit still counts our own calls
        logger.exception("the cost of the session could not be read")
        return own_usd
    return max(own_usd, sum(map(_read_cost, contributions), Decimal(0)))


async def _collect(collect: Callable[[str], Awaitable[Sequence[object]]]) -> Sequence[object]:
    """Return the contributions of a session.

    They are collected in a separate task, because the kernel keeps a cancellation of the caller for itself.

    Raises:
        TimeoutError: they took too long, or something else ended the task.
    """

    async def run() -> Sequence[object]:
        return await collect("session.cost")

    task = asyncio.create_task(run())
    try:
        await asyncio.wait([task], timeout=_COLLECT_TIMEOUT_S)
        if not task.done() or task.cancelled():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_CUT_OFF_TIMEOUT_S)


def _read_cost(contribution: object) -> Decimal:
    """Return the US dollars of one contribution; 0 if it has none that can be read."""
    try:
        cost_usd = Decimal(str(as_object(contribution).get("cost_usd") or 0))
    except InvalidOperation:
        return Decimal(0)
    return cost_usd if cost_usd.is_finite() and cost_usd > 0 else Decimal(0)
