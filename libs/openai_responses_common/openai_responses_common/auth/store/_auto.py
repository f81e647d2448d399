"""The token store that uses the keyring, or a file if there is no usable keyring."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ._auto_choice import StoreChoice, StoreChoiceFile
from .base import SecretStore, TokenStore
from .file import FileStore
from .keyring import KeyringStore, KeyringUnusable
from .record import ImportRecord, StoreError, TokenRecord, dump_token_record

logger = logging.getLogger(__name__)
_reported_paths: set[Path] = set()


class AutoStore(TokenStore):
    """Uses the keyring, or with a warning the file, and remembers that until the next sign-in.

    After a crash between two steps both may hold a record. Then the later one is valid, and the other is removed.
    """

    def __init__(
        self,
        keyring: KeyringStore,
        file: FileStore,
        lock: Callable[[], AbstractContextManager[None]],
        import_record: ImportRecord | None,
        files: Sequence[Path] = (),
    ) -> None:
        super().__init__(keyring, lock, import_record, files)
        self._keyring = keyring
        self._file = file
        self._choice_file = StoreChoiceFile(file.path)
        self._last_used_store: SecretStore | None = None

    def location(self) -> str:
        if self._last_used_store is not None:
            return self._last_used_store.location()
        if self._read_file_reason():
            return self._file.location()
        try:
            self._keyring.probe()
            return self._keyring.location()
        except KeyringUnusable:
            return self._file.location()

    def probe(self, *, wait_for_unlock: bool = False) -> None:
        with self._hold_lock():
            self._file.probe()
            if self._read_file_reason() and not wait_for_unlock:
                return
        try:
            self._keyring.probe(wait_for_unlock=wait_for_unlock)
        except KeyringUnusable as error:
            logger.info("tokens will be stored in %s: %s", self._file.path, error.reason)
            return
        with self._hold_lock():
            self._save_choice(StoreChoice(keyring_used=self._choice_file.load().keyring_used))

    def load(self) -> TokenRecord | None:
        in_keyring, in_file = self._load_copies()
        if in_keyring is not None and in_file is not None:
            with self._hold_lock():
                in_keyring, in_file = self._delete_older_copy(*self._load_copies())
        self._last_used_store = self._keyring if in_keyring else self._file if in_file else None
        return in_keyring or in_file

    def save(self, token_record: TokenRecord) -> None:
        text = dump_token_record(token_record)
        with self._hold_lock():
            reason = self._read_file_reason() or self._save_in_keyring(text)
            if not reason:
                return
            # Save the choice first: without the file it has no effect, but a file without it might be an older copy.
            self._save_choice(StoreChoice(reason=reason, keyring_used=self._choice_file.load().keyring_used))
            self._file.save(text)
            self._last_used_store = self._file
        if self._file.path not in _reported_paths:
            _reported_paths.add(self._file.path)
            logger.warning("tokens are kept in %s, not in a keyring: %s", self._file.location(), reason)

    def _save_in_keyring(self, text: str) -> str:
        """Save in the keyring and delete the file. Return why that is not possible; empty if it was done."""
        try:
            self._keyring.probe()
            self._save_choice(StoreChoice(keyring_used=True))
            self._keyring.save(text)
        except KeyringUnusable as error:
            return error.reason
        self._try_delete(self._file)
        self._last_used_store = self._keyring
        return ""

    def delete(self) -> list[str]:
        removed: list[str] = []
        failed: list[str] = []
        with self._hold_lock():
            choice = self._choice_file.load()
            for secret_store in (self._keyring, self._file):
                try:
                    removed += [secret_store.location()] if secret_store.delete() else []
                except KeyringUnusable as error:
                    if choice.keyring_used:
                        failed.append(f"a copy of the tokens may be left in the keyring: {error.reason}")
                except StoreError as error:
                    failed.append(str(error))
            if not failed:
                self._choice_file.delete()
                self._last_used_store = None
        if failed:
            raise StoreError("; ".join([*failed, "remove the cause, then sign out again"]))
        return removed

    def _load_copies(self) -> tuple[TokenRecord | None, TokenRecord | None]:
        """Return the records of the keyring and the file. The keyring is not read if the file was chosen before."""
        in_file = self._load_from(self._file)
        choice = self._choice_file.load()
        if in_file is not None and choice.reason:
            return None, in_file
        try:
            return self._load_from(self._keyring), in_file
        except KeyringUnusable as error:
            reason = error.reason
        if choice.keyring_used:
            # A crash left a file that was not chosen: it is from the time before the keyring.
            raise StoreError(f"the tokens are in the keyring, but {reason}. Unlock it, or sign in again")
        return None, in_file

    def _delete_older_copy(
        self, in_keyring: TokenRecord | None, in_file: TokenRecord | None
    ) -> tuple[TokenRecord | None, TokenRecord | None]:
        if in_keyring is None or in_file is None:
            return in_keyring, in_file
        if in_keyring.saved_at >= in_file.saved_at:
            self._try_delete(self._file)
            return in_keyring, None
        if self._try_delete(self._keyring):
            self._save_choice(StoreChoice())
        return None, in_file

    def _read_file_reason(self) -> str:
        """Return why the file was chosen before; empty if it was not, or is not there."""
        return self._choice_file.load().reason if self._file.path.is_file() else ""

    def _save_choice(self, choice: StoreChoice) -> None:
        try:
            self._choice_file.save(choice)
        except StoreError as error:
            logger.warning(
                "cannot save where the tokens are stored, so the next run will look for them again: %s", error
            )

    def _try_delete(self, secret_store: SecretStore) -> bool:
        try:
            secret_store.delete()
        except StoreError as error:
            # The tokens that were loaded or saved are valid all the same; the user has to remove the other copy.
            logger.warning("an older copy of the tokens is left: %s", error)
            return False
        return True
