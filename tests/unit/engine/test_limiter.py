"""The limiter grants slots in order, and every provider's own limit holds."""

from __future__ import annotations

import asyncio

import pytest
from openai_responses_common.engine.limiter import Limiter, get_limiter

from tests.support.session import PATIENCE_S


class Crowd:
    """Tasks that hold a slot until the test lets them leave."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.inside: list[str] = []
        self._doors: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def enter(self, name: str, limit: int) -> None:
        async def visit() -> None:
            async with self.limiter.slot(limit):
                self.inside.append(name)
                await self._doors[name].wait()
            self.inside.remove(name)

        self._doors[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(visit())
        await settle()

    async def leave(self, name: str) -> None:
        self._doors[name].set()
        await self.tasks[name]
        await settle()

    async def empty(self) -> None:
        for door in self._doors.values():
            door.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        assert self.limiter.slots_in_use == 0


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def crowd() -> Crowd:
    return Crowd(Limiter())


async def test_a_slot_is_granted_in_the_order_of_waiting(crowd: Crowd) -> None:
    for name in ("first", "second", "third"):
        await crowd.enter(name, limit=1)
    assert crowd.inside == ["first"]
    await crowd.leave("first")
    assert crowd.inside == ["second"]
    await crowd.leave("second")
    assert crowd.inside == ["third"]
    await crowd.empty()


async def test_a_limit_of_zero_never_waits(crowd: Crowd) -> None:
    for name in ("first", "second", "third"):
        await crowd.enter(name, limit=0)
    assert crowd.inside == ["first", "second", "third"]
    await crowd.empty()


async def test_a_newcomer_does_not_overtake_a_waiter(crowd: Crowd) -> None:
    await crowd.enter("first", limit=1)
    await crowd.enter("waiter", limit=1)
    await crowd.enter("newcomer", limit=2)
    assert crowd.inside == ["first"]
    await crowd.leave("first")
    assert crowd.inside == ["waiter", "newcomer"]
    await crowd.empty()


async def test_a_waiter_with_a_low_limit_does_not_hold_up_others(crowd: Crowd) -> None:
    await crowd.enter("first", limit=2)
    await crowd.enter("second", limit=2)
    await crowd.enter("narrow", limit=1)
    await crowd.enter("wide", limit=2)
    await crowd.leave("first")
    assert crowd.inside == ["second", "wide"]
    await crowd.empty()


@pytest.mark.parametrize("is_granted", [False, True])
async def test_a_cancelled_waiter_passes_its_slot_on(is_granted: bool) -> None:
    limiter = Limiter()
    visitors: list[str] = []

    async def visit(name: str) -> None:
        async with limiter.slot(1):
            visitors.append(name)

    async with limiter.slot(1):
        cancelled, behind = asyncio.create_task(visit("cancelled")), asyncio.create_task(visit("behind"))
        await settle()
        if not is_granted:
            cancelled.cancel()
            await settle()
    cancelled.cancel()  # if it got its slot just now, it has not run since
    async with asyncio.timeout(PATIENCE_S):  # if a slot is lost, the visitor behind waits for ever
        await asyncio.gather(cancelled, behind, return_exceptions=True)
    assert cancelled.cancelled()
    assert visitors == ["behind"]
    assert limiter.slots_in_use == 0


async def test_one_origin_has_one_limiter_in_an_event_loop() -> None:
    assert get_limiter("a") is get_limiter("a")
    assert get_limiter("a") is not get_limiter("b")


def test_event_loops_share_no_limiter() -> None:
    async def get() -> Limiter:
        return get_limiter("a")

    with asyncio.Runner() as one, asyncio.Runner() as other:
        assert one.run(get()) is not other.run(get())
