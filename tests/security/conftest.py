"""A home directory, an authority for certificates, and a server that must not be asked anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from responses_emulator import Authority, Emulator


@pytest.fixture
def stranger() -> Iterator[Emulator]:
    """A second server, which must be asked nothing and connected to by nobody."""
    with Emulator() as running:
        yield running
        assert running.requests == []


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Issues certificates of every kind."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of the test's own, without a keyring."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return folder
