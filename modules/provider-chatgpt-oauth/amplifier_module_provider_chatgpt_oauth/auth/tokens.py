"""The tokens of one sign-in, read from a response of the sign-in service or from the token store.

This file is pure but for the clock: it knows no HTTP and no token store. Source of every field and claim: OpenAI's own
client (login/src) and live traces of its users, as of October 2026, seen 2026-11-21; there is no contract for them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NoReturn

from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.jwt import read_claims
from openai_responses_common.auth.store.record import TokenRecord
from openai_responses_common.transport.credential import is_header_value
from openai_responses_common.wire.json_values import as_object

AUTH_CLAIM = "https://api.openai.com/auth"

_PROFILE_CLAIM = "https://api.openai.com/profile"

_DEFAULT_LIFETIME_S = 8 * 86_400.0
"""The lifetime, in seconds, of a token whose end cannot be read."""

_MAX_TIME_S = 1e11
"""A larger number of seconds is not a time that anything can show or save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of one sign-in, and what they say about the account.

    Attributes:
        access_token: the token that requests carry.
        refresh_token: the token that a refresh spends; empty without one.
        expires_at: when the access token expires, in seconds since the epoch.
        account: the id of the account, which is also the workspace.
        email: the address of the user; empty if the tokens do not say it.
        plan: the plan of the account; empty if the tokens do not say it.
        fedramp: True for an account in the cloud of the US government.
        client_id: the client id that the issuer gave to this machine; empty for a device code.
        scope: what the tokens may be used for; empty for a device code.
        earliest_refresh_at: before this time, in seconds since the epoch, the service refuses a refresh.
        end_code: why the tokens cannot be refreshed any more; empty if they can.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: float
    account: str
    email: str = ""
    plan: str = ""
    fedramp: bool = False
    client_id: str = ""
    scope: str = ""
    earliest_refresh_at: float = 0.0
    end_code: str = ""

    def __reduce__(self) -> NoReturn:
        raise TypeError("tokens are not pickled or copied: they stay in this process and in their store")

    @classmethod
    def from_record(cls, token_record: TokenRecord) -> Tokens:
        """Read the tokens of a record."""
        fields = token_record.tokens
        return cls(
            access_token=_read_text(fields.get("access_token")),
            refresh_token=_read_text(fields.get("refresh_token")),
            expires_at=token_record.expires_at or token_record.saved_at + _DEFAULT_LIFETIME_S,
            account=token_record.account,
            email=_read_text(fields.get("email")),
            plan=_read_text(fields.get("plan")),
            fedramp=fields.get("fedramp") is True,
            client_id=_read_text(fields.get("client_id")),
            scope=_read_text(fields.get("scope")),
            earliest_refresh_at=_read_time(fields.get("earliest_refresh_at")) or 0.0,
            end_code=_read_text(fields.get("ended")),
        )

    def to_record(self, saved_at: float | None = None) -> TokenRecord:
        """Build the record of the tokens.

        Args:
            saved_at: when they are saved, in seconds since the epoch. None, the default, means now.
        """
        return TokenRecord(
            account=self.account,
            saved_at=time.time() if saved_at is None else saved_at,
            expires_at=self.expires_at,
            tokens={
                "access_token": self.access_token,
                "refresh_token": self.refresh_token,
                "email": self.email,
                "plan": self.plan,
                "fedramp": self.fedramp,
                **self._plan_fields(),
                **({"ended": self.end_code} if self.end_code else {}),
            },
        )

    def _plan_fields(self) -> dict[str, Any]:
        if not self.client_id:
            return {}
        return {
            "client_id": self.client_id,
            "scope": self.scope,
            "earliest_refresh_at": self.earliest_refresh_at,
        }

    @property
    def can_be_used(self) -> bool:
        """Whether the access token is valid, or a refresh may get another one."""
        return self.remaining_s() > 0 or (self.refresh_token != "" and not self.end_code)

    def remaining_s(self) -> float:
        """The remaining lifetime of the access token, in seconds."""
        return self.expires_at - time.time()


def read_tokens(response: Mapping[str, Any], *, previous: Tokens | None = None) -> Tokens:
    """Read the tokens of a token response.

    Args:
        response: the fields of the response.
        previous: supplies what the response leaves out. None, the default, for a new sign-in.

    Raises:
        AuthenticationError: the tokens do not name an account, or a header cannot carry them.
    """
    access = _read_text(response.get("access_token")) or (previous.access_token if previous else "")
    refresh = _read_text(response.get("refresh_token")) or (previous.refresh_token if previous else "")
    if not is_header_value(access) or (refresh and not is_header_value(refresh)):
        raise AuthenticationError("the sign-in service did not return a usable access token")
    claims, identity = read_claims(access), read_claims(_read_text(response.get("id_token")))
    auth = {**as_object(identity.get(AUTH_CLAIM)), **as_object(claims.get(AUTH_CLAIM))}
    account = _read_text(auth.get("chatgpt_account_id")) or (previous.account if previous else "")
    if not is_header_value(account):
        raise AuthenticationError("the tokens do not name a ChatGPT account: sign in with an account that has a plan")
    email = _read_text(identity.get("email")) or _read_text(as_object(claims.get(_PROFILE_CLAIM)).get("email"))
    return Tokens(
        access_token=access,
        refresh_token=refresh,
        expires_at=_read_expiry(claims, response),
        account=account,
        email=email or (previous.email if previous else ""),
        plan=_read_text(auth.get("chatgpt_plan_type")) or (previous.plan if previous else ""),
        fedramp=auth.get("chatgpt_account_is_fedramp") is True,
    )


def read_plan_tokens(
    response: Mapping[str, Any],
    *,
    client_id: str,
    identity: Mapping[str, Any] | None = None,
    previous: Tokens | None = None,
) -> Tokens:
    """Read the tokens of a response of Sign in with ChatGPT.

    Args:
        response: the fields of the response.
        client_id: the client that they were issued to.
        identity: the verified claims of the ID token. None, the default, if the response has none.
        previous: supplies what the response leaves out. None, the default, for a new sign-in.

    Raises:
        AuthenticationError: there is no usable access token.
    """
    access = _read_text(response.get("access_token"))
    refresh = _read_text(response.get("refresh_token")) or (previous.refresh_token if previous else "")
    if not is_header_value(access) or (refresh and not is_header_value(refresh)):
        raise AuthenticationError("the sign-in service did not return a usable access token")
    claims = identity or {}
    return Tokens(
        access_token=access,
        refresh_token=refresh,
        expires_at=_read_expiry(read_claims(access), response),
        account=_read_text(claims.get("sub")) or (previous.account if previous else ""),
        email=_read_text(claims.get("email")) or (previous.email if previous else ""),
        client_id=client_id,
        scope=_read_text(response.get("scope")) or (previous.scope if previous else ""),
        earliest_refresh_at=_read_time(response.get("earliest_refresh_at")) or 0.0,
    )


def _read_expiry(claims: Mapping[str, Any], response: Mapping[str, Any]) -> float:
    """The end that the token itself states; the one in the response has been wrong."""
    expires_at = _read_time(claims.get("exp"))
    if expires_at is not None:
        return expires_at
    lifetime_s = _read_time(response.get("expires_in"))
    return time.time() + (_DEFAULT_LIFETIME_S if lifetime_s is None else lifetime_s)


def _read_time(value: object) -> float | None:
    """A number of seconds. None for anything else, such as infinity, which JSON can carry and no store can save."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _MAX_TIME_S else None


def _read_text(value: object) -> str:
    """The text; empty for anything else."""
    return value if isinstance(value, str) else ""


def read_microsoft_record(document: Mapping[str, Any]) -> TokenRecord | None:
    """Read the record in a file of Microsoft's module (v0.1.0, seen 2026-11-21).

    The account id comes from the tokens, because that module wrote the user's id there. None if the file is not one of
    that module, or its tokens cannot be used.
    """
    if document.get("auth_mode") != "oauth":
        return None
    try:
        tokens = read_tokens(document)
    except AuthenticationError:
        return None
    claims = read_claims(tokens.access_token)
    if _read_time(claims.get("exp")) is None:
        tokens = replace(tokens, expires_at=datetime.fromisoformat(str(document["expires_at"])).timestamp())
    return tokens.to_record(_read_time(claims.get("iat")) or 0.0)
