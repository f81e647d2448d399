"""What a family of sessions has spent: how its members find each other, and what a slow host may hold up."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from amplifier_core import ModuleCoordinator
from openai_responses_common.provider.session_spending import FamilyMember

from tests.support.jump_clock import on_jump_clock


class Spender:
    """A provider of a session that has spent one dollar."""

    def __init__(self, session_id: str, parent_id: str | None = None) -> None:
        config = {"session": {"orchestrator": "test", "context": "test"}}
        session: Any = SimpleNamespace(config=config, session_id=session_id, parent_id=parent_id)
        self.coordinator: Any = ModuleCoordinator(session)
        self.spent_usd = Decimal(1)
        self.member = FamilyMember(self)


async def hang() -> None:
    await asyncio.sleep(1e9)


@on_jump_clock
async def test_a_contributor_that_hangs_costs_a_second_and_own_calls_count() -> None:
    spender = Spender("of-a-slow-host")
    spender.coordinator.register_contributor("session.cost", "other", hang)
    assert await spender.member.join().read_spent_usd() == 1
    assert 1 <= asyncio.get_running_loop().time() < 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


@on_jump_clock
async def test_the_time_of_a_call_ends_the_reading() -> None:
    spender = Spender("of-a-slow-host")
    spender.coordinator.register_contributor("session.cost", "other", hang)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await spender.member.join().read_spent_usd()
    assert asyncio.get_running_loop().time() < 1


async def test_two_families_that_a_session_links_are_one() -> None:
    parent, grandchild = Spender("parent"), Spender("grandchild", "child")
    above, below = parent.member.join(), grandchild.member.join()
    above.reserved_usd, below.reserved_usd = Decimal(2), Decimal(3)
    above.unreported_usd, below.unreported_usd = Decimal(4), Decimal(5)
    child = Spender("child", "parent")
    linked = child.member.register()
    for family in (above, below, linked):
        assert (family.reserved_usd, family.unreported_usd, await family.read_spent_usd()) == (5, 9, 2)
    below.reserved_usd -= 3
    assert above.reserved_usd == 2
    linked.merge(below)
    assert above.unreported_usd == 9, "a family is not counted twice"


async def test_a_family_ends_with_its_last_member() -> None:
    parent, child = Spender("parent"), Spender("child", "parent")
    family = parent.member.join()
    family.unreported_usd = Decimal(1)
    assert child.member.register() is family
    parent.member.leave()
    assert Spender("other-child", "parent").member.register() is family
    child.member.leave()
    child.member.leave()
    assert Spender("child", "parent").member.register().unreported_usd == 0
