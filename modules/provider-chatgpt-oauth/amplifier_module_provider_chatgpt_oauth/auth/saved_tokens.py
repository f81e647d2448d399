"""The tokens of one account in its store, and newer ones that could not be saved yet.

Every method blocks. The caller holds the lock from reading the tokens until new ones are saved; see `open_store`.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager
from dataclasses import replace

from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import StoreError, TokenRecord

from ..account_settings import AccountSettings
from .tokens import Tokens, read_microsoft_record

logger = logging.getLogger(__name__)

_SAVE_RETRY_INTERVAL_S = 15.0


class SavedTokens:
    """The saved tokens of one account. Every method but `retry_save` raises `StoreError`."""

    def __init__(self, settings: AccountSettings) -> None:
        self._store = open_store(
            settings.token_store,
            service="chatgpt-plan" if settings.mode == "plan" else "chatgpt-oauth",
            path=settings.token_file,
            old_path=settings.old_token_file,
            account=settings.account,
            import_record=None if settings.mode == "plan" else read_microsoft_record,
        )
        self._unsaved_record: TokenRecord | None = None
        self._next_save_time_s = 0.0

    def lock(self) -> AbstractContextManager[None]:
        """Hold the lock of the store; see `TokenStore.lock`."""
        return self._store.lock()

    def location(self) -> str:
        """Return where the tokens are saved, in words."""
        return self._store.location()

    def has_files(self) -> bool:
        """Return whether somebody may have signed in; see `TokenStore.has_files`."""
        return self._store.has_files()

    def probe(self) -> None:
        """Check that tokens can be saved, while the user may have to unlock a keyring."""
        self._store.probe(wait_for_unlock=True)

    @property
    def has_unsaved_tokens(self) -> bool:
        """Whether only this process has the newest tokens."""
        return self._unsaved_record is not None

    def load(self) -> Tokens | None:
        """Return the newest tokens, saved or not. None if nobody is signed in."""
        record, unsaved = self._store.load(), self._unsaved_record
        if unsaved is not None and (record is None or record.saved_at < unsaved.saved_at):
            record = unsaved
        return None if record is None else Tokens.from_record(record)

    def replace(self, tokens: Tokens) -> Tokens | None:
        """Save the tokens of a new sign-in and read them back; return the previous ones. None if there were none."""
        with self._store.lock():
            try:
                previous = self.load()
            except StoreError as error:
                logger.warning("the previous tokens cannot be read: %s", error)
                previous = None
            self._unsaved_record = None
            self._store.save(self._build_newer_record(tokens))
            if self.load() != tokens:
                raise StoreError(f"{self._store.location()} does not return what was saved there")
        return previous

    def save_refreshed(self, tokens: Tokens) -> None:
        """Save new tokens before anything uses them. If that fails, this process alone goes on with them."""
        self._unsaved_record = self._build_newer_record(tokens)
        try:
            self._save_unsaved_record()
        except StoreError as error:
            logger.error(
                "the refreshed tokens of the ChatGPT sign-in cannot be saved: %s. This process uses them and tries "
                "to save them again. If it ends before that, you have to sign in again",
                error,
            )

    def save_end(self, tokens: Tokens, code: str) -> None:
        """Save that the sign-in has ended, so that no other process tries a refresh.

        The record stays, because its access token may still be valid.
        """
        if tokens.end_code or not tokens.refresh_token:
            return
        record = self._store.load()
        try:
            self._store.save(replace(tokens, end_code=code).to_record(record.saved_at if record else None))
        except StoreError as error:
            logger.warning("the end of the ChatGPT sign-in cannot be saved: %s", error)

    def delete(self) -> list[str]:
        """Delete the tokens; return the locations from which they were deleted."""
        removed = self._store.delete()
        self._unsaved_record = None
        return removed

    def retry_save(self) -> None:
        """Try again to save tokens that could not be saved."""
        if self._unsaved_record is None or time.monotonic() < self._next_save_time_s:
            return
        self._next_save_time_s = time.monotonic() + _SAVE_RETRY_INTERVAL_S
        try:
            with self._store.lock():
                self._save_unsaved_record()
        except StoreError as error:
            logger.error("the tokens of the ChatGPT sign-in still cannot be saved: %s", error)

    def _build_newer_record(self, tokens: Tokens) -> TokenRecord:
        """Build a record that is newer than the stored one, even if the clock was set back in between."""
        try:
            previous = self._store.load()
        except StoreError:  # saving the new record reports it
            previous = None
        return tokens.to_record(max(time.time(), previous.saved_at + 1.0 if previous else 0.0))

    def _save_unsaved_record(self) -> None:
        """Save the record that only this process has, unless the store has a newer one; under the lock."""
        record, unsaved = self._store.load(), self._unsaved_record
        if unsaved is not None and (record is None or record.saved_at < unsaved.saved_at):
            self._store.save(unsaved)
        self._unsaved_record = None
