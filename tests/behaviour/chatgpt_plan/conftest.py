"""The service of Sign in with ChatGPT, and a machine on which nobody has signed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from responses_emulator import Emulator, PlanSignIn, PlanStatus, chatgpt_plan_surfaces

from tests.support.chatgpt_plan_machine import PlanMachine


@pytest.fixture
def service() -> PlanSignIn:
    return PlanSignIn()


@pytest.fixture
def status() -> PlanStatus:
    return PlanStatus()


@pytest.fixture
def emulator(service: PlanSignIn, status: PlanStatus) -> Iterator[Emulator]:
    with Emulator(surfaces=chatgpt_plan_surfaces(service, status=status)) as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path, emulator: Emulator, service: PlanSignIn) -> PlanMachine:
    return PlanMachine(tmp_path / "home", emulator, service)
