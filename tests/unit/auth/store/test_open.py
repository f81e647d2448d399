"""What holds for a token store in every mode."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import Any

import keyring
import pytest
from openai_responses_common.auth.store.base import TokenStore
from openai_responses_common.auth.store.memory import MemoryStore
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import StoreError, TokenRecord

from tests.support.keyrings import DictKeyring, LockedKeyring
from tests.support.token_records import CANARY, new, opened


class Conformance:
    """What holds in every mode."""

    mode = "auto"
    words = ""

    @pytest.fixture(autouse=True)
    def _place(self, path: Path) -> None:
        self.path = path

    def open(self, account: str = "default", **options: Any) -> TokenStore:
        return opened(self.path, self.mode, account=account, **options)

    def test_nothing_at_first(self) -> None:
        assert self.open().load() is None
        assert self.open().delete() == []

    def test_a_record_is_there_for_the_next_store(self) -> None:
        self.open().probe()
        self.open().save(new(1))
        assert self.open().load() == new(1)
        self.open().save(new(2, id_token="x" * 8000, claims={"plan": ["ü", None, 1.5]}))
        assert self.open().load() == new(2, id_token="x" * 8000, claims={"plan": ["ü", None, 1.5]})

    def test_what_is_removed_is_gone(self) -> None:
        self.open().save(new())
        (place,) = self.open().delete()
        assert self.words in place
        assert self.open().load() is None
        assert self.open().delete() == []
        self.open().save(new(3))
        assert self.open().load() == new(3)

    def test_the_place_in_words(self) -> None:
        store = self.open()
        assert self.words in store.location()
        store.save(new())
        assert self.words in store.location()
        assert self.words in self.open().location()

    def test_accounts_are_apart(self) -> None:
        self.open().save(new(1))
        self.open("work@example.org").save(new(2))
        assert self.open("work@example.org").load() == new(2)
        self.open().delete()
        assert self.open("work@example.org").load() == new(2)

    @pytest.mark.parametrize("account", ["", "a/b", "..\\x", "a b", "ä", "x" * 65, "a\n"])
    def test_a_bad_label_is_refused(self, account: str) -> None:
        with pytest.raises(StoreError, match="no name for an account"):
            self.open(account)

    def test_everything_works_under_the_lock_and_from_any_thread(self) -> None:
        store = self.open()
        with store.lock():
            assert store.load() is None
            thread = threading.Thread(target=store.save, args=[new()])
            thread.start()
            thread.join(60)
            assert store.load() == new()
            assert store.delete() != []

    def test_a_save_waits_for_the_lock_of_another_store(self) -> None:
        with self.open().lock():
            thread = threading.Thread(target=self.open().save, args=[new()])
            thread.start()
            thread.join(0.1)
            assert thread.is_alive()
        thread.join(60)
        assert self.open().load() == new()

    def test_a_change_after_the_save_stays_outside(self) -> None:
        tokens: dict[str, Any] = {"refresh_token": "one"}
        self.open().save(TokenRecord(account="a", saved_at=1, tokens=tokens))
        tokens["refresh_token"] = "two"
        loaded = self.open().load()
        assert loaded is not None
        assert loaded.tokens == {"refresh_token": "one"}

    def test_what_is_no_json_is_not_saved(self) -> None:
        self.open().save(new())
        for record in (
            TokenRecord(account="a", saved_at=1, tokens={"key": object()}),
            TokenRecord(account="a", saved_at=float("nan"), tokens={}),
            TokenRecord(account="a", saved_at=1e13, tokens={}),
        ):
            with pytest.raises(StoreError, match="cannot be kept"):
                self.open().save(record)
        assert self.open().load() == new()

    def test_nothing_shows_a_token(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        caplog.set_level(logging.DEBUG)
        store = self.open()
        store.probe(wait_for_unlock=True)
        store.save(new())
        loaded = store.load()
        shown = [
            repr(loaded),
            str(store),
            repr(store),
            store.location(),
            *store.delete(),
            caplog.text,
            *capfd.readouterr(),
        ]
        assert [text for text in shown if CANARY in text] == []


class TestMemory(Conformance):
    mode = "memory"
    words = "memory only"

    def test_nothing_is_written(self) -> None:
        self.open().save(new())
        assert not self.path.parent.exists()

    def test_services_are_apart(self) -> None:
        self.open().save(new())
        assert open_store("memory", service="other", path=self.path).load() is None

    def test_the_lock_has_a_deadline(self) -> None:
        memory = MemoryStore()
        with memory.lock(), pytest.raises(StoreError, match="lock"), memory.lock(deadline_s=0.01):
            pass


class TestFile(Conformance):
    mode = "file"
    words = "tokens.json (mode 0600)"

    @pytest.fixture(autouse=True)
    def _no_keyring(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)


class TestKeyring(Conformance):
    mode = "keyring"
    words = "the system keyring (keyrings)"

    @pytest.fixture(autouse=True)
    def _keyring(self, backend: DictKeyring) -> None:
        self.backend = backend

    def test_no_token_is_in_a_file(self) -> None:
        self.open().save(new())
        assert [each.name for each in self.path.parent.iterdir()] == ["tokens.json.lock"]

    def test_homes_are_apart(self, tmp_path: Path) -> None:
        self.open().save(new(1))
        opened(tmp_path / "other" / "tokens.json", "keyring").save(new(2))
        assert self.open().load() == new(1)

    def test_a_home_is_the_same_through_a_link(self, tmp_path: Path) -> None:
        self.open().save(new(1))
        (tmp_path / "link").symlink_to(self.path.parent)
        assert opened(tmp_path / "link" / "tokens.json", "keyring").load() == new(1)

    def test_without_a_keyring_it_fails_before_the_sign_in(self) -> None:
        keyring.set_keyring(LockedKeyring())
        for action in (self.open().probe, self.open().load, self.open().delete, lambda: self.open().save(new())):
            with pytest.raises(StoreError, match="Unlock or set up a keyring"):
                action()
        assert not self.path.exists()


class TestAutoWithKeyring(Conformance):
    words = "the system keyring (keyrings)"

    @pytest.fixture(autouse=True)
    def _keyring(self, backend: DictKeyring) -> None:
        self.backend = backend


class TestAutoWithoutKeyring(Conformance):
    words = "tokens.json (mode 0600)"

    @pytest.fixture(autouse=True)
    def _keyring(self) -> None:
        keyring.set_keyring(LockedKeyring())
