"""Tests of `BearerToken`."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.bearer import BearerToken, build_bearer_headers
from openai_responses_common.auth.token_source import Token, TokenSource
from openai_responses_common.failures.failure import CallFailure, Failure
from openai_responses_common.transport.credential import send_with_credential


class Service:
    """Fetches a new token each time, and accepts one of them."""

    def __init__(self, accepted_token: str | None = None) -> None:
        self.accepted_token = accepted_token
        self.fetched: list[str] = []
        self.credential = BearerToken(TokenSource(self._fetch, description="getting a token"), description="a token")

    def _fetch(self, refused_token: str | None) -> Token:
        self.fetched.append(f"t{len(self.fetched)}")
        return Token(value=self.fetched[-1], expires_at_s=time.time() + 1000)

    async def send(self, headers: Mapping[str, str]) -> str:
        if headers["Authorization"] != f"Bearer {self.accepted_token}":
            raise CallFailure(Failure(kind="status", status=401, message="no"))
        return "ok"

    async def call(self) -> str:
        return await send_with_credential(self.credential, self.send)


async def test_token_that_was_fetched_because_of_a_refusal_is_not_fetched_again() -> None:
    service = Service()
    for _ in range(2):
        with pytest.raises(CallFailure):
            await service.call()
    assert service.fetched == ["t0", "t1"], "one for the first call, one after its refusal"


async def test_token_that_is_refused_much_later_is_refreshed(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("t1")
    await service.call()
    assert service.fetched == ["t0", "t1"]
    later_s = time.monotonic() + 3600
    monkeypatch.setattr("openai_responses_common.transport.credential.time.monotonic", lambda: later_s)
    service.accepted_token = "t2"
    assert await service.call() == "ok"
    assert service.fetched == ["t0", "t1", "t2"]


async def test_refresh_returns_whether_the_token_is_another() -> None:
    credential = Service().credential
    lease = await credential.lease()
    assert lease.token == "t0"
    assert await credential.refresh(lease, Failure(kind="status", status=401, message="no"))
    assert (await credential.lease()).token == "t1"


async def test_account_and_description_are_those_of_the_caller() -> None:
    credential = BearerToken(Service().credential.source, description="a token", account="a")
    await credential.prepare()
    assert (credential.account, credential.description, repr(credential)) == ("a", "a token", "BearerToken(a token)")


async def test_text_is_scrubbed_of_tokens() -> None:
    credential = Service().credential
    await credential.lease()
    assert credential.scrub("a t0 b") == "a [REDACTED] b"


def test_token_that_no_header_can_carry_is_refused_without_being_quoted() -> None:
    with pytest.raises(AuthenticationError) as caught:
        build_bearer_headers(Token(value="canary\n", expires_at_s=9e9))
    assert "canary" not in str(caught.value)
