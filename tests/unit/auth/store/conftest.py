"""A fresh process, a place for a file, and a keyring that is a dictionary."""

from __future__ import annotations

from pathlib import Path

import keyring
import pytest
from openai_responses_common.auth.store import _auto as token_store
from openai_responses_common.auth.store import keyring as keyring_store

from tests.support.keyrings import DictKeyring


@pytest.fixture(autouse=True)
def _one_process_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a fresh process."""
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    monkeypatch.setattr(keyring_store, "_pause", keyring_store._Pause())
    monkeypatch.setattr(token_store, "_reported_paths", set())
    monkeypatch.setattr("openai_responses_common.auth.store.open._memory_stores", {})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "tokens.json"


@pytest.fixture
def backend() -> DictKeyring:
    backend = DictKeyring()
    keyring.set_keyring(backend)
    return backend
