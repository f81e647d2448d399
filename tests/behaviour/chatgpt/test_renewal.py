"""The refresh of ChatGPT tokens: in time, once for all calls, saved before use, and never with a spent token."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from contextlib import AbstractContextManager
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from amplifier_core.llm_errors import (
    AuthenticationError,
    LLMError,
    LLMTimeoutError,
    NetworkError,
    ProviderUnavailableError,
)
from amplifier_module_provider_chatgpt_oauth.auth import account as module
from amplifier_module_provider_chatgpt_oauth.auth import saved_tokens
from amplifier_module_provider_chatgpt_oauth.auth import tokens as tokens_module
from amplifier_module_provider_chatgpt_oauth.settings import LOGIN_COMMAND
from openai_responses_common.auth import token_source
from openai_responses_common.auth.store import open as open_module
from openai_responses_common.auth.store.base import TokenStore
from openai_responses_common.auth.store.lock import LOCK_DEADLINE_S, hold_file_lock
from openai_responses_common.auth.store.open import open_store
from openai_responses_common.auth.store.record import StoreError
from openai_responses_common.transport.http_client import BlockingHttp
from responses_emulator import Account, Disconnect, HttpReply, LoseReply, Say, invalid_token, malformed_token
from responses_emulator.openai_sign_in.service import SignInService

from tests.support.chatgpt_machine import Machine, Person
from tests.support.session import PATIENCE_S
from tests.support.token_waiters import TokenWaiters


@pytest.fixture
def waiters(monkeypatch: pytest.MonkeyPatch) -> TokenWaiters:
    return TokenWaiters(monkeypatch)


@pytest.mark.parametrize(("left_s", "refreshed"), [(240, True), (360, False)])
async def test_a_token_is_refreshed_five_minutes_before_it_expires(
    machine: Machine, left_s: float, refreshed: bool
) -> None:
    machine.keep(machine.service.token_set(lifetime_s=left_s))
    machine.service.hold("refresh")
    session = await machine.session()
    for _ in range(2):
        await session.ask("hello")  # waits for no refresh, not even the first call of a process
    machine.service.release("refresh")
    if refreshed:
        assert await machine.emulator.wait_until_async(lambda: machine.service.requests_to("refresh"))
    assert bool(machine.service.requests_to("refresh")) is refreshed


async def test_a_refresh_sends_the_fields_of_the_protocol(machine: Machine) -> None:
    old = machine.keep(machine.service.token_set(lifetime_s=-10))
    await (await machine.session()).ask("hello")
    (asked,) = machine.service.requests_to("refresh")
    assert asked.body == {
        "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
        "grant_type": "refresh_token",
        "refresh_token": old.refresh_token,
    }
    assert machine.kept["access_token"] == machine.sent[0] != old.access_token
    assert machine.service.is_live(machine.kept["refresh_token"])


@pytest.mark.parametrize("gives", [("access_token",), ("access_token", "refresh_token"), ("access_token", "id_token")])
async def test_a_refresh_replaces_only_the_tokens_in_the_response(machine: Machine, gives: tuple[str, ...]) -> None:
    old = machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.refresh_response_fields = gives
    await (await machine.session()).ask("hello")
    assert (machine.kept["refresh_token"] == old.refresh_token) is ("refresh_token" not in gives)
    assert machine.kept["email"] == "ada@example.com"
    assert machine.kept["plan"] == "plus"


async def test_the_expiry_in_the_token_wins_over_the_one_in_the_response(machine: Machine) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.expires_in = 1
    session = await machine.session()
    await session.ask("hello")
    await session.ask("hello")
    assert len(machine.service.requests_to("refresh")) == 1
    assert json.loads(machine.file.read_text())["expires_at"] > time.time() + 800_000


async def test_an_opaque_access_token_is_used(machine: Machine) -> None:
    machine.service.opaque_access_tokens = True
    machine.provider().login(Person(machine.service))
    session = await machine.session()
    await session.ask("hello")
    assert machine.sent[0].startswith("at_")
    assert machine.emulator.model_requests[0].headers["chatgpt-account-id"] == machine.service.account.account_id
    assert not machine.service.requests_to("refresh")


async def test_many_calls_share_one_refresh(machine: Machine, waiters: TokenWaiters) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.hold("refresh")
    sessions = [await machine.session() for _ in range(4)]
    calls = asyncio.gather(*[session.ask("hello") for session in sessions for _ in range(4)])
    assert await machine.emulator.wait_until_async(lambda: waiters.count == 16)
    machine.service.release("refresh")
    await calls
    assert len(machine.service.requests_to("refresh")) == 1
    assert len(set(machine.sent)) == 1


async def test_a_token_that_is_still_valid_is_used_while_the_next_is_fetched(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No call waits for an early refresh, once this process has a token."""
    machine.keep(machine.service.token_set(lifetime_s=3600))
    session = await machine.session()
    await session.ask("hello")
    later = SimpleNamespace(time=lambda: time.time() + 3301, monotonic=time.monotonic)
    monkeypatch.setattr(token_source, "time", later)
    monkeypatch.setattr(tokens_module, "time", later)
    machine.service.hold("refresh")
    await session.ask("hello")
    assert machine.sent[0] == machine.sent[1]
    assert await machine.emulator.wait_until_async(lambda: machine.service.requests_to("refresh"))
    machine.service.release("refresh")
    async with asyncio.timeout(PATIENCE_S):
        while machine.sent[-1] == machine.sent[0]:
            await session.ask("hello")


async def test_a_token_that_another_process_refreshed_is_used(machine: Machine) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    newer = machine.keep(machine.service.token_set())
    await (await machine.session()).ask("hello")
    assert machine.sent == [newer.access_token]
    assert not machine.service.requests_to("refresh")


async def test_a_token_refreshed_while_a_call_waited_for_the_lock_is_used(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stored tokens are read again under the lock, because a refresh token can be used once."""
    machine.keep(machine.service.token_set(lifetime_s=-10))
    newer = machine.service.token_set()
    lock = TokenStore.lock

    def lock_after_another_process(store: TokenStore) -> AbstractContextManager[None]:
        machine.keep(newer)
        return lock(store)

    monkeypatch.setattr(TokenStore, "lock", lock_after_another_process)
    await (await machine.session()).ask("hello")
    assert machine.sent == [newer.access_token]
    assert not machine.service.requests_to("refresh")


async def test_a_new_token_is_saved_before_it_is_used(machine: Machine) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    seen: list[bool] = []

    def look(request: Any) -> Any:
        seen.append(machine.kept["access_token"] in request.headers["authorization"])
        return Say("ok")

    machine.emulator.script(look)
    await (await machine.session()).ask("hello")
    assert seen == [True]


PASSING = {
    "503": (HttpReply(503, {"error": "busy"}), ProviderUnavailableError),
    "500 page": (HttpReply(500, "<html>oops</html>"), ProviderUnavailableError),
    "429": (HttpReply(429, {"error": {"code": "rate_limit_exceeded"}}, {"retry-after": "0"}), ProviderUnavailableError),
    "403 page": (HttpReply(403, "<html>Just a moment...</html>"), ProviderUnavailableError),
    "400 unknown": (HttpReply(400, {"error": {"code": "something_new"}}), ProviderUnavailableError),
    "connection": (Disconnect(), NetworkError),
}


@pytest.mark.promise("a token service in trouble and a clock that jumps cost no valid token", area="security")
@pytest.mark.parametrize(("fault", "kind"), PASSING.values(), ids=PASSING)
async def test_a_refresh_that_fails_for_a_moment_is_retried(machine: Machine, fault: Any, kind: type[LLMError]) -> None:
    old = machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.script("refresh", fault)
    session = await machine.session()
    assert (await session.ask("hello")).text
    assert len(machine.service.requests_to("refresh")) == 2
    (retry,) = session.recorder.named("provider:retry")
    assert retry["error_type"] == kind.__name__
    assert machine.sent != [old.access_token]


@pytest.mark.promise("a token service in trouble and a clock that jumps cost no valid token", area="security")
@pytest.mark.parametrize(("fault", "kind"), PASSING.values(), ids=PASSING)
async def test_a_valid_token_is_used_while_the_sign_in_service_fails(
    machine: Machine, fault: Any, kind: type[LLMError]
) -> None:
    old = machine.keep(machine.service.token_set(lifetime_s=200))
    machine.service.script("refresh", fault)
    await (await machine.session()).ask("hello")
    assert machine.sent == [old.access_token]


LASTING = [
    "refresh_token_expired", "refresh_token_reused", "refresh_token_invalidated", "invalid_grant",
    "app_session_terminated", "invalid_refresh_token",
]  # fmt: skip


@pytest.mark.parametrize("errors", ["object", "string"])
@pytest.mark.parametrize("code", LASTING)
async def test_a_refused_refresh_token_is_sent_once(machine: Machine, code: str, errors: Any) -> None:
    """By this process and by every other, which finds it noted."""
    tokens = machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.errors = errors
    machine.service.end_sign_in(tokens, code)
    for _ in range(2):
        session = await machine.session(account="default")
        for _ in range(2):
            with pytest.raises(AuthenticationError) as caught:
                await session.ask("hello")
            assert str(caught.value).count(code) == str(caught.value).count(LOGIN_COMMAND) == 1
            assert not caught.value.retryable
        module._accounts.clear()
    assert len(machine.service.requests_to("refresh")) == 1
    assert not machine.sent
    assert machine.provider().auth_status() == "expired"
    assert machine.provider().login(Person(machine.service))
    assert (await (await machine.session()).ask("hello")).text


@pytest.mark.parametrize("lifetime_s", [-10, 200])
async def test_a_lock_that_others_hold_costs_no_token_that_is_still_valid(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, lifetime_s: int
) -> None:
    machine.keep(machine.service.token_set(lifetime_s=lifetime_s))
    monkeypatch.setattr(open_module, "hold_file_lock", partial(hold_file_lock, deadline_s=0.1))
    session = await machine.session()
    with open_store("file", service="chatgpt-oauth", path=machine.file).lock():
        if lifetime_s > 0:
            assert (await session.ask("hello")).text
        else:
            with pytest.raises(LLMTimeoutError, match="another process has held the lock") as caught:
                await session.ask("hello")
            assert caught.value.retryable
    assert (await session.ask("hello")).text


UNEXPLAINED = {
    "a page": HttpReply(401, "<html>Proxy authentication required</html>"),
    "no body": HttpReply(401, ""),
    "an unknown code": HttpReply(401, {"error": {"code": "something_else"}}),
    "a code in a page": HttpReply(401, "<html>invalid_grant</html>"),
}


@pytest.mark.parametrize("reply", UNEXPLAINED.values(), ids=UNEXPLAINED)
async def test_a_401_without_a_known_code_does_not_end_the_sign_in(
    machine: Machine, reply: HttpReply, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.script("refresh", reply)
    session = await machine.session()
    for _ in range(2):
        with pytest.raises(ProviderUnavailableError, match="HTTP 401") as caught:
            await session.ask("hello")
        assert not caught.value.retryable
    assert len(machine.service.requests_to("refresh")) == 1, "a second call asks nobody"
    assert "ended" not in machine.kept
    monkeypatch.setattr(module, "_REFUSAL_INTERVAL_S", 0.0)
    module._accounts.clear()
    assert (await (await machine.session(account="default")).ask("hello")).text, "another process goes on"


async def test_a_sign_in_that_has_ended_is_used_while_its_access_token_is_valid(machine: Machine) -> None:
    tokens = machine.keep(machine.service.token_set(lifetime_s=200))
    machine.service.end_sign_in(tokens)
    session = await machine.session()
    for _ in range(3):
        assert (await session.ask("hello")).text
    assert len(machine.service.requests_to("refresh")) == 1
    assert machine.provider().auth_status() == "authenticated"


async def test_a_401_uses_the_token_of_another_process(machine: Machine) -> None:
    old = machine.keep(machine.service.token_set())
    session = await machine.session()
    await session.ask("hello")
    newer = machine.keep(machine.service.token_set())
    machine.service.reject_access_token(old.access_token)
    await session.ask("hello")
    assert machine.sent == [old.access_token, old.access_token, newer.access_token]
    assert not machine.service.requests_to("refresh")


async def test_a_401_refreshes_if_no_other_process_has_a_token(machine: Machine) -> None:
    old = machine.keep(machine.service.token_set())
    machine.service.reject_access_token(old.access_token)
    session = await machine.session()
    await session.ask("hello")
    assert len(machine.service.requests_to("refresh")) == 1
    assert machine.sent == [old.access_token, machine.kept["access_token"]]
    assert not session.recorder.named("provider:retry"), "that is no attempt of its own"


async def test_a_401_reloads_then_refreshes_then_asks_for_a_sign_in(machine: Machine) -> None:
    old = machine.keep(machine.service.token_set())
    session = await machine.session()
    await session.ask("hello")
    newer = machine.keep(machine.service.token_set())
    for tokens in (old, newer):
        machine.service.reject_access_token(tokens.access_token)
    machine.emulator.script(invalid_token())
    with pytest.raises(AuthenticationError) as caught:
        await session.ask("hello")
    assert LOGIN_COMMAND in str(caught.value)
    assert machine.sent[1:] == [old.access_token, newer.access_token, machine.kept["access_token"]]
    assert len(machine.service.requests_to("refresh")) == 1


@pytest.mark.parametrize("refusal", [invalid_token(), invalid_token("token_revoked"), malformed_token()])
async def test_a_service_that_refuses_every_token_is_asked_twice(machine: Machine, refusal: HttpReply) -> None:
    machine.keep(machine.service.token_set())
    session = await machine.session()
    machine.emulator.script(*[refusal] * 9)
    with pytest.raises(AuthenticationError, match="sign in again"):
        await session.ask("hello")
    assert session.sent == 2
    assert len(machine.service.requests_to("refresh")) == 1


async def test_a_sign_out_by_another_process_is_reported(machine: Machine) -> None:
    tokens = machine.keep(machine.service.token_set())
    session = await machine.session()
    await session.ask("hello")
    machine.file.unlink()
    machine.service.reject_access_token(tokens.access_token)
    with pytest.raises(AuthenticationError, match="nobody is signed in"):
        await session.ask("hello")


async def test_another_account_that_signed_in_meanwhile_is_used(machine: Machine) -> None:
    """What the person did last counts, and ciphertext of the account before is not sent to the new one."""
    old = machine.keep(machine.service.token_set())
    session = await machine.session()
    first = await session.ask("hello")
    bob = machine.keep(machine.service.token_set(Account(email="bob@example.com", account_id="account-of-bob")))
    machine.service.reject_access_token(old.access_token)
    await session.ask("hello")
    assert machine.sent[-1] == bob.access_token
    assert machine.emulator.model_requests[-1].headers["chatgpt-account-id"] == "account-of-bob"
    from tests.support.session import stored

    await session.ask("hello", stored(first), "more")
    assert not [item for item in session.body["input"] if item["type"] == "reasoning"]


class Unwritable:
    """A store that cannot save for a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from openai_responses_common.auth.store.file import FileStore

        self.broken = True
        save = FileStore.save

        def save_or_not(store: Any, text: str) -> None:
            if self.broken and store.path.name == "tokens.json":
                raise StoreError(f"cannot write {store.path}: No space left on device")
            save(store, text)

        monkeypatch.setattr(FileStore, "save", save_or_not)


async def test_tokens_that_cannot_be_saved_are_used_reported_and_saved_later(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    old = machine.keep(machine.service.token_set(lifetime_s=-10))
    disk = Unwritable(monkeypatch)
    monkeypatch.setattr(saved_tokens, "_SAVE_RETRY_INTERVAL_S", 0.0)
    session = await machine.session()
    await session.ask("hello")
    await session.ask("hello")
    assert len(machine.service.requests_to("refresh")) == 1
    assert machine.kept["access_token"] == old.access_token
    assert [each for each in caplog.records if each.levelno == logging.ERROR and "No space left" in each.message]
    disk.broken = False
    await session.ask("hello")
    assert machine.kept["access_token"] == machine.sent[-1]
    assert len(machine.service.requests_to("refresh")) == 1


async def test_a_later_sign_in_wins_over_tokens_that_could_not_be_saved(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    disk = Unwritable(monkeypatch)
    monkeypatch.setattr(saved_tokens, "_SAVE_RETRY_INTERVAL_S", 0.0)
    session = await machine.session()
    await session.ask("hello")
    disk.broken = False
    later = machine.keep(machine.service.token_set(), saved_at=time.time() + 5)
    await session.ask("hello")
    assert machine.kept["access_token"] == later.access_token


async def test_a_lost_refresh_response_is_reported_after_one_request(machine: Machine) -> None:
    """The one moment that nobody can save: the token is spent, and the next one is nowhere."""
    machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.script("refresh", LoseReply())
    session = await machine.session(max_retries=0)
    with pytest.raises(NetworkError):
        await session.ask("hello")
    with pytest.raises(AuthenticationError, match="refresh_token_reused"):
        await session.ask("hello")
    with pytest.raises(AuthenticationError, match="refresh_token_reused"):
        await session.ask("hello")
    assert len(machine.service.requests_to("refresh")) == 2


async def test_a_refresh_is_awaited_longer_than_the_lock_and_given_up_only_before_it_is_sent(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[tuple[str, float, float]] = []
    request = BlockingHttp.request

    def spy(http: BlockingHttp, method: str, url: str, **content: Any) -> Any:
        limits.append((url.rpartition("/")[2], http._connect_timeout_s, http._timeout_s))
        return request(http, method, url, **content)

    monkeypatch.setattr(BlockingHttp, "request", spy)
    machine.keep(machine.service.token_set(lifetime_s=-10))
    await (await machine.session()).ask("hello")
    ((connect_s, response_s),) = [limit for path, *limit in limits if path == "token"]
    assert connect_s < LOCK_DEADLINE_S < response_s


@pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")
async def test_a_cancelled_call_loses_no_refresh(machine: Machine) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.hold("refresh")
    session = await machine.session()
    call = asyncio.ensure_future(session.ask("hello"))
    assert await machine.emulator.wait_until_async(lambda: machine.service.requests_to("refresh"))
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    machine.service.release("refresh")
    assert await machine.emulator.wait_until_async(lambda: machine.service.is_live(machine.kept["refresh_token"]))
    await session.ask("hello")
    assert len(machine.service.requests_to("refresh")) == 1


@pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")
def test_event_loops_in_several_threads_share_one_refresh(machine: Machine, waiters: TokenWaiters) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.hold("refresh")
    from tests.support.chatgpt_machine import ask

    threads = [threading.Thread(target=lambda: ask(machine.provider())) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert machine.emulator.wait_until(lambda: waiters.count == 4)
    machine.service.release("refresh")
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(machine.sent) == 4
    assert len(machine.service.requests_to("refresh")) == 1


@pytest.mark.promise("no error quotes a secret that no header can carry", area="security")
@pytest.mark.parametrize("what", ["access_token", "refresh_token"])
async def test_a_token_that_no_header_can_carry_is_not_quoted(machine: Machine, what: str) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    answer = {"access_token": "a.b.c", "refresh_token": "r", what: "bad\nvalue"}
    machine.service.script("refresh", HttpReply(200, answer))
    with pytest.raises(AuthenticationError) as caught:
        await (await machine.session()).ask("hello")
    assert "bad" not in str(caught.value)


@pytest.mark.promise("no redirect takes a credential to another server", area="security")
async def test_a_redirected_refresh_is_not_followed(machine: Machine) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    thief = SignInService()
    from responses_emulator import Emulator, issuer_surface

    with Emulator(surfaces=issuer_surface(thief)) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            machine.service.script("refresh", HttpReply(status, "", {"location": f"{elsewhere.origin}/oauth/token"}))
            with pytest.raises(LLMError):
                await (await machine.session(max_retries=0)).ask("hello")
        assert not elsewhere.requests
