"""Verifies the ID token of Sign in with ChatGPT: its signature, issuer, audience, end and nonce.

Source: Registration and sign-in on developers.openai.com/siwc, seen 2026-11-30. This file asks nobody for the keys.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from amplifier_core.llm_errors import AuthenticationError

_ALGORITHM = "RS256"
_LEEWAY_S = 60
_REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp", "iat"]


def verify_id_token(
    token: object, *, keys: Mapping[str, Any], issuer: str, client_id: str, nonce: str | None
) -> dict[str, Any]:
    """Return the claims of a token that is valid.

    Args:
        token: the token.
        keys: the key set of the issuer.
        issuer: the issuer.
        client_id: the client that the token has to be for.
        nonce: what the sign-in sent. None for a refresh, which has none.

    Raises:
        AuthenticationError: the token is not valid. The message holds no part of it.
    """
    import jwt  # it takes some milliseconds, and only a sign-in needs it

    problem = ""
    try:
        header = jwt.get_unverified_header(str(token))
        key = jwt.PyJWKSet.from_dict(dict(keys))[str(header.get("kid"))].key
        claims: dict[str, Any] = jwt.decode(
            str(token),
            key,
            algorithms=[_ALGORITHM],
            issuer=issuer,
            audience=client_id,
            leeway=_LEEWAY_S,
            options={"require": _REQUIRED_CLAIMS},
        )
    except KeyError:
        problem = "UnknownKey"
    # A key of another type, and times that are not numbers, raise errors of Python's.
    except (jwt.PyJWTError, ArithmeticError, AttributeError, TypeError, ValueError) as error:
        problem = type(error).__name__
    else:
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            problem = "NoSubject"
        elif nonce is not None and not hmac.compare_digest(
            str(claims.get("nonce")).encode(errors="replace"), nonce.encode()
        ):
            problem = "WrongNonce"
        elif claims.get("azp", client_id) != client_id or claims["aud"] not in (client_id, [client_id]):
            problem = "OtherAudience"
        else:
            return claims
    raise AuthenticationError(f"the identity that the sign-in service returned cannot be verified ({problem})")
