"""Records of the ChatGPT sign-in: steps, device codes, requests, issued tokens and errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from responses_emulator.openai_sign_in.tokens import Account
from responses_emulator.rules.rule import Rule
from responses_emulator.script.replies import Disconnect, HttpReply

SignInStep = Literal["usercode", "poll", "authorize", "consent", "exchange", "refresh", "revoke", "keys", "discovery"]
DeviceSignInState = Literal["pending", "approved", "declined", "expired", "used"]


class SignInError(Exception):
    """The service refuses a step of the sign-in; `status` and `code` replace those of the rule, `name` fills it in."""

    def __init__(self, rule: Rule, *, status: int | None = None, code: str | None = None, name: str = "") -> None:
        self.rule = rule
        self.code = code or rule.code or ""
        self.message = rule.fill(name=name)
        self.status = status or rule.status
        super().__init__(f"{self.code}: {self.message}")


class InvalidAccessToken(Exception):
    """An access token that the backend refuses, with the code of the backend."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class LoseReply:
    """The service carries the request out and closes the connection before the reply, so nobody has the new token."""

    reset: bool = False


SignInFault = HttpReply | Disconnect | LoseReply


@dataclass(slots=True, kw_only=True)
class DeviceSignIn:
    """One device code, from the request to the exchange."""

    device_auth_id: str
    user_code: str
    verifier: str
    challenge: str
    code: str
    expires_at_s: float
    state: DeviceSignInState = "pending"
    account: Account | None = None
    polls: int = 0
    slow_downs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """One request to the service."""

    step: SignInStep
    body: dict[str, Any] = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    at_s: float


@dataclass(slots=True)
class TokenFamily:
    """All tokens of one sign-in. `error_code` is what its refresh tokens are refused with; None if they are valid."""

    account: Account
    client_id: str = ""
    scope: str = ""
    refresh_token: str = ""
    refresh_expires_at_s: float = math.inf
    earliest_refresh_s: float = 0.0
    error_code: str | None = None


@dataclass(slots=True, kw_only=True)
class AccessToken:
    """One issued access token. `error_code` is what the backend refuses it with; None if it is valid."""

    account: Account
    family: int
    expires_at: float
    error_code: str | None = None
