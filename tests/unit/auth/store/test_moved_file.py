"""Tests of a file that was in another folder before: it is read there until the first save."""

from __future__ import annotations

import os
from pathlib import Path

import keyring
import pytest
from openai_responses_common.auth.store.base import TokenStore
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import StoreError

from tests.support.keyrings import DictKeyring
from tests.support.token_records import new

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")


@pytest.fixture
def host_folder(tmp_path: Path) -> Path:
    """The folder of a host that was made with umask 002, so that others may write in it."""
    folder = tmp_path / "host"
    folder.mkdir()
    folder.chmod(0o775)
    return folder


def open_moved(host_folder: Path, mode: str = "file") -> TokenStore:
    return open_store(
        mode, service="test", path=host_folder / "credentials" / "t.json", old_path=host_folder / "t.json"
    )


def write_old(host_folder: Path, *, is_safe: bool = True) -> Path:
    host_folder.chmod(0o700)
    open_store("file", service="test", path=host_folder / "t.json").save(new(value="old"))
    host_folder.chmod(0o700 if is_safe else 0o775)
    return host_folder / "t.json"


@pytest.mark.parametrize("mode", ["file", "auto"])
def test_an_old_file_is_read_until_the_first_save(
    host_folder: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    old_file = write_old(host_folder)
    store = open_moved(host_folder, mode)
    for _ in range(2):
        record = store.load()
        assert record is not None
        assert record.tokens["value"] == "old"
    store.save(new(value="new"))
    assert not old_file.exists()
    record = open_moved(host_folder, mode).load()
    assert record is not None
    assert record.tokens["value"] == "new"


def test_a_removal_removes_the_old_file_too(host_folder: Path) -> None:
    old_file = write_old(host_folder)
    store = open_moved(host_folder)
    assert store.delete()
    assert not old_file.exists()
    assert store.load() is None
    assert not store.delete()


def test_an_old_file_that_others_may_replace_counts_as_absent(host_folder: Path) -> None:
    write_old(host_folder, is_safe=False)
    assert open_moved(host_folder).load() is None


@pytest.mark.parametrize("mode", ["file", "auto", "keyring"])
def test_the_mode_of_the_hosts_folder_does_not_matter(
    host_folder: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(DictKeyring())
    before = os.umask(0o002)
    try:
        store = open_moved(host_folder, mode)
        store.probe()
        store.save(new(value="kept"))
    finally:
        os.umask(before)
    record = open_moved(host_folder, mode).load()
    assert record is not None
    assert record.tokens["value"] == "kept"
    assert (host_folder / "credentials").stat().st_mode & 0o777 == 0o700


def test_a_keyring_needs_no_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keyring.set_keyring(DictKeyring())
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "t.json"  # nobody can make that folder
    store = open_store("keyring", service="test", path=path)
    store.probe()
    store.save(new(value="kept"))
    assert store.load() is not None
    assert "not locked against other processes" in caplog.text
    with pytest.raises(StoreError):
        open_store("file", service="test", path=path).save(new())


def test_entries_of_the_keyring_keep_their_names(host_folder: Path) -> None:
    keyring.set_keyring(DictKeyring())
    host_folder.chmod(0o700)
    open_store("keyring", service="test", path=host_folder / "t.json").save(new(value="old"))
    record = open_moved(host_folder, "keyring").load()
    assert record is not None
    assert record.tokens["value"] == "old"
