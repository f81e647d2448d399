"""The issuer of Sign in with ChatGPT, and the API behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from responses_emulator import Emulator, PlanSignIn, PlanStatus, chatgpt_plan_surfaces, strict_plan_catalogue


class Clock:
    """A time that a test sets forward."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sign_in(clock: Clock) -> PlanSignIn:
    return PlanSignIn(clock=clock)


@pytest.fixture
def status() -> PlanStatus:
    return PlanStatus()


@pytest.fixture
def emulator(sign_in: PlanSignIn, status: PlanStatus) -> Iterator[Emulator]:
    surfaces = chatgpt_plan_surfaces(sign_in, catalogue=strict_plan_catalogue(), status=status)
    with Emulator(surfaces=surfaces) as running:
        yield running
