"""Trying again: how long it waits, what it says, and when it gives up at once."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError, ProviderUnavailableError, RateLimitError
from amplifier_core.models import HookResult
from responses_emulator import (
    Emulator,
    ErrorEvent,
    HttpReply,
    RateLimits,
    ResponseFailed,
    Say,
    Turn,
    rate_limit_exceeded,
    redirect,
    server_error,
    server_is_overloaded,
)

from tests.support.session import OpenSession, Session, asking


async def test_attempts_are_counted_and_told_before_each_wait(open_session: OpenSession) -> None:
    session = await open_session(max_retries=3)
    session.emulator.script(*[server_error()] * 3, Say("at last"))
    response = await session.ask("hello")
    assert response.text == "at last"
    retries = session.recorder.named("provider:retry")
    assert [event["attempt"] for event in retries] == [1, 2, 3]
    assert {event["max_retries"] for event in retries} == {3}
    assert all(event["delay"] > 0 and event["error_type"] == "ProviderUnavailableError" for event in retries)
    first_retry = session.recorder.names.index("provider:retry")
    assert first_retry < session.recorder.names.index("llm:stream_block_start")


async def test_waits_grow(open_session: OpenSession) -> None:
    session = await open_session(max_retries=4, min_retry_delay=0.01, max_retry_delay=0.05)
    session.emulator.script(*[server_error()] * 5)
    with pytest.raises(ProviderUnavailableError):
        await session.ask("hello")
    delays = [event["delay"] for event in session.recorder.named("provider:retry")]
    assert len(delays) == 4
    assert delays[2] > delays[0]
    assert max(delays) < 0.12


async def test_no_retries_are_no_retries(open_session: OpenSession) -> None:
    session = await open_session(max_retries="0")
    session.emulator.script(server_error())
    with pytest.raises(ProviderUnavailableError):
        await session.ask("hello")
    assert session.sent == 1


async def test_the_service_says_how_long_to_wait(session: Session) -> None:
    session.emulator.script(rate_limit_exceeded(after_ms=150, after_s=None), Say("ok"))
    began_s = time.monotonic()
    await session.ask("hello")
    assert time.monotonic() - began_s >= 0.15
    assert session.recorder.one("provider:retry")["delay"] >= 0.15


async def test_milliseconds_count_before_seconds(session: Session) -> None:
    session.emulator.script(rate_limit_exceeded(after_s=4, after_ms=20), Say("ok"))
    await session.ask("hello")
    assert session.recorder.one("provider:retry")["delay"] < 1


@pytest.mark.promise("Retry-After in milliseconds or as a date is ignored", area="hazard")
async def test_a_date_to_wait_for_is_understood(open_session: OpenSession) -> None:
    session = await open_session(max_retry_delay=10)
    dates = {"date": "Sat, 21 Nov 2026 10:00:00 GMT", "retry-after": "Sat, 21 Nov 2026 10:02:00 GMT"}
    session.emulator.script(HttpReply(503, "busy", dates))
    with pytest.raises(ProviderUnavailableError) as caught:
        await session.ask("hello")
    assert caught.value.retry_after == 120


@pytest.mark.parametrize("busy", [rate_limit_exceeded(after_s=3600), server_is_overloaded(after_s=3600)])
async def test_a_wait_beyond_the_maximum_fails_at_once_and_says_so(session: Session, busy: HttpReply) -> None:
    session.emulator.script(busy)
    with pytest.raises(LLMError, match=r"3600 s.*max_retry_delay") as caught:
        await session.ask("hello")
    assert not session.recorder.named("provider:retry"), "nothing is waited for"
    assert caught.value.retry_after == 3600
    assert not caught.value.retryable
    assert session.sent == 1


async def test_a_wait_in_words_is_understood_where_a_stream_has_no_headers(session: Session) -> None:
    session.emulator.script(
        ResponseFailed("rate_limit_exceeded", "Rate limit reached. Please try again in 0.2s."), Say("ok")
    )
    await session.ask("hello")
    assert session.recorder.one("provider:retry")["delay"] >= 0.2


async def test_a_rate_limit_is_also_told_as_a_throttle(session: Session) -> None:
    session.emulator.script(rate_limit_exceeded(after_s=0.01), Say("ok"))
    await session.ask("hello")
    event = session.recorder.one("provider:throttle")
    assert event["reason"] == "rate_limit"
    assert {"dimension", "remaining", "limit", "delay", "provider", "model"} <= event.keys()
    session.emulator.script(server_error(), Say("ok"))
    await session.ask("hello")
    assert len(session.recorder.named("provider:throttle")) == 1


async def test_the_services_own_limits_are_waited_for(open_session: OpenSession, emulator: Emulator) -> None:
    """The clock of the service stands still until the provider waits."""
    now_s = [0.0]
    emulator.state.limits = RateLimits(requests=2, window_s=0.8, clock=lambda: now_s[0])
    session = await open_session()

    async def pass_time(event: str, data: dict[str, Any]) -> HookResult:
        now_s[0] += 0.8
        return HookResult(action="continue")

    session.coordinator.hooks.register("provider:retry", pass_time, name="clock")
    for _ in range(3):
        await session.ask("hello")
    assert session.sent == 4
    assert session.recorder.one("provider:retry")["error_type"] == "RateLimitError"


async def test_an_error_and_the_failure_that_follows_it_are_one(open_session: OpenSession) -> None:
    session = await open_session(max_retries=1)
    session.emulator.script(Turn(Say("half of it"), ErrorEvent(after_events=6, then_failed=True)), Say("all of it"))
    await session.ask("hello")
    assert session.sent == 2
    assert len(session.recorder.named("llm:stream_aborted")) == 1
    assert len(session.recorder.named("provider:retry")) == 1


async def test_the_last_failure_takes_back_what_it_showed(open_session: OpenSession) -> None:
    session = await open_session(max_retries=0)
    session.emulator.script(Turn(Say("half of it"), ResponseFailed(after_events=6)))
    with pytest.raises(ProviderUnavailableError):
        await session.ask("hello")
    assert session.recorder.names[-2:] == ["llm:stream_aborted", "llm:response"]


async def test_failures_of_two_calls_do_not_add_up(open_session: OpenSession) -> None:
    session = await open_session(max_retries=2)
    for _ in range(3):
        session.emulator.script(server_error(), server_error(), Say("ok"))
        await session.ask("hello")
    assert [event["attempt"] for event in session.recorder.named("provider:retry")] == [1, 2] * 3


async def test_a_paid_attempt_that_came_to_nothing_counts_in_the_sum(session: Session) -> None:
    """The kernel's usage is of the answer; the session's cost is of everything that was paid."""
    usage = {"input_tokens": 1000, "output_tokens": 1000, "total_tokens": 2000}
    failed = {"id": "resp_1", "model": session.backend.model, "status": "failed", "usage": usage, "error": None}
    event = json.dumps({"type": "response.failed", "response": failed})
    session.emulator.script(HttpReply(200, f"data: {event}\n\n", {"content-type": "text/event-stream"}), Say("ok"))
    response = await session.ask("hello")
    costs = [
        Decimal(each["cost_usd"]) for each in await session.coordinator.collect_contributions("session.cost") if each
    ]
    if session.backend.priced:
        assert sum(costs) == session.provider.spent_usd > response.usage.cost_usd
    assert response.usage.output_tokens < 1000


@pytest.mark.promise("no redirect takes a credential to another server", area="security")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_never_followed(session: Session, status: int) -> None:
    with session.backend.emulator() as elsewhere:
        session.emulator.script(redirect(f"{elsewhere.base_url}/responses", status=status))
        with pytest.raises(LLMError, match="redirect"):
            await session.ask("hello")
        assert elsewhere.requests == []
        assert elsewhere.open_connections == 0
    assert session.sent == 1


async def test_settings_of_the_call_win(session: Session) -> None:
    session.emulator.script(*[server_error()] * 3)
    with pytest.raises(ProviderUnavailableError):
        await session.provider.complete(asking("hello"), max_retries=1)
    assert session.sent == 2


@pytest.mark.promise("the SDK retries by itself", area="hazard")
async def test_the_sdk_adds_no_retries_of_its_own(open_session: OpenSession) -> None:
    session = await open_session(max_retries=0)
    for fault in (server_error(), rate_limit_exceeded(after_s=0), HttpReply(409, "x"), HttpReply(408, "x")):
        before = session.sent
        session.emulator.script(fault)
        with pytest.raises(LLMError):
            await session.ask("hello")
        assert session.sent == before + 1


async def test_a_rate_limit_that_stays_is_told(open_session: OpenSession) -> None:
    session = await open_session(max_retries=1)
    session.emulator.script(rate_limit_exceeded(after_s=0.01), rate_limit_exceeded(after_s=0.01))
    with pytest.raises(RateLimitError) as caught:
        await session.ask("hello")
    assert caught.value.retry_after == 0.01
    assert caught.value.status_code == 429


@pytest.mark.promise("Retry-After counts for rate limits only", area="hazard")
async def test_an_outage_may_say_how_long_it_lasts(session: Session) -> None:
    session.emulator.script(server_is_overloaded(after_s=0.3), Say("ok"))
    began_s = time.monotonic()
    await session.ask("hello")
    assert time.monotonic() - began_s >= 0.3
