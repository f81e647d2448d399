"""The protocol of a store of secrets, and the token store over one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from .record import Adopt, Record, decode_record, encode_record


class Place(Protocol):
    """Keeps one secret text."""

    def place(self) -> str:
        """Where that is, in words."""
        ...

    def probe(self, *, patient: bool = False) -> None:
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

    def __init__(self, place: Place, lock: Callable[[], AbstractContextManager[None]], adopt: Adopt | None) -> None:
        self._place = place
        self._take = lock
        self._adopt = adopt
        self._owner: int | None = None
        self._busy = threading.RLock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._place).__name__})"

    @contextmanager
    def lock(self) -> Generator[None, None, None]:
        """Keep every other process and every other store of the same account out; for 30 seconds it waits for them.

        While this object holds the lock its methods work under it, in whichever thread. It is not taken twice.
        """
        with self._take():
            self._owner = os.getpid()
            try:
                yield
            finally:
                with self._busy:
                    self._owner = None

    def place(self) -> str:
        """Where the record is kept, or would be, in words for a person."""
        return self._place.place()

    def probe(self, *, patient: bool = False) -> None:
        """See that tokens could be saved, before a person goes through a sign-in.

        Args:
            patient: a person is there, who may have to unlock the keyring first: it is waited for 45 seconds, not 3.
                Ask nothing else of the store before, since a keyring that was late once is not asked again.
        """
        with self._exclusive():
            pass
        self._place.probe(patient=patient)

    def load(self) -> Record | None:
        """The record, or None where nobody has signed in."""
        return self._record(self._place)

    def save(self, record: Record) -> None:
        """Keep a record instead of the one before."""
        text = encode_record(record)
        with self._exclusive():
            self._place.save(text)

    def delete(self) -> list[str]:
        """Remove the record; the places it was removed from, in words."""
        with self._exclusive():
            place = self._place.place()
            return [place] if self._place.delete() else []

    def _record(self, place: Place) -> Record | None:
        text = place.load()
        return None if text is None else decode_record(text, place.place(), self._adopt)

    @contextmanager
    def _exclusive(self) -> Generator[None, None, None]:
        """Under the lock, taken unless this object holds it already; one thread of this object at a time."""
        with self._busy:
            # A child process inherits the object, but not the lock.
            if self._owner == os.getpid():
                yield
                return
        # Never waiting for the lock while being busy: its holder may need this object to give it back.
        with self.lock(), self._busy:
            yield
