"""Spending limits: what a session and a call may cost, and that nothing is sent beyond it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from weakref import WeakValueDictionary

import pytest
from amplifier_core import ModuleCoordinator
from amplifier_core.llm_errors import ConfigurationError, QuotaExceededError
from amplifier_core.utils.retry import RetryConfig, retry_with_backoff
from openai_responses_common.provider import session_spending
from responses_emulator import CutStream, Emulator, ResponseFailed, ResponseIncomplete, Say, Silence, Turn

from tests.support.backends import ALL_BACKENDS, BackendUnderTest
from tests.support.session import OpenSession, Session

pytestmark = pytest.mark.one_transport("a request that is not sent has no transport")

LONG = "word " * 30_000  # some 50,000 tokens, so that the estimate of every model is above ten cents
by_the_token = pytest.mark.parametrize(
    "backend", [row for row in ALL_BACKENDS if row.priced], ids=lambda row: row.label
)
by_plan = pytest.mark.parametrize("backend", [row for row in ALL_BACKENDS if not row.priced], ids=lambda row: row.label)


@pytest.fixture(autouse=True)
def no_other_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sessions of tests have one id, so one that another test did not close would count."""
    monkeypatch.setattr(session_spending, "_families", WeakValueDictionary())


@by_the_token
async def test_a_call_beyond_its_limit_is_not_sent(open_session: OpenSession) -> None:
    session = await open_session(max_call_cost_usd="0.05")
    with pytest.raises(QuotaExceededError, match=r"may cost \$0\.\d+ .* max_call_cost_usd \(\$0\.05\)") as caught:
        await session.ask(LONG)
    assert session.sent == 0
    assert not caught.value.retryable
    assert (caught.value.provider, caught.value.model) == (session.backend.name, session.backend.model)
    throttle = session.recorder.one("provider:throttle")
    assert (throttle["reason"], throttle["dimension"], throttle["limit"]) == ("spending_limit", "usd", "0.05")
    assert session.recorder.one("llm:response")["error_type"] == "QuotaExceededError"
    assert not session.recorder.named("provider:retry")
    await session.ask("a short question costs less")
    assert session.sent == 1


@pytest.mark.parametrize("backend", [ALL_BACKENDS[0]], ids=["openai"])
@pytest.mark.parametrize("name", ["max_call_cost_usd", "max_session_cost_usd"])
async def test_a_tiny_limit_is_written_without_an_exponent(open_session: OpenSession, name: str) -> None:
    session = await open_session(**{name: "1e-7"})
    with pytest.raises(QuotaExceededError, match=rf"{name} \(\$0\.0000001\)"):
        await session.ask(LONG)


@by_the_token
async def test_reserved_output_counts(open_session: OpenSession) -> None:
    session = await open_session(max_call_cost_usd=0.05)
    with pytest.raises(QuotaExceededError, match="up to 100,000 output tokens"):
        await session.ask("hello", max_output_tokens=100_000)
    await session.ask("hello", max_output_tokens=100)
    assert session.sent == 1


@by_the_token
async def test_a_session_stops_at_its_limit_and_loops_do_not_retry(open_session: OpenSession) -> None:
    session = await open_session(max_session_cost_usd="0.30")
    await session.ask(LONG)
    spent = session.provider.spent_usd
    assert spent > 0

    async def ask() -> Any:
        return await session.ask(LONG)

    with pytest.raises(QuotaExceededError, match=rf"has spent \${spent:.4f}.* exceeds max_session_cost_usd"):
        await retry_with_backoff(ask, RetryConfig(max_retries=3, initial_delay=0.01))
    assert session.sent == 1
    assert session.provider.spent_usd == spent


@by_the_token
async def test_parallel_calls_do_not_pass_together(open_session: OpenSession) -> None:
    session = await open_session(max_session_cost_usd="0.40")
    session.emulator.script(*[Turn(Say("ok"), Silence(0.3))] * 3)
    answers = await asyncio.gather(*[session.ask(LONG) for _ in range(3)], return_exceptions=True)
    assert [type(each).__name__ for each in answers].count("QuotaExceededError") == 3 - session.sent
    assert 0 < session.sent < 3, "one fits, and three do not"
    session.emulator.reset()


@by_the_token
async def test_every_mount_and_sub_session_counts(
    open_session: OpenSession, backend: BackendUnderTest, emulator: Emulator
) -> None:
    """Another provider of the session, what was spent before a resume, and a sub-session that still runs."""
    parent = await open_session(max_session_cost_usd="0.30")
    child = Session(backend, emulator)
    child.coordinator = _coordinator(session_id="child", parent_id="test-session")
    await child.mount(backend.settings(emulator, max_session_cost_usd="0.30"))
    await parent.ask(LONG)
    with pytest.raises(QuotaExceededError):
        await child.ask(LONG)
    parent.coordinator.register_contributor("session.cost", "other", lambda: {"cost_usd": Decimal("0.299")})
    with pytest.raises(QuotaExceededError):
        await parent.ask("word " * 3_000)
    await child.cleanup()
    assert parent.sent == 1


@by_the_token
@pytest.mark.parametrize("order", ["child first", "grandchild first"])
async def test_a_session_below_one_that_made_no_call_counts(
    open_session: OpenSession, backend: BackendUnderTest, emulator: Emulator, order: str
) -> None:
    """A sub-session that was mounted and never asked links its own sub-session to the family."""
    parent = await open_session(max_session_cost_usd="0.30")
    child, grandchild = Session(backend, emulator), Session(backend, emulator)
    child.coordinator = _coordinator(session_id="child", parent_id="test-session")
    grandchild.coordinator = _coordinator(session_id="grandchild", parent_id="child")
    for session in (child, grandchild) if order == "child first" else (grandchild, child):
        await session.mount(backend.settings(emulator, max_session_cost_usd="0.30"))
    await parent.ask(LONG)
    with pytest.raises(QuotaExceededError, match=rf"has spent \${parent.provider.spent_usd:.4f}"):
        await grandchild.ask(LONG)
    assert parent.sent == 1
    await grandchild.cleanup()
    await child.cleanup()


@by_the_token
@pytest.mark.parametrize("limit", ["max_session_cost_usd", "max_call_cost_usd"])
async def test_answers_that_break_count_with_their_input(open_session: OpenSession, limit: str) -> None:
    session = await open_session(**{limit: "0.30"}, max_retries=5)
    session.emulator.script(*[Turn(Say("some words of an answer"), CutStream(6))] * 6)
    with pytest.raises(QuotaExceededError, match=rf"has spent \$0\.[12].*{limit}"):
        await session.ask(LONG)
    assert 0 < session.sent < 4
    assert session.provider.spent_usd == 0, "the host shows known costs"
    session.emulator.reset()


@by_the_token
async def test_a_call_that_is_cancelled_in_its_answer_counts(open_session: OpenSession) -> None:
    session = await open_session(max_session_cost_usd="0.30")
    session.emulator.script(Turn(Say("some words of an answer"), Silence(60, before_event=8)))
    call = asyncio.create_task(session.ask(LONG))
    assert await session.emulator.wait_until_async(session.recorder.shown)
    call.cancel()
    await asyncio.wait([call])
    with pytest.raises(QuotaExceededError, match=r"has spent \$0\.[12]"):
        await session.ask(LONG * 3)
    session.emulator.reset()


@by_the_token
async def test_a_response_that_fails_before_its_answer_does_not_count(open_session: OpenSession) -> None:
    session = await open_session(max_session_cost_usd="0.30", max_call_cost_usd="0.30")
    session.emulator.script(*[Turn(Say("nothing"), ResponseFailed(after_events=2))] * 3)
    await session.ask(LONG)
    assert session.sent == 4


@by_the_token
async def test_a_contributor_that_hangs_does_not_hold_a_cancellation(open_session: OpenSession) -> None:
    asked = asyncio.Event()

    async def hang() -> None:
        asked.set()
        await asyncio.Event().wait()

    session = await open_session(max_session_cost_usd="1")
    session.coordinator.register_contributor("session.cost", "other", hang)
    await session.ask("the first call makes the provider a part of what is read")
    asked.clear()
    call = asyncio.create_task(session.ask("hello"))
    await asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert session.sent == 1


def _coordinator(**ids: str) -> Any:
    """Return a coordinator of the kernel for a session with these ids."""
    config = {"session": {"orchestrator": "test", "context": "test"}}
    return ModuleCoordinator(SimpleNamespace(config=config, **ids))


@by_the_token
async def test_a_continuation_beyond_the_limit_ends_the_answer_and_keeps_it(
    open_session: OpenSession, caplog: pytest.LogCaptureFixture
) -> None:
    session = await open_session(max_call_cost_usd="0.30")
    session.emulator.script(Turn(Say("the first half"), ResponseIncomplete(characters=9)))
    response = await session.ask(LONG)
    assert (response.text, response.finish_reason) == ("the first", "length")
    assert session.sent == 1
    assert "max_call_cost_usd" in caplog.text


@by_the_token
async def test_a_model_without_a_known_price(
    open_session: OpenSession, backend: BackendUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    """A limit that cannot be kept is refused; at a server that reports costs, these count."""
    facts = {backend.model: {"model": "unheard-of"}}
    session = await open_session(max_session_cost_usd="1", model_info=facts)
    if backend.marks_incomplete:  # the address of another server
        for _ in range(2):
            await session.ask("hello")
        assert caplog.text.count("max_session_cost_usd counts only the costs that the server reports") == 1
        return
    with pytest.raises(ConfigurationError, match=r"max_session_cost_usd cannot be kept.*model_info"):
        await session.ask("hello")
    assert session.sent == 0


@by_plan
async def test_at_a_plan_a_limit_has_no_effect_and_says_so(
    open_session: OpenSession, caplog: pytest.LogCaptureFixture
) -> None:
    session = await open_session(max_session_cost_usd="0")
    await session.ask("hello")
    await session.ask("hello")
    assert caplog.text.count("max_session_cost_usd has no effect") == 1


@by_the_token
async def test_without_a_limit_nothing_is_estimated(open_session: OpenSession) -> None:
    session = await open_session(max_session_cost_usd="none", max_call_cost_usd="")
    await session.ask(LONG)
    assert session.sent == 1
