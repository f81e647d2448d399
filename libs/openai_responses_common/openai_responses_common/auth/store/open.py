"""Where the tokens of a sign-in are kept between calls and between processes: keyring, file or memory.

Everything here blocks: run it in a daemon thread (`daemon.start`). A refresh token may be good for a single use, so a
renewal happens under the store's lock, from reading the newest record to having saved the next one::

    with store.lock():
        record = store.load()                # another process may have renewed it meanwhile
        if record is None or stale(record):
            record = renew(record)           # spends the refresh token
            store.save(record)               # before anything uses the new one

Tokens never go to a less safe place silently, no older copy is taken for a newer one that is damaged, and a copy that
cannot be removed is said.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from ._choice import Choice, ChoiceFile
from .file import FileStore
from .keyring import KeyringStore, KeyringUnusable
from .lock import file_lock
from .memory import MemoryStore
from .record import Adopt, Record, StoreError, decode_record, encode_record

MODES = ("auto", "keyring", "file", "memory")

_LABEL = re.compile(r"[A-Za-z0-9._@-]{1,64}")

_log = logging.getLogger(__name__)
_warned: set[Path] = set()


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


class _AutoStore(TokenStore):
    """The keyring where it can be used, else the file, said in a warning and remembered until the next sign-in.

    Both hold a record after a crash between two steps: the later one counts, and the other is removed.
    """

    def __init__(
        self,
        keyring: KeyringStore,
        file: FileStore,
        lock: Callable[[], AbstractContextManager[None]],
        adopt: Adopt | None,
    ) -> None:
        super().__init__(keyring, lock, adopt)
        self._keyring = keyring
        self._file = file
        self._choices = ChoiceFile(file.path)
        self._last: Place | None = None

    def place(self) -> str:
        if self._last is not None:
            return self._last.place()
        if self._file_chosen():
            return self._file.place()
        try:
            self._keyring.probe()
            return self._keyring.place()
        except KeyringUnusable:
            return self._file.place()

    def probe(self, *, patient: bool = False) -> None:
        with self._exclusive():
            self._file.probe()
            if self._file_chosen() and not patient:
                return
        try:
            self._keyring.probe(patient=patient)
        except KeyringUnusable as error:
            _log.info("tokens will be kept in %s: %s", self._file.path, error.reason)
            return
        with self._exclusive():
            self._remember(Choice(keyring_used=self._choices.load().keyring_used))

    def load(self) -> Record | None:
        in_keyring, in_file = self._copies()
        if in_keyring is not None and in_file is not None:
            with self._exclusive():
                in_keyring, in_file = self._one_copy(*self._copies())
        self._last = self._keyring if in_keyring else self._file if in_file else None
        return in_keyring or in_file

    def save(self, record: Record) -> None:
        text = encode_record(record)
        with self._exclusive():
            reason = self._file_chosen() or self._saved_in_keyring(text)
            if not reason:
                return
            # First the choice: without the file it counts for nothing, while a file without it might be an older copy.
            self._remember(Choice(reason=reason, keyring_used=self._choices.load().keyring_used))
            self._file.save(text)
            self._last = self._file
        if self._file.path not in _warned:
            _warned.add(self._file.path)
            _log.warning("tokens are kept in %s, not in a keyring: %s", self._file.place(), reason)

    def _saved_in_keyring(self, text: str) -> str:
        """Save in the keyring and nowhere else; why that was not possible, empty if it was."""
        try:
            self._keyring.probe()
            self._remember(Choice(keyring_used=True))
            self._keyring.save(text)
        except KeyringUnusable as error:
            return error.reason
        self._remove(self._file)
        self._last = self._keyring
        return ""

    def delete(self) -> list[str]:
        removed: list[str] = []
        failed: list[str] = []
        with self._exclusive():
            choice = self._choices.load()
            for place in (self._keyring, self._file):
                try:
                    removed += [place.place()] if place.delete() else []
                except KeyringUnusable as error:
                    if choice.keyring_used:
                        failed.append(f"a copy of the tokens may be left in the keyring: {error.reason}")
                except StoreError as error:
                    failed.append(str(error))
            if not failed:
                self._choices.delete()
                self._last = None
        if failed:
            raise StoreError("; ".join([*failed, "sign out again when that is mended"]))
        return removed

    def _copies(self) -> tuple[Record | None, Record | None]:
        """What the keyring and the file hold; the keyring is left alone where the file was chosen before."""
        in_file = self._record(self._file)
        choice = self._choices.load()
        if in_file is not None and choice.reason:
            return None, in_file
        try:
            return self._record(self._keyring), in_file
        except KeyringUnusable as error:
            reason = error.reason
        if choice.keyring_used:
            # A file that was not chosen is what a crash left of the time before the keyring.
            raise StoreError(f"the tokens are in the keyring, but {reason}. Unlock it, or sign in again")
        return None, in_file

    def _one_copy(self, in_keyring: Record | None, in_file: Record | None) -> tuple[Record | None, Record | None]:
        if in_keyring is None or in_file is None:
            return in_keyring, in_file
        if in_keyring.saved_at >= in_file.saved_at:
            self._remove(self._file)
            return in_keyring, None
        if self._remove(self._keyring):
            self._remember(Choice())
        return None, in_file

    def _file_chosen(self) -> str:
        """Why the file was chosen before, while it is there; empty if it was not."""
        return self._choices.load().reason if self._file.path.is_file() else ""

    def _remember(self, choice: Choice) -> None:
        try:
            self._choices.save(choice)
        except StoreError as error:
            _log.warning("the next run will have to find out again where the tokens are: %s", error)

    def _remove(self, place: Place) -> bool:
        try:
            place.delete()
        except StoreError as error:
            # What was loaded or saved is good all the same; a person has to remove the other.
            _log.warning("an older copy of the tokens is left: %s", error)
            return False
        return True


_memory: dict[tuple[str, str], MemoryStore] = {}


def open_store(
    mode: str, *, service: str, path: Path, account: str = "default", adopt: Adopt | None = None
) -> TokenStore:
    """A store for the tokens of one account; nothing is read, written or asked yet.

    Args:
        mode: `auto` is the keyring, or where it cannot be used the file, with a warning; `keyring` and `file` are that
            alone; `memory` is shared by all stores of the same service and account in this process.
        service: in the names of the keyring's entries.
        path: the file. The lock lies beside it in every mode but memory.
        account: a label, for those who have several; each has a file and entries of its own.
        adopt: takes over the file of another program.

    Raises:
        StoreError: the mode is unknown, or the label has other characters than letters, digits and `.`, `_`, `@`, `-`.
    """
    for name in (service, account):
        if not _LABEL.fullmatch(name):
            raise StoreError(f"{name!r} is no name for an account: use at most 64 letters, digits, `.`, `_`, `@`, `-`")
    if mode == "memory":
        memory = _memory.setdefault((service, account), MemoryStore())
        return TokenStore(memory, memory.lock, adopt)
    path = path.expanduser().absolute()
    file = FileStore(path if account == "default" else path.with_name(f"{path.stem}.{account}{path.suffix}"))
    keyring = KeyringStore(f"amplifier-{service}-{_home(path)}/{account}")

    def lock() -> AbstractContextManager[None]:
        return file_lock(file.path.with_name(f"{file.path.name}.lock"))

    match mode:
        case "auto":
            return _AutoStore(keyring, file, lock, adopt)
        case "keyring":
            return TokenStore(keyring, lock, adopt)
        case "file":
            return TokenStore(file, lock, adopt)
        case _:
            raise StoreError(f"unknown token store {mode!r}: use one of {', '.join(MODES)}")


def _home(path: Path) -> str:
    """Keeps apart what several home directories have in one keyring."""
    return hashlib.sha256(str(path.parent.resolve() / path.name).encode(errors="surrogateescape")).hexdigest()[:12]
