"""The protocol of a store of one secret, and the token store over it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from .record import ImportRecord, TokenRecord, dump_token_record, load_token_record


class SecretStore(Protocol):
    """Stores one secret text."""

    def location(self) -> str:
        """Return where the secret is stored, for the user."""
        ...

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        """Check that a save would work. `wait_for_unlock` gives the user time to unlock a keyring."""
        ...

    def load(self) -> str | bytes | None:
        """Return the text. None if there is none."""
        ...

    def save(self, text: str) -> None:
        """Replace the text."""
        ...

    def delete(self) -> bool:
        """Remove the text, and return whether there was one."""
        ...


class TokenStore:
    """Stores the record of one account.

    Every method raises `StoreError`, which names the problem and the remedy.

    Args:
        secret_store: stores the record as a text.
        lock: opens the lock of the account.
        import_record: converts the file of another program. None if there is none.
        files: the files whose names begin those of all files of the account. The default is none.
    """

    def __init__(
        self,
        secret_store: SecretStore,
        lock: Callable[[], AbstractContextManager[None]],
        import_record: ImportRecord | None,
        files: Sequence[Path] = (),
    ) -> None:
        self._secret_store = secret_store
        self._open_lock = lock
        self._import_record = import_record
        self._files = files
        self._lock_holder: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._secret_store).__name__})"

    @contextmanager
    def lock(self) -> Generator[None, None, None]:
        """Hold the lock against all other processes, threads and stores of the account. Wait at most 30 seconds for it.

        The methods of this object work under the lock in the thread that holds it. In another thread they wait for it,
        so a sign-out cannot come between the two halves of a refresh. A thread cannot take the lock twice.
        """
        with self._open_lock():
            self._lock_holder = _identify_thread()
            try:
                yield
            finally:
                self._lock_holder = None

    def has_files(self) -> bool:
        """Return whether somebody may have signed in. The store is not opened: a keyring could ask for a password."""
        return any(any(file.parent.glob(f"{file.name}*")) for file in self._files)

    def location(self) -> str:
        """Return where the record is stored, or would be, for the user."""
        return self._secret_store.location()

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        """Check that tokens can be saved, before the user signs in.

        Args:
            wait_for_unlock: whether the user may have to unlock the keyring first, for which we wait 45 seconds, else
                3. The default is False.
        """
        with self._hold_lock():
            pass
        self._secret_store.probe(wait_for_unlock=wait_for_unlock)

    def load(self) -> TokenRecord | None:
        """Return the record. None if nobody has signed in."""
        return self._load_from(self._secret_store)

    def save(self, token_record: TokenRecord) -> None:
        """Replace the record."""
        text = dump_token_record(token_record)
        with self._hold_lock():
            self._secret_store.save(text)

    def delete(self) -> list[str]:
        """Remove the record, and return the locations that it was removed from."""
        with self._hold_lock():
            location = self._secret_store.location()
            return [location] if self._secret_store.delete() else []

    def _load_from(self, secret_store: SecretStore) -> TokenRecord | None:
        text = secret_store.load()
        return None if text is None else load_token_record(text, secret_store.location(), self._import_record)

    @contextmanager
    def _hold_lock(self) -> Generator[None, None, None]:
        """Hold the lock, unless this thread holds it already."""
        if self._lock_holder == _identify_thread():
            yield
            return
        with self.lock():
            yield


def _identify_thread() -> tuple[int, int]:
    """Return what identifies this thread in this process: a child process inherits the object, but not the lock."""
    return os.getpid(), threading.get_ident()
