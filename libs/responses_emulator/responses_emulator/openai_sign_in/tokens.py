"""The tokens of OpenAI's sign-in: their claims, and the files in which other programs store them.

Claims as OpenAI's own client reads them (seen 2026-11-21). Invariant: nothing here is remembered; who issued what is in
`service`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
AUTH_CLAIM = "https://api.openai.com/auth"
PROFILE_CLAIM = "https://api.openai.com/profile"
SCOPE = "openid profile email offline_access"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person, and the workspace that the tokens are for."""

    email: str = "ada@example.com"
    plan: str = "plus"
    account_id: str = "a0000000-1111-4222-8333-444444444444"
    user_id: str = "user-AdaAdaAdaAdaAdaAdaAdaAda"
    # A user id of the identity service; what the Microsoft module takes for the account's.
    subject: str = "auth0|AdaAdaAdaAdaAdaAdaAdaAda"
    workspaces: tuple[str, ...] = ()
    fedramp: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """What one sign-in or renewal gives out."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    id_token: str = field(repr=False)
    account: Account
    expires_at: int
    family: int
    scope: str = ""

    @property
    def secrets(self) -> tuple[str, str, str]:
        """Everything that must turn up nowhere."""
        return self.access_token, self.refresh_token, self.id_token


def pkce_challenge(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier."""
    return _base64(hashlib.sha256(verifier.encode()).digest())


def make_token(account: Account, *, expires_at: int, canary: str = "CANARY", identity: bool = False) -> str:
    """A JWT of the right shape with the real claims; its signature says the canary and proves nothing."""
    now = int(time.time())
    auth: dict[str, Any] = {
        "chatgpt_account_id": account.account_id,
        "chatgpt_plan_type": account.plan,
        "chatgpt_user_id": account.user_id,
        "user_id": account.user_id,
    }
    if account.fedramp:
        auth["chatgpt_account_is_fedramp"] = True
    claims: dict[str, Any] = {
        "iss": "https://auth.openai.com",
        "sub": account.subject,
        "iat": min(now, expires_at - 1),
        "exp": expires_at,
        "jti": str(uuid.uuid4()),
        AUTH_CLAIM: auth,
    }
    if identity:
        claims |= {"aud": [CLIENT_ID], "email": account.email, "email_verified": True}
        auth["organizations"] = [{"id": f"org-{each}", "title": each} for each in account.workspaces]
    else:
        claims |= {"aud": ["https://api.openai.com/v1"], "client_id": CLIENT_ID, "scp": SCOPE.split()}
        claims[PROFILE_CLAIM] = {"email": account.email, "email_verified": True}
    return make_unsigned_token(claims, canary=canary)


def make_unsigned_token(claims: dict[str, Any], *, canary: str) -> str:
    """A JWT with these claims whose signature says the canary and proves nothing."""
    header = {"alg": "RS256", "kid": "offline", "typ": "JWT"}
    parts = [_base64(json.dumps(each, separators=(",", ":")).encode()) for each in (header, claims)]
    return ".".join([*parts, f"{canary}{secrets.token_urlsafe(24)}"])


def decode_claims(token: str) -> dict[str, Any] | None:
    """The claims of a JWT, None for anything else."""
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def write_ms_module_file(path: Path, tokens: TokenSet, *, account_id: str | None = None) -> None:
    """Write the token file of Microsoft's ChatGPT module (v0.1.0, seen 2026-11-21).

    Its account id is wrong unless one is given: that module takes the user's `sub` for it.
    """
    document = {
        "auth_mode": "oauth",
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "id_token": tokens.id_token,
        "account_id": tokens.account.subject if account_id is None else account_id,
        "plan_type": tokens.account.plan,
        "expires_at": datetime.fromtimestamp(tokens.expires_at, UTC).isoformat(),
    }
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")


def write_codex_file(path: Path, tokens: TokenSet, *, refreshed_at_s: float | None = None) -> None:
    """Write `auth.json` of OpenAI's own command line (seen 2026-11-21)."""
    refreshed = datetime.fromtimestamp(time.time() if refreshed_at_s is None else refreshed_at_s, UTC)
    document = {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": None,
        "tokens": {
            "id_token": tokens.id_token,
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "account_id": tokens.account.account_id,
        },
        "last_refresh": refreshed.isoformat().replace("+00:00", "Z"),
    }
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
