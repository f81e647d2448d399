"""A ChatGPT backend with its sign-in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulator_clients.chatgpt import serving
from responses_emulator import Emulator, SignInService


@pytest.fixture
def sign_in() -> SignInService:
    return SignInService()


@pytest.fixture
def emulator(sign_in: SignInService) -> Iterator[Emulator]:
    with serving(sign_in) as running:
        yield running
