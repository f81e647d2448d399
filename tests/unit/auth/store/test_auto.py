"""A token store that chooses between the keyring and a file, and remembers what it chose."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import keyring
import pytest
from openai_responses_common.auth.store import _auto as token_store
from openai_responses_common.auth.store import keyring as keyring_store
from openai_responses_common.auth.store import open as open_store_module
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.record import StoreError

from tests.support.keyrings import DictKeyring, HangingKeyring, LockedKeyring, ReadOnlyKeyring
from tests.support.token_records import CANARY, names, new, opened, posix


def test_without_a_keyring_the_file_is_chosen_with_one_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keyring.set_keyring(LockedKeyring())
    opened(path).save(new(1))
    opened(path).save(new(2))
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert str(path) in record.message
    assert "Failed to unlock the collection!" in record.message
    assert CANARY not in caplog.text
    assert names(path) == {"", ".choice"}
    assert CANARY not in path.with_name("tokens.json.choice").read_text()


def test_the_choice_is_remembered_and_the_keyring_not_asked_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keyring_store, "READ_DEADLINE_S", 0.05)
    hanging = HangingKeyring()
    keyring.set_keyring(hanging)
    opened(path).save(new(1))
    hanging.answered.set()
    monkeypatch.setattr(keyring_store, "_pause", keyring_store._Pause())
    monkeypatch.setattr(token_store, "_reported_paths", set())
    hanging.calls.clear()
    caplog.clear()
    assert opened(path).load() == new(1)
    opened(path).probe()
    opened(path).save(new(2))
    assert opened(path).load() == new(2)
    assert hanging.calls == []
    assert "0.05 s" in caplog.text, "the reason is remembered too"


def test_a_sign_in_asks_the_keyring_again(path: Path) -> None:
    keyring.set_keyring(LockedKeyring())
    opened(path).save(new(1))
    backend = DictKeyring()
    keyring.set_keyring(backend)
    store = opened(path)
    store.probe(wait_for_unlock=True)
    assert store.load() == new(1)
    store.save(new(2))
    assert names(path) == {".choice"}
    assert opened(path).load() == new(2)
    assert "keyring" in store.location()


def test_a_patient_probe_without_a_keyring_is_no_error(path: Path) -> None:
    keyring.set_keyring(LockedKeyring())
    store = opened(path)
    store.probe(wait_for_unlock=True)
    assert str(path) in store.location()
    store.save(new())
    assert store.load() == new()


@posix
def test_a_probe_finds_out_that_the_file_could_not_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    keyring.set_keyring(LockedKeyring())
    with pytest.raises(StoreError, match="chmod go-w"):
        opened(path).probe(wait_for_unlock=True)
    path.parent.chmod(0o700)
    opened(path).probe(wait_for_unlock=True)

    def full(**options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(StoreError, match="No space left on device"):
        opened(path).probe(wait_for_unlock=True)


def test_a_keyring_that_cannot_be_written_leaves_the_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keyring.set_keyring(ReadOnlyKeyring())
    opened(path).probe()
    opened(path).save(new())
    assert opened(path).load() == new()
    assert "PasswordSetError" in caplog.text
    assert CANARY not in caplog.text


def test_a_choice_that_cannot_be_remembered_is_no_failure(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keyring.set_keyring(LockedKeyring())
    original = FileStore.save

    def save(self: FileStore, text: str) -> None:
        if self.path != path:
            raise StoreError("cannot write it")
        original(self, text)

    monkeypatch.setattr(FileStore, "save", save)
    opened(path).save(new())
    assert opened(path).load() == new()
    assert "look for them again" in caplog.text


def test_a_file_that_won_is_not_looked_for_in_the_keyring(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(1))
    opened(path, "file").save(new(2))
    assert opened(path).load() == new(2)
    keyring.set_keyring(LockedKeyring())
    assert opened(path).load() == new(2)


def test_an_unknown_mode_is_refused(path: Path) -> None:
    with pytest.raises(StoreError, match="auto, keyring, file, memory"):
        opened(path, "plain")


def test_opening_touches_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    for mode in open_store_module.STORE_MODES:
        opened(path, mode)
    assert not path.parent.exists()


def test_a_path_is_that_of_the_time_it_was_given(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = opened(Path("home/tokens.json"), "file")
    monkeypatch.chdir("/")
    store.save(new())
    assert path.exists()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert opened(Path("~/home/tokens.json"), "file").load() == new()
