"""A credential that is refused: found elsewhere, then made anew, then given up; and never a third time."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.api_key import ApiKey
from openai_responses_common.auth.bearer import BearerToken
from openai_responses_common.auth.token_source import Token, TokenSource
from openai_responses_common.failures.failure import CallFailure, Failure
from openai_responses_common.transport.credential import send_with_credential

REFUSED = CallFailure(Failure(kind="status", status=401, message="no."))


class Service:
    """Refuses all but one."""

    def __init__(self, takes: str | None) -> None:
        self.takes = takes
        self.asked: list[str] = []

    async def send(self, headers: Mapping[str, str]) -> str:
        self.asked.append(headers.get("Authorization", "").removeprefix("Bearer "))
        if self.asked[-1] != self.takes:
            raise CallFailure(REFUSED.failure)
        return "ok"


class Chain:
    """A credential whose every renewal finds the next of a row."""

    description = "a token"
    account = ""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    async def prepare(self) -> None: ...

    async def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[0]}"}

    async def refresh(self, refused_headers: Mapping[str, str], failure: Failure) -> bool:
        assert refused_headers["Authorization"].endswith(self._tokens[0])
        if len(self._tokens) == 1:
            return False
        self._tokens.pop(0)
        return True

    def scrub(self, text: str) -> str:
        return text


async def test_one_that_is_taken_is_used_once() -> None:
    service = Service("a")
    assert await send_with_credential(Chain("a", "b"), service.send) == "ok"
    assert service.asked == ["a"]


async def test_what_was_found_may_be_refused_as_well() -> None:
    service = Service("c")
    assert await send_with_credential(Chain("a", "b", "c"), service.send) == "ok"
    assert service.asked == ["a", "b", "c"]


async def test_it_does_not_go_on_for_ever() -> None:
    service = Service(None)
    with pytest.raises(CallFailure) as caught:
        await send_with_credential(Chain(*"abcdefg"), service.send)
    assert service.asked == ["a", "b", "c"]
    assert caught.value.failure.message == "no (sent: a token)"


async def test_a_key_is_refused_once() -> None:
    service = Service(None)
    with pytest.raises(CallFailure, match=r"no \(sent: the API key\)"):
        await send_with_credential(ApiKey(key="k"), service.send)
    assert service.asked == ["k"]


async def test_other_failures_renew_nothing() -> None:
    async def send(headers: Mapping[str, str]) -> str:
        raise CallFailure(Failure(kind="status", status=403, message="no"))

    with pytest.raises(CallFailure):
        await send_with_credential(Chain("a", "b"), send)


def source(made: list[str]) -> TokenSource:
    """Makes a new token each time."""

    def fetch(refused: str | None) -> Token:
        made.append(f"t{len(made)}")
        return Token(value=made[-1], expires_at_s=time.time() + 1000)

    return TokenSource(fetch, description="getting a token")


async def test_a_token_that_was_fetched_because_of_a_refusal_is_not_fetched_again() -> None:
    made: list[str] = []
    credential = BearerToken(source(made), description="a token")
    service = Service(None)
    for _ in range(2):
        with pytest.raises(CallFailure):
            await send_with_credential(credential, service.send)
    assert made == ["t0", "t1"], "one for the first call, one after its refusal; just now they were refused both"


async def test_a_token_that_is_refused_much_later_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    credential = BearerToken(source(made), description="a token")
    service = Service("t1")
    await send_with_credential(credential, service.send)
    assert made == ["t0", "t1"]
    later_s = time.monotonic() + 3600
    monkeypatch.setattr("openai_responses_common.auth.bearer.time.monotonic", lambda: later_s)
    service.takes = "t2"
    assert await send_with_credential(credential, service.send) == "ok"
    assert made == ["t0", "t1", "t2"]


async def test_errors_of_the_credential_are_its_own() -> None:
    with pytest.raises(AuthenticationError, match="set it"):
        await send_with_credential(ApiKey(key=None, missing_message="set it"), Service(None).send)
