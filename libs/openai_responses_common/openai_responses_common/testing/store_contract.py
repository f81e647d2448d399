"""The tests that every store of secrets and every token store has to pass."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ..auth.store.base import SecretStore, TokenStore
from ..auth.store.record import StoreError, TokenRecord

SECRET = "contract-secret-7"


class SecretStoreContract:
    """Inherit it and define `build`."""

    def build(self) -> SecretStore:
        """Return a store of one secret; each call within one test returns a store of the same secret."""
        raise NotImplementedError

    def test_new_store_is_empty(self) -> None:
        store = self.build()
        store.probe()
        assert store.load() is None
        assert store.delete() is False

    def test_secret_is_there_for_the_next_store(self) -> None:
        for text in ("one", "two" * 2000, "three"):
            self.build().save(text)
            assert _decode(self.build().load()) == text

    def test_deleted_secret_is_gone(self) -> None:
        self.build().save(SECRET)
        assert self.build().delete() is True
        assert self.build().load() is None

    def test_location_does_not_show_the_secret(self) -> None:
        store = self.build()
        store.save(SECRET)
        assert store.location() != ""
        assert SECRET not in store.location() + repr(store)


class TokenStoreContract:
    """Inherit it and define `open`.

    Attributes:
        location: a part of the location of the tokens.
    """

    location = ""

    def open(self, account: str = "default") -> TokenStore:
        """Return a store of an account; each call within one test returns a store of the same place."""
        raise NotImplementedError

    def test_new_store_is_empty(self) -> None:
        assert self.open().load() is None
        assert self.open().delete() == []

    def test_record_is_there_for_the_next_store(self) -> None:
        self.open().probe()
        self.open().save(build_record(1))
        assert self.open().load() == build_record(1)
        self.open().save(build_record(2, id_token="x" * 8000, claims={"plan": ["\u00fc", None, 1.5]}))
        assert self.open().load() == build_record(2, id_token="x" * 8000, claims={"plan": ["\u00fc", None, 1.5]})

    def test_deleted_record_is_gone(self) -> None:
        self.open().save(build_record())
        (location,) = self.open().delete()
        assert self.location in location
        assert self.open().load() is None
        assert self.open().delete() == []
        self.open().save(build_record(3))
        assert self.open().load() == build_record(3)

    def test_location_is_the_same_before_and_after_a_save(self) -> None:
        store = self.open()
        assert self.location in store.location()
        store.save(build_record())
        assert self.location in store.location()
        assert self.location in self.open().location()

    def test_accounts_are_separate(self) -> None:
        self.open().save(build_record(1))
        self.open("work@example.org").save(build_record(2))
        assert self.open("work@example.org").load() == build_record(2)
        self.open().delete()
        assert self.open("work@example.org").load() == build_record(2)

    def test_all_methods_work_under_the_lock(self) -> None:
        store = self.open()
        with store.lock():
            assert store.load() is None
            store.save(build_record())
            assert store.load() == build_record()
            assert store.delete() != []

    def test_other_thread_waits_for_the_lock(self) -> None:
        """A sign-out during a refresh removes what the refresh saves."""
        store = self.open()
        store.save(build_record(1))
        with store.lock():
            sign_out = threading.Thread(target=store.delete)
            sign_out.start()
            sign_out.join(0.1)
            assert sign_out.is_alive()
            store.save(build_record(2))
        sign_out.join(60)
        assert self.open().load() is None

    def test_save_waits_for_the_lock_of_another_store(self) -> None:
        with self.open().lock():
            thread = threading.Thread(target=self.open().save, args=[build_record()])
            thread.start()
            thread.join(0.1)
            assert thread.is_alive()
        thread.join(60)
        assert self.open().load() == build_record()

    def test_change_after_the_save_is_not_saved(self) -> None:
        tokens: dict[str, Any] = {"refresh_token": "one"}
        self.open().save(TokenRecord(account="a", saved_at=1, tokens=tokens))
        tokens["refresh_token"] = "two"
        loaded = self.open().load()
        assert loaded is not None
        assert loaded.tokens == {"refresh_token": "one"}

    def test_record_that_is_not_json_is_refused(self) -> None:
        self.open().save(build_record())
        for record in (
            TokenRecord(account="a", saved_at=1, tokens={"key": object()}),
            TokenRecord(account="a", saved_at=float("nan"), tokens={}),
            TokenRecord(account="a", saved_at=1e13, tokens={}),
        ):
            try:
                self.open().save(record)
            except StoreError:
                continue
            raise AssertionError(f"{record} was saved")
        assert self.open().load() == build_record()

    def test_nothing_shows_a_token(self) -> None:
        with _LogTexts() as texts:
            store = self.open()
            store.probe(wait_for_unlock=True)
            store.save(build_record())
            loaded = store.load()
            texts += [repr(loaded), str(store), repr(store), store.location(), *store.delete()]
        assert [text for text in texts if SECRET in text] == []


class _LogTexts(logging.Handler):
    """Collects all that is logged inside the context."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))

    def __enter__(self) -> list[str]:
        root = logging.getLogger()
        self._level_before = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        return self.texts

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level_before)


def build_record(number: int = 1, **tokens: Any) -> TokenRecord:
    """Return a record; a higher number is a newer one.

    Args:
        number: the age of the record. The default is 1.
        tokens: further tokens.
    """
    return TokenRecord(
        account="someone@example.org",
        saved_at=1_700_000_000.5 + number,
        expires_at=1_700_003_600.0 + number,
        tokens={"refresh_token": f"{SECRET}-{number}", **tokens},
    )


def _decode(text: str | bytes | None) -> str | None:
    return text.decode() if isinstance(text, bytes) else text
