"""The protocol of a store of secrets, and the token store over one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from .record import ImportRecord, TokenRecord, dump_token_record, load_token_record


class SecretStore(Protocol):
    """Keeps one secret text."""

    def location(self) -> str:
        """Where that is, in words."""
        ...

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        """See that a save would work; a patient one waits for a person to unlock what is locked."""
        ...

    def load(self) -> str | bytes | None:
        """The text, or None."""
        ...

    def save(self, text: str) -> None:
        """Keep a text instead of the one before."""
        ...

    def delete(self) -> bool:
        """Remove the text; whether there was one."""
        ...


class TokenStore:
    """The record of one account in one place.

    Every method raises `StoreError` with what is wrong and what to do.
    """

    def __init__(
        self,
        secret_store: SecretStore,
        lock: Callable[[], AbstractContextManager[None]],
        import_record: ImportRecord | None,
    ) -> None:
        self._secret_store = secret_store
        self._open_lock = lock
        self._import_record = import_record
        self._lock_owner_pid: int | None = None
        self._thread_lock = threading.RLock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._secret_store).__name__})"

    @contextmanager
    def lock(self) -> Generator[None, None, None]:
        """Keep every other process and every other store of the same account out; for 30 seconds it waits for them.

        While this object holds the lock its methods work under it, in whichever thread. It is not taken twice.
        """
        with self._open_lock():
            self._lock_owner_pid = os.getpid()
            try:
                yield
            finally:
                with self._thread_lock:
                    self._lock_owner_pid = None

    def location(self) -> str:
        """Where the record is kept, or would be, in words for a person."""
        return self._secret_store.location()

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        """See that tokens could be saved, before a person goes through a sign-in.

        Args:
            patient: a person is there, who may have to unlock the keyring first: it is waited for 45 seconds, not 3.
                Ask nothing else of the store before, since a keyring that was late once is not asked again.
        """
        with self._hold_lock():
            pass
        self._secret_store.probe(wait_for_unlock=wait_for_unlock)

    def load(self) -> TokenRecord | None:
        """The record, or None where nobody has signed in."""
        return self._load_from(self._secret_store)

    def save(self, token_record: TokenRecord) -> None:
        """Keep a record instead of the one before."""
        text = dump_token_record(token_record)
        with self._hold_lock():
            self._secret_store.save(text)

    def delete(self) -> list[str]:
        """Remove the record; the places it was removed from, in words."""
        with self._hold_lock():
            place = self._secret_store.location()
            return [place] if self._secret_store.delete() else []

    def _load_from(self, secret_store: SecretStore) -> TokenRecord | None:
        text = secret_store.load()
        return None if text is None else load_token_record(text, secret_store.location(), self._import_record)

    @contextmanager
    def _hold_lock(self) -> Generator[None, None, None]:
        """Under the lock, taken unless this object holds it already; one thread of this object at a time."""
        with self._thread_lock:
            # A child process inherits the object, but not the lock.
            if self._lock_owner_pid == os.getpid():
                yield
                return
        # Never waiting for the lock while being busy: its holder may need this object to give it back.
        with self.lock(), self._thread_lock:
            yield
