"""OpenAI's sign-in service: device codes, tokens, refresh with rotation, and revocation.

Invariants: any thread may use it; a refresh token works once, and a second use ends its whole family; nothing here
speaks HTTP.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Literal

from responses_emulator.openai_sign_in.records import (
    AccessToken,
    DeviceSignIn,
    DeviceSignInState,
    InvalidAccessToken,
    SignInError,
    SignInFault,
    SignInRequest,
    SignInStep,
    TokenFamily,
)
from responses_emulator.openai_sign_in.tokens import (
    AUTH_CLAIM,
    CLIENT_ID,
    PROFILE_CLAIM,
    SCOPE,
    Account,
    TokenSet,
    decode_claims,
    make_token,
    pkce_challenge,
)
from responses_emulator.rules import sign_in as rules
from responses_emulator.service.held_replies import HeldReplies

REDIRECT = "https://auth.openai.com/deviceauth/callback"
# Recorded lifetime of an access token: ten days (live trace of 2026-06-22).
ACCESS_LIFETIME_S = 864_000
DEVICE_LIFETIME_S = 900


class SignInService:
    """The accounts and tokens of the service. A test may set the public attributes at any time.

    Attributes:
        account: who signs in by default.
        accounts: all accounts that received a token.
        canary: a word in every token and code, so that a search finds a leak. The default is random.
        user_code: the code that every user enters, such as `ABCD-12345`. The default None makes codes with the canary.
        interval: seconds between polls, as a string (live) or a number. The default is "5".
        lifetime_s: the lifetime of access tokens in seconds. The default is ten days.
        expires_in: the lifetime that a token response states. The default None states `lifetime_s`.
        device_lifetime_s: the lifetime of a device code in seconds. The default is 900.
        pending_polls: a device code is approved after this number of polls. The default None waits for `approve`.
        pending_status: the status of a pending poll: 403 with a body (live, the default), or 404 of older servers.
        enabled: whether the account allows device codes.
        opaque_access_tokens: access tokens are not JWTs, so that a client cannot read their `exp`.
        refresh_response_fields: the tokens in the response to a refresh. The default is all three.
        errors: the form of an error: an object with a code (the default), or the code as a string.
        delay_s: how long a reply takes, in seconds by step; the step is carried out before.
        held_replies: the replies that a test holds by step; see `hold`.
        rejects_unknown_tokens: False accepts every well-formed access token that is not expired.
        clock: the time in seconds since the epoch.
    """

    def __init__(
        self,
        account: Account | None = None,
        *,
        canary: str | None = None,
        user_code: str | None = None,
        interval: str | float = "5",
        lifetime_s: float = ACCESS_LIFETIME_S,
        expires_in: int | None = None,
        device_lifetime_s: float = DEVICE_LIFETIME_S,
        pending_polls: int | None = None,
        pending_status: int = 403,
        known_only: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.account = account or Account()
        self.accounts: list[Account] = [self.account]
        self.canary = canary or f"CANARY{secrets.token_hex(4).upper()}"
        self.user_code = user_code
        self.interval = interval
        self.lifetime_s = lifetime_s
        self.expires_in = expires_in
        self.device_lifetime_s = device_lifetime_s
        self.pending_polls = pending_polls
        self.pending_status = pending_status
        self.enabled = True
        self.opaque_access_tokens = False
        self.refresh_response_fields: tuple[str, ...] = ("access_token", "refresh_token", "id_token")
        self.errors: Literal["object", "string"] = "object"
        self.delay_s: dict[SignInStep, float] = {}
        self.held_replies = HeldReplies()
        self.rejects_unknown_tokens = known_only
        self.clock = clock
        self._lock = threading.RLock()
        self._asked: list[SignInRequest] = []
        self._faults: dict[SignInStep, deque[SignInFault]] = defaultdict(deque)
        self._devices: dict[str, DeviceSignIn] = {}
        self._families: list[TokenFamily] = []
        self._refresh: dict[str, int] = {}
        self._access: dict[str, AccessToken] = {}

    # For tests.

    def token_set(self, account: Account | None = None, *, lifetime_s: float | None = None) -> TokenSet:
        """Return new tokens without a sign-in; a negative lifetime gives an access token that has expired."""
        with self._lock:
            self._families.append(TokenFamily(account or self.account))
            return self._issue(len(self._families) - 1, lifetime_s)

    def hold(self, step: SignInStep) -> None:
        """Carry out a step, but hold its replies until `release`."""
        self.held_replies.hold(step)

    def release(self, step: SignInStep) -> None:
        """Send the held replies of a step."""
        self.held_replies.release(step)

    def approve(self, user_code: str | None = None, *, account: Account | None = None) -> None:
        """Approve the sign-in with this user code. None is the newest one."""
        self._set_device_state(user_code, "approved", account)

    def decline(self, user_code: str | None = None) -> None:
        """Decline the sign-in with this user code. None is the newest one."""
        self._set_device_state(user_code, "declined", None)

    def expire(self, user_code: str | None = None) -> None:
        """Let the device code expire."""
        self._set_device_state(user_code, "expired", None)

    def slow_down(self, times: int = 1, user_code: str | None = None) -> None:
        """Refuse the next polls as too fast."""
        with self._lock:
            self._device(user_code).slow_downs = times

    def disable(self) -> None:
        """Forbid device codes: step 1 is refused with 404."""
        self.enabled = False

    def script(self, step: SignInStep, *faults: SignInFault) -> None:
        """Queue faults for the next requests of a step."""
        with self._lock:
            self._faults[step].extend(faults)

    def reject_access_token(self, access_token: str, code: str = "token_expired") -> None:
        """Let the backend refuse this access token, whatever its `exp` says."""
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
            found = [*self._access, *self._refresh]
            for device in self._devices.values():
                found += [device.user_code, device.code, device.verifier, device.device_auth_id]
            return found

    @property
    def user_codes(self) -> list[str]:
        """Return every user code so far."""
        with self._lock:
            return [device.user_code for device in self._devices.values()]

    # For the surface.

    def record_request(self, step: SignInStep, body: dict[str, Any], headers: dict[str, str]) -> SignInFault | None:
        """Record a request; return the fault that is queued for it. None if there is none."""
        with self._lock:
            self._asked.append(SignInRequest(step=step, body=body, headers=headers, at_s=time.monotonic()))
            return self._faults[step].popleft() if self._faults[step] else None

    def start_device_sign_in(self, client_id: Any) -> DeviceSignIn:
        """Step 1: return a new device code with the code that the user enters."""
        _check_client(client_id)
        with self._lock:
            if not self.enabled:
                raise SignInError(rules.DEVICE_CODES_DISABLED)
            verifier = f"{self.canary}-{secrets.token_urlsafe(48)}"
            device = DeviceSignIn(
                device_auth_id=f"deviceauth_{self.canary}{secrets.token_hex(12)}",
                user_code=self.user_code or f"{self.canary}-{secrets.token_hex(3).upper()}",
                verifier=verifier,
                challenge=pkce_challenge(verifier),
                code=f"ac_{self.canary}{secrets.token_urlsafe(24)}",
                expires_at_s=self.clock() + self.device_lifetime_s,
            )
            self._devices[device.device_auth_id] = device
            return device

    def poll(self, device_auth_id: Any, user_code: Any) -> DeviceSignIn:
        """Step 3: return the device sign-in after the user approved it.

        Raises:
            SignInError: it is pending, declined, expired or unknown, or the client polls too fast.
        """
        with self._lock:
            device = self._devices.get(str(device_auth_id))
            if device is None or device.user_code != user_code:
                raise SignInError(rules.DEVICE_UNKNOWN)
            device.polls += 1
            if device.slow_downs:
                device.slow_downs -= 1
                raise SignInError(rules.SLOW_DOWN)
            if self.clock() >= device.expires_at_s and device.state in {"pending", "approved"}:
                device.state = "expired"
            if device.state == "pending" and self.pending_polls is not None and device.polls > self.pending_polls:
                device.state, device.account = "approved", self.account
            match device.state:
                case "approved":
                    return device
                case "pending":
                    raise SignInError(rules.DEVICE_PENDING, status=self.pending_status)
                case "declined":
                    raise SignInError(rules.DECLINED)
                case _:
                    raise SignInError(rules.DEVICE_EXPIRED)

    def exchange(self, form: dict[str, Any], *, redirects: frozenset[str]) -> TokenSet:
        """Step 4: return tokens for the code of step 3."""
        _check_client(form.get("client_id"))
        with self._lock:
            found = (each for each in self._devices.values() if each.code == form.get("code"))
            device = next(found, None)
            if device is None or device.state != "approved" or device.account is None:
                raise SignInError(rules.CODE_USED)
            if form.get("redirect_uri") not in redirects:
                raise SignInError(rules.WRONG_REDIRECT)
            if pkce_challenge(str(form.get("code_verifier"))) != device.challenge:
                raise SignInError(rules.WRONG_VERIFIER)
            device.state = "used"
            return self.token_set(device.account)

    def refresh(self, client_id: Any, refresh_token: Any) -> TokenSet:
        """Return new tokens for a refresh token, which then is used up."""
        _check_client(client_id)
        with self._lock:
            number = self._refresh.get(str(refresh_token))
            if number is None:
                raise SignInError(rules.REFRESH_UNKNOWN)
            family = self._families[number]
            if family.error_code is None and refresh_token != family.refresh_token:
                family.error_code = "refresh_token_reused"
            if family.error_code is not None:
                rule = _END_RULES.get(family.error_code, rules.REFRESH_INVALIDATED)
                raise SignInError(rule, code=family.error_code)
            return self._issue(number, None, rotate="refresh_token" in self.refresh_response_fields)

    def revoke(self, token: Any) -> None:
        """End the sign-in that a token belongs to. An unknown token is not an error (RFC 7009)."""
        with self._lock:
            issued = self._access.get(str(token))
            number = self._refresh.get(str(token)) if issued is None else issued.family
            if number is None:
                return
            self._families[number].error_code = self._families[number].error_code or "refresh_token_invalidated"
            for each in self._access.values():
                if each.family == number:
                    each.error_code = each.error_code or "token_revoked"

    def token_response(self, tokens: TokenSet, *, only: tuple[str, ...] | None = None) -> dict[str, Any]:
        """A token answer as it was seen live (2026-06-22)."""
        lifetime_s = round(tokens.expires_at - self.clock())
        given = {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "id_token": tokens.id_token,
        }
        return {
            **{name: value for name, value in given.items() if only is None or name in only},
            "token_type": "bearer",
            "expires_in": self.expires_in if self.expires_in is not None else lifetime_s,
            "scope": SCOPE,
            "earliest_refresh_at": tokens.expires_at - round(lifetime_s / 2),
        }

    def account_of(self, access_token: str) -> Account:
        """Whose access token it is.

        Raises:
            BadToken: unknown, expired or revoked.
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
        claims = decode_claims(access_token)
        if self.rejects_unknown_tokens or claims is None or AUTH_CLAIM not in claims:
            raise InvalidAccessToken("unauthorized_unknown")
        if claims.get("exp", 0) <= self.clock():
            raise InvalidAccessToken("token_expired")
        auth = claims[AUTH_CLAIM]
        return Account(
            email=claims.get(PROFILE_CLAIM, {}).get("email", ""),
            plan=auth.get("chatgpt_plan_type", ""),
            account_id=auth.get("chatgpt_account_id", ""),
            user_id=auth.get("chatgpt_user_id", ""),
        )

    def _issue(self, number: int, lifetime_s: float | None, *, rotate: bool = True) -> TokenSet:
        family = self._families[number]
        expires_at = int(self.clock() + (self.lifetime_s if lifetime_s is None else lifetime_s))
        access = make_token(family.account, expires_at=expires_at, canary=self.canary)
        if self.opaque_access_tokens:
            access = f"at_{self.canary}{secrets.token_urlsafe(32)}"
        if rotate or not family.refresh_token:
            family.refresh_token = f"rt_{self.canary}{secrets.token_urlsafe(40)}"
        self._refresh[family.refresh_token] = number
        self._access[access] = AccessToken(account=family.account, family=number, expires_at=expires_at)
        if family.account not in self.accounts:
            self.accounts.append(family.account)
        return TokenSet(
            access_token=access,
            refresh_token=family.refresh_token,
            id_token=make_token(family.account, expires_at=int(self.clock()) + 3600, canary=self.canary, identity=True),
            account=family.account,
            expires_at=expires_at,
            family=number,
        )

    def _set_device_state(self, user_code: str | None, state: DeviceSignInState, account: Account | None) -> None:
        with self._lock:
            device = self._device(user_code)
            device.state, device.account = state, account or self.account

    def _device(self, user_code: str | None) -> DeviceSignIn:
        fitting = [each for each in self._devices.values() if user_code in (None, each.user_code)]
        if not fitting:
            raise KeyError(f"no device sign-in has the user code {user_code!r}")
        return fitting[-1]


_END_RULES = {rule.code: rule for rule in (rules.REFRESH_REUSED, rules.REFRESH_EXPIRED, rules.REFRESH_INVALIDATED)}


def _check_client(client_id: Any) -> None:
    if client_id != CLIENT_ID:
        raise SignInError(rules.UNKNOWN_CLIENT)
