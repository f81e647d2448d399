"""An ID token is believed only if its issuer signed it for this client and sign-in, and its time has not passed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from amplifier_core.llm_errors import AuthenticationError
from amplifier_module_provider_chatgpt_oauth.auth.id_token import verify_id_token
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from responses_emulator.chatgpt_plan.keys import first_key, new_key

ISSUER, CLIENT, NONCE = "https://auth.example", "oaiapp_one", "nonce-é"
KEY = first_key()
SECRET = "CANARY"


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    fields = {"iss": ISSUER, "sub": "ada", "aud": CLIENT, "iat": now, "exp": now + 600, "nonce": NONCE, "x": SECRET}
    return {name: value for name, value in {**fields, **more}.items() if value is not None}


def verify(token: object, keys: Any = None, nonce: str | None = NONCE) -> dict[str, Any]:
    return verify_id_token(
        token, keys={"keys": [KEY.public]} if keys is None else keys, issuer=ISSUER, client_id=CLIENT, nonce=nonce
    )


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def sign_with_the_public_key() -> str:
    """The known attack on code that lets the token choose its algorithm."""
    pem = jwt.PyJWK(KEY.public).key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = f"{encode({'alg': 'HS256', 'kid': KEY.key_id})}.{encode(claims())}"
    mac = hmac.new(pem, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def carry_a_key() -> str:
    """A token that brings the key that verifies it."""
    forger = new_key()
    headers = {"kid": KEY.key_id, "jwk": forger.public, "jku": "https://evil.example/keys"}
    return jwt.encode(claims(), forger._private, algorithm="RS256", headers=headers)


def replace_claims() -> str:
    header, _, signature = KEY.sign(claims()).split(".")
    return f"{header}.{encode(claims(sub='bob'))}.{signature}"


FORGERIES: dict[str, Callable[[], object]] = {
    "no algorithm": lambda: f"{encode({'alg': 'none', 'kid': KEY.key_id})}.{encode(claims())}.",
    "HS256 with the public key": sign_with_the_public_key,
    "a key in the token": carry_a_key,
    "other claims": replace_claims,
    "another key, named as the known one": lambda: new_key().sign(claims(), key_id=KEY.key_id),
    "an unknown key": lambda: new_key().sign(claims()),
    "no signature": lambda: KEY.sign(claims()).rpartition(".")[0] + ".",
    "not a token": lambda: "CANARY",
    "a number": lambda: 5,
    "nothing": lambda: None,
    **{
        f"{name}: {value!r}": lambda name=name, value=value: KEY.sign(claims(**{name: value}))
        for name, values in {
            "iss": ["https://evil.example", f"{ISSUER}/", None],
            "aud": ["oaiapp_two", ["oaiapp_one", "oaiapp_two"], [], None, 5],
            "exp": [1, None, "soon", 1e999],
            "iat": [4_000_000_000, None],
            "nbf": [4_000_000_000],
            "sub": ["", None, 5],
            "nonce": ["other", "nonce-e", "", None],
            "azp": ["oaiapp_two"],
        }.items()
        for value in values
    },
}


def test_a_token_that_is_valid() -> None:
    assert verify(KEY.sign(claims()))["sub"] == "ada"
    assert verify(KEY.sign(claims(aud=[CLIENT], azp=CLIENT)))["sub"] == "ada"
    assert verify(KEY.sign(claims(nonce=None)), nonce=None)["sub"] == "ada"
    assert verify(KEY.sign(claims(exp=int(time.time()) - 30)))["sub"] == "ada", "clocks differ by some seconds"


@pytest.mark.promise(
    "a forged or foreign identity signs nobody in",
    area="security",
    without={
        "openai-v2": "a key signs nobody in",
        "azure-openai-v2": "msal signs in, and verifies what it gets",
    },
)
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused_and_not_quoted(name: str) -> None:
    with pytest.raises(AuthenticationError, match="cannot be verified") as raised:
        verify(FORGERIES[name]())
    assert SECRET not in str(raised.value)


def test_a_rotated_key_is_found_and_a_retired_one_is_not() -> None:
    other = new_key()
    both = {"keys": [other.public, KEY.public]}
    assert verify(other.sign(claims()), both)
    assert verify(KEY.sign(claims()), both)
    with pytest.raises(AuthenticationError, match="UnknownKey"):
        verify(KEY.sign(claims()), {"keys": [other.public]})


def test_other_keys_in_the_set_do_no_harm() -> None:
    odd = [{"kty": "new"}, {"kty": "oct", "k": "AAAA", "kid": "odd"}, {}, {"kty": "RSA", "kid": KEY.key_id, "n": 5}]
    assert verify(KEY.sign(claims()), {"keys": [KEY.public, *odd[:2]]})


@pytest.mark.parametrize("keys", [{}, {"keys": []}, {"keys": "x"}, {"keys": [5]}, {"keys": [{"kty": "new"}]}])
def test_a_set_without_keys_verifies_nothing(keys: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationError, match="cannot be verified"):
        verify(KEY.sign(claims()), keys)


@pytest.mark.parametrize("kind", ["oct", "EC"])
def test_a_key_of_another_type_verifies_nothing(kind: str) -> None:
    keys = {
        "oct": {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": KEY.key_id, "alg": "HS256"},
        "EC": {
            **ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True),
            "kid": KEY.key_id,
        },
    }
    with pytest.raises(AuthenticationError, match="cannot be verified"):
        verify(KEY.sign(claims()), {"keys": [keys[kind]]})
