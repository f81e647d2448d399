"""Calls are cancelled or the clock is set while a token is refreshed: no refresh token is lost or spent twice."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from responses_emulator import Emulator, Say, SignInService, chatgpt_surfaces, invalid_token, strict_catalogue

from tests.support.chatgpt_machine import Machine
from tests.support.session import asking

from ...support.leftovers import nothing_left
from .cancelled_at import MOMENTS, CancelledAt, Moment, wait_for_end


@pytest.fixture
def service() -> SignInService:
    return SignInService()


@pytest.fixture
def emulator(service: SignInService) -> Iterator[Emulator]:
    with Emulator(surfaces=chatgpt_surfaces(service, catalogue=strict_catalogue())) as running:
        yield running


@pytest.fixture
async def machine(tmp_path: Path, emulator: Emulator, service: SignInService) -> AsyncIterator[Machine]:
    """Return a machine on which a user has signed in."""
    one = Machine(tmp_path / "home", emulator, service)
    one.keep(service.token_set())
    yield one
    await one.leave()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_call_that_refreshes_the_token_can_be_cancelled_at_any_suspension(
    machine: Machine, moment: Moment
) -> None:
    """A refresh that has begun is finished and saved, and the next call uses its token."""
    for suspension in itertools.count():
        # A token that was just refreshed is not refreshed again, so each suspension needs a new sign-in.
        one = Machine(machine.home / str(suspension), machine.emulator, machine.service)
        old = one.keep(one.service.token_set())
        session = await one.session()
        one.service.reject_access_token(old.access_token)
        cancelled = CancelledAt(session.provider.complete(asking("hello")), suspension, moment=moment)
        async with nothing_left(one.emulator), asyncio.timeout(60):
            await wait_for_end(task := cancelled.create_task())
        description = f"cancelled at {suspension}, {moment}, in {cancelled.waiting_functions}"
        assert task.cancelled() == bool(cancelled.waiting_functions), description
        assert (await session.ask("hello")).text, description
        assert one.kept["access_token"] == one.sent[-1] != old.access_token, description
        assert one.service.is_live(one.kept["refresh_token"]), description
        spent = [each.body["refresh_token"] for each in one.service.requests_to("refresh")]
        assert spent.count(old.refresh_token) == 1, description
        await one.leave()
        if not task.cancelled():
            assert suspension > 10
            return


@pytest.mark.parametrize("back_s", [600.0, 86_400.0])
async def test_refreshed_token_is_the_newest_after_the_clock_was_set_back(machine: Machine, back_s: float) -> None:
    """The stored sign-in has a date in the future."""
    old = machine.keep(machine.service.token_set(), saved_at=time.time() + back_s)
    session = await machine.session()
    machine.emulator.script(invalid_token(), Say("refreshed"))
    assert (await session.ask("hello")).text == "refreshed"
    assert machine.kept["access_token"] == machine.sent[-1] != old.access_token
    assert machine.service.is_live(machine.kept["refresh_token"])
