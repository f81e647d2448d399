"""A host asks how much of a conversation fits: by a count where the service counts, and never at the cost of a call."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import Any

import pytest
from amplifier_core.llm_errors import ContextLengthError
from openai_responses_common.provider import context_hooks
from responses_emulator import Disconnect, HttpReply, OnPath, ResponseIncomplete, Say, Turn

from tests.support.backends import BackendUnderTest
from tests.support.session import OpenSession, Session, asking, picture, tool, user

COUNTS = "/responses/input_tokens"
CAPABILITY = "request_budget:provider_count"
# Its output takes place in its window.
SHARED = "gpt-4.1"

pytestmark = pytest.mark.one_transport("a budget is asked for over HTTP")


async def open_small(open_session: OpenSession, backend: BackendUnderTest, **settings: Any) -> Session:
    """Open a session whose model takes few tokens, at a service that counts if this one can."""
    found: dict[str, Any] = {"count_input": True} if backend.counts_input else {}
    return await open_session(**{**found, "model_info": {backend.model: {"context_window": 4000}}, **settings})


def count_requests(session: Session) -> int:
    return sum(request.path.endswith(COUNTS) for request in session.emulator.requests)


async def ask_budget(session: Session, *texts: Any, **fields: Any) -> dict[str, Any]:
    """Ask as a host does that awaits what can be awaited, with the host's estimate of the messages."""
    request = asking(*texts, **fields)
    estimate = sum(len(str(message.model_dump())) // 4 for message in request.messages)
    decision = session.provider.request_budget(request, context_estimate=estimate, request_options={})
    return await decision if inspect.isawaitable(decision) else decision


async def test_a_short_conversation_costs_no_request(open_session: OpenSession, backend: BackendUnderTest) -> None:
    session = await open_small(open_session, backend)
    decision = await ask_budget(session, "hello", tools=[tool("look", "at")])
    assert decision["estimated_input_tokens"] < decision["input_limit_tokens"] == 4000
    assert "measurement" not in decision
    assert session.emulator.requests == []


async def test_a_long_one_is_counted_where_the_service_counts(
    open_session: OpenSession, backend: BackendUnderTest
) -> None:
    session = await open_small(open_session, backend)
    assert (CAPABILITY in session.provider.get_info().capabilities) == backend.counts_input
    long = "word " * 2500
    decision = await ask_budget(session, long)
    assert ("measurement" in decision) == backend.counts_input == (count_requests(session) == 1)
    await session.ask(long)
    tokens = session.made()["usage"]["input_tokens"]
    if backend.counts_input:
        counted = {"kind": "provider_count", "source": COUNTS, "input_tokens": tokens}
        assert decision["measurement"] == counted
        await ask_budget(session, long)
        assert count_requests(session) == 1, "an equal request is counted once"
    assert abs(decision["estimated_input_tokens"] - tokens) < 100


async def test_what_is_too_long_gets_a_length_that_fits(open_session: OpenSession, backend: BackendUnderTest) -> None:
    session = await open_small(open_session, backend)
    turns = ["word " * 500 for _ in range(12)]
    decision = await ask_budget(session, *turns)
    assert decision["estimated_input_tokens"] > decision["input_limit_tokens"]
    request = asking(*turns)
    while sum(len(str(message.model_dump())) // 4 for message in request.messages) > decision["context_token_budget"]:
        del request.messages[0]
    shorter = await ask_budget(session, *[message.content for message in request.messages])
    assert 0 < shorter["estimated_input_tokens"] <= shorter["input_limit_tokens"]
    assert len(request.messages) >= 4, "no more is taken out than has to be"
    assert ("measurement" in shorter) == backend.counts_input, "counts are compared with counts"


async def test_the_bytes_of_a_picture_are_no_tokens(open_session: OpenSession, backend: BackendUnderTest) -> None:
    session = await open_small(open_session, backend)
    image = picture(type="base64", media_type="image/png", data="A" * 100_000)
    decision = session.provider.request_budget(asking(user("see", image)), context_estimate=25_000)
    assert decision["estimated_input_tokens"] < 2000, "a host that awaits nothing reads the estimate"


async def test_a_lower_output_limit_leaves_more_room_and_is_sent(
    open_session: OpenSession, backend: BackendUnderTest
) -> None:
    session = await open_session(default_model=SHARED)
    whole = await ask_budget(session, "hello")
    lowered = await ask_budget(session, "hello", max_output_tokens=6400)
    if "max_output_tokens" in backend.refuses:
        assert "max_output_tokens" not in whole, "a limit that the service does not take frees nothing"
        return
    assert (whole["max_output_tokens"], lowered["max_output_tokens"]) == (32_768, 6400)
    assert lowered["input_limit_tokens"] - whole["input_limit_tokens"] == 32_768 - 6400
    await session.ask("hello", max_output_tokens=6400)
    assert session.body["max_output_tokens"] == 6400


async def test_the_models_own_limit_from_a_budget_does_not_end_a_response(
    open_session: OpenSession, backend: BackendUnderTest
) -> None:
    session = await open_session(default_model=SHARED)
    own = (await ask_budget(session, "hello")).get("max_output_tokens")
    session.emulator.script(Turn(Say("One two three"), ResponseIncomplete(characters=7)), Say(" and four."))
    await session.ask("count", max_output_tokens=own)
    assert session.sent == 2


FAILURES = [
    HttpReply(500),
    HttpReply(404),
    HttpReply(200, "<html>"),
    HttpReply(200, {"input_tokens": "7"}),
    Disconnect(),
]


@pytest.mark.promise("a count that fails ends the call", area="hazard")
@pytest.mark.parametrize("failure", FAILURES, ids=str)
async def test_a_count_that_fails_leaves_the_estimate(
    open_session: OpenSession, backend: BackendUnderTest, failure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session = await open_small(open_session, backend)
    session.emulator.script(OnPath(COUNTS, failure, times=None))
    with caplog.at_level(logging.WARNING):
        decision = await ask_budget(session, "word " * 2500)
    assert "measurement" not in decision
    assert decision["estimated_input_tokens"] > 3000
    assert ("the input is estimated" in caplog.text) == backend.counts_input
    assert count_requests(session) == backend.counts_input, "a count is not tried twice"


REFUSALS = [
    HttpReply(404, {"error": {"message": "Not Found"}}),
    HttpReply(405),
    HttpReply(403, {"error": {"message": "not allowed"}}),
    HttpReply(501),
    HttpReply(400, {"error": {"message": "unknown path"}}),
    HttpReply(200, "<html>"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_a_service_that_does_not_count_is_not_asked_again(
    open_session: OpenSession, backend: BackendUnderTest, refusal: HttpReply
) -> None:
    session = await open_small(open_session, backend, count_input=True)
    session.emulator.script(OnPath(COUNTS, refusal, times=None))
    assert session.provider.supports_native_compaction() == bool(backend.compaction)
    await ask_budget(session, "word " * 2500)
    await ask_budget(session, "word " * 2600)
    assert sum(request.path.endswith(COUNTS) for request in session.emulator.requests) == 1
    assert CAPABILITY not in session.provider.get_info().capabilities
    assert not session.provider.supports_native_compaction()


@pytest.mark.parametrize(
    "failure",
    [
        HttpReply(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
        HttpReply(400, {"error": {"message": "too long", "code": "context_length_exceeded"}}),
        HttpReply(401, {"error": {"message": "no"}}),
    ],
    ids=str,
)
async def test_a_refusal_of_one_count_is_no_refusal_of_the_next(
    open_session: OpenSession, backend: BackendUnderTest, failure: HttpReply
) -> None:
    session = await open_small(open_session, backend)
    session.emulator.script(OnPath(COUNTS, failure, times=None))
    assert "measurement" not in await ask_budget(session, "word " * 2500)
    assert (CAPABILITY in session.provider.get_info().capabilities) == backend.counts_input


async def test_a_count_that_takes_too_long_is_not_asked_for_again(
    open_session: OpenSession, backend: BackendUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context_hooks, "_COUNT_TIMEOUT_S", 0.05)
    session = await open_small(open_session, backend, count_input=True)
    session.emulator.script(OnPath(COUNTS, HttpReply(200, delay_s=600), times=None))
    assert "measurement" not in await ask_budget(session, "word " * 2500)
    assert CAPABILITY not in session.provider.get_info().capabilities


@pytest.mark.parametrize("odd", [None, -5, float("inf"), "many", "12"])
async def test_an_odd_estimate_of_a_host_is_none(session: Session, backend: BackendUnderTest, odd: Any) -> None:
    decision = session.provider.request_budget(asking("hello", model=backend.model), context_estimate=odd)
    assert decision is not None
    assert decision["context_token_budget"] == (12 if odd == "12" else 0)
    error = ContextLengthError("too long")
    assert session.provider.recover_context_overflow(asking("hello"), error, context_estimate=-5) is None


async def test_a_cancellation_ends_a_count(open_session: OpenSession, backend: BackendUnderTest) -> None:
    session = await open_small(open_session, backend)
    session.emulator.script(OnPath(COUNTS, HttpReply(200, delay_s=600), times=None))
    waiting = asyncio.ensure_future(ask_budget(session, "word " * 2500))
    if backend.counts_input:
        assert await session.emulator.wait_until_async(lambda: count_requests(session) == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    else:
        await waiting


async def test_a_model_that_nobody_knows_has_no_budget(session: Session) -> None:
    assert session.provider.request_budget(asking("hello", model="nobody-knows"), context_estimate=10) is None


async def test_a_request_that_cannot_be_read_has_no_budget(session: Session) -> None:
    options = {"max_output_tokens": "many"}
    assert session.provider.request_budget(asking("hello"), context_estimate=10, request_options=options) is None
