"""Tokens are read from a response whatever is in its fields and in its claims."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError
from amplifier_module_provider_chatgpt_oauth.auth.tokens import AUTH_CLAIM, Tokens, read_microsoft_record, read_tokens
from openai_responses_common.auth.store.record import TokenRecord, dump_token_record

ODD_VALUES: list[object] = [True, 5, -5, 1.5, 10**400, 1e999, float("nan"), [], ["x"], {}, {"x": 1}, None, ""]
TEN_DAYS_S = 864_000


def make_jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


def respond(auth: object = None, **claims: object) -> dict[str, Any]:
    token = make_jwt(**{AUTH_CLAIM: {"chatgpt_account_id": "acc"} if auth is None else auth, **claims})
    return {"access_token": token, "refresh_token": "rt", "id_token": make_jwt(), "expires_in": TEN_DAYS_S}


def is_soon(expires_at: float) -> bool:
    return time.time() <= expires_at <= time.time() + TEN_DAYS_S


@pytest.mark.parametrize("odd", ODD_VALUES, ids=str)
def test_an_odd_claim_counts_as_left_out(odd: object) -> None:
    profile = {"https://api.openai.com/profile": {"email": odd}}
    auth = {"chatgpt_account_id": "acc", "chatgpt_plan_type": odd, "chatgpt_account_is_fedramp": odd}
    tokens = read_tokens(respond(auth, exp=odd if odd != 5 and odd != 1.5 else None, email=odd, **profile))
    assert (tokens.account, tokens.email, tokens.plan) == ("acc", "", "")
    assert tokens.fedramp is (odd is True)
    assert is_soon(tokens.expires_at)
    assert Tokens.from_record(tokens.to_record()) == tokens
    assert dump_token_record(tokens.to_record())


@pytest.mark.parametrize("odd", ODD_VALUES, ids=str)
def test_an_odd_field_of_a_response_counts_as_left_out(odd: object) -> None:
    previous = read_tokens(respond())
    response = {"access_token": odd, "refresh_token": odd, "id_token": odd, "expires_in": odd}
    tokens = read_tokens(response, previous=previous)
    assert (tokens.access_token, tokens.refresh_token) == (previous.access_token, "rt")
    assert tokens.expires_at > time.time() - 60
    with pytest.raises(AuthenticationError, match="usable access token"):
        read_tokens(response)


@pytest.mark.parametrize("odd", [*ODD_VALUES, "a\nb", "caf\u00e9"], ids=str)
def test_an_odd_account_id_is_none(odd: object) -> None:
    with pytest.raises(AuthenticationError, match="do not name a ChatGPT account"):
        read_tokens(respond({"chatgpt_account_id": odd}))


@pytest.mark.parametrize("odd", ODD_VALUES, ids=str)
def test_odd_fields_of_a_record_are_empty(odd: object) -> None:
    fields: dict[str, Any] = dict.fromkeys(("access_token", "refresh_token", "email", "plan", "ended"), odd)
    tokens = Tokens.from_record(TokenRecord(account="acc", saved_at=1.0, tokens=fields))
    assert (tokens.access_token, tokens.refresh_token, tokens.email, tokens.plan, tokens.end_code) == ("",) * 5


def test_an_odd_claim_in_another_programs_file_counts_as_left_out() -> None:
    document = {"auth_mode": "oauth", **respond(exp=1e999, iat={}), "expires_at": "2030-01-01T00:00:00+00:00"}
    record = read_microsoft_record(document)
    assert record is not None
    assert (record.saved_at, record.expires_at) == (0.0, 1893456000.0)
