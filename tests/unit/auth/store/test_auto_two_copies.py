"""A token store whose record is both in the keyring and in a file: of two, the later counts."""

from __future__ import annotations

import threading
from pathlib import Path

import keyring
import pytest
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.record import StoreError, TokenRecord, dump_token_record

from tests.support.keyrings import Crash, DictKeyring, LockedKeyring
from tests.support.token_records import CANARY, names, new, opened, plant, refused


@pytest.mark.parametrize(("in_keyring", "in_file"), [(1, 2), (2, 1), (2, 2)])
def test_of_two_copies_the_later_counts_and_the_other_is_removed(
    path: Path, backend: DictKeyring, in_keyring: int, in_file: int
) -> None:
    opened(path).save(new(in_keyring))
    opened(path, "file").save(new(in_file))
    assert opened(path).load() == new(2)
    assert path.exists() == (in_file > in_keyring)
    assert bool(backend.entries) == (in_file <= in_keyring)
    assert opened(path).load() == new(2)


def test_two_copies_are_sorted_out_under_the_lock(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(1))
    opened(path, "file").save(new(2))
    loaded: list[TokenRecord | None] = []
    thread = threading.Thread(target=lambda: loaded.append(opened(path).load()))
    store = opened(path)
    with store.lock():
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        store.save(new(3))
    thread.join(60)
    assert loaded == [new(3)]
    assert opened(path).load() == new(3)


def test_a_copy_that_cannot_be_removed_is_said(
    path: Path, backend: DictKeyring, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened(path, "file").save(new(1))

    def unlink(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        opened(path).save(new(2))
        assert "an older copy of the tokens is left" in caplog.text
        assert str(path) in caplog.text
        with pytest.raises(StoreError, match=f"cannot remove {path}"):
            opened(path).delete()
    assert opened(path).delete() != []
    assert opened(path).load() is None


def test_a_damaged_keyring_is_not_passed_over_for_an_older_file(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(2))
    plant(path, dump_token_record(new(1)))
    key = min(backend.entries)  # the first chunk on Windows, the only entry elsewhere
    backend.entries[key] = CANARY
    error = refused(opened(path), "sign in again")
    assert error.__context__ is None
    assert path.exists()
    opened(path).save(new(3))
    assert opened(path).load() == new(3)


def test_tokens_behind_a_lock_are_not_the_same_as_none(path: Path, backend: DictKeyring) -> None:
    keyring.set_keyring(LockedKeyring())
    assert opened(path).load() is None
    keyring.set_keyring(backend)
    opened(path).save(new())
    keyring.set_keyring(LockedKeyring())
    refused(opened(path), "the tokens are in the keyring", "Failed to unlock", "Unlock it")
    opened(path).save(new(2))
    assert opened(path).load() == new(2)
    keyring.set_keyring(backend)
    assert opened(path).load() == new(2), "the choice stands, and the older copy is not even looked at"


def test_a_sign_out_says_that_the_keyring_may_hold_a_copy(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(1))
    keyring.set_keyring(LockedKeyring())
    opened(path).save(new(2))
    with pytest.raises(StoreError, match="may be left in the keyring"):
        opened(path).delete()
    assert not path.exists(), "what can be removed is"
    keyring.set_keyring(backend)
    assert opened(path).delete() == ["the system keyring (keyrings)"]
    assert backend.entries == {}
    assert names(path) == set()


def test_a_sign_out_removes_every_copy(path: Path, backend: DictKeyring) -> None:
    opened(path).save(new(1))
    opened(path, "file").save(new(2))
    assert opened(path).delete() == ["the system keyring (keyrings)", f"{path} (mode 0600)"]
    assert backend.entries == {}
    assert names(path) == set()


@pytest.mark.parametrize("now", ["unlocked", "locked"])
@pytest.mark.parametrize("step", ["choice", "keyring", "file"])
def test_a_crash_on_the_way_from_the_file_to_the_keyring(
    path: Path, backend: DictKeyring, monkeypatch: pytest.MonkeyPatch, step: str, now: str
) -> None:
    opened(path, "file").save(new(1))

    def crash(*args: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        match step:
            case "choice":
                patch.setattr(FileStore, "save", crash)
            case "keyring":
                patch.setattr(DictKeyring, "set_password", crash)
            case _:
                patch.setattr(FileStore, "delete", crash)
        with pytest.raises(Crash):
            opened(path).save(new(2))
    if now == "locked":
        keyring.set_keyring(LockedKeyring())
    if step == "choice" or (step, now) == ("keyring", "unlocked"):
        assert opened(path).load() == new(1)
    elif now == "locked":
        # The file may be older than what is in the keyring, and a token in it spent.
        refused(opened(path), "the tokens are in the keyring")
    else:
        assert opened(path).load() == new(2)
        assert not path.exists()


@pytest.mark.parametrize("now", ["unlocked", "locked"])
@pytest.mark.parametrize("done", [False, True])
def test_a_crash_on_the_way_from_the_keyring_to_the_file(
    path: Path, backend: DictKeyring, monkeypatch: pytest.MonkeyPatch, done: bool, now: str
) -> None:
    opened(path).save(new(1))
    keyring.set_keyring(LockedKeyring())
    original = FileStore.save

    def crash(self: FileStore, text: str) -> None:
        if done or self.path != path:
            original(self, text)
        if self.path == path:
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "save", crash)
        with pytest.raises(Crash):
            opened(path).save(new(2))
    if now == "unlocked":
        keyring.set_keyring(backend)
    if done:
        assert opened(path).load() == new(2)
    elif now == "unlocked":
        assert opened(path).load() == new(1)
    else:
        refused(opened(path), "the tokens are in the keyring")
