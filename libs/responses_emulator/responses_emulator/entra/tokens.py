"""The texts of the tokens of an emulated Entra tenant: JWTs that clients read, and that nobody else accepts.

Invariant: nothing here is remembered; what was given out is in `directory.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from responses_emulator.entra.records import FEDERATED_AUDIENCE, base64url, encode_jwt_part

_FEDERATED_KEY = b"offline issuer of a cluster, not a secret"


def make_access_token(
    *, audience: str, tenant: str, app_id: str, object_id: str, user: str | None, lifetime_s: int, signature: str
) -> tuple[str, float]:
    """Return an access token, and when it expires in seconds since the epoch.

    Args:
        user: who it is for. None is the app itself.
        signature: the word that stands for one, so that a search finds the token.
    """
    now = int(time.time())
    claims: dict[str, str | int] = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{tenant}/",
        "iat": now,
        "nbf": now,
        "exp": now + lifetime_s,
        "appid": app_id,
        "oid": object_id,
        "sub": object_id,
        "tid": tenant,
        "ver": "1.0",
    }
    if user:
        claims |= {"upn": user, "unique_name": user, "scp": "user_impersonation"}
    # Still valid base64: padded to whole groups.
    padding = "A" * (-len(signature) % 4)
    header = {"typ": "JWT", "alg": "RS256", "kid": "offline"}
    return f"{encode_jwt_part(header)}.{encode_jwt_part(claims)}.{signature}{padding}", float(now + lifetime_s)


def make_id_token(*, client_id: str, tenant: str, user: str, user_id: str, lifetime_s: int, nonce: str | None) -> str:
    """Return an id token, unsigned: clients read it and do not verify it, because it came over TLS."""
    now = int(time.time())
    claims: dict[str, str | int] = {
        "aud": client_id,
        "iss": f"https://login.microsoftonline.com/{tenant}/v2.0",
        "iat": now,
        "exp": now + lifetime_s,
        "name": user.split("@", maxsplit=1)[0],
        "oid": user_id,
        "preferred_username": user,
        "sub": base64url(hashlib.sha256(user.encode()).digest()),
        "tid": tenant,
        "ver": "2.0",
    }
    if nonce:
        claims["nonce"] = nonce
    return f"{encode_jwt_part({'typ': 'JWT', 'alg': 'none'})}.{encode_jwt_part(claims)}."


def make_federated_token(
    canary: str,
    *,
    issuer: str = "https://cluster.example/",
    subject: str = "system:serviceaccount:default:app",
    audience: str = FEDERATED_AUDIENCE,
    lifetime_s: float = 3600,
) -> str:
    """Return an assertion as a cluster writes it to a file."""
    now = int(time.time())
    claims = {"iss": issuer, "sub": subject, "aud": audience, "iat": now, "exp": int(now + lifetime_s)}
    claims["jti"] = f"{canary}{secrets.token_hex(4)}"
    signed = f"{encode_jwt_part({'alg': 'HS256', 'typ': 'JWT'})}.{encode_jwt_part(claims)}"
    return f"{signed}.{base64url(hmac.digest(_FEDERATED_KEY, signed.encode(), 'sha256'))}"
