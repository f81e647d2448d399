"""The setting `transport`: what travels over a WebSocket, and what a host sees if one cannot be used."""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from typing import Any

import pytest
from amplifier_core.llm_errors import (
    ConfigurationError,
    LLMError,
    LLMTimeoutError,
    RateLimitError,
)
from openai_responses_common import ApiKey
from responses_emulator import (
    AcceptUpgrade,
    Call,
    CutStream,
    Disconnect,
    EventDelay,
    HttpReply,
    OnUpgrade,
    Say,
    Silence,
    Think,
    Turn,
)

from tests.support.session import (
    Conversation,
    OpenSession,
    Session,
    asking,
    other_tasks,
    result,
    sent_items,
    system,
    tool,
    user,
)
from tests.support.witness import Witness

pytestmark = pytest.mark.one_transport("each test chooses the transport itself")

TRANSPORT = pytest.mark.one_sign_in("the transport knows no profile")
WEATHER = tool("get_weather", "city")


@pytest.fixture
async def websocket_session(open_session: OpenSession) -> Session:
    """A session whose requests travel over WebSocket."""
    return await open_session(transport="websocket")


def sent(session: Session) -> list[tuple[str, int, str | None]]:
    """Return the way of each request, the number of its items, and the response that it goes on from."""
    requests = [each for each in session.emulator.requests if each.path.endswith("/responses") and not each.is_upgrade]
    return [(each.transport, len(sent_items(each.sent)), each.sent.get("previous_response_id")) for each in requests]


def switches(session: Session) -> list[dict[str, Any]]:
    return session.recorder.named("provider:transport")


async def test_tool_loop_sends_only_what_is_new(websocket_session: Session) -> None:
    session = websocket_session
    session.emulator.script(
        Turn(Think(["**Plan**"]), Call("get_weather", {"city": "Oslo"}), Call("get_weather", {"city": "Rome"})),
        Turn(Think(["**More**"]), Say("It is"), Call("get_weather", {"city": "Bern"})),
        Say("done"),
    )
    chat = Conversation(session, tools=[WEATHER])
    first = await chat.say("hello")
    second = await chat.go_on(*map(result, first.tool_calls))
    last = await chat.go_on(*map(result, second.tool_calls))
    assert last.text == "done"
    ways = sent(session)
    assert [(way, count) for way, count, _ in ways] == [("websocket", 1), ("websocket", 2), ("websocket", 1)]
    assert [parent is not None for *_, parent in ways] == [False, True, True]
    assert len(session.emulator.upgrades) == 1
    assert switches(session) == []
    # What the host sees is the whole request, however little of it was sent.
    assert [event["input_count"] for event in session.recorder.named("llm:request")] == [1, 6, 10]


@TRANSPORT
@pytest.mark.parametrize(
    "change",
    [
        {"reasoning_effort": "high"},
        {"tools": [WEATHER, tool("other", "x")]},
        {"messages": [user("another question")]},
        {"messages": [system("another order"), user("hello")]},
    ],
    ids=["effort", "tools", "history", "instructions"],
)
async def test_other_request_is_sent_whole(websocket_session: Session, change: dict[str, Any]) -> None:
    chat = Conversation(websocket_session, tools=[WEATHER])
    await chat.say("hello")
    messages = [*change.get("messages", chat.messages[:1]), *chat.messages[1:], user("and now?")]
    options = {key: value for key, value in change.items() if key not in {"messages", "tools"}}
    await websocket_session.ask(*messages, tools=change.get("tools", [WEATHER]), **options)
    assert [parent for *_, parent in sent(websocket_session)] == [None, None]
    assert switches(websocket_session) == []


async def test_http_is_used_unless_somebody_asks_for_a_websocket(session: Session) -> None:
    chat = Conversation(session)
    await chat.say("hello")
    await chat.say("and now?")
    assert [way for way, *_ in sent(session)] == ["http", "http"]
    await session.provider.complete(asking("hello"), transport="websocket")
    assert sent(session)[-1][0] == "websocket"


@TRANSPORT
async def test_value_of_the_setting_that_is_not_valid_is_refused_by_its_name(open_session: OpenSession) -> None:
    session = await open_session(transport="carrier pigeon")
    with pytest.raises(ConfigurationError, match=r"'transport' takes one of auto, http, websocket, not 'carrier pig"):
        await session.ask("hello")


@TRANSPORT
@pytest.mark.parametrize("status", [403, 404, 405, 426, 429, 500, 503])
async def test_refused_upgrade_is_reported_once_and_loses_no_turn(
    websocket_session: Session, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    session = websocket_session
    session.emulator.script(OnUpgrade(HttpReply(status, {"error": {"message": "no"}}), times=None))
    chat = Conversation(session)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert (await chat.say("hello")).text
    assert [way for way, *_ in sent(session)] == ["http"] * 3
    assert len(session.emulator.upgrades) == 1
    (event,) = switches(session)
    assert (event["from"], event["to"], event["model"]) == ("websocket", "http", session.backend.model)
    assert event["provider"] == session.backend.name
    assert str(status) in event["reason"]
    assert [record.message for record in caplog.records if "over a WebSocket" in record.message] != []
    assert session.recorder.named("provider:retry") == []


@TRANSPORT
@pytest.mark.parametrize(
    "end", [Disconnect(), Disconnect(reset=True), Disconnect(raw_bytes=b"HTTP/1.1 200 OK\r\n\r\n<html>")]
)
async def test_upgrade_that_breaks_off_loses_no_turn(websocket_session: Session, end: Disconnect) -> None:
    websocket_session.emulator.script(OnUpgrade(end, times=None))
    assert (await websocket_session.ask("hello")).text
    assert [(each["from"], each["to"]) for each in switches(websocket_session)] == [("websocket", "http")]
    assert websocket_session.recorder.named("provider:retry") == []


@TRANSPORT
async def test_upgrade_that_hangs_is_bounded_by_the_timeout(open_session: OpenSession) -> None:
    session = await open_session(transport="websocket", timeout=0.5)
    session.emulator.script(OnUpgrade(Disconnect(open_s=60), times=None))
    assert (await session.ask("hello")).text
    assert [(each["from"], each["to"]) for each in switches(session)] == [("websocket", "http")]


@TRANSPORT
@pytest.mark.parametrize("status", [401, 403, 429, 503])
async def test_refusal_at_the_upgrade_and_over_http_is_the_refusal_of_http(
    open_session: OpenSession, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """As a wrong key or a limit is: nobody hears of the upgrade, and it stays possible for the next key."""
    errors: list[tuple[type[LLMError], str, float | None, int]] = []
    for transport in ("http", "websocket"):
        session = await open_session(transport=transport, max_retries=2, min_retry_delay=0.001)
        refused = HttpReply(status, {"error": {"message": "no", "code": "not_now"}}, {"retry-after": "0"})
        session.emulator.script(OnUpgrade(refused, times=None), *[refused] * 6)
        with caplog.at_level(logging.INFO), pytest.raises(LLMError) as raised:
            await session.ask("hello")
        text = str(raised.value).split(" [request")[0]
        retries = len(session.recorder.named("provider:retry"))
        errors.append((type(raised.value), text, getattr(raised.value, "retry_after", None), retries))
        session.emulator.reset()
    assert errors[0] == errors[1]
    assert switches(session) == []
    assert not [record for record in caplog.records if "WebSocket" in record.message]
    assert (await session.ask("hello")).text
    assert sent(session)[-1][0] == "websocket"


@pytest.mark.parametrize("reset", [True, False])
async def test_connection_lost_between_two_turns_is_one_event(websocket_session: Session, reset: bool) -> None:
    session = websocket_session
    chat = Conversation(session)
    await chat.say("hello")
    session.emulator.close_websockets(reset=reset)
    assert await session.emulator.wait_until_async(lambda: session.emulator.open_connections == 0)
    await chat.say("and now?")
    await chat.say("and then?")
    assert [(each["from"], each["to"]) for each in switches(session)] == [("websocket", "websocket")]
    assert [(way, parent is None) for way, _, parent in sent(session)] == [
        ("websocket", True),
        ("websocket", True),
        ("websocket", False),
    ]
    assert session.recorder.named("provider:retry") == []
    assert session.recorder.named("llm:stream_aborted") == []


async def test_limit_of_sixty_minutes_is_one_event(websocket_session: Session) -> None:
    chat = Conversation(websocket_session)
    await chat.say("hello")
    websocket_session.emulator.expire_websockets()
    assert (await chat.say("and now?")).text
    assert [(each["from"], each["to"]) for each in switches(websocket_session)] == [("websocket", "websocket")]
    assert websocket_session.recorder.named("provider:retry") == []


@TRANSPORT
async def test_socket_that_ends_in_mid_response_is_retried_as_a_broken_stream(websocket_session: Session) -> None:
    session = websocket_session
    session.emulator.script(Turn(Say("gone with the wind", chunks=4), CutStream(5)), Say("whole"))
    assert (await session.ask("hello")).text == "whole"
    assert session.recorder.shown() == "whole"
    (retry,) = session.recorder.named("provider:retry")
    assert retry["error_type"] == "StreamError"
    assert switches(session) == []


@TRANSPORT
async def test_refusal_in_a_frame_is_the_refusal_of_http(open_session: OpenSession) -> None:
    texts: list[str] = []
    for transport in ("http", "websocket"):
        session = await open_session(transport=transport, max_retries=0)
        error = {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
        session.emulator.script(HttpReply(429, {"error": error}, {"retry-after": "7"}))
        with pytest.raises(RateLimitError) as raised:
            await session.ask("hello")
        assert raised.value.retry_after == 7
        texts.append(str(raised.value).split(" [request")[0])
    assert texts[0] == texts[1]


@TRANSPORT
async def test_field_that_a_service_refuses_is_learned_over_a_websocket(websocket_session: Session) -> None:
    session = websocket_session
    error = {
        "message": "Unknown parameter: 'prompt_cache_key'.",
        "type": "invalid_request_error",
        "param": "prompt_cache_key",
        "code": "unknown_parameter",
    }
    session.emulator.script(HttpReply(400, {"error": error}))
    assert (await session.ask("hello", prompt_cache_key="k")).text
    assert [way for way, *_ in sent(session)] == ["websocket"] * 2
    assert "prompt_cache_key" not in session.emulator.requests[-1].sent
    assert len(session.emulator.upgrades) == 1


@TRANSPORT
async def test_silence_after_a_request_is_not_asked_again_over_http(open_session: OpenSession) -> None:
    session = await open_session(transport="websocket", timeout=0.3, max_retries=0)
    session.emulator.script(Turn(Silence(60)))
    with pytest.raises(LLMTimeoutError):
        await session.ask("hello")
    assert [way for way, *_ in sent(session)] == ["websocket"]
    assert switches(session) == []


@TRANSPORT
async def test_cancelled_call_leaves_no_connection_in_use(websocket_session: Session) -> None:
    session = websocket_session
    session.emulator.script(Turn(Say("word " * 400), EventDelay(0.02)))
    task = asyncio.create_task(session.ask("hello"))
    assert await session.emulator.wait_until_async(session.recorder.shown)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await session.emulator.wait_until_async(lambda: session.emulator.open_connections == 0)
    assert (await session.ask("hello again")).text
    assert switches(session) == []


async def test_parallel_calls_have_an_answer_each(websocket_session: Session) -> None:
    requests = [asking(f"hello {number}") for number in range(12)]
    responses = await asyncio.gather(*map(websocket_session.provider.complete, requests))
    assert all(response.text for response in responses)
    ways = [way for way, *_ in sent(websocket_session)]
    assert 4 <= ways.count("websocket") <= len(ways)
    assert len(websocket_session.emulator.upgrades) <= 4
    assert switches(websocket_session) == []


async def prepare(session: Session) -> None:
    """Let the kernel say that everything is mounted, and wait for what follows."""
    await import_module(session.backend.package).on_session_ready(session.coordinator)
    await asyncio.gather(*other_tasks())


@TRANSPORT
async def test_connection_is_opened_ahead_if_a_key_is_enough(websocket_session: Session) -> None:
    session = websocket_session
    has_key = isinstance(session.provider._backend.transport.websocket.endpoint.credential, ApiKey)
    await prepare(session)
    assert [request.is_upgrade for request in session.emulator.requests] == [True] * has_key
    assert (await session.ask("hello")).text
    assert len(session.emulator.upgrades) == 1
    assert session.emulator.requests[-1].transport == "websocket"


@TRANSPORT
async def test_refusal_ahead_is_left_to_the_first_call(
    websocket_session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    session = websocket_session
    session.emulator.script(OnUpgrade(HttpReply(404, {"error": {"message": "no"}}), times=None))
    with caplog.at_level(logging.INFO):
        await prepare(session)
        assert not caplog.records
    assert (await session.ask("hello")).text
    assert len(session.recorder.named("provider:transport")) == 1


@TRANSPORT
async def test_service_without_compression_is_spoken_to_plainly(websocket_session: Session) -> None:
    websocket_session.emulator.script(OnUpgrade(AcceptUpgrade(compression=False)))
    assert (await websocket_session.ask("hello")).text
    assert [way for way, *_ in sent(websocket_session)] == ["websocket"]


@pytest.mark.promise("no secret leaves over a WebSocket but in its upgrade", area="security")
async def test_upgrade_alone_carries_the_credential(websocket_session: Session, witness: Witness) -> None:
    session = websocket_session
    session.emulator.script(OnUpgrade(HttpReply(403, {"error": {"message": session.backend.secret}})), Say("ok"))
    await session.ask("hello")
    witness.check(session.backend.secret)
    assert session.backend.secret not in str(switches(session))
    for request in session.emulator.requests:
        assert session.backend.secret not in str(request.query)
