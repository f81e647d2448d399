"""The token store that chooses between keyring and file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from ._choice import Choice, ChoiceFile
from .base import Place, TokenStore
from .file import FileStore
from .keyring import KeyringStore, KeyringUnusable
from .record import Adopt, Record, StoreError, encode_record

_log = logging.getLogger(__name__)
_warned: set[Path] = set()


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
