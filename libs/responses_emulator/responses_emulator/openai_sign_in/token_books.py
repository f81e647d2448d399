"""The books of an issuer: its requests and faults, the tokens that it has issued, rotation, reuse and revocation.

Invariants: any thread may use them; a refresh token works once, and a second use ends its whole family; nothing here
speaks HTTP or knows how somebody signs in.
"""

from __future__ import annotations

import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Literal

from responses_emulator.openai_sign_in.records import (
    AccessToken,
    InvalidAccessToken,
    SignInError,
    SignInFault,
    SignInRequest,
    SignInStep,
    TokenFamily,
)
from responses_emulator.openai_sign_in.tokens import Account, TokenSet
from responses_emulator.rules import sign_in as rules
from responses_emulator.service.held_replies import HeldReplies

_END_RULES = {rule.code: rule for rule in (rules.REFRESH_REUSED, rules.REFRESH_EXPIRED, rules.REFRESH_INVALIDATED)}


class TokenBooks(ABC):
    """The accounts and tokens of one issuer. A test may set the public attributes at any time.

    Attributes:
        account: who signs in by default.
        accounts: all accounts that received a token.
        canary: a word in every token and code whose form allows it, so that a search finds a leak.
        lifetime_s: the lifetime of access tokens in seconds.
        refresh_lifetime_s: the lifetime of refresh tokens in seconds. None has no end.
        expires_in: the lifetime that a token response states. None states `lifetime_s`.
        refresh_response_fields: the tokens in the response to a refresh. The default is all three.
        errors: the form of an error: an object with a code, or the code as a string.
        delay_s: how long a reply takes, in seconds by step; the step is carried out before.
        held_replies: the replies that a test holds by step; see `hold`.
        clock: the time in seconds since the epoch.
    """

    lifetime_s: float
    refresh_lifetime_s: float | None = None
    errors: Literal["object", "string"]

    def __init__(self, account: Account | None, *, canary: str | None, clock: Callable[[], float]) -> None:
        self.account = account or Account()
        self.accounts: list[Account] = [self.account]
        self.canary = canary or f"CANARY{secrets.token_hex(4).upper()}"
        self.expires_in: int | None = None
        self.refresh_response_fields: tuple[str, ...] = ("access_token", "refresh_token", "id_token")
        self.delay_s: dict[SignInStep, float] = {}
        self.held_replies = HeldReplies()
        self.clock = clock
        self._lock = threading.RLock()
        self._asked: list[SignInRequest] = []
        self._faults: dict[SignInStep, deque[SignInFault]] = defaultdict(deque)
        self._families: list[TokenFamily] = []
        self._refresh: dict[str, int] = {}
        self._access: dict[str, AccessToken] = {}

    # For tests.

    def hold(self, step: SignInStep) -> None:
        """Carry out a step, but hold its replies until `release`."""
        self.held_replies.hold(step)

    def release(self, step: SignInStep) -> None:
        """Send the held replies of a step."""
        self.held_replies.release(step)

    def script(self, step: SignInStep, *faults: SignInFault) -> None:
        """Queue faults for the next requests of a step."""
        with self._lock:
            self._faults[step].extend(faults)

    def reject_access_token(self, access_token: str, code: str = "token_expired") -> None:
        """Let the service refuse this access token, whatever its `exp` says."""
        with self._lock:
            self._access[access_token].error_code = code

    def end_sign_in(self, tokens: TokenSet, code: str = "refresh_token_invalidated") -> None:
        """End a sign-in: its refresh tokens are refused with this code from now on."""
        with self._lock:
            self._families[tokens.family].error_code = code

    def is_live(self, refresh_token: str) -> bool:
        """Return whether this refresh token is valid now."""
        with self._lock:
            family = self._families[self._refresh[refresh_token]] if refresh_token in self._refresh else None
            return family is not None and family.error_code is None and family.refresh_token == refresh_token

    def requests_to(self, step: SignInStep | None = None) -> list[SignInRequest]:
        """Return every request so far, or those of one step."""
        with self._lock:
            return [each for each in self._asked if step in (None, each.step)]

    @property
    def secrets(self) -> list[str]:
        """Return every token and code so far."""
        with self._lock:
            return [*self._access, *self._refresh, *self._codes()]

    @abstractmethod
    def _codes(self) -> list[str]:
        """Return every code of a sign-in so far."""

    # For the surface.

    def record_request(self, step: SignInStep, body: dict[str, Any], headers: dict[str, str]) -> SignInFault | None:
        """Record a request; return the fault that is queued for it. None if there is none."""
        with self._lock:
            self._asked.append(SignInRequest(step=step, body=body, headers=headers, at_s=time.monotonic()))
            return self._faults[step].popleft() if self._faults[step] else None

    def revoke(self, token: Any) -> None:
        """End the sign-in that a token belongs to. An unknown token is not an error (RFC 7009)."""
        with self._lock:
            issued = self._access.get(str(token))
            number = self._refresh.get(str(token)) if issued is None else issued.family
            if number is not None:
                self._end_family(number, "refresh_token_invalidated")

    def token_response(self, tokens: TokenSet, *, only: tuple[str, ...] | None = None) -> dict[str, Any]:
        """A token response as it was seen live (2026-06-22) and is documented for Sign in with ChatGPT."""
        lifetime_s = round(tokens.expires_at - self.clock())
        given = {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "id_token": tokens.id_token,
        }
        return {
            **{name: value for name, value in given.items() if value and (only is None or name in only)},
            "token_type": self._token_type,
            "expires_in": self.expires_in if self.expires_in is not None else lifetime_s,
            "scope": tokens.scope,
            "earliest_refresh_at": self._earliest_refresh(tokens.expires_at, lifetime_s),
        }

    _token_type = "bearer"

    def _earliest_refresh(self, expires_at: int, lifetime_s: int) -> int:
        return expires_at - round(lifetime_s / 2)

    def account_of(self, access_token: str) -> Account:
        """Whose access token it is.

        Raises:
            InvalidAccessToken: it is unknown, expired or revoked.
        """
        with self._lock:
            issued = self._access.get(access_token)
            if issued is None:
                return self._account_in_unknown_token(access_token)
            if issued.error_code is not None:
                raise InvalidAccessToken(issued.error_code)
            if issued.expires_at <= self.clock():
                raise InvalidAccessToken("token_expired")
            return issued.account

    def _account_in_unknown_token(self, access_token: str) -> Account:
        raise InvalidAccessToken("unauthorized_unknown")

    # For the issuers.

    def _open_family(self, account: Account, *, client_id: str = "", scope: str = "") -> int:
        self._families.append(TokenFamily(account, client_id=client_id, scope=scope))
        return len(self._families) - 1

    def _find_family(self, refresh_token: Any) -> int:
        """Return the family of a refresh token, which is spent with this.

        Raises:
            SignInError: the token is unknown, expired, spent or revoked.
        """
        number = self._refresh.get(str(refresh_token))
        if number is None:
            raise SignInError(rules.REFRESH_UNKNOWN)
        family = self._families[number]
        if family.error_code is None and refresh_token != family.refresh_token:
            family.error_code = "refresh_token_reused"
        if family.error_code is None and self.clock() >= family.refresh_expires_at_s:
            family.error_code = "refresh_token_expired"
        if family.error_code is not None:
            rule = _END_RULES.get(family.error_code, rules.REFRESH_INVALIDATED)
            raise SignInError(rule, code=family.error_code)
        return number

    def _end_family(self, number: int, code: str) -> None:
        self._families[number].error_code = self._families[number].error_code or code
        for each in self._access.values():
            if each.family == number:
                each.error_code = each.error_code or "token_revoked"

    def _issue(
        self, number: int, lifetime_s: float | None, *, rotate: bool = True, nonce: str | None = None
    ) -> TokenSet:
        family = self._families[number]
        expires_at = int(self.clock() + (self.lifetime_s if lifetime_s is None else lifetime_s))
        access = self._make_access_token(family, expires_at)
        if self._gives_refresh_token(family) and (rotate or not family.refresh_token):
            family.refresh_token = f"rt_{self.canary}{secrets.token_urlsafe(40)}"
            if self.refresh_lifetime_s is not None:
                family.refresh_expires_at_s = self.clock() + self.refresh_lifetime_s
            self._refresh[family.refresh_token] = number
        self._access[access] = AccessToken(account=family.account, family=number, expires_at=expires_at)
        if family.account not in self.accounts:
            self.accounts.append(family.account)
        return TokenSet(
            access_token=access,
            refresh_token=family.refresh_token,
            id_token=self._make_id_token(family, nonce),
            account=family.account,
            expires_at=expires_at,
            family=number,
            scope=family.scope,
        )

    def _gives_refresh_token(self, family: TokenFamily) -> bool:
        return True

    @abstractmethod
    def _make_access_token(self, family: TokenFamily, expires_at: int) -> str:
        """Return a new access token."""

    @abstractmethod
    def _make_id_token(self, family: TokenFamily, nonce: str | None) -> str:
        """Return a new ID token; empty if the sign-in gives none."""
