"""Tests of `open_store`: the contract of token stores in every mode."""

from __future__ import annotations

import sys
from pathlib import Path

import keyring
import pytest
from openai_responses_common.auth.store.base import TokenStore
from openai_responses_common.auth.store.memory import MemoryStore
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import StoreError
from openai_responses_common.testing.store_contract import TokenStoreContract

from tests.support.keyrings import DictKeyring, LockedKeyring
from tests.support.token_records import new, opened


class StoreOfMode(TokenStoreContract):
    """A token store that `open_store` opens in one mode."""

    mode = "auto"

    @pytest.fixture(autouse=True)
    def _path(self, path: Path) -> None:
        self.path = path

    def open(self, account: str = "default") -> TokenStore:
        return opened(self.path, self.mode, account=account)

    @pytest.mark.parametrize("account", ["", "a/b", "..\\x", "a b", "ä", "x" * 65, "a\n"])
    def test_label_with_other_characters_is_refused(self, account: str) -> None:
        with pytest.raises(StoreError, match="not a valid name for an account"):
            self.open(account)


class TestMemory(StoreOfMode):
    mode = "memory"
    location = "memory only"

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


class TestFile(StoreOfMode):
    mode = "file"
    location = "tokens.json (mode 0600)"

    @pytest.fixture(autouse=True)
    def _no_keyring(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)


class TestKeyring(StoreOfMode):
    mode = "keyring"
    location = "the system keyring (keyrings)"

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


class TestAutoWithKeyring(StoreOfMode):
    location = "the system keyring (keyrings)"

    @pytest.fixture(autouse=True)
    def _keyring(self, backend: DictKeyring) -> None:
        self.backend = backend


class TestAutoWithoutKeyring(StoreOfMode):
    location = "tokens.json (mode 0600)"

    @pytest.fixture(autouse=True)
    def _keyring(self) -> None:
        keyring.set_keyring(LockedKeyring())


@pytest.mark.parametrize("mode", ["auto", "keyring", "file"])
def test_a_file_below_an_unknown_home_is_refused(mode: str) -> None:
    with pytest.raises(StoreError, match=r"there is no home directory for ~nobody-of-that-name/t\.json"):
        open_store(mode, service="x", path=Path("~nobody-of-that-name/t.json"))
