"""A machine that a person can sign in on, and the service that she signs in to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from openai_responses_common.auth import device_code as flow
from responses_emulator import (
    ChatGptOptions,
    Emulator,
    PlanLimits,
    SignInService,
    Workspaces,
    chatgpt_surfaces,
    strict_catalogue,
)
from responses_emulator.chatgpt.catalogue import Catalogue

from examples.chat.offline_model import respond
from tests.support.chatgpt_machine import Machine


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second between two questions here."""
    monkeypatch.setattr(flow, "_MIN_POLL_INTERVAL_S", 0.01)
    monkeypatch.setattr(flow, "_SLOW_DOWN_STEP_S", 0.05)


@pytest.fixture
def service() -> SignInService:
    """The sign-in service, and the knobs that tests turn; no code expires while the machine's clock is set."""
    return SignInService(interval="0.02", device_lifetime_s=1e9)


@pytest.fixture
def catalogue() -> Catalogue:
    """The models that the service has; a test may exchange them."""
    return strict_catalogue()


@pytest.fixture
def limits() -> PlanLimits:
    """How much of every plan is used."""
    return PlanLimits()


@pytest.fixture
def workspaces() -> Workspaces:
    """Where workspaces want their requests."""
    return Workspaces()


@pytest.fixture
def emulator(
    service: SignInService, catalogue: Catalogue, limits: PlanLimits, workspaces: Workspaces
) -> Iterator[Emulator]:
    """All of it, running."""
    options = ChatGptOptions(needs_version=True)
    surfaces = chatgpt_surfaces(service, catalogue=catalogue, limits=limits, workspaces=workspaces, options=options)
    with Emulator(surfaces=surfaces, responder=respond) as running:
        yield running


@pytest.fixture
async def machine(tmp_path: Path, emulator: Emulator, service: SignInService) -> AsyncIterator[Machine]:
    """A machine on which nobody has signed in yet."""
    one = Machine(tmp_path / "home", emulator, service)
    yield one
    await one.leave()
