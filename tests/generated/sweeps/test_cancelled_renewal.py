"""A sign-in that is renewed while calls are cancelled or the clock was set: no refresh token is lost or spent twice."""

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
from .stepped_task import Moment, Stepped
from .test_cancel import MOMENTS, ended


@pytest.fixture
def service() -> SignInService:
    """The sign-in service."""
    return SignInService()


@pytest.fixture
def emulator(service: SignInService) -> Iterator[Emulator]:
    """The whole backend with it."""
    with Emulator(surfaces=chatgpt_surfaces(service, catalogue=strict_catalogue())) as running:
        yield running


@pytest.fixture
async def machine(tmp_path: Path, emulator: Emulator, service: SignInService) -> AsyncIterator[Machine]:
    """A machine that somebody has signed in on."""
    one = Machine(tmp_path / "home", emulator, service)
    one.keep(service.token_set())
    yield one
    await one.leave()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_cancelled_at_every_suspension_of_a_renewal(machine: Machine, moment: Moment) -> None:
    """What was begun is kept, and the next call goes on with it."""
    for steps in itertools.count():
        # What was just renewed is not renewed again: each step needs a sign-in of its own.
        one = Machine(machine.home / str(steps), machine.emulator, machine.service)
        old = one.keep(one.service.token_set())
        session = await one.session()
        one.service.reject_access_token(old.access_token)
        stepped = Stepped(session.provider.complete(asking("hello")), steps, moment=moment)
        async with nothing_left(one.emulator), asyncio.timeout(10):
            await ended(task := stepped.task())
        about = f"cancelled at {steps}, {moment}, in {stepped.where}"
        assert task.cancelled() == bool(stepped.where), about
        assert (await session.ask("hello")).text, about
        assert one.kept["access_token"] == one.sent[-1] != old.access_token, about
        assert one.service.is_live(one.kept["refresh_token"]), about
        spent = [each.body["refresh_token"] for each in one.service.requests_to("refresh")]
        assert spent.count(old.refresh_token) == 1, about
        await one.leave()
        if not stepped.where:
            assert steps > 10
            return


@pytest.mark.parametrize("back_s", [600.0, 86_400.0])
async def test_a_clock_that_was_set_back_since_the_sign_in(machine: Machine, back_s: float) -> None:
    """The record in the file is of the future; what is renewed now is the newer one all the same."""
    old = machine.keep(machine.service.token_set(), saved_at=time.time() + back_s)
    session = await machine.session()
    machine.emulator.script(invalid_token(), Say("renewed"))
    assert (await session.ask("hello")).text == "renewed"
    assert machine.kept["access_token"] == machine.sent[-1] != old.access_token
    assert machine.service.is_live(machine.kept["refresh_token"])
