"""OpenAI's sign-in service: device codes, and the tokens of OpenAI's own client.

Invariants: any thread may use it; nothing here speaks HTTP.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Literal

from responses_emulator.openai_sign_in.records import (
    DeviceSignIn,
    DeviceSignInState,
    InvalidAccessToken,
    SignInError,
    TokenFamily,
)
from responses_emulator.openai_sign_in.token_books import TokenBooks
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

REDIRECT = "https://auth.openai.com/deviceauth/callback"
# Recorded lifetime of an access token: ten days (live trace of 2026-06-22).
ACCESS_LIFETIME_S = 864_000
DEVICE_LIFETIME_S = 900


class SignInService(TokenBooks):
    """The accounts and tokens of the service. A test may set the public attributes at any time; see also `TokenBooks`.

    Attributes:
        user_code: the code that every user enters, such as `ABCD-12345`. The default None makes codes with the canary.
        interval: seconds between polls, as a string (live) or a number. The default is "5".
        device_lifetime_s: the lifetime of a device code in seconds. The default is 900.
        pending_polls: a device code is approved after this number of polls. The default None waits for `approve`.
        pending_status: the status of a pending poll: 403 with a body (live, the default), or 404 of older servers.
        enabled: whether the account allows device codes.
        opaque_access_tokens: access tokens are not JWTs, so that a client cannot read their `exp`.
        rejects_unknown_tokens: False accepts every well-formed access token that is not expired.
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
        super().__init__(account, canary=canary, clock=clock)
        self.user_code = user_code
        self.interval = interval
        self.lifetime_s = lifetime_s
        self.expires_in = expires_in
        self.device_lifetime_s = device_lifetime_s
        self.pending_polls = pending_polls
        self.pending_status = pending_status
        self.enabled = True
        self.opaque_access_tokens = False
        self.errors: Literal["object", "string"] = "object"
        self.rejects_unknown_tokens = known_only
        self._devices: dict[str, DeviceSignIn] = {}

    # For tests.

    def token_set(self, account: Account | None = None, *, lifetime_s: float | None = None) -> TokenSet:
        """Return new tokens without a sign-in; a negative lifetime gives an access token that has expired."""
        with self._lock:
            return self._issue(self._open_family(account or self.account, scope=SCOPE), lifetime_s)

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

    def _codes(self) -> list[str]:
        devices = self._devices.values()
        return [code for each in devices for code in (each.user_code, each.code, each.verifier, each.device_auth_id)]

    @property
    def user_codes(self) -> list[str]:
        """Return every user code so far."""
        with self._lock:
            return [device.user_code for device in self._devices.values()]

    # For the surface.

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
            number = self._find_family(refresh_token)
            return self._issue(number, None, rotate="refresh_token" in self.refresh_response_fields)

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

    def _make_access_token(self, family: TokenFamily, expires_at: int) -> str:
        if self.opaque_access_tokens:
            return f"at_{self.canary}{secrets.token_urlsafe(32)}"
        return make_token(family.account, expires_at=expires_at, canary=self.canary)

    def _make_id_token(self, family: TokenFamily, nonce: str | None) -> str:
        return make_token(family.account, expires_at=int(self.clock()) + 3600, canary=self.canary, identity=True)

    def _set_device_state(self, user_code: str | None, state: DeviceSignInState, account: Account | None) -> None:
        with self._lock:
            device = self._device(user_code)
            device.state, device.account = state, account or self.account

    def _device(self, user_code: str | None) -> DeviceSignIn:
        fitting = [each for each in self._devices.values() if user_code in (None, each.user_code)]
        if not fitting:
            raise KeyError(f"no device sign-in has the user code {user_code!r}")
        return fitting[-1]


def _check_client(client_id: Any) -> None:
    if client_id != CLIENT_ID:
        raise SignInError(rules.UNKNOWN_CLIENT)
