"""Tests of `send_with_credential`, and of what a header can carry."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import pytest
from openai_responses_common.failures.failure import CallFailure, Failure
from openai_responses_common.transport.credential import Lease, is_header_value, is_recent, send_with_credential


class Service:
    """Accepts one token and refuses all others."""

    def __init__(self, accepted_token: str | None) -> None:
        self.accepted_token = accepted_token
        self.tokens: list[str] = []

    async def send(self, headers: Mapping[str, str]) -> str:
        self.tokens.append(headers["Authorization"].removeprefix("Bearer "))
        if self.tokens[-1] != self.accepted_token:
            raise CallFailure(Failure(kind="status", status=401, message="no."))
        return "ok"


class TokenRow:
    """A credential whose every refresh finds the next token of a row."""

    description = "a token"
    account = ""

    def __init__(self, *tokens: str, replaced_s: float = -math.inf) -> None:
        self._tokens = list(tokens)
        self._replaced_s = replaced_s

    async def prepare(self) -> None: ...

    async def lease(self) -> Lease:
        token = self._tokens[0]
        return Lease(headers={"Authorization": f"Bearer {token}"}, token=token, replaced_s=self._replaced_s)

    async def refresh(self, lease: Lease, failure: Failure) -> bool:
        assert lease.token == self._tokens[0]
        assert failure.status == 401
        if len(self._tokens) == 1:
            return False
        self._tokens.pop(0)
        return True

    def scrub(self, text: str) -> str:
        return text


async def test_accepted_token_is_sent_once() -> None:
    service = Service("a")
    assert await send_with_credential(TokenRow("a", "b"), service.send) == "ok"
    assert service.tokens == ["a"]


async def test_token_that_a_refresh_found_may_be_refused_as_well() -> None:
    service = Service("c")
    assert await send_with_credential(TokenRow("a", "b", "c"), service.send) == "ok"
    assert service.tokens == ["a", "b", "c"]


async def test_refresh_happens_at_most_twice() -> None:
    service = Service(None)
    with pytest.raises(CallFailure) as caught:
        await send_with_credential(TokenRow(*"abcdefg"), service.send)
    assert service.tokens == ["a", "b", "c"]
    assert caught.value.failure.message == "no (sent: a token)"


async def test_credential_without_another_token_is_refused_once() -> None:
    service = Service(None)
    with pytest.raises(CallFailure):
        await send_with_credential(TokenRow("a"), service.send)
    assert service.tokens == ["a"]


async def test_token_that_replaced_another_just_now_is_not_refreshed() -> None:
    service = Service("b")
    with pytest.raises(CallFailure, match=r"no \(sent: a token\)"):
        await send_with_credential(TokenRow("a", "b", replaced_s=time.monotonic()), service.send)
    assert service.tokens == ["a"]


async def test_token_that_replaced_another_long_ago_is_refreshed() -> None:
    service = Service("b")
    credential = TokenRow("a", "b", replaced_s=time.monotonic() - 61)
    assert await send_with_credential(credential, service.send) == "ok"


async def test_other_failures_refresh_nothing() -> None:
    sent: list[Mapping[str, str]] = []

    async def send(headers: Mapping[str, str]) -> str:
        sent.append(headers)
        raise CallFailure(Failure(kind="status", status=403, message="no"))

    with pytest.raises(CallFailure, match=r"^no$"):
        await send_with_credential(TokenRow("a", "b"), send)
    assert len(sent) == 1


def test_age_of_a_token_decides_whether_it_is_recent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai_responses_common.transport.credential.time.monotonic", lambda: 1000.0)
    assert is_recent(1000.0)
    assert is_recent(940.1)
    assert not is_recent(940.0)
    assert not is_recent(-math.inf)


@pytest.mark.parametrize("text", ["a", "sk-Abc_123.~", "!~"])
def test_header_carries_visible_ascii(text: str) -> None:
    assert is_header_value(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "a\r\nX: 1", "\u00e9", "a\x00", "a\x7f", "\ta"], ids=repr)
def test_header_carries_nothing_else(text: str) -> None:
    assert not is_header_value(text)
