"""The sign-in of one account: saved in a token store, refreshed under its lock, shared by everything in this process.

A refresh token can be used once, and a second use ends the sign-in. So a refresh holds the lock of the store from
reading the newest record until the new one is saved, and the process does not exit before. It takes over tokens that
another process has refreshed meanwhile, and nothing uses a new token before it is saved. This file knows no request of
the Responses API.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from copy import copy
from typing import Literal, TypeVar
from weakref import WeakValueDictionary

from amplifier_core.llm_errors import AuthenticationError, LLMError, LLMTimeoutError
from openai_responses_common import Token, TokenSource
from openai_responses_common.auth.background import finish_before_exit, run_stoppable
from openai_responses_common.auth.device_code import DeviceCode
from openai_responses_common.auth.store.record import StoreBusy, StoreError
from openai_responses_common.auth.terminal import Terminal

from ..account_settings import AccountSettings
from ..auth_mode import AuthMode, load_newest_mode, save_newest_mode
from ..settings import LOGIN_COMMAND
from .interactive import InteractiveSignIn
from .issuer import SignInEnded, UnexplainedRefusal
from .plan_sign_in import SignInPage
from .saved_tokens import SavedTokens
from .tokens import Tokens

T = TypeVar("T")

logger = logging.getLogger(__name__)

Status = Literal["authenticated", "expired", "unauthenticated"]

_REFRESH_MARGIN_S = 300.0
"""The remaining lifetime, in seconds, at which a token is refreshed, as in OpenAI's own client. Source: its manager.rs,
seen 2026-11-21."""
_MIN_LIFETIME_S = 20.0
"""Minimum remaining lifetime, in seconds, of an access token that is still used if its refresh fails."""
MIN_FIRST_LIFETIME_S = 120.0
"""Minimum remaining lifetime, in seconds, of an access token with which a process begins."""
_TOKEN_DEADLINE_S = 75.0
"""The longest time, in seconds, to wait for a token. A refresh takes at most 8 s to connect and 60 s to wait for its
response; one that comes after that of another process may take longer, and its token is for a later call."""
_REFUSAL_INTERVAL_S = 60.0
"""How long, in seconds, a refresh token is not sent again after a refusal that gives no reason."""

NOT_SIGNED_IN = f"nobody is signed in to ChatGPT: run `{LOGIN_COMMAND}`"


class Account:
    """The sign-in of one account.

    Attributes:
        settings: the addresses and the token store.
        saved_tokens: the tokens in the store.
        source: the source of the access token for requests.
    """

    def __init__(self, settings: AccountSettings) -> None:
        self.settings = settings
        self.saved_tokens = SavedTokens(settings)
        self._interactive = InteractiveSignIn(settings, self.saved_tokens.probe)
        self._issuer = self._interactive.issuer
        self._last_refreshed_token, self._last_refresh_s = "", -math.inf
        self._refusal: tuple[str, UnexplainedRefusal, float] | None = None
        self.source = self._build_source()

    def __repr__(self) -> str:
        return f"Account({self.settings!r})"

    def _build_source(self) -> TokenSource:
        return TokenSource(
            self._fetch_token,
            description="getting a token of the ChatGPT sign-in",
            refresh_margin_s=_REFRESH_MARGIN_S,
            deadline_s=_TOKEN_DEADLINE_S,
        )

    def load_tokens(self) -> Tokens | None:
        """Return the newest tokens without asking the service; blocks. None if nobody is signed in.

        Raises:
            AuthenticationError: the store cannot be read.
        """
        return self.convert_store_errors(self.saved_tokens.load)

    def has_stored_files(self) -> bool:
        """Return whether somebody may have signed in here.

        The store is not opened, because a keyring could ask for a password.
        """
        return self.saved_tokens.has_files()

    def get_status(self) -> Status:
        """Return whether calls can be made; blocks, and reads the store only."""
        tokens = self.load_tokens()
        if tokens is None:
            return "unauthenticated"
        return "authenticated" if tokens.can_be_used else "expired"

    def can_replace_token(self, refused_token: str) -> bool:
        """Return whether the store holds another token than the refused one, or a refresh could get one; blocks."""
        tokens = self.load_tokens()
        if tokens is None or tokens.access_token != refused_token:
            return True
        return tokens.refresh_token != "" and time.time() >= tokens.earliest_refresh_at

    def describe_absence(self) -> str:
        """Return that nobody is signed in in this way, and what to run; blocks."""
        newest = load_newest_mode(self.settings.mode_file, in_memory=self.settings.is_in_memory)
        if newest in (None, self.settings.mode):
            return NOT_SIGNED_IN
        return (
            f"nobody is signed in to ChatGPT with '{self.settings.mode}', but with '{newest}': start a new session, or "
            "set 'auth_mode'"
        )

    def describe_location(self) -> str:
        """Return where the tokens are saved, in words; blocks."""
        return self.convert_store_errors(self.saved_tokens.location)

    def sign_in(self, terminal: Terminal, *, needs_browser: bool = False) -> Tokens:
        """Run the interactive sign-in; blocks until the user approves or declines.

        Args:
            terminal: where the user reads.
            needs_browser: see `sign_in_with_browser`. The default is False.

        Raises:
            NoBrowser: no browser opened the page.
            LLMError: the sign-in failed, or the user declined.
        """
        return self.accept_sign_in(
            self.convert_store_errors(lambda: self._interactive.run(terminal, needs_browser=needs_browser))
        )

    async def sign_in_async(
        self, terminal: Terminal, on_page_shown: Callable[[DeviceCode | SignInPage], None]
    ) -> Tokens:
        """Run the interactive sign-in within an event loop.

        Args:
            terminal: shows the page and the code to the user.
            on_page_shown: called with every code or page, in the loop.
        """
        loop = asyncio.get_running_loop()

        def show_in_loop(page: DeviceCode | SignInPage) -> None:
            loop.call_soon_threadsafe(on_page_shown, page)

        def run(stop: threading.Event) -> Tokens:
            tokens = self.convert_store_errors(
                lambda: self._interactive.run(terminal, on_page_shown=show_in_loop, stop=stop)
            )
            # It waits for the lock, writes files and asks the service.
            return self.accept_sign_in(tokens)

        return await run_stoppable(run)

    def sign_out(self) -> list[str]:
        """End the sign-in here and at the service; return the locations from which tokens were deleted.

        Raises:
            AuthenticationError: the tokens could not be deleted.
        """
        return self.convert_store_errors(self._sign_out)

    def _sign_out(self) -> list[str]:
        # Under one lock, or a refresh in between would leave tokens that nobody revokes.
        with self.saved_tokens.lock():
            tokens = None
            try:
                tokens = self.saved_tokens.load()
            except StoreError as error:
                logger.warning("the tokens cannot be revoked at the service: %s", error)
            removed = self.forget()
            if tokens is not None:
                self._revoke_tokens(tokens)
        return removed

    def forget(self) -> list[str]:
        """Delete the tokens here without ending the sign-in; return the locations. To be called under the lock.

        Raises:
            StoreError: they could not be deleted.
        """
        removed = self.saved_tokens.delete()
        self._save_newest_mode(None)
        self.source = self._build_source()
        return removed

    def _save_newest_mode(self, mode: AuthMode | None) -> None:
        save_newest_mode(self.settings.mode_file, mode, in_memory=self.settings.is_in_memory)

    def accept_sign_in(self, tokens: Tokens) -> Tokens:
        """Save the tokens of a new sign-in, and end the previous one; return them. Blocks.

        Raises:
            LLMError: they cannot be saved, or are for another workspace than the settings allow.
        """
        workspace = self.settings.workspace
        if workspace and tokens.account != workspace:
            self._revoke_tokens(tokens)
            raise AuthenticationError(
                f"the sign-in was for the workspace {tokens.account}, but the setting 'workspace' allows only "
                f"{workspace}: choose that one on the page, and run `{LOGIN_COMMAND}` again"
            )
        previous = self.convert_store_errors(lambda: self.saved_tokens.replace(tokens))
        self._save_newest_mode(self.settings.mode)
        self.source = self._build_source()
        if previous is not None and previous.refresh_token not in ("", tokens.refresh_token):
            self._revoke_tokens(previous)
        return tokens

    def _revoke_tokens(self, tokens: Tokens) -> None:
        try:
            self._issuer.revoke_tokens(tokens)
        except LLMError as error:
            logger.warning("the tokens were deleted here, but not revoked at the service: %s", error)

    def _fetch_token(self, refused_token: str | None) -> Token:
        """Return an access token that is not the refused one; for `TokenSource`."""
        return self.convert_store_errors(lambda: self._get_usable_token(refused_token))

    def _get_usable_token(self, refused_token: str | None) -> Token:
        tokens = self.saved_tokens.load()
        if tokens is None or not (_is_fresh(tokens, refused_token) or self._can_be_used_first(tokens, refused_token)):
            try:
                tokens = self._refresh_under_lock(refused_token)
            except StoreBusy as busy:
                if tokens is None or not _is_usable(tokens, refused_token):
                    raise
                self._warn_of_old_token(tokens, busy)
        issued_s = self._last_refresh_s if tokens.access_token == self._last_refreshed_token else -math.inf
        return Token(
            value=tokens.access_token, expires_at_s=tokens.expires_at, account=tokens.account, issued_s=issued_s
        )

    def _can_be_used_first(self, tokens: Tokens, refused_token: str | None) -> bool:
        """Return whether the first call of this process can go without a refresh; its next one starts it."""
        return refused_token is None and self.source.token is None and tokens.remaining_s() > MIN_FIRST_LIFETIME_S

    def _refresh_under_lock(self, refused_token: str | None) -> Tokens:
        """Return the tokens that another process has refreshed meanwhile, else refresh them."""
        with self.saved_tokens.lock(), finish_before_exit():
            tokens = self.saved_tokens.load()
            if tokens is None:
                raise AuthenticationError(NOT_SIGNED_IN, status_code=401)
            return tokens if _is_fresh(tokens, refused_token) else self._refresh_tokens(tokens, refused_token)

    def _refresh_tokens(self, tokens: Tokens, refused_token: str | None) -> Tokens:
        """Return new tokens, or the old ones if the refresh fails and they are still valid; under the lock."""
        failed: LLMError
        try:
            if tokens.end_code or not tokens.refresh_token:
                raise SignInEnded.from_code(tokens.end_code or "no refresh token")
            fresh = self._send_refresh(tokens)
        except SignInEnded as error:
            newest = self.saved_tokens.load()
            # Another program may have refreshed the tokens without taking the lock.
            if newest is not None and newest.refresh_token != tokens.refresh_token:
                return newest
            self.saved_tokens.save_end(tokens, error.code)
            failed = error
        except LLMError as error:
            failed = error
        else:
            self.saved_tokens.save_refreshed(fresh)
            self._last_refreshed_token, self._last_refresh_s = fresh.access_token, time.monotonic()
            return fresh
        if not _is_usable(tokens, refused_token):
            raise failed
        self._warn_of_old_token(tokens, failed)
        return tokens

    def _warn_of_old_token(self, tokens: Tokens, reason: Exception) -> None:
        logger.warning(
            "the ChatGPT sign-in could not be refreshed; its token is used for %.0f s more: %s",
            tokens.remaining_s(),
            reason,
        )

    def _send_refresh(self, tokens: Tokens) -> Tokens:
        """Refresh at the service; a refusal without a reason holds for a minute."""
        if self._refusal is not None:
            refresh_token, error, until_s = self._refusal
            if refresh_token == tokens.refresh_token and time.monotonic() < until_s:
                raise copy(error)
        try:
            return self._issuer.refresh_tokens(tokens)
        except UnexplainedRefusal as error:
            self._refusal = tokens.refresh_token, copy(error), time.monotonic() + _REFUSAL_INTERVAL_S
            raise

    def convert_store_errors(self, action: Callable[[], T]) -> T:
        """Return the result of an action; errors of the store become kernel errors."""
        try:
            return action()
        except StoreBusy as error:
            raise LLMTimeoutError(str(error), retryable=True) from error
        except StoreError as error:
            raise AuthenticationError(str(error), status_code=401) from error


def _is_fresh(tokens: Tokens, refused_token: str | None) -> bool:
    return tokens.access_token != refused_token and tokens.remaining_s() > _REFRESH_MARGIN_S


def _is_usable(tokens: Tokens, refused_token: str | None) -> bool:
    """Return whether the access token can be sent, though it should be refreshed."""
    return tokens.access_token != refused_token and tokens.remaining_s() >= _MIN_LIFETIME_S


_accounts: WeakValueDictionary[AccountSettings, Account] = WeakValueDictionary()
_accounts_lock = threading.Lock()


def get_shared_account(settings: AccountSettings) -> Account:
    """Return the account of these settings, shared by all providers of this process that use it."""
    with _accounts_lock:
        account = _accounts.get(settings)
        if account is None:
            account = _accounts[settings] = Account(settings)
        return account
