"""Fixtures for tests against the emulator. Enable them with this line in the `conftest.py` at the top of your tests:

    pytest_plugins = ["responses_emulator.pytest_plugin"]

They are not an entry point, because every run of pytest would then import this package.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from typing import Protocol

import pytest

from responses_emulator.accounting.rate_limits import RateLimits
from responses_emulator.emulator import Emulator
from responses_emulator.responders.fixed_output import fixed_output
from responses_emulator.responders.responder import Responder
from responses_emulator.service.surface import Surface
from responses_emulator.transport.tls import Authority


class StartEmulator(Protocol):
    """The type of the fixture `start_emulator`."""

    def __call__(
        self,
        *surfaces: Surface,
        responder: Responder = ...,
        tls: ssl.SSLContext | None = ...,
        limits: RateLimits | None = ...,
        word_delay_s: float = ...,
    ) -> Emulator:
        """Start an emulator; see `Emulator` for the arguments and their defaults."""
        ...


@pytest.fixture
def start_emulator() -> Iterator[StartEmulator]:
    """Start any number of emulators; after the test they stop, the newest first."""
    with contextlib.ExitStack() as running:

        def start(
            *surfaces: Surface,
            responder: Responder = fixed_output,
            tls: ssl.SSLContext | None = None,
            limits: RateLimits | None = None,
            word_delay_s: float = 0.0,
        ) -> Emulator:
            return running.enter_context(
                Emulator(
                    surfaces=surfaces or None, responder=responder, tls=tls, limits=limits, word_delay_s=word_delay_s
                )
            )

        yield start


@pytest.fixture
def emulator(start_emulator: StartEmulator) -> Emulator:
    """Start the API of api.openai.com, with the same text for every request that no test scripts."""
    return start_emulator()


@pytest.fixture(scope="session")
def certificate_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return a certificate authority that no other program trusts; needs the extra `tls`."""
    return Authority(tmp_path_factory.mktemp("certificates"))
