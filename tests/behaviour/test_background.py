"""Responses in the background: resumed and not paid for twice, asked for without a stream, cancelled at the service."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError, LLMError, NotFoundError, ProviderUnavailableError
from responses_emulator import CutStream, Disconnect, HttpReply, OnPath, Say, Silence, Think, Turn, server_error

from tests.support.backends import ALL_BACKENDS, BACKENDS, BackendUnderTest
from tests.support.session import Conversation, OpenSession, Session

pytestmark = pytest.mark.one_transport("the background exists over HTTP only")
ON = {"background": True, "store": "true"}
WORDS = "one two three four five six"
with_background = pytest.mark.parametrize("backend", [row for row in BACKENDS if row.priced], ids=lambda row: row.label)
without_background = pytest.mark.parametrize(
    "backend", [row for row in ALL_BACKENDS if not row.priced], ids=lambda row: row.label
)


def resumptions(session: Session) -> list[str]:
    return [each.query for each in session.emulator.requests if each.method == "GET" and "/responses/" in each.path]


@with_background
@pytest.mark.parametrize("reset", [False, True])
async def test_a_broken_stream_is_resumed_and_not_paid_for_again(open_session: OpenSession, reset: bool) -> None:
    session = await open_session(**ON)
    session.emulator.script(Turn(Think(["Hm."]), Say(WORDS), CutStream(14, reset=reset)))
    session.emulator.script(OnPath("/responses/resp_*", Disconnect()), OnPath("/responses/resp_*", server_error()))
    response = await session.ask("count")
    assert (response.text, session.recorder.shown()) == (WORDS, WORDS)
    assert session.sent == 1
    assert {query.partition("stream=")[2] for query in resumptions(session)} == {"true&starting_after=13"}
    assert not session.recorder.named("llm:stream_aborted"), "what was shown stays"
    errors = [event["error_type"] for event in session.recorder.named("provider:retry")]
    assert errors == ["StreamError", "ProviderUnavailableError"], (
        "aiohttp asks once more by itself after a disconnection"
    )
    body = session.body
    assert (body["background"], body["store"], body["stream"]) == (True, True, True)
    assert "reasoning.encrypted_content" not in body.get("include", [])
    assert session.provider.spent_usd == response.usage.cost_usd


@with_background
async def test_the_next_turn_works_after_a_response_in_the_background(open_session: OpenSession) -> None:
    session = await open_session(**ON, transport="websocket")
    talk = Conversation(session)
    session.emulator.script(Turn(Think(["Hm."]), Say("first")), Say("second"))
    await talk.say("one")
    assert (await talk.say("two")).text == "second"
    assert {each.transport for each in session.emulator.model_requests} == {"http"}


@with_background
async def test_a_service_that_stays_away_is_a_final_error(open_session: OpenSession) -> None:
    session = await open_session(**ON, max_retries=1)
    session.emulator.script(Turn(Say(WORDS), CutStream(8)), OnPath("/responses/resp_*", server_error(), times=None))
    with pytest.raises(LLMError, match=r"background response resp_.* may go on at the service") as caught:
        await session.ask("count")
    assert not caught.value.retryable
    assert session.sent == 1
    session.emulator.reset()


@with_background
async def test_a_response_that_the_service_forgot_is_not_asked_for_twice(open_session: OpenSession) -> None:
    session = await open_session(**ON)
    session.emulator.script(Turn(Say(WORDS), CutStream(8)))
    session.emulator.script(
        OnPath("/responses/resp_*", HttpReply(404, {"error": {"message": "Response not found.", "code": None}}))
    )
    with pytest.raises(NotFoundError, match=r"^the service no longer has the background response resp_\w+: ask again$"):
        await session.ask("count")
    assert (session.sent, len(resumptions(session))) == (1, 1)


@with_background
async def test_a_discounted_window_is_polled_and_costs_less(
    open_session: OpenSession, backend: BackendUnderTest
) -> None:
    session = await open_session(**ON, background_options="8h")
    session.emulator.script(Say(WORDS), Say(WORDS))
    response = await session.ask("count")
    assert (response.text, session.recorder.shown()) == (WORDS, WORDS)
    if "background_options" not in session.body:  # where no such window is known, it is left out, with a notice
        assert "background_options" in session.recorder.one("llm:request")["dropped"][0]
        return
    assert session.body["stream"] is False
    assert resumptions(session) == ["", ""]
    plain = await open_session()
    standard = (await plain.ask("count")).usage.cost_usd
    assert response.usage.cost_usd == standard * Decimal("0.6")


@with_background
@pytest.mark.parametrize("body", [{"id": "resp_1", "status": "expired"}, {"status": None}, {"status": ["x"]}, "[1]"])
async def test_a_status_that_never_ends_a_response_ends_the_call(open_session: OpenSession, body: Any) -> None:
    session = await open_session(**ON, background_options="8h", max_retries=1)
    session.emulator.script(Say(WORDS))
    session.emulator.script(OnPath("/responses/resp_*", HttpReply(200, body), times=None))
    if session.backend.name != "openai-v2":  # without such a window nothing is polled
        assert (await session.ask("count")).text == WORDS
        return
    with pytest.raises(LLMError, match=r"status of the response is .* may go on at the service") as caught:
        await session.ask("count")
    assert not caught.value.retryable
    assert (session.sent, len(resumptions(session))) == (1, 2)
    session.emulator.reset()


@with_background
@pytest.mark.parametrize("is_streamed", [True, False])
async def test_a_response_that_somebody_cancelled_is_not_created_anew(
    open_session: OpenSession, is_streamed: bool
) -> None:
    session = await open_session(**ON, **({} if is_streamed else {"background_options": "8h"}))
    if not is_streamed and session.backend.name != "openai-v2":
        return
    response = {"id": "resp_1", "object": "response", "status": "cancelled", "output": [], "usage": None, "error": None}
    event = json.dumps({"type": "response.cancelled", "sequence_number": 99, "response": response})
    stream = HttpReply(200, f"data: {event}\n\n", {"content-type": "text/event-stream"})
    session.emulator.script(Turn(Say(WORDS), CutStream(8)) if is_streamed else Say(WORDS))
    session.emulator.script(OnPath("/responses/resp_*", stream if is_streamed else HttpReply(200, response)))
    with pytest.raises(ProviderUnavailableError, match="was cancelled at the service") as caught:
        await session.ask("count")
    assert not caught.value.retryable
    assert (session.sent, len(resumptions(session))) == (1, 1)


@with_background
async def test_to_cancel_a_call_cancels_its_response(open_session: OpenSession) -> None:
    session = await open_session(**ON)
    session.emulator.script(Turn(Say(WORDS), Silence(60, before_event=8)))
    call = asyncio.create_task(session.ask("count"))
    assert await session.emulator.wait_until_async(session.recorder.shown)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    (stored,) = session.emulator.state.stored.by_id.values()
    assert stored.response["status"] == "cancelled"
    assert session.recorder.one("llm:response")["status"] == "cancelled"


@with_background
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"background": True}, "needs 'store: true'"),
        ({"background_options": "2h"}, "needs 'background: true'"),
        ({**ON, "background_options": {"completion_window": "2h"}, "service_tier": "flex"}, "standard tier"),
        ({**ON, "background_options": {"completion_window": "1d"}}, "completion_window: one of soonest, 2h, 8h"),
    ],
)
async def test_what_does_not_go_together_is_said_before_anything_is_sent(
    open_session: OpenSession, settings: dict[str, Any], text: str
) -> None:
    session = await open_session(**settings)
    assert any(text in problem for problem in session.provider.find_problems())
    with pytest.raises(ConfigurationError, match=text):
        await session.ask("hello")
    assert session.sent == 0


@without_background
async def test_a_plan_leaves_the_background_out_and_says_so(open_session: OpenSession) -> None:
    session = await open_session(**ON, background_options="soonest")
    await session.ask("hello")
    assert session.body["store"] is False
    assert {"background", "background_options"} & session.body.keys() == set()
    assert any(line.startswith("background:") for line in session.recorder.one("llm:request")["dropped"])
