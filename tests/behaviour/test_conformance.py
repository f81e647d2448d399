"""Amplifier's own test classes for providers, for every module; and the proof that none of them was skipped.

The kernel's pytest plugin looks for one module around the working directory. In a repository of several it finds none
and skips in silence, so the fixtures say which module is meant.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.validation.behavioral import ProviderBehaviorTests
from amplifier_core.validation.structural import ProviderStructuralTests
from responses_emulator import Emulator

from tests.support.backends import ALL_BACKENDS, ROOT, WEBSOCKET_BACKENDS, BackendUnderTest


@pytest.fixture
def module_path(backend: BackendUnderTest) -> Path:
    """The package that the kernel's tests load."""
    return backend.package_path


@pytest.fixture
def module_type() -> str:
    """What kind of module it is."""
    return "provider"


@pytest.fixture
def account(backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's tests mount with an empty config: the service is found through the environment."""
    for name, value in backend.environment(emulator.base_url, backend.secret).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("account")
class TestBehaviour(ProviderBehaviorTests):
    async def test_models_were_really_asked_for(self, provider_module: Any, emulator: Emulator) -> None:
        assert await provider_module.list_models()
        assert emulator.requests


@pytest.mark.usefixtures("backend")
class TestStructure(ProviderStructuralTests):
    pass


INHERITED = [
    name for base in (ProviderBehaviorTests, ProviderStructuralTests) for name in vars(base) if name[:5] == "test_"
]


def test_none_of_them_is_skipped() -> None:
    """In a run of its own from the root of the repository, as CI starts it."""
    path = {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    words = ["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-k", "TestBehaviour or TestStructure", __file__]
    run = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    count = len([*ALL_BACKENDS, *WEBSOCKET_BACKENDS]) * (len(INHERITED) + 1)
    assert f"{count} passed" in run.stdout, run.stdout
    assert "skipped" not in run.stdout
