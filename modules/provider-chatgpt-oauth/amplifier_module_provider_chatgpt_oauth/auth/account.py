"""One account's sign-in: kept in a store, renewed under its lock, shared by everything in this process.

A refresh token is good for one use, and a second use ends the sign-in. So whoever renews holds the store's lock from
reading the newest record to having kept the next one, takes over what another process has renewed meanwhile, and lets
nothing use a new token before it is kept.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeVar
from weakref import WeakValueDictionary

from amplifier_core.llm_errors import AuthenticationError, LLMError
from openai_responses_common import Token, TokenSource
from openai_responses_common.auth.device_code import DeviceCode, Poll, sign_in, sign_in_async
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import StoreError, TokenRecord
from openai_responses_common.auth.terminal import Terminal
from openai_responses_common.transport.http_client import BlockingHttp

from ..quirks import CLIENT_HEADERS
from ..settings import LOGIN_COMMAND, AccountSettings
from .issuer import Issuer, SignInEnded
from .tokens import Tokens, read_microsoft_record

T = TypeVar("T")

logger = logging.getLogger(__name__)

Status = Literal["authenticated", "expired", "unauthenticated"]

_REFRESH_MARGIN_S = 300.0
"""As early as OpenAI's own client renews. Source: its manager.rs, seen 2026-11-21."""
_MIN_LIFETIME_S = 20.0
"""An access token that lives so long is still used where it cannot be renewed."""
_TOKEN_DEADLINE_S = 75.0
"""Waiting for another process's renewal (30 s), and a renewal that has to wait for the service."""
_SAVE_RETRY_INTERVAL_S = 15.0

NOT_SIGNED_IN = f"nobody is signed in to ChatGPT: run `{LOGIN_COMMAND}`"


class Account:
    """The sign-in of one account.

    Attributes:
        place: where everything is.
        source: the access token, for whoever makes calls.
    """

    def __init__(self, settings: AccountSettings) -> None:
        self.settings = settings
        self._issuer = Issuer(settings.issuer, BlockingHttp(CLIENT_HEADERS))
        self._store = open_store(
            settings.token_store,
            service="chatgpt-oauth",
            path=settings.token_file,
            account=settings.account,
            import_record=read_microsoft_record,
        )
        self._unsaved_record: TokenRecord | None = None
        self._next_save_time_s = 0.0
        self._last_refreshed_token, self._last_refresh_s = "", -math.inf
        self.source = self._build_source()

    def __repr__(self) -> str:
        return f"Account({self.settings!r})"

    def _build_source(self) -> TokenSource:
        words = "getting a token of the ChatGPT sign-in"
        return TokenSource(
            self._fetch_token, description=words, refresh_margin_s=_REFRESH_MARGIN_S, deadline_s=_TOKEN_DEADLINE_S
        )

    def load_tokens(self) -> Tokens | None:
        """The newest tokens, without asking the service; blocks.

        Raises:
            AuthenticationError: the store cannot be read.
        """
        return self._convert_store_errors(self._load_newest_tokens)

    def has_stored_files(self) -> bool:
        """Whether anybody may have signed in here; without opening the store, which could ask for a password."""
        file = self.settings.token_file
        return any(file.parent.glob(f"{file.stem}.*"))

    def get_status(self) -> Status:
        """Whether calls can be made; blocks, and asks nobody but the store."""
        tokens = self.load_tokens()
        if tokens is None:
            return "unauthenticated"
        return (
            "authenticated" if tokens.remaining_s() > 0 or (tokens.refresh_token and not tokens.end_code) else "expired"
        )

    def can_replace_token(self, refused_token: str) -> bool:
        """Return whether the store holds another token than the refused one, or a refresh could get one; blocks."""
        tokens = self.load_tokens()
        return tokens is None or tokens.access_token != refused_token or tokens.refresh_token != ""

    def describe_location(self) -> str:
        """Where the tokens are, in words; blocks."""
        return self._convert_store_errors(self._store.location)

    def sign_in(self, terminal: Terminal) -> Tokens:
        """Sign in with the help of a person; blocks until she has decided.

        Raises:
            LLMError: it cannot be done, or was not approved.
        """
        self._convert_store_errors(lambda: self._store.probe(wait_for_unlock=True))
        return self._accept_sign_in(sign_in(self._request_device_code, terminal))

    async def sign_in_async(self, terminal: Terminal, on_code_shown: Callable[[DeviceCode], None]) -> Tokens:
        """The same within an event loop; `shown` is told of every code."""

        def begin() -> tuple[DeviceCode, Poll[Tokens]]:
            self._convert_store_errors(lambda: self._store.probe(wait_for_unlock=True))
            return self._request_device_code()

        return self._accept_sign_in(await sign_in_async(begin, terminal, on_code_shown=on_code_shown))

    def sign_out(self) -> list[str]:
        """End the sign-in here and at the service; the places that tokens were removed from.

        Raises:
            AuthenticationError: something could not be removed.
        """
        tokens = None
        try:
            tokens = self.load_tokens()
        except AuthenticationError as unreadable:
            logger.warning("the tokens cannot be ended at the service: %s", unreadable)
        removed = self._convert_store_errors(self._store.delete)
        self._unsaved_record = None
        self.source = self._build_source()
        if tokens is not None:
            self._revoke_tokens(tokens)
        return removed

    def retry_save(self) -> None:
        """Try once more to keep tokens that could not be kept; blocks."""
        if self._unsaved_record is None or time.monotonic() < self._next_save_time_s:
            return
        self._next_save_time_s = time.monotonic() + _SAVE_RETRY_INTERVAL_S
        try:
            with self._store.lock():
                self._save_unsaved_record()
        except StoreError as error:
            logger.error("the tokens of the ChatGPT sign-in still cannot be kept: %s", error)

    @property
    def has_unsaved_tokens(self) -> bool:
        """Whether this process alone has the newest tokens."""
        return self._unsaved_record is not None

    def _request_device_code(self) -> tuple[DeviceCode, Poll[Tokens]]:
        return self._issuer.request_device_code()

    def _accept_sign_in(self, tokens: Tokens) -> Tokens:
        wanted = self.settings.workspace
        if wanted and tokens.account != wanted:
            self._revoke_tokens(tokens)
            raise AuthenticationError(
                f"the sign-in was for the workspace {tokens.account}, and the setting 'workspace' allows {wanted} "
                f"only: choose it on the page, and run `{LOGIN_COMMAND}` again"
            )
        before = self._convert_store_errors(lambda: self._replace_stored_tokens(tokens))
        self.source = self._build_source()
        if before is not None and before.refresh_token not in ("", tokens.refresh_token):
            self._revoke_tokens(before)
        return tokens

    def _replace_stored_tokens(self, tokens: Tokens) -> Tokens | None:
        """Keep new tokens, see that they are there, and give those that were there before."""
        with self._store.lock():
            try:
                before = self._load_newest_tokens()
            except StoreError as damaged:
                logger.warning("the tokens that were kept before cannot be read: %s", damaged)
                before = None
            self._unsaved_record = None
            self._store.save(self._build_newer_record(tokens))
            if self._load_newest_tokens() != tokens:
                raise StoreError(f"{self._store.location()} does not give back what was kept there")
        return before

    def _revoke_tokens(self, tokens: Tokens) -> None:
        try:
            self._issuer.revoke_tokens(tokens)
        except LLMError as error:
            logger.warning("the tokens are gone here, but the service was not told: %s", error)

    def _load_newest_tokens(self) -> Tokens | None:
        record, unkept = self._store.load(), self._unsaved_record
        if unkept is not None and (record is None or record.saved_at < unkept.saved_at):
            record = unkept
        return None if record is None else Tokens.from_record(record)

    def _fetch_token(self, refused_token: str | None) -> Token:
        """An access token that is not the refused one; for `TokenSource`."""
        return self._convert_store_errors(lambda: self._get_usable_token(refused_token))

    def _get_usable_token(self, refused_token: str | None) -> Token:
        tokens = self._load_newest_tokens()
        if tokens is None or not _is_fresh(tokens, refused_token):
            with self._store.lock():
                tokens = self._load_newest_tokens()
                if tokens is None:
                    raise AuthenticationError(NOT_SIGNED_IN, status_code=401)
                if not _is_fresh(tokens, refused_token):
                    tokens = self._refresh_tokens(tokens, refused_token)
        issued_s = self._last_refresh_s if tokens.access_token == self._last_refreshed_token else -math.inf
        return Token(
            value=tokens.access_token, expires_at_s=tokens.expires_at, account=tokens.account, issued_s=issued_s
        )

    def _refresh_tokens(self, tokens: Tokens, refused_token: str | None) -> Tokens:
        """New tokens, or the old ones where they will do and there are no others; under the lock."""
        failed: LLMError
        try:
            if tokens.end_code or not tokens.refresh_token:
                raise SignInEnded.from_code(tokens.end_code or "no refresh token")
            fresh = self._issuer.refresh_tokens(tokens)
        except SignInEnded as error:
            again = self._load_newest_tokens()
            if (
                again is not None and again.refresh_token != tokens.refresh_token
            ):  # a program that knows nothing of the lock
                return again
            self._save_end_of_sign_in(tokens, error)
            failed = error
        except LLMError as error:
            failed = error
        else:
            self._save_refreshed_tokens(fresh)
            self._last_refreshed_token, self._last_refresh_s = fresh.access_token, time.monotonic()
            return fresh
        if tokens.access_token == refused_token or tokens.remaining_s() < _MIN_LIFETIME_S:
            raise failed
        logger.warning("the ChatGPT sign-in is used as it is, for %.0f s more: %s", tokens.remaining_s(), failed)
        return tokens

    def _save_end_of_sign_in(self, tokens: Tokens, error: SignInEnded) -> None:
        """Spare every other process the question; the record itself stays, its access token may still live."""
        if tokens.end_code or not tokens.refresh_token:
            return
        record = self._store.load()
        try:
            self._store.save(replace(tokens, end_code=error.code).to_record(record.saved_at if record else None))
        except StoreError as unkept:
            logger.warning("that the sign-in has ended cannot be kept: %s", unkept)

    def _save_refreshed_tokens(self, tokens: Tokens) -> None:
        """Before anything uses them; where that fails this process goes on with what it alone has."""
        self._unsaved_record = self._build_newer_record(tokens)
        try:
            self._save_unsaved_record()
        except StoreError as error:
            logger.error(
                "the renewed tokens of the ChatGPT sign-in cannot be kept: %s. This process goes on with them and "
                "tries again; if it ends before that, you will have to sign in again",
                error,
            )

    def _build_newer_record(self, tokens: Tokens) -> TokenRecord:
        """A record that counts as newer than the one before, also where the clock was set back since that was kept."""
        try:
            before = self._store.load()
        except StoreError:  # whoever can mend that is told when this one is saved
            before = None
        return tokens.to_record(max(time.time(), before.saved_at + 1.0 if before else 0.0))

    def _save_unsaved_record(self) -> None:
        """Under the lock."""
        record, unkept = self._store.load(), self._unsaved_record
        if unkept is not None and (record is None or record.saved_at < unkept.saved_at):
            self._store.save(unkept)
        self._unsaved_record = None

    def _convert_store_errors(self, action: Callable[[], T]) -> T:
        """Errors of the store as the kernel's."""
        try:
            return action()
        except StoreError as error:
            raise AuthenticationError(str(error), status_code=401) from error


def _is_fresh(tokens: Tokens, refused_token: str | None) -> bool:
    return tokens.access_token != refused_token and tokens.remaining_s() > _REFRESH_MARGIN_S


_accounts: WeakValueDictionary[AccountSettings, Account] = WeakValueDictionary()
_accounts_lock = threading.Lock()


def get_shared_account(settings: AccountSettings) -> Account:
    """The account at a place: all providers of this process that mean the same one share it."""
    with _accounts_lock:
        account = _accounts.get(settings)
        if account is None:
            account = _accounts[settings] = Account(settings)
        return account
