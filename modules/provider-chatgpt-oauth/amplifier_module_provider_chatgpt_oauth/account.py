"""One account's sign-in: kept in a store, renewed under its lock, shared by everything in this process.

A refresh token is good for one use, and a second use ends the sign-in. So whoever renews holds the store's lock from
reading the newest record to having kept the next one, takes over what another process has renewed meanwhile, and lets
nothing use a new token before it is kept.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeVar
from weakref import WeakValueDictionary

from amplifier_core.llm_errors import AuthenticationError, LLMError
from openai_responses_common import Token, TokenSource
from openai_responses_common.auth.device_code import DeviceCode, Poll, sign_in, sign_in_within
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import Record, StoreError
from openai_responses_common.auth.terminal import Screen
from openai_responses_common.transport.http_client import BlockingHttp

from .place import HEADERS, Place
from .tokens import LOGIN, Issuer, SignInEnded, Tokens, adopted

T = TypeVar("T")

logger = logging.getLogger(__name__)

Status = Literal["authenticated", "expired", "unauthenticated"]

_EARLY_S = 300.0
"""As early as OpenAI's own client renews. Source: its manager.rs, seen 2026-11-21."""
_LAST_S = 20.0
"""An access token that lives so long is still used where it cannot be renewed."""
_DEADLINE_S = 75.0
"""Waiting for another process's renewal (30 s), and a renewal that has to wait for the service."""
_JUST_NOW_S = 60.0
_SAVE_AGAIN_S = 15.0

NOT_SIGNED_IN = f"nobody is signed in to ChatGPT: run `{LOGIN}`"


class Account:
    """The sign-in of one account.

    Attributes:
        place: where everything is.
        source: the access token, for whoever makes calls.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._issuer = Issuer(place.issuer, BlockingHttp(HEADERS))
        self._store = open_store(
            place.token_store,
            service="chatgpt-oauth",
            path=place.token_file,
            account=place.account,
            adopt=adopted,
        )
        self._unkept: Record | None = None
        self._save_again_s = 0.0
        self._made, self._made_s = "", 0.0
        self.source = self._new_source()

    def __repr__(self) -> str:
        return f"Account({self.place!r})"

    def _new_source(self) -> TokenSource:
        words = "getting a token of the ChatGPT sign-in"
        return TokenSource(self._fetch, words=words, early_s=_EARLY_S, deadline_s=_DEADLINE_S)

    def stored(self) -> Tokens | None:
        """The newest tokens, without asking the service; blocks.

        Raises:
            AuthenticationError: the store cannot be read.
        """
        return self._told(self._newest)

    def left_traces(self) -> bool:
        """Whether anybody may have signed in here; without opening the store, which could ask for a password."""
        file = self.place.token_file
        return any(file.parent.glob(f"{file.stem}.*"))

    def status(self) -> Status:
        """Whether calls can be made; blocks, and asks nobody but the store."""
        tokens = self.stored()
        if tokens is None:
            return "unauthenticated"
        return "authenticated" if tokens.lives_s() > 0 or (tokens.refresh and not tokens.ended) else "expired"

    def has_another(self, refused: str) -> bool:
        """Whether there is, or could be got, another token than a refused one; blocks.

        One that was got a moment ago is not replaced: the next would fare no better.
        """
        if refused == self._made and time.monotonic() - self._made_s < _JUST_NOW_S:
            return False
        tokens = self.stored()
        return tokens is None or tokens.access != refused or tokens.refresh != ""

    def where(self) -> str:
        """Where the tokens are, in words; blocks."""
        return self._told(self._store.place)

    def sign_in(self, screen: Screen) -> Tokens:
        """Sign in with the help of a person; blocks until she has decided.

        Raises:
            LLMError: it cannot be done, or was not approved.
        """
        self._told(lambda: self._store.probe(patient=True))
        return self._signed_in(sign_in(self._begin, screen))

    async def sign_in_within(self, screen: Screen, shown: Callable[[DeviceCode], None]) -> Tokens:
        """The same within an event loop; `shown` is told of every code."""

        def begin() -> tuple[DeviceCode, Poll[Tokens]]:
            self._told(lambda: self._store.probe(patient=True))
            return self._begin()

        return self._signed_in(await sign_in_within(begin, screen, shown=shown))

    def sign_out(self) -> list[str]:
        """End the sign-in here and at the service; the places that tokens were removed from.

        Raises:
            AuthenticationError: something could not be removed.
        """
        tokens = None
        try:
            tokens = self.stored()
        except AuthenticationError as unreadable:
            logger.warning("the tokens cannot be ended at the service: %s", unreadable)
        removed = self._told(self._store.delete)
        self._unkept = None
        self.source = self._new_source()
        if tokens is not None:
            self._revoke(tokens)
        return removed

    def save_again(self) -> None:
        """Try once more to keep tokens that could not be kept; blocks."""
        if self._unkept is None or time.monotonic() < self._save_again_s:
            return
        self._save_again_s = time.monotonic() + _SAVE_AGAIN_S
        try:
            with self._store.lock():
                self._keep_unkept()
        except StoreError as error:
            logger.error("the tokens of the ChatGPT sign-in still cannot be kept: %s", error)

    @property
    def unkept(self) -> bool:
        """Whether this process alone has the newest tokens."""
        return self._unkept is not None

    def _begin(self) -> tuple[DeviceCode, Poll[Tokens]]:
        return self._issuer.begin()

    def _signed_in(self, tokens: Tokens) -> Tokens:
        wanted = self.place.workspace
        if wanted and tokens.account != wanted:
            self._revoke(tokens)
            raise AuthenticationError(
                f"the sign-in was for the workspace {tokens.account}, and the setting 'workspace' allows {wanted} "
                f"only: choose it on the page, and run `{LOGIN}` again"
            )
        before = self._told(lambda: self._exchanged(tokens))
        self.source = self._new_source()
        if before is not None and before.refresh not in ("", tokens.refresh):
            self._revoke(before)
        return tokens

    def _exchanged(self, tokens: Tokens) -> Tokens | None:
        """Keep new tokens, see that they are there, and give those that were there before."""
        with self._store.lock():
            try:
                before = self._newest()
            except StoreError as damaged:
                logger.warning("the tokens that were kept before cannot be read: %s", damaged)
                before = None
            self._unkept = None
            self._store.save(self._dated(tokens))
            if self._newest() != tokens:
                raise StoreError(f"{self._store.place()} does not give back what was kept there")
        return before

    def _revoke(self, tokens: Tokens) -> None:
        try:
            self._issuer.revoke(tokens)
        except LLMError as error:
            logger.warning("the tokens are gone here, but the service was not told: %s", error)

    def _newest(self) -> Tokens | None:
        record, unkept = self._store.load(), self._unkept
        if unkept is not None and (record is None or record.saved_at < unkept.saved_at):
            record = unkept
        return None if record is None else Tokens.of(record)

    def _fetch(self, refused: str | None) -> Token:
        """An access token that is not the refused one; for `TokenSource`."""
        return self._told(lambda: self._usable(refused))

    def _usable(self, refused: str | None) -> Token:
        tokens = self._newest()
        if tokens is None or not _is_fresh(tokens, refused):
            with self._store.lock():
                tokens = self._newest()
                if tokens is None:
                    raise AuthenticationError(NOT_SIGNED_IN, status_code=401)
                if not _is_fresh(tokens, refused):
                    tokens = self._renewed(tokens, refused)
        return Token(value=tokens.access, expires_at_s=tokens.expires_at, account=tokens.account)

    def _renewed(self, tokens: Tokens, refused: str | None) -> Tokens:
        """New tokens, or the old ones where they will do and there are no others; under the lock."""
        failed: LLMError
        try:
            if tokens.ended or not tokens.refresh:
                raise SignInEnded.because(tokens.ended or "no refresh token")
            fresh = self._issuer.renew(tokens)
        except SignInEnded as error:
            again = self._newest()
            if again is not None and again.refresh != tokens.refresh:  # a program that knows nothing of the lock
                return again
            self._mark(tokens, error)
            failed = error
        except LLMError as error:
            failed = error
        else:
            self._keep(fresh)
            self._made, self._made_s = fresh.access, time.monotonic()
            return fresh
        if tokens.access == refused or tokens.lives_s() < _LAST_S:
            raise failed
        logger.warning("the ChatGPT sign-in is used as it is, for %.0f s more: %s", tokens.lives_s(), failed)
        return tokens

    def _mark(self, tokens: Tokens, error: SignInEnded) -> None:
        """Spare every other process the question; the record itself stays, its access token may still live."""
        if tokens.ended or not tokens.refresh:
            return
        record = self._store.load()
        try:
            self._store.save(replace(tokens, ended=error.code).kept(record.saved_at if record else None))
        except StoreError as unkept:
            logger.warning("that the sign-in has ended cannot be kept: %s", unkept)

    def _keep(self, fresh: Tokens) -> None:
        """Before anything uses them; where that fails this process goes on with what it alone has."""
        self._unkept = self._dated(fresh)
        try:
            self._keep_unkept()
        except StoreError as error:
            logger.error(
                "the renewed tokens of the ChatGPT sign-in cannot be kept: %s. This process goes on with them and "
                "tries again; if it ends before that, you will have to sign in again",
                error,
            )

    def _dated(self, fresh: Tokens) -> Record:
        """A record that counts as newer than the one before, also where the clock was set back since that was kept."""
        try:
            before = self._store.load()
        except StoreError:  # whoever can mend that is told when this one is saved
            before = None
        return fresh.kept(max(time.time(), before.saved_at + 1.0 if before else 0.0))

    def _keep_unkept(self) -> None:
        """Under the lock."""
        record, unkept = self._store.load(), self._unkept
        if unkept is not None and (record is None or record.saved_at < unkept.saved_at):
            self._store.save(unkept)
        self._unkept = None

    def _told(self, work: Callable[[], T]) -> T:
        """Errors of the store as the kernel's."""
        try:
            return work()
        except StoreError as error:
            raise AuthenticationError(str(error), status_code=401) from error


def _is_fresh(tokens: Tokens, refused: str | None) -> bool:
    return tokens.access != refused and tokens.lives_s() > _EARLY_S


_accounts: WeakValueDictionary[Place, Account] = WeakValueDictionary()
_guard = threading.Lock()


def shared_account(place: Place) -> Account:
    """The account at a place: all providers of this process that mean the same one share it."""
    with _guard:
        account = _accounts.get(place)
        if account is None:
            account = _accounts[place] = Account(place)
        return account
