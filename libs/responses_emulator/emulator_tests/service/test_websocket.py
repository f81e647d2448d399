"""The API over WebSocket: upgrades, requests in lanes, continued responses, error frames, and how connections end."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from emulator_clients.websocket import CREATE, ask, code, open_socket, read_reply, send
from responses_emulator import (
    AcceptUpgrade,
    Call,
    CloseAfter,
    CutStream,
    Disconnect,
    Emulator,
    ErrorEvent,
    ExtraFrame,
    Frames,
    Framing,
    HttpReply,
    JoinEvents,
    Keepalive,
    OnUpgrade,
    ResponseFailed,
    Say,
    Silence,
    SplitBytes,
    Think,
    Turn,
    WebSocketRules,
    openai_surface,
    rate_limit_exceeded,
    server_error,
)
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}


def output_of(event: dict[str, Any]) -> dict[str, Any]:
    """Return the output of the tool for the last call of a response."""
    call = event["response"]["output"][-1]
    return {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}


# Requests.


async def test_a_frame_gets_the_events_of_a_stream(emulator: Emulator) -> None:
    emulator.script(Turn(Think(["Hm."]), Say("one two")))
    async with open_socket(emulator) as socket:
        await send(socket, input="hello", reasoning={"summary": "auto"})
        events = await read_reply(socket)
    types = [event["type"] for event in events]
    assert types[:2] == ["response.created", "response.in_progress"]
    assert types[-1] == "response.completed"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["response"]["output"][-1]["content"][0]["text"] == "one two"


async def test_a_request_adds_its_items_to_the_newest_response(emulator: Emulator) -> None:
    emulator.script(Turn(Think(["Hm."]), Call("weather")), Say("It rains."))
    async with open_socket(emulator) as socket:
        first = await ask(socket, tools=[TOOL])
        second = await ask(socket, tools=[TOOL], previous_response_id=first["response"]["id"], input=[output_of(first)])
    assert second["response"]["output"][0]["content"][0]["text"] == "It rains."
    whole, frame = emulator.model_requests[-1].body, emulator.model_requests[-1].sent
    assert [item["type"] for item in whole["input"]] == [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
    ]
    assert [item["type"] for item in frame["input"]] == ["function_call_output"]
    assert [request.is_delta for request in emulator.model_requests] == [False, True]
    tokens = [event["response"]["usage"]["input_tokens"] for event in (first, second)]
    assert tokens[1] > tokens[0]


async def test_a_continued_conversation_is_checked_as_a_whole(emulator: Emulator) -> None:
    emulator.script(Call("weather"))
    async with open_socket(emulator) as socket:
        first = await ask(socket, tools=[TOOL])
        refused = await ask(socket, tools=[TOOL], previous_response_id=first["response"]["id"], input="And now?")
    assert refused["error"]["message"].startswith("No tool output found for function call call_")


async def test_the_cache_knows_the_beginning_of_a_continued_conversation(emulator: Emulator) -> None:
    async with open_socket(emulator) as socket:
        first = await ask(socket, instructions="Be brief. " * 800)
        second = await ask(socket, instructions="Be brief. " * 800, previous_response_id=first["response"]["id"])
    assert second["response"]["usage"]["input_tokens_details"]["cached_tokens"] >= 1024


async def test_only_the_newest_response_can_be_continued(emulator: Emulator) -> None:
    async with open_socket(emulator) as socket:
        first = await ask(socket)
        second = await ask(socket)
        old = await ask(socket, previous_response_id=first["response"]["id"])
        new = await ask(socket, previous_response_id=second["response"]["id"])
    assert (old["status"], code(old)) == (400, "previous_response_not_found")
    assert old["error"]["param"] == "previous_response_id"
    assert old["error"]["message"] == f"Previous response with id '{first['response']['id']}' not found."
    assert new["type"] == "response.completed"


async def test_a_stored_response_can_be_continued_by_every_connection(emulator: Emulator) -> None:
    async with open_socket(emulator) as socket:
        first = await ask(socket, store=True)
        await ask(socket)
    async with open_socket(emulator) as socket:
        again = await ask(socket, previous_response_id=first["response"]["id"])
    assert again["type"] == "response.completed"


async def test_another_connection_does_not_know_a_response(emulator: Emulator) -> None:
    async with open_socket(emulator) as one, open_socket(emulator) as other:
        first = await ask(one)
        assert code(await ask(other, previous_response_id=first["response"]["id"])) == "previous_response_not_found"


@pytest.mark.parametrize("entry", [server_error(), ResponseFailed(), ErrorEvent()], ids=["status", "failed", "error"])
async def test_a_failed_request_drops_what_it_continued(emulator: Emulator, entry: Any) -> None:
    emulator.script(Say("one"), entry)
    async with open_socket(emulator) as socket:
        first = await ask(socket)
        failed = await ask(socket, previous_response_id=first["response"]["id"])
        again = await ask(socket, previous_response_id=first["response"]["id"])
    assert failed["type"] in {"error", "response.failed"}
    assert code(again) == "previous_response_not_found"


async def test_a_prepared_prompt_has_no_output_and_can_be_continued(emulator: Emulator) -> None:
    emulator.script(Say("one"))
    async with open_socket(emulator) as socket:
        await send(socket, generate=False, input=[])
        prepared = await read_reply(socket)
        assert [event["type"] for event in prepared] == ["response.created", "response.completed"]
        assert prepared[-1]["response"]["output"] == []
        answered = await ask(socket, previous_response_id=prepared[-1]["response"]["id"])
    assert answered["response"]["output"][0]["content"][0]["text"] == "one"


async def test_reasoning_needs_no_ciphertext_within_a_connection(emulator: Emulator) -> None:
    emulator.script(Turn(Think(["Hm."]), Say("one")))
    async with open_socket(emulator) as socket:
        first = await ask(socket)
        assert "encrypted_content" not in first["response"]["output"][0]
        assert (await ask(socket, previous_response_id=first["response"]["id"]))["type"] == "response.completed"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("{", "We could not parse the JSON body"),
        ("[]", "We could not parse the JSON body"),
        (b"\0", "Binary frames"),
        (json.dumps({"type": "response.append", "input": []}), "Invalid value: 'response.append'"),
        (json.dumps({"input": "hello"}), "Invalid value: 'None'"),
        (json.dumps({**CREATE, "input": "hello", "background": True}), "Background responses"),
        (json.dumps({**CREATE, "input": "hello", "colour": "red"}), "Unknown parameter: 'colour'"),
    ],
)
async def test_a_wrong_frame_is_refused_and_the_connection_goes_on(
    emulator: Emulator, frame: str | bytes, message: str
) -> None:
    async with open_socket(emulator) as socket:
        await socket.send(frame)
        refused = (await read_reply(socket))[-1]
        assert refused["status"] == 400
        assert refused["error"]["message"].startswith(message)
        assert (await ask(socket))["type"] == "response.completed"


async def test_steering_is_refused_by_its_event(emulator: Emulator) -> None:
    async with open_socket(emulator) as socket:
        await socket.send(json.dumps({"type": "response.steer", "previous_response_id": "resp_1", "input": "Stop."}))
        (failed,) = await read_reply(socket)
    assert failed["steer"] == {"input": "Stop.", "previous_response_id": "resp_1"}
    assert failed["error"]["code"] == "steering_not_supported"


# Lanes.


async def test_lanes_answer_at_the_same_time_and_each_in_order(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one"), Silence(600, before_event=1)), Say("two"), Say("three"))
    async with open_socket(emulator) as socket:
        for lane in ("a", "a", "b"):
            await send(socket, input="hello", stream_id=lane)
        events = await read_reply(socket)
        assert [event["type"] for event in events if event["stream_id"] == "a"] == ["response.created"]
        assert events[-1]["response"]["output"][0]["content"][0]["text"] == "two"
        assert events[-1]["stream_id"] == "b"
        assert emulator.unused_script_entries == 1


async def test_another_lane_may_fork_a_response_and_fail_without_dropping_it(emulator: Emulator) -> None:
    async with open_socket(emulator) as socket:
        first = await ask(socket, stream_id="a")
        response_id = first["response"]["id"]
        emulator.script(server_error())
        failed = await ask(socket, stream_id="b", previous_response_id=response_id)
        assert (failed["status"], failed["stream_id"]) == (500, "b")
        for lane in ("b", "a"):
            assert (await ask(socket, stream_id=lane, previous_response_id=response_id))["type"] == "response.completed"


@pytest.mark.parametrize("lane", ["", "a" * 257, "a b", 7])
async def test_a_wrong_lane_is_refused(emulator: Emulator, lane: object) -> None:
    async with open_socket(emulator) as socket:
        assert code(await ask(socket, stream_id=lane)) == "invalid_stream_id"


async def test_a_connection_has_32_lanes(emulator: Emulator) -> None:
    async with open_socket(emulator) as socket:
        for number in range(32):
            assert (await ask(socket, stream_id=f"lane.{number}"))["type"] == "response.completed"
        assert code(await ask(socket, stream_id="one-more")) == "websocket_stream_limit_reached"
        assert (await ask(socket))["type"] == "response.completed"
        assert (await ask(socket, stream_id="lane.0"))["type"] == "response.completed"


# Error frames.


async def test_a_scripted_status_is_an_error_frame(emulator: Emulator) -> None:
    emulator.script(rate_limit_exceeded(after_s=2))
    async with open_socket(emulator) as socket:
        refused = await ask(socket)
    assert (refused["status"], code(refused)) == (429, "rate_limit_exceeded")
    assert refused["error"]["headers"]["retry-after"] == "2"
    assert emulator.model_requests[-1].status == 429


async def test_a_body_that_is_not_json_is_a_message(emulator: Emulator) -> None:
    emulator.script(HttpReply(502, "<html>Bad gateway</html>"))
    async with open_socket(emulator) as socket:
        refused = await ask(socket)
    assert (refused["status"], refused["error"]["message"]) == (502, "<html>Bad gateway</html>")


async def test_a_recorded_stream_comes_as_frames(emulator: Emulator) -> None:
    events = [{"type": "response.created", "response": {}}, {"type": "response.completed", "response": {}}]
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    emulator.script(HttpReply(200, text, {"content-type": "text/event-stream"}))
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        assert await read_reply(socket) == events


async def test_a_recorded_stream_without_an_end_ends_the_connection(emulator: Emulator) -> None:
    """As the end of its body would over HTTP; a client would wait for the rest."""
    event = {"type": "response.created", "response": {}}
    emulator.script(HttpReply(200, f"data: {json.dumps(event)}\n\n", {"content-type": "text/event-stream"}))
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        assert await closed_code(socket) == 1000


async def test_json_that_nests_too_deep_gets_an_answer(emulator: Emulator) -> None:
    """In a reply of the script it is a text, and in a request a mistake."""
    deep = "[" * 100_000
    emulator.script(HttpReply(400, deep, {"content-type": "application/json"}))
    async with open_socket(emulator) as socket:
        assert (await ask(socket))["error"]["message"] == deep
        await socket.send(deep)
        assert (await read_reply(socket))[-1]["status"] == 400


async def test_a_reply_of_which_no_frame_can_be_made_ends_the_connection(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    odd: Any = {"type": "odd", "value": object()}
    emulator.script(Turn(Say("one"), ExtraFrame(odd)))
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        assert await closed_code(socket) == 1011
    assert "the script or the responder failed" in caplog.text


async def test_an_upgrade_is_not_logged_by_the_protocol(
    emulator: Emulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its headers hold the credential."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("websockets.server"), "level", logging.DEBUG)
    async with open_socket(emulator) as socket:
        await ask(socket)
    assert not [each for each in caplog.records if each.name == "websockets.server"]


async def test_a_connection_refuses_requests_after_its_time(emulator: Emulator) -> None:
    async with open_socket(emulator) as socket:
        assert (await ask(socket))["type"] == "response.completed"
        emulator.expire_websockets()
        assert code(await ask(socket)) == "websocket_connection_limit_reached"
        assert await closed_code(socket) == 1000
    async with open_socket(emulator) as socket:
        assert (await ask(socket))["type"] == "response.completed"


async def test_the_time_of_a_connection_can_be_set() -> None:
    with Emulator(surfaces=(openai_surface(websocket=WebSocketRules(lifetime_s=0)),)) as emulator:
        async with open_socket(emulator) as socket:
            assert code(await ask(socket)) == "websocket_connection_limit_reached"


# Ends and broken frames.


async def closed_code(socket: ClientConnection) -> int | None:
    """Read to the end of a connection; return the code of its close frame."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


@pytest.mark.parametrize("close_code", [None, 1000, 1001, 1008, 1009, 1011, 1012])
@pytest.mark.parametrize(
    "entry",
    [
        lambda close_code: Disconnect(close_code=close_code),
        lambda close_code: Turn(Say("one two three"), CutStream(5, close_code=close_code)),
        lambda close_code: Turn(Say("one"), CloseAfter(close_code)),
    ],
    ids=["at once", "in the stream", "after the response"],
)
async def test_a_connection_ends_with_any_code(
    emulator: Emulator, entry: Callable[[int | None], Any], close_code: int | None
) -> None:
    emulator.script(entry(close_code))
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        assert await closed_code(socket) == close_code


@pytest.mark.parametrize("entry", [Disconnect(reset=True), Turn(Say("one two"), CutStream(3, reset=True))])
async def test_a_connection_is_reset(emulator: Emulator, entry: Any) -> None:
    emulator.script(entry)
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        assert await closed_code(socket) is None


async def test_half_a_frame_is_the_end(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one two"), CutStream(3, mid_event=True)))
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        assert await closed_code(socket) is None


async def test_connections_end_between_two_turns(emulator: Emulator) -> None:
    async with open_socket(emulator) as socket:
        await ask(socket)
        emulator.close_websockets(1012)
        assert await closed_code(socket) == 1012


async def test_frames_of_any_kind_can_be_sent(emulator: Emulator) -> None:
    large = json.dumps({"type": "response.sparkle", "text": "x" * (16 << 20)})
    emulator.script(
        Frames(["{", b"\0\1", large, {"type": "error", "status_code": 500, "error": {}}]),
        Turn(Say("one"), ExtraFrame('{"type":"response.created","stream_id":"foreign"}', 2), ExtraFrame(b"\2", 3)),
        Frames(["{"], Disconnect(close_code=1011)),
    )
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        assert [await socket.recv() for _ in range(3)] == ["{", b"\0\1", large]
        assert json.loads(await socket.recv()) == {"type": "error", "status_code": 500, "error": {}}
        await send(socket, input="hello")
        frames = [await socket.recv() for _ in range(5)]
        assert json.loads(frames[2])["stream_id"] == "foreign"
        assert frames[4] == b"\2"
        while json.loads(await socket.recv())["type"] != "response.completed":
            pass
        await send(socket, input="hello")
        assert await socket.recv() == "{"
        assert await closed_code(socket) == 1011


@pytest.mark.parametrize("part", [SplitBytes(1), SplitBytes(7, seed=1), JoinEvents(), JoinEvents(3)])
async def test_bytes_come_in_pieces_and_frames_together(emulator: Emulator, part: Any) -> None:
    emulator.script(Turn(Say("one two three"), part))
    async with open_socket(emulator) as socket:
        assert (await ask(socket))["response"]["output"][0]["content"][0]["text"] == "one two three"


@pytest.mark.parametrize("comment", [True, False])
async def test_signs_of_life_are_pings_or_events(emulator: Emulator, comment: bool) -> None:
    emulator.script(Turn(Say("one"), Keepalive(comment=comment), Framing(sequence_numbers=False)))
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        types = [event["type"] for event in await read_reply(socket)]
    assert ("keepalive" in types) is not comment


async def test_a_client_that_leaves_ends_its_request(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one two"), CutStream(3)), Disconnect(open_s=60))
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        assert await closed_code(socket) is None
    assert emulator.aborted_requests == []
    async with open_socket(emulator) as socket:
        await send(socket, input="hello")
        assert await emulator.wait_until_async(lambda: emulator.open_requests == 1)
    assert await emulator.wait_until_async(lambda: emulator.open_connections == 0)
    assert [request.client_left for request in emulator.model_requests] == [False, True]


# Upgrades.


@pytest.mark.parametrize("status", [401, 403, 404, 405, 426, 429, 503])
async def test_an_upgrade_is_refused_with_any_status(emulator: Emulator, status: int) -> None:
    emulator.script(OnUpgrade(HttpReply(status, {"error": {"code": "no"}}, {"retry-after": "3"})))
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(emulator):
            pass
    assert refused.value.response.status_code == status
    assert refused.value.response.headers["retry-after"] == "3"
    async with open_socket(emulator) as socket:
        assert (await ask(socket))["type"] == "response.completed"
    assert [request.status for request in emulator.upgrades] == [status, 101]


async def test_every_upgrade_is_refused_until_a_reset(emulator: Emulator) -> None:
    emulator.script(OnUpgrade(HttpReply(503), times=None))
    for _ in range(2):
        with pytest.raises(InvalidStatus):
            async with open_socket(emulator):
                pass
    emulator.reset()
    async with open_socket(emulator) as socket:
        assert (await ask(socket))["type"] == "response.completed"


@pytest.mark.parametrize("reply", [Disconnect(), Disconnect(reset=True), Disconnect(raw_bytes=b"HTTP/1.1 101\r\n")])
async def test_an_upgrade_ends_without_an_answer(emulator: Emulator, reply: Disconnect) -> None:
    emulator.script(OnUpgrade(reply))
    with pytest.raises((InvalidMessage, ConnectionError)):
        async with open_socket(emulator):
            pass


async def test_an_upgrade_may_get_no_answer_at_all(emulator: Emulator) -> None:
    emulator.script(OnUpgrade(Disconnect(open_s=60)))
    with pytest.raises(TimeoutError):
        async with open_socket(emulator, open_timeout=0.05):
            pass


async def test_compression_is_accepted_or_refused(emulator: Emulator) -> None:
    emulator.script(OnUpgrade(AcceptUpgrade({"x-test": "1"}, compression=False)))
    sizes: list[int] = []
    for _ in range(2):
        async with open_socket(emulator) as socket:
            assert socket.response is not None
            offers = socket.response.headers.get("sec-websocket-extensions")
            assert (offers is None) is (socket.response.headers.get("x-test") == "1")
            await ask(socket, input="hello " * 1000)
            sizes.append(emulator.model_requests[-1].wire_bytes)
    assert sizes[0] > 6000 > 1000 > sizes[1]


async def test_a_wrong_key_is_refused_at_the_upgrade(emulator: Emulator) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(emulator, {"authorization": "Bearer sk-bad"}):
            pass
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body or b"")["error"]["code"] == "invalid_api_key"


# What it notes.


async def test_a_record_has_the_upgrade_and_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    with Emulator(record=path) as emulator:
        async with open_socket(emulator) as socket:
            await ask(socket)
        assert await emulator.wait_until_async(lambda: path.read_text("utf-8").count("\n") == 2)
    upgrade, frame = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert (upgrade["method"], upgrade["status"], upgrade["transport"]) == ("GET", 101, "http")
    assert (frame["status"], frame["transport"], frame["connection"]) == (200, "websocket", upgrade["connection"])
    assert frame["body"] == {**CREATE, "input": "hello"}
    assert 0 < frame["wire_bytes"] <= len(json.dumps(frame["body"])) + 14


async def test_requests_of_a_connection_share_its_number_and_headers(emulator: Emulator) -> None:
    async with open_socket(emulator) as socket:
        await ask(socket)
        await ask(socket)
    (upgrade,) = emulator.upgrades
    assert {request.connection for request in emulator.model_requests} == {upgrade.connection}
    assert {request.headers["authorization"] for request in emulator.model_requests} == {"Bearer sk-test"}
    assert [request.transport for request in emulator.requests] == ["http", "websocket", "websocket"]
