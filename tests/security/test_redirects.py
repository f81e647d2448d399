"""No request that carries a credential follows a redirect: calls, model lists, every step of a sign-in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError, LLMError
from amplifier_module_provider_chatgpt_oauth.__main__ import _fetch_limits
from responses_emulator import Emulator, HttpReply, OnUpgrade, Say, redirect
from responses_emulator.service.surface import Exchange, Route, Surface
from responses_emulator.transport.server import Reply

from tests.behaviour.chatgpt.conftest import catalogue, emulator, in_a_hurry, limits, machine, service, workspaces
from tests.support.backends import BackendUnderTest
from tests.support.chatgpt_machine import Machine, Person
from tests.support.session import Session

pytestmark = pytest.mark.promise("no redirect takes a credential to another server", area="security")

__all__ = ["catalogue", "emulator", "in_a_hurry", "limits", "machine", "service", "workspaces"]

STATUSES = [301, 302, 303, 307, 308]


@pytest.mark.one_transport("a frame redirects nowhere")
async def test_a_call_is_redirected_nowhere(backend: BackendUnderTest, stranger: Emulator) -> None:
    """Whatever the status: the second server sees no request, and the error says what to set."""
    with backend.emulator() as running:
        session = await Session(backend, running).mount(backend.settings(running, max_retries=0))
        for status in STATUSES:
            running.script(redirect(f"{stranger.origin}/v1/responses", status=status))
            with pytest.raises(ConfigurationError, match=f"HTTP {status}: the service redirects"):
                await session.ask("hello")
        assert session.sent == len(STATUSES)
        await session.cleanup()


@pytest.mark.one_transport("it chooses the transport itself")
async def test_an_upgrade_is_redirected_nowhere(backend: BackendUnderTest, stranger: Emulator) -> None:
    """The request travels over HTTP instead."""
    for status in STATUSES:
        with backend.emulator() as running:
            session = await Session(backend, running).mount(backend.settings(running, transport="websocket"))
            running.script(OnUpgrade(redirect(f"{stranger.origin}/v1/responses", status=status)), Say("well"))
            assert (await session.ask("hello")).text == "well"
            assert len(running.upgrades) == 1
            await session.cleanup()


@pytest.mark.one_transport("a list of models comes over HTTP")
async def test_a_list_of_models_is_redirected_nowhere(backend: BackendUnderTest, stranger: Emulator) -> None:
    """The same for the only other request that a session makes of the service itself."""
    asked: list[int] = []

    async def moved(exchange: Exchange) -> Reply:
        status = STATUSES[len(asked) % len(STATUSES)]
        asked.append(status)
        return Reply(status=status, headers=[("location", f"{stranger.origin}/models")])

    own = backend.surface()
    surface = Surface(
        name=own.name, prefix=own.prefix, routes=(Route("GET", "/models", moved),), authenticate=own.authenticate
    )
    with Emulator(surfaces=(surface,)) as running:
        for _ in STATUSES:
            session = await Session(backend, running).mount(backend.settings(running, max_retries=0))
            with pytest.raises(ConfigurationError, match="redirects"):
                await session.provider.list_models()
            await session.cleanup()
    assert asked == STATUSES


def moved(stranger: Emulator, status: int) -> HttpReply:
    return HttpReply(status, "", {"location": f"{stranger.origin}/anywhere"})


@pytest.mark.parametrize("step", ["usercode", "poll", "exchange"])
def test_a_sign_in_with_a_code_is_redirected_nowhere(machine: Machine, stranger: Emulator, step: Any) -> None:
    """Neither the code nor what it is exchanged for leaves the sign-in service."""
    for status in STATUSES:
        machine.service.script(step, moved(stranger, status))
        person = Person(machine.service)
        assert machine.provider().login(person) is False
        assert "redirects are not followed" in person.text
    assert not machine.file.exists()


async def test_a_renewal_is_redirected_nowhere(machine: Machine, stranger: Emulator) -> None:
    """The refresh token stays here."""
    machine.keep(machine.service.token_set(lifetime_s=-10))
    for status in STATUSES:
        machine.service.script("refresh", moved(stranger, status))
        with pytest.raises(LLMError, match="redirects are not followed"):
            await (await machine.session(max_retries=0)).ask("hello")


def test_a_sign_out_is_redirected_nowhere(machine: Machine, stranger: Emulator) -> None:
    """Neither is the token that is told to the service to be ended."""
    for status in STATUSES:
        machine.keep(machine.service.token_set())
        machine.service.script("revoke", moved(stranger, status))
        assert machine.provider().logout()


def test_the_use_of_a_plan_is_asked_of_no_stranger(machine: Machine, stranger: Emulator) -> None:
    """`status` reads how much of a plan is used, with the token."""
    machine.keep(machine.service.token_set())

    async def away(exchange: Exchange) -> Reply:
        return Reply(status=307, headers=[("location", f"{stranger.origin}/wham/usage")])

    own = machine.emulator._surfaces[0]
    surface = Surface(
        name="usage", prefix="", routes=(Route("GET", "/wham/usage", away),), authenticate=own.authenticate
    )
    with Emulator(surfaces=(surface,)) as running:
        account = machine.provider(base_url=f"{running.origin}/codex").require_account()
        tokens = account.load_tokens()
        assert tokens is not None
        problem, rows = asyncio.run(_fetch_limits(account, tokens))
        assert not problem
        assert rows == {"limits": "cannot be fetched: HTTP 307"}
        assert len(running.requests) == 1
