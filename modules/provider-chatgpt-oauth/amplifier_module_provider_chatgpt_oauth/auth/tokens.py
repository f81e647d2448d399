"""The sign-in service: device codes, tokens, their renewal and their end.

Source of every address, field, status and code: OpenAI's own client (login/src) and live traces of its users, as of
October 2026, seen 2026-11-21; there is no contract for them. What a token endpoint says is never put into an error,
but for its code: it may repeat a token.
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
"""A token whose end cannot be read is renewed after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of one sign-in, and what they say of the account; `ended` is why they cannot be renewed."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: float
    account: str
    email: str = ""
    plan: str = ""
    fedramp: bool = False
    end_code: str = ""

    def __reduce__(self) -> NoReturn:
        raise TypeError("tokens are not pickled or copied: they stay in this process and in their store")

    @classmethod
    def from_record(cls, token_record: TokenRecord) -> Tokens:
        """The tokens of a record."""
        known = token_record.tokens
        return cls(
            access_token=str(known.get("access_token") or ""),
            refresh_token=str(known.get("refresh_token") or ""),
            expires_at=token_record.expires_at or token_record.saved_at + _DEFAULT_LIFETIME_S,
            account=token_record.account,
            email=str(known.get("email") or ""),
            plan=str(known.get("plan") or ""),
            fedramp=known.get("fedramp") is True,
            end_code=str(known.get("ended") or ""),
        )

    def to_record(self, saved_at: float | None = None) -> TokenRecord:
        """The same as a record, of now if nothing else is said."""
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
                **({"ended": self.end_code} if self.end_code else {}),
            },
        )

    def remaining_s(self) -> float:
        """Seconds that are left of the access token."""
        return self.expires_at - time.time()


def read_tokens(response: Mapping[str, Any], *, previous: Tokens | None = None) -> Tokens:
    """The tokens of a token endpoint's answer; what it does not give stays as it was `before`.

    Raises:
        AuthenticationError: they name no account, or could be sent in no header.
    """
    access = str(response.get("access_token") or (previous.access_token if previous else ""))
    refresh = str(response.get("refresh_token") or (previous.refresh_token if previous else ""))
    if not is_header_value(access) or (refresh and not is_header_value(refresh)):
        raise AuthenticationError("the sign-in service gave no access token that could be sent")
    claims, identity = read_claims(access), read_claims(str(response.get("id_token") or ""))
    auth = {**as_object(identity.get(AUTH_CLAIM)), **as_object(claims.get(AUTH_CLAIM))}
    account = auth.get("chatgpt_account_id") or (previous.account if previous else None)
    if not account or not is_header_value(str(account)):
        raise AuthenticationError("the tokens name no ChatGPT account: sign in with an account that has a plan")
    email = (
        identity.get("email")
        or as_object(claims.get(_PROFILE_CLAIM)).get("email")
        or (previous.email if previous else "")
    )
    return Tokens(
        access_token=access,
        refresh_token=refresh,
        expires_at=_read_expiry(claims, response),
        account=str(account),
        email=str(email or ""),
        plan=str(auth.get("chatgpt_plan_type") or (previous.plan if previous else "")),
        fedramp=auth.get("chatgpt_account_is_fedramp") is True,
    )


def _read_expiry(claims: Mapping[str, Any], response: Mapping[str, Any]) -> float:
    """The token's own end; what the answer says of it has been wrong."""
    if _is_number(claims.get("exp")):
        return float(claims["exp"])
    lives_s = response.get("expires_in")
    return time.time() + (float(lives_s) if _is_number(lives_s) else _DEFAULT_LIFETIME_S)  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_microsoft_record(document: Mapping[str, Any]) -> TokenRecord | None:
    """The record that stands in a file of Microsoft's module (v0.1.0, seen 2026-11-21).

    Its account id is computed anew, since that module wrote the user's id there.
    """
    if document.get("auth_mode") != "oauth":
        return None
    try:
        tokens = read_tokens(document)
    except AuthenticationError:
        return None
    claims = read_claims(tokens.access_token)
    if "exp" not in claims:
        tokens = replace(tokens, expires_at=datetime.fromisoformat(str(document["expires_at"])).timestamp())
    return tokens.to_record(float(claims.get("iat") or 0.0))
