"""The keys with which the issuer signs tokens: real RSA keys, and their public halves as a key set.

They need PyJWT and cryptography (extra `signing`), which are imported when a key is made.
"""

from __future__ import annotations

import functools
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class SigningKey:
    """An RSA key with its id."""

    def __init__(self, private: RSAPrivateKey) -> None:
        self._private = private
        self.key_id = secrets.token_hex(8)

    def sign(self, claims: dict[str, Any], *, key_id: str | None = None) -> str:
        """Return a JWT with these claims; `key_id` names another key than the one that signs, as a forger would."""
        import jwt

        return jwt.encode(claims, self._private, algorithm="RS256", headers={"kid": key_id or self.key_id})

    @property
    def public(self) -> dict[str, Any]:
        """The public half, as a JSON Web Key."""
        from jwt.algorithms import RSAAlgorithm

        return {
            **RSAAlgorithm.to_jwk(self._private.public_key(), as_dict=True),
            "use": "sig",
            "alg": "RS256",
            "kid": self.key_id,
        }


def new_key() -> SigningKey:
    """Return a new key of 2,048 bits.

    Raises:
        ImportError: a package is missing; the message says what to install.
    """
    try:
        import jwt  # noqa: F401
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError as error:
        packages = "pip install 'responses-emulator[signing]'"
        raise ImportError(f"signed tokens need PyJWT and cryptography. Install them with: {packages}") from error
    return SigningKey(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@functools.cache
def first_key() -> SigningKey:
    """Return the key that every issuer of this process signs with at first; making one takes a tenth of a second."""
    return new_key()
