"""Requests over a WebSocket: what is sent again, what is sent over HTTP instead, and what is left open."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from amplifier_core.llm_errors import AbortError
from amplifier_module_provider_openai_v2 import OpenaiV2Provider
from openai_responses_common import ApiKey, Endpoint
from openai_responses_common.failures.failure import CallFailure, Failure
from openai_responses_common.testing.fake_transport import FakeTransport, build_text_reply
from openai_responses_common.transport import _websocket_connection, _websocket_pool
from openai_responses_common.transport.base import TransportSwitch
from openai_responses_common.transport.credential import Lease
from openai_responses_common.transport.switching_transport import SwitchingTransport
from openai_responses_common.transport.websocket_transport import WebSocketTransport
from openai_responses_common.wire.request_body import RequestBody

from tests.support.jump_clock import on_jump_clock
from tests.support.session import PATIENCE_S, other_tasks
from tests.support.websocket_server import (
    Item,
    Serve,
    SocketServer,
    SocketUnderTest,
    answer_all,
    serve_sockets,
    text_events,
)

SECRET = "sk-websocket-canary-1234567890"
LOST = ("websocket", "websocket")
FALLBACK = ("websocket", "http")


def say(text: str) -> Item:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def replay(text: str) -> Item:
    """Return a message of the model, as the encoder sends it again."""
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def build(*items: Item, **fields: Any) -> RequestBody:
    return RequestBody({"model": "m", "stream": True, "store": False, **fields}, list(items))


FIRST = build(say("hello"))
SECOND = build(say("hello"), replay("hello"), say("and now?"))
THIRD = build(*SECOND.items, replay("hello"), say("and then?"))


class Client:
    """A transport over WebSocket to a server, with a fake one for HTTP beside it."""

    def __init__(self, base_url: str, *, credential: Any = None, prefers_websocket: bool = False) -> None:
        self.http = FakeTransport(*[build_text_reply("over HTTP")] * 5)
        endpoint = Endpoint(base_url=base_url, credential=credential or ApiKey(key=SECRET), headers={"x-own": "1"})
        self.transport = SwitchingTransport(
            self.http, WebSocketTransport(endpoint), prefers_websocket=prefers_websocket
        )
        self.switches: list[TransportSwitch] = []

    @property
    def switch_pairs(self) -> list[tuple[str, str]]:
        return [(each.from_transport, each.to_transport) for each in self.switches]

    async def ask(self, body: RequestBody = FIRST, *, timeout_s: float = PATIENCE_S, **options: Any) -> str:
        """Make a request and return the text of its response."""
        async with self.transport.open(
            body, timeout_s=timeout_s, on_switch=self.switches.append, **{"choice": "websocket", **options}
        ) as reply:
            async for batch in reply.batches:
                for event in batch:
                    if event["type"] == "response.completed":
                        return event["response"]["output"][0]["content"][0]["text"]
                    if event["type"] == "error":
                        return f"error {event['error']['message']}"
        raise AssertionError("the response has no end")


@asynccontextmanager
async def connect(
    *connections: Serve, credential: Any = None, **options: Any
) -> AsyncIterator[tuple[Client, SocketServer]]:
    """Serve connections and return a client; check at the end that nothing is left open."""
    async with serve_sockets(*connections, **options) as server:
        client = Client(server.base_url, credential=credential)
        try:
            yield client, server
        finally:
            await client.transport.close()
        await server.wait_until(lambda: server.open_count == 0)


async def test_second_request_sends_only_what_is_new() -> None:
    async with connect(answer_all) as (client, server):
        assert await client.ask(FIRST) == await client.ask(SECOND) == "hello"
    first, second = server.frames
    assert first == {"type": "response.create", "model": "m", "store": False, "input": FIRST.items}
    assert second == {
        "type": "response.create",
        "model": "m",
        "store": False,
        "previous_response_id": "resp_1",
        "input": [say("and now?")],
    }
    assert len(server.upgrades) == 1
    assert client.switches == []


@pytest.mark.parametrize(
    "body",
    [
        build(say("hello"), replay("hello"), say("and now?"), model="n"),
        build(say("hallo"), replay("hello"), say("and now?")),
        build(say("hello"), replay("hallo"), say("and now?")),
        build(say("hello"), say("and now?")),
        build(say("hello"), replay("hello")),
        build(say("hello")),
    ],
    ids=["another model", "another question", "another answer", "no answer", "nothing new", "the same again"],
)
async def test_request_that_does_not_go_on_is_sent_whole(body: RequestBody) -> None:
    async with connect(answer_all) as (client, server):
        await client.ask(FIRST)
        await client.ask(body)
    assert "previous_response_id" not in server.frames[1]
    assert server.frames[1]["input"] == body.items
    assert client.switches == []


async def test_conversations_that_alternate_have_a_connection_each() -> None:
    other = [build(say("other")), build(say("other"), replay("hello"), say("more"))]
    async with connect(answer_all) as (client, server):
        for body in (FIRST, other[0], SECOND, other[1]):
            await client.ask(body)
    assert [frame.get("previous_response_id") for frame in server.frames] == [None, None, "resp_1", "resp_2"]
    assert len(server.upgrades) == 2


async def test_headers_go_with_the_upgrade_and_separate_connections() -> None:
    async with connect(answer_all) as (client, server):
        await client.ask(FIRST, headers={"session-id": "a"})
        await client.ask(SECOND, headers={"session-id": "a"})
        await client.ask(SECOND, headers={"session-id": "b"})
    assert [each["session-id"] for each in server.upgrades] == ["a", "b"]
    assert server.upgrades[0]["authorization"] == f"Bearer {SECRET}"
    assert server.upgrades[0]["x-own"] == "1"
    assert "permessage-deflate" in server.upgrades[0]["sec-websocket-extensions"]
    assert server.paths == ["/v1/responses"] * 2


def then_close(code: int, reason: str = "") -> Serve:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.answer()
        await socket.close(code, reason)

    return serve


def take_and_close(code: int, reason: str = "") -> Serve:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.take()
        await socket.close(code, reason)

    return serve


async def answer_and_cut(socket: SocketUnderTest) -> None:
    await socket.answer()
    await socket.cut()


async def take_and_cut(socket: SocketUnderTest) -> None:
    await socket.take()
    await socket.cut()


@pytest.mark.parametrize("end", [then_close(1000), then_close(1011, "keepalive"), answer_and_cut])
async def test_connection_that_is_lost_between_two_turns_is_replaced_and_told_once(end: Serve) -> None:
    async with connect(end, answer_all) as (client, server):
        await client.ask(FIRST)
        await server.wait_until(lambda: server.open_count == 0)
        assert await client.ask(SECOND) == "hello"
        assert await client.ask(SECOND) == "hello"
    assert server.frames[1]["input"] == SECOND.items
    assert client.switch_pairs == [LOST]
    assert client.switches[0].reason
    assert client.http.requests == []


@pytest.mark.parametrize("end", [take_and_cut, *map(take_and_close, (1000, 1001, 1008, 1011, 1012, 4000))])
async def test_request_that_was_not_answered_is_sent_once_more(end: Serve) -> None:
    async with connect(end, answer_all) as (client, server):
        assert await client.ask() == "hello"
    assert [frame["input"] for frame in server.frames] == [FIRST.items] * 2
    assert client.switch_pairs == [LOST]


@pytest.mark.parametrize("end", [take_and_cut, take_and_close(1008, "policy\x1b[31m\n")])
async def test_request_that_is_never_answered_travels_over_http(end: Serve) -> None:
    async with connect(end) as (client, server):
        assert await client.ask() == "over HTTP"
        assert await client.ask() == "over HTTP"
    assert len(server.frames) == 2
    assert client.switch_pairs == [LOST, FALLBACK]
    assert all(each.reason.isprintable() for each in client.switches)


async def test_message_that_is_too_big_travels_over_http_at_once() -> None:
    async with connect(answer_all, max_size=1000) as (client, server):
        big = build(say("x" * 5000))
        assert await client.ask(big) == "over HTTP"
        assert await client.ask(big) == "over HTTP"
        assert await client.ask(FIRST) == "hello"
    assert client.switch_pairs == [FALLBACK]
    assert len(server.upgrades) == 2


ERROR = {"type": "rate_limit_exceeded", "code": "rate_limit_exceeded", "message": "slow down", "param": None}
LIMITS = {"x-codex-primary-used-percent": "100.0", "X-Codex-Primary-Window-Minutes": 15, "retry-after": 7}


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "error", "status": 429, "error": ERROR, "headers": LIMITS},
        {"type": "error", "status_code": 429, "error": {**ERROR, "headers": LIMITS}},
        {"type": "error", "status": "429", "error": ERROR, "headers": LIMITS, "stream_id": "main"},
        {"type": "error", "status": 429, **{k: v for k, v in ERROR.items() if k != "type"}, "headers": LIMITS},
    ],
    ids=["beside", "inside, old name", "of a lane", "flat"],
)
async def test_error_frame_is_the_refusal_that_it_would_be_over_http(frame: dict[str, Any]) -> None:
    async def refuse(socket: SocketUnderTest) -> None:
        await socket.take()
        await socket.send({"type": "codex.rate_limits"}, frame)
        await socket.answer_all()

    async with connect(refuse) as (client, server):
        with pytest.raises(CallFailure) as raised:
            await client.ask()
        assert await client.ask() == "hello"
    failure = raised.value.failure
    assert (failure.kind, failure.status, failure.code, failure.retry_after_s) == ("status", 429, ERROR["code"], 7.0)
    assert failure.message == "slow down"
    assert failure.headers["x-codex-primary-window-minutes"] == "15"
    assert len(server.upgrades) == 1
    assert client.switches == []


async def test_error_without_a_status_is_an_event_of_the_stream() -> None:
    async def fail(socket: SocketUnderTest) -> None:
        await socket.take()
        await socket.send({"type": "error", "error": {"message": "no luck"}})
        await socket.answer_all()

    async with connect(fail, answer_all) as (client, server):
        assert await client.ask() == "error no luck"
        assert await client.ask() == "hello"
    assert len(server.upgrades) == 2, "more about the error might follow"
    assert client.switches == []


def refuse_second(code: str) -> Serve:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.answer()
        await socket.take()
        error = {"type": "invalid_request_error", "code": code, "message": f"because of {code}"}
        await socket.send({"type": "error", "status": 400, "error": error})
        await socket.connection.wait_closed()

    return serve


@pytest.mark.parametrize("code", ["previous_response_not_found", "websocket_connection_limit_reached"])
async def test_request_that_the_connection_cannot_answer_goes_whole_over_a_new_one(code: str) -> None:
    async with connect(refuse_second(code), answer_all) as (client, server):
        await client.ask(FIRST)
        assert await client.ask(SECOND) == "hello"
    assert [frame.get("previous_response_id") for frame in server.frames] == [None, "resp_1", None]
    assert server.frames[2]["input"] == SECOND.items
    assert client.switch_pairs == [LOST]
    assert code in client.switches[0].reason


async def test_refused_request_goes_on_whole_over_the_same_connection() -> None:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.answer()
        await socket.take()
        await socket.send({"type": "error", "status": 400, "error": {"message": "no such parameter"}})
        await socket.answer_all()

    async with connect(serve) as (client, server):
        await client.ask(FIRST)
        with pytest.raises(CallFailure):
            await client.ask(SECOND)
        assert await client.ask(SECOND) == "hello"
    assert [frame.get("previous_response_id") for frame in server.frames] == [None, "resp_1", None]
    assert len(server.upgrades) == 1


@pytest.mark.parametrize("status", [403, 404, 405, 426, 429, 500, 503, 302])
async def test_refused_upgrade_falls_back_to_http_and_is_remembered(status: int) -> None:
    async with connect(answer_all) as (client, server):
        server.statuses = [status]
        server.refusal_headers = {"Location": "/elsewhere"}
        assert [await client.ask() for _ in range(3)] == ["over HTTP"] * 3
        other = Client(server.base_url)
        assert await other.ask() == "over HTTP"
        await other.transport.close()
    assert len(server.upgrades) == 1
    assert client.switch_pairs == [FALLBACK]
    assert other.switches == []
    assert str(status) in client.switches[0].reason


async def test_address_is_tried_again_after_some_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    from openai_responses_common.transport import _websocket_refusals

    async with connect(answer_all) as (client, server):
        server.statuses = [404]
        await client.ask()
        now_s = _websocket_refusals.time.monotonic()
        monkeypatch.setattr(_websocket_refusals.time, "monotonic", lambda: now_s + 301)
        assert await client.ask() == "hello"
    assert client.switch_pairs == [FALLBACK]


async def test_connection_that_is_open_is_used_although_no_other_can_be_opened() -> None:
    async with connect(answer_all) as (client, server):
        await client.ask(FIRST)
        server.statuses = [429]
        assert await client.ask(build(say("other"))) == "over HTTP"
        assert await client.ask(SECOND) == "hello"
    assert client.switch_pairs == [FALLBACK]


class Renewing:
    """A credential whose token is refused until it is refreshed."""

    account = "a"
    description = "the token"

    def __init__(self) -> None:
        self.refresh_count = 0

    async def prepare(self) -> None: ...

    async def lease(self) -> Lease:
        token = f"token-{self.refresh_count}"
        return Lease(headers={"Authorization": f"Bearer {token}"}, token=token)

    async def refresh(self, lease: Lease, failure: Failure) -> bool:
        self.refresh_count += 1
        return True

    def scrub(self, text: str) -> str:
        return text


async def test_credential_that_is_refused_at_the_upgrade_is_renewed() -> None:
    credential = Renewing()
    async with connect(answer_all, credential=credential) as (client, server):
        server.statuses = [401]
        assert await client.ask() == "hello"
    assert [each["authorization"] for each in server.upgrades] == ["Bearer token-0", "Bearer token-1"]
    assert credential.refresh_count == 1
    assert client.switches == []


async def test_credential_that_is_refused_in_a_frame_is_renewed_over_a_new_connection() -> None:
    async def refuse(socket: SocketUnderTest) -> None:
        await socket.answer()
        await socket.take()
        await socket.send({"type": "error", "status": 401, "error": {"message": "expired"}})
        await socket.connection.wait_closed()

    credential = Renewing()
    async with connect(refuse, answer_all, credential=credential) as (client, server):
        await client.ask(FIRST)
        assert await client.ask(SECOND) == "hello"
    assert [each["authorization"] for each in server.upgrades] == ["Bearer token-0", "Bearer token-1"]
    assert client.switches == []


async def test_connection_stays_with_its_account_and_takes_its_new_tokens() -> None:
    credential = Renewing()
    async with connect(answer_all, credential=credential) as (client, server):
        await client.ask(FIRST)
        credential.refresh_count += 1
        await client.ask(SECOND)
        assert len(server.upgrades) == 1
        credential.account = "b"
        await client.ask(THIRD)
    assert [each["authorization"] for each in server.upgrades] == ["Bearer token-0", "Bearer token-1"]
    assert server.frames[-1]["input"] == THIRD.items
    assert client.switches == []


async def test_key_that_is_refused_is_refused_over_http() -> None:
    async with connect(answer_all) as (client, server):
        server.statuses = [401]
        assert await client.ask() == "over HTTP"
    assert client.switch_pairs == [FALLBACK]
    assert len(server.upgrades) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_account_that_is_refused_blocks_no_other(status: int) -> None:
    async with connect(answer_all) as (client, server):
        server.statuses = [status]
        assert [await client.ask() for _ in range(2)] == ["over HTTP"] * 2
        other = Client(server.base_url, credential=ApiKey(key="sk-other-1234567890", account="other"))
        assert await other.ask() == "hello"
        await other.transport.close()
    assert client.switch_pairs == [FALLBACK]
    assert len(server.upgrades) == 2


@pytest.mark.parametrize(
    ("status", "http_status", "count"), [(401, 401, 0), (403, 403, 0), (503, 503, 0), (403, 429, 1), (404, 404, 1)]
)
async def test_refusal_that_http_shows_too_says_nothing_about_websockets(
    status: int, http_status: int, count: int
) -> None:
    refused = Failure(kind="status", status=http_status, message="no")
    async with connect(answer_all) as (client, server):
        server.statuses = [status] * 2
        client.transport.http = FakeTransport(refused, build_text_reply("over HTTP"))
        with pytest.raises(CallFailure) as raised:
            await client.ask()
        assert raised.value.failure == refused
        assert client.switch_pairs == [FALLBACK] * count
        assert await client.ask() == "over HTTP"
    assert client.switch_pairs == [FALLBACK]
    assert len(server.upgrades) == 2 - count


async def wait_for_end(socket: SocketUnderTest) -> None:
    await socket.take()
    await socket.connection.wait_closed()


async def test_silence_is_an_error_and_no_second_request() -> None:
    async with connect(wait_for_end) as (client, server):
        with pytest.raises(CallFailure) as raised:
            await client.ask(timeout_s=0.05)
    assert raised.value.failure.kind == "timeout"
    assert len(server.frames) == 1
    assert client.http.requests == []
    assert client.switches == []


async def test_upgrade_that_hangs_falls_back_to_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        assert await client.ask(timeout_s=0.05) == "over HTTP"
        assert await client.ask() == "over HTTP"
        await client.transport.close()
    assert client.switch_pairs == [FALLBACK]


async def fail_over_http(base_url: str) -> list[TransportSwitch]:
    """Make two requests to a service that HTTP does not reach either, and return the switches."""
    refused = Failure(kind="network", message="cannot reach it")
    client = Client(base_url)
    client.http = FakeTransport(refused, refused)
    client.transport.http = client.http
    for _ in range(2):
        with pytest.raises(CallFailure) as raised:
            await client.ask()
        assert raised.value.failure == refused
    await client.transport.close()
    return client.switches


async def test_service_that_is_not_there_is_the_failure_of_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert await fail_over_http(f"http://127.0.0.1:{port}/v1") == [], "nothing is known about its WebSocket"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_proxy_that_opens_no_connection_is_the_failure_of_http(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 407 Log in\r\nContent-Length: 0\r\n\r\n" if scheme == "http" else b"\x05\xff")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        assert await fail_over_http("https://service.test/v1") == [], "nothing is known about its WebSocket"


@pytest.mark.parametrize(
    ("frames", "problem"),
    [([b"{}"], "binary"), (["no JSON"], "not JSON"), (["[1]"], "not a JSON object")],
)
async def test_frame_that_nobody_understands_breaks_a_response_that_has_begun(frames: list[Any], problem: str) -> None:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.take()
        await socket.send(text_events("a")[0], *frames)
        await socket.connection.wait_closed()

    async with connect(serve) as (client, _):
        with pytest.raises(CallFailure, match=problem) as raised:
            await client.ask()
    assert raised.value.failure.kind == "stream"
    assert client.switches == []


async def test_fault_comes_after_the_events_before_it() -> None:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.take()
        await socket.send(*text_events("a")[:2], "no JSON")
        await socket.connection.wait_closed()

    events: list[str] = []
    async with (
        connect(serve) as (client, _),
        client.transport.open(FIRST, timeout_s=PATIENCE_S, choice="websocket") as reply,
    ):
        events += [event["type"] for event in await anext(reply.batches)]
        with pytest.raises(CallFailure, match="not JSON"):
            await anext(reply.batches)
    assert events == ["response.output_item.done"]


@pytest.mark.parametrize("frame", [b"{}", "no JSON", "[1]", '{"output": []}'])
async def test_frame_that_nobody_understands_instead_of_a_response_leads_to_http(frame: str | bytes) -> None:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.take()
        await socket.send(frame)
        await socket.connection.wait_closed()

    async with connect(serve) as (client, _):
        assert await client.ask() == "over HTTP"
    assert client.switch_pairs == [LOST, FALLBACK]


async def test_socket_that_ends_in_mid_response_is_a_stream_failure() -> None:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.take()
        await socket.send(*text_events("a")[:2])
        await socket.close(1011, "over\x07load")

    async with connect(serve, answer_all) as (client, _):
        with pytest.raises(CallFailure) as raised:
            await client.ask()
        assert await client.ask() == "hello"
    assert raised.value.failure == Failure(
        kind="stream", message="the connection broke off (the service closed the connection (1011: overload))"
    )
    assert client.switches == []


async def test_events_of_a_lane_and_frames_without_a_type_are_passed_over() -> None:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.take()
        other = [{"stream_id": "other", **event} for event in text_events("other", number=9)]
        late = [{**event, "stream_id": "other"} for event in text_events("other", number=8)[1:]]
        await socket.send(*other, text_events("mine")[0], {}, *other, *late, "", *text_events("mine")[1:])
        await socket.answer_all()

    async with connect(serve) as (client, server):
        assert await client.ask() == "mine"
        await client.ask(build(say("hello"), replay("mine"), say("and now?")))
    assert server.frames[1]["previous_response_id"] == "resp_1"


async def test_frame_of_16_megabytes_arrives() -> None:
    text = "x" * (16 << 20)

    async def serve(socket: SocketUnderTest) -> None:
        await socket.answer(text)

    async with connect(serve) as (client, _):
        assert len(await client.ask()) == len(text)


async def test_ping_is_answered_during_a_response_and_between_two() -> None:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.take()
        async with asyncio.timeout(PATIENCE_S):
            await (await socket.connection.ping())
            await socket.send(*text_events("hello"))
            await (await socket.connection.ping())
        answered.set()
        await socket.answer_all()

    answered = asyncio.Event()
    async with connect(serve) as (client, server):
        await client.ask(FIRST)
        await answered.wait()
        await client.ask(SECOND)
    assert len(server.upgrades) == 1


async def test_parallel_requests_beyond_the_pool_travel_over_http() -> None:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.take()
        await all_here.wait()
        await socket.send(*text_events("hello"))
        await socket.answer_all()

    all_here = asyncio.Event()
    async with connect(serve) as (client, server):
        asking = [asyncio.create_task(client.ask()) for _ in range(6)]
        await server.wait_until(lambda: len(server.frames) == 4)
        all_here.set()
        assert sorted(await asyncio.gather(*asking)) == ["hello"] * 4 + ["over HTTP"] * 2
        assert await client.ask() == "hello"
    assert len(server.upgrades) == 4
    assert client.switches == []


@pytest.mark.parametrize("state", ["send", "first event", "stream"])
async def test_cancelled_request_closes_its_connection(state: str) -> None:
    body = build(say("x" * (32 << 20))) if state == "send" else FIRST

    async def serve(socket: SocketUnderTest) -> None:
        if state == "send":
            socket.connection.transport.pause_reading()
            waiting.set()
            await client_left.wait()
            socket.connection.transport.resume_reading()
        await socket.take()
        if state == "stream":
            await socket.send(*text_events("a")[:2])
        waiting.set()
        await socket.connection.wait_closed()

    waiting, client_left = asyncio.Event(), asyncio.Event()
    async with connect(serve, answer_all) as (client, _):
        asking = asyncio.create_task(client.ask(body))
        await waiting.wait()
        await asyncio.sleep(0.01)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        assert not [task for task in other_tasks() if "aiohttp" in repr(task)]
        client_left.set()
        assert await client.ask() == "hello"
    assert client.switches == [], "the host ended the request, not the service"


async def test_response_that_is_complete_leaves_its_connection_although_the_reader_leaves_early() -> None:
    async with connect(answer_all) as (client, server):
        async with client.transport.open(FIRST, timeout_s=PATIENCE_S, choice="websocket") as reply:
            async for batch in reply.batches:
                if batch[-1]["type"] == "response.completed":
                    break
        await client.ask(SECOND)
    assert server.frames[1]["previous_response_id"] == "resp_1"


async def test_incomplete_response_is_not_gone_on_from() -> None:
    async def serve(socket: SocketUnderTest) -> None:
        await socket.take()
        await socket.send(*text_events("hel", status="incomplete"))
        await socket.answer_all()

    async with connect(serve) as (client, server):
        async with client.transport.open(FIRST, timeout_s=PATIENCE_S, choice="websocket") as reply:
            async for batch in reply.batches:
                if batch[-1]["type"] == "response.incomplete":
                    break
        await client.ask(build(say("hello"), replay("hel"), say("go on")))
    assert "previous_response_id" not in server.frames[1]
    assert len(server.upgrades) == 1


async def test_provider_that_is_closed_ends_its_request() -> None:
    async with connect(wait_for_end) as (client, server):
        asking = asyncio.create_task(client.ask())
        await server.wait_until(lambda: bool(server.frames))
        await client.transport.close()
        with pytest.raises(AbortError):
            await asking
    assert client.switches == []


async def test_first_request_of_a_conversation_waits_for_no_upgrade() -> None:
    async with serve_sockets(answer_all) as server:
        client = Client(server.base_url, prefers_websocket=True)
        assert await client.ask(FIRST, choice="auto") == "over HTTP"
        assert await client.ask(build(say("hello"), say("hello?")), choice="auto") == "over HTTP"
        assert await client.ask(SECOND, choice="auto") == "hello"
        assert await client.ask(SECOND, choice="http") == "over HTTP"
        await client.transport.close()
    assert client.switches == []


def test_openais_own_addresses_prefer_a_websocket() -> None:
    def describe(base_url: str) -> str:
        return OpenaiV2Provider(base_url=base_url, api_key="k").describe_transport()

    later = "auto (over HTTP, and over a WebSocket from the second request of a conversation on)"
    assert describe("https://api.openai.com/v1") == describe("https://eu.api.openai.com/v1") == later
    assert describe("https://api.example.com/v1") == describe("http://localhost:8000/v1") == "auto (over HTTP)"


@pytest.mark.parametrize("field", ["background", "previous_response_id", "conversation"])
async def test_request_with_a_field_for_http_travels_over_http(field: str) -> None:
    async with connect(answer_all) as (client, _):
        assert await client.ask(build(say("hello"), **{field: "x"})) == "over HTTP"
        assert await client.ask(build(say("hello"), stream=False)) == "over HTTP"
    assert client.switches == []


@on_jump_clock
async def test_connection_that_nobody_uses_is_closed_after_five_minutes() -> None:
    async with connect(answer_all) as (client, server):
        await client.ask(FIRST)
        await asyncio.sleep(_websocket_pool.MAX_IDLE_S - 1)
        assert server.open_count == 1
        await asyncio.sleep(2)
        assert server.open_count == 0
        await client.ask(SECOND)
    assert server.frames[1]["input"] == SECOND.items
    assert client.switches == [], "we closed it ourselves"


@pytest.mark.parametrize("cause", ["idle", "asleep"])
def test_connection_that_no_longer_answers_is_replaced_before_it_gets_a_request(
    monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    """A router has forgotten it, or the machine was asleep, whose loop then sees no time pass."""

    async def fall_silent(socket: SocketUnderTest) -> None:
        await socket.answer()
        socket.connection.transport.pause_reading()
        await is_replaced.wait()
        await socket.cut()

    @on_jump_clock
    async def check() -> None:
        loop = asyncio.get_running_loop()
        async with connect(fall_silent, answer_all) as (client, server):
            await client.ask(FIRST)
            if cause == "idle":
                await asyncio.sleep(11)
            else:
                at_s = time.time() + 3600
                monkeypatch.setattr(_websocket_connection.time, "time", lambda: at_s)
            began_s = loop.time()
            try:
                assert await client.ask(SECOND, timeout_s=600) == "hello"
            finally:
                is_replaced.set()
            assert loop.time() - began_s < 10
        assert [frame["input"] for frame in server.frames] == [FIRST.items, SECOND.items]
        assert client.switch_pairs == [LOST]
        assert client.switches[0].reason == "the connection no longer answers"
        assert client.http.requests == []

    is_replaced = asyncio.Event()
    check()


def test_only_a_connection_that_was_idle_is_asked_whether_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    def count_pings() -> int:
        return sum("PING" in record.getMessage() for record in caplog.records)

    @on_jump_clock
    async def check() -> None:
        async with connect(answer_all) as (client, server):
            await client.ask(FIRST)
            await client.ask(SECOND)
            assert count_pings() == 0
            await asyncio.sleep(11)
            await client.ask(THIRD)
            assert count_pings() == 1
        assert len(server.upgrades) == 1
        assert client.switches == []

    with caplog.at_level(logging.DEBUG, "websockets.server"):
        check()


@on_jump_clock
async def test_call_that_is_cancelled_while_a_connection_is_asked_leaves_none_behind() -> None:
    async def fall_silent(socket: SocketUnderTest) -> None:
        await socket.answer()
        socket.connection.transport.pause_reading()
        await is_cancelled.wait()
        await socket.cut()

    is_cancelled = asyncio.Event()
    async with connect(fall_silent, answer_all) as (client, server):
        await client.ask(FIRST)
        await asyncio.sleep(11)
        asking = asyncio.create_task(client.ask(SECOND))
        await asyncio.sleep(1)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        is_cancelled.set()
        await server.wait_until(lambda: server.open_count == 0)
        assert await client.ask(SECOND) == "hello"
    assert client.switches == [], "the host ended the request, not the service"


@on_jump_clock
async def test_connection_is_replaced_before_the_service_ends_it() -> None:
    async with connect(answer_all) as (client, server):
        body = FIRST
        for _ in range(55):
            await client.ask(body)
            body = build(*body.items, replay("hello"), say("more"))
            await asyncio.sleep(60)
    assert len(server.upgrades) == 2
    assert client.switches == []


def test_each_event_loop_has_connections_of_its_own_and_leaves_none(caplog: pytest.LogCaptureFixture) -> None:
    import threading

    ready, stop = threading.Event(), threading.Event()
    servers: list[SocketServer] = []

    async def run_server() -> None:
        async with serve_sockets(answer_all) as server:
            servers.append(server)
            ready.set()
            await asyncio.to_thread(stop.wait)
            await server.wait_until(lambda: server.open_count == 0)

    thread = threading.Thread(target=asyncio.run, args=[run_server()])
    thread.start()
    ready.wait(PATIENCE_S)
    client = Client(servers[0].base_url)
    with caplog.at_level(logging.DEBUG):
        for body in (FIRST, SECOND):
            assert asyncio.run(client.ask(body)) == "hello"
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "a connection is still open"
    assert len(servers[0].upgrades) == 2
    assert client.switches == []
    own = [record for record in caplog.records if not record.name.startswith("websockets.")]  # those of the server
    assert [record for record in own if SECRET in record.getMessage() or record.levelno >= logging.WARNING] == []
