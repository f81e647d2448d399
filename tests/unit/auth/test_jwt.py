"""What a token says of itself, and what is no token."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from openai_responses_common.auth.jwt import read_claims


def token(claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.signature"


@pytest.mark.parametrize("claims", [{}, {"exp": 1}, {"name": "Zo\u00eb", "nested": {"a": [1]}}])
def test_claims_are_read(claims: dict[str, Any]) -> None:
    assert read_claims(token(claims)) == claims


@pytest.mark.parametrize(
    "text",
    ["", "opaque", "a.b", "a.b.c.d", "a.!!!.c", "a.e30", token([1]), token("x"), "a.\u00e9.c", "a." + "f" * 9 + ".c"],
)
def test_what_is_no_token_has_none(text: str) -> None:
    assert read_claims(text) == {}
