"""The token store over a real Secret Service; `session.py` beside this file runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from openai_responses_common.auth.store import _auto as token_store
from openai_responses_common.auth.store import keyring as keyring_store
from openai_responses_common.auth.store.base import TokenStore
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import StoreError, TokenRecord

from tests.support.run_clock import RunClock

VARIANT = os.environ.get("TEST_REAL_KEYRING", "")
NAME = "the system keyring (SecretService)"

pytestmark = [
    pytest.mark.promise("a locked, hanging, forgetful or plain-text keyring is not used", area="security"),
    pytest.mark.keyring,
]
unlocked = pytest.mark.skipif(VARIANT != "unlocked", reason="for an unlocked keyring")
locked = pytest.mark.skipif(VARIANT != "locked", reason="for a locked keyring")
dialog = pytest.mark.skipif(VARIANT != "dialog", reason="for a dialog that nobody answers")
without = pytest.mark.skipif(VARIANT not in {"no bus", "null", "plaintext"}, reason="for a machine without a keyring")


@pytest.fixture(autouse=True)
def _one_process_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a fresh process."""
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    monkeypatch.setattr(keyring_store, "_pause", keyring_store._Pause())
    monkeypatch.setattr(token_store, "_reported_paths", set())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "tokens.json"


def lock() -> None:
    """Lock the collection; nothing unlocks it again."""
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        collection = secretstorage.get_default_collection(connection)
        collection.lock()
        assert collection.is_locked()


def opened(path: Path, mode: str = "auto") -> TokenStore:
    return open_store(mode, service="test", path=path)


def new(number: int = 1, size: int = 5000) -> TokenRecord:
    return TokenRecord(account="someone", saved_at=float(number), tokens={"value": number, "id_token": "x" * size})


def entries() -> list[str]:
    """The service names of everything in the keyring."""
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        items = secretstorage.get_default_collection(connection).get_all_items()
        found = [item.get_attributes()["service"] for item in items]
    return sorted(name.split("/", 1)[1] for name in found)


@unlocked
def test_a_record_is_kept_and_removed_without_rest(path: Path) -> None:
    store = opened(path)
    store.probe()
    assert store.load() is None
    store.save(new(1))
    assert entries() == ["default/manifest"]
    assert opened(path).load() == new(1)
    store.save(new(2, size=100))
    assert entries() == ["default/manifest"]
    assert opened(path, "keyring").load() == new(2, size=100)
    assert store.location() == NAME
    assert store.delete() == [NAME]
    assert entries() == []
    assert store.load() is None


ROTATION = """
import sys
from pathlib import Path
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import TokenRecord
store = open_store("keyring", service="test", path=Path(sys.argv[1]))
for _ in range(5):
    with store.lock():
        value = store.load().tokens["value"]
        with open(sys.argv[2], "a") as ledger:
            ledger.write(f"{value}\\n")
        tokens = {"value": value + 1, "id_token": "x" * 2000}
        store.save(TokenRecord(account="a", saved_at=float(value + 1), tokens=tokens))
"""


@unlocked
def test_processes_rotate_one_token_and_readers_see_it_whole(path: Path, tmp_path: Path) -> None:
    opened(path, "keyring").save(new(0))
    ledger = tmp_path / "ledger"
    workers = [subprocess.Popen([sys.executable, "-c", ROTATION, path, ledger]) for _ in range(4)]
    seen: list[int] = []
    while any(worker.poll() is None for worker in workers):
        with opened(path, "keyring").lock():
            record = opened(path, "keyring").load()
        assert record is not None
        seen.append(record.tokens["value"])
        time.sleep(0.05)
    assert [worker.wait() for worker in workers] == [0, 0, 0, 0]
    assert sorted(map(int, ledger.read_text().split())) == list(range(20))
    assert seen == sorted(seen)
    opened(path).delete()
    assert entries() == []


@locked
def test_a_locked_keyring_is_said(path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened(path).save(new(1))
    assert not path.exists()
    lock()
    with RunClock() as run_clock:
        told_where_it_is_locked(path, tmp_path / "other" / "tokens.json")
    assert run_clock.elapsed_s < 3
    assert "KeyringLocked" in caplog.text


def told_where_it_is_locked(path: Path, other: Path) -> None:
    """Kept tokens cannot be read, and others are kept elsewhere."""
    with pytest.raises(StoreError, match=r"the tokens are in the keyring.*KeyringLocked"):
        opened(path).load()
    with pytest.raises(StoreError, match="KeyringLocked"):
        opened(other, "keyring").probe()
    store = opened(other)
    store.probe(wait_for_unlock=True)
    assert store.load() is None
    store.save(new(2))
    assert store.load() == new(2)
    assert store.location() == f"{other} (mode 0600)"


@dialog
def test_a_dialog_that_nobody_answers_costs_three_seconds_once(path: Path, caplog: Any) -> None:
    lock()
    began = time.monotonic()
    store = opened(path)
    with RunClock() as run_clock:
        assert store.load() is None
    assert time.monotonic() - began > 2.5
    assert run_clock.elapsed_s < 5
    with RunClock() as run_clock:  # a sign-in, which waits longer, has a unit test
        store.probe()
        store.save(new(1))
        assert store.load() == new(1)
        assert opened(path).load() == new(1)
    assert run_clock.elapsed_s < 2, "nobody is asked a second time within a minute"
    assert "did not respond within 3 s" not in caplog.text
    assert "is asked again after a minute" in caplog.text


@dialog
def test_a_dialog_does_not_hold_the_exit(path: Path) -> None:
    lock()
    code = f"""
from pathlib import Path
from openai_responses_common.auth.store.open import open_store
print(open_store("auto", service="test", path=Path({str(path)!r})).load())
"""
    began = time.monotonic()
    with RunClock() as run_clock:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == "None\n"
    assert time.monotonic() - began > 2.5
    assert run_clock.elapsed_s < 15


@without
def test_what_is_no_safe_keyring_is_passed_over(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reason = {"no bus": "no system keyring", "null": "stores nothing", "plaintext": "may store plain text"}[VARIANT]
    with RunClock() as run_clock:
        with pytest.raises(StoreError, match=reason):
            opened(path, "keyring").probe(wait_for_unlock=True)
        store = opened(path)
        store.probe(wait_for_unlock=True)
        store.save(new(1))
        assert opened(path).load() == new(1)
    assert run_clock.elapsed_s < 6
    assert store.location() == f"{path} (mode 0600)"
    assert str(path) in caplog.text, "it is said"
    assert not list(Path.home().rglob("*keyring_pass*")), "nothing went into a plain file of the keyring's"
    assert opened(path).delete() == [f"{path} (mode 0600)"]
