"""Every way in which the service can be told to misbehave does what its name says on the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.emulator import (
    Call,
    CutStream,
    Disconnect,
    Emulator,
    ErrorEvent,
    EventDelay,
    ExtraEvent,
    Framing,
    HoldOpen,
    HostedItem,
    HttpReply,
    JoinEvents,
    Keepalive,
    NoTerminalOutput,
    NoUsage,
    RateLimits,
    RecordedRequest,
    RejectParameters,
    ReplyHeaders,
    ResponseFailed,
    ResponseFields,
    RotateIds,
    Say,
    Silence,
    SplitBytes,
    Think,
    Turn,
    bad_gateway,
    insufficient_quota,
    openai_surface,
    rate_limit_exceeded,
    redirect,
    server_error,
    server_is_overloaded,
)
from tests.emulator.plain import AUTHORIZATION, error_object, parse_events, post_response, stream_events


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def pieces(emulator: Emulator) -> list[bytes]:
    """The chunks of one streamed answer, as they were read."""
    body = {"model": "gpt-5.5", "input": "hi", "stream": True}
    with httpx.stream("POST", f"{emulator.base_url}/responses", json=body, headers=AUTHORIZATION, timeout=60) as reply:
        return list(reply.iter_raw())


def test_statuses(emulator: Emulator) -> None:
    emulator.script(
        rate_limit_exceeded(after_s=2, after_ms=1500),
        insufficient_quota(),
        server_error(),
        server_is_overloaded(after_s=30),
        bad_gateway(),
        HttpReply(400, b"\xff\xfe"),
        HttpReply(418, {"detail": "teapot"}, {"X-Extra": "yes"}),
    )
    limited = post_response(emulator)
    assert (limited.status_code, limited.headers["retry-after"], limited.headers["retry-after-ms"]) == (
        429,
        "2",
        "1500",
    )
    assert error_object(limited)["code"] == "rate_limit_exceeded"
    assert error_object(post_response(emulator))["code"] == "insufficient_quota"
    assert post_response(emulator).status_code == 500
    busy = post_response(emulator)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "30")
    html = post_response(emulator)
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert "502 Bad Gateway" in html.text
    assert post_response(emulator).content == b"\xff\xfe"
    odd = post_response(emulator)
    assert (odd.json(), odd.headers["x-extra"]) == ({"detail": "teapot"}, "yes")
    assert [each.status for each in emulator.requests] == [429, 429, 500, 503, 502, 400, 418]


def test_redirects_are_seen_where_they_lead(emulator: Emulator) -> None:
    emulator.script(redirect(f"{emulator.origin}/elsewhere"))
    reply = post_response(emulator)
    assert (reply.status_code, reply.headers["location"]) == (307, f"{emulator.origin}/elsewhere")


@pytest.mark.parametrize("reset", [False, True])
def test_cut_streams(emulator: Emulator, reset: bool) -> None:
    emulator.script(Turn(Say("one two three"), CutStream(5, reset=reset)))
    wanted = httpx.ReadError if reset else httpx.RemoteProtocolError
    with pytest.raises(wanted):
        pieces(emulator)


@pytest.mark.parametrize("reset", [False, True])
def test_disconnects_before_the_reply(emulator: Emulator, reset: bool) -> None:
    emulator.script(Disconnect(reset=reset))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        post_response(emulator)


def test_words_that_no_server_of_ours_would_write(emulator: Emulator) -> None:
    emulator.script(
        Disconnect(raw_bytes=b"HTTP/1.1 299 Odd\r\n\r\nas it stands"), Disconnect(raw_bytes=b"HTT", open_s=20)
    )
    reply = post_response(emulator)
    assert (reply.status_code, reply.text) == (299, "as it stands")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{emulator.base_url}/responses",
            json={"model": "gpt-5.5", "input": "x"},
            headers=AUTHORIZATION,
            timeout=0.2,
        )
    assert emulator.wait_until(lambda: emulator.open_requests == 0), "it does not wait for who has left"


def test_what_is_being_answered_is_counted(emulator: Emulator) -> None:
    seen: list[int] = []

    def look(_: RecordedRequest) -> Say:
        seen.append(emulator.open_requests)
        return Say("hello")

    emulator.script(look)
    post_response(emulator)
    assert seen == [1]
    assert emulator.wait_until(lambda: emulator.open_requests == 0)


def test_failing_in_the_middle(emulator: Emulator) -> None:
    emulator.script(
        Turn(Say("one two three"), ResponseFailed("server_error", "Oops.", after_events=6)),
        Turn(ErrorEvent("insufficient_quota", "Pay.", error_type="insufficient_quota", then_failed=True)),
        Turn(Say("x"), ErrorEvent("server_error", "Oops.", nested=False)),
    )
    failed = stream_events(emulator)
    assert [failed[-2]["type"], failed[-1]["type"]] == ["response.output_text.delta", "response.failed"]
    assert failed[-1]["response"]["error"] == {"code": "server_error", "message": "Oops."}
    nested = stream_events(emulator)
    assert [event["type"] for event in nested[-2:]] == ["error", "response.failed"]
    assert nested[-2]["error"]["code"] == "insufficient_quota"
    flat = stream_events(emulator)[-1]
    assert (flat["type"], flat["code"], flat["message"], flat["param"]) == ("error", "server_error", "Oops.", None)


def test_time(emulator: Emulator) -> None:
    emulator.script(
        Turn(Say("x"), EventDelay(0.02)), Turn(Say("x"), Silence(0.3, before_event=2)), Turn(Say("x"), HoldOpen(0.3))
    )
    for least_s in (0.15, 0.3, 0.3):
        began_s = time.monotonic()
        assert parse_events(post_response(emulator, stream=True).text)[-1]["type"] == "response.completed"
        assert time.monotonic() - began_s >= least_s


def test_signs_of_life(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one two"), Keepalive(every_events=2)), Turn(Say("one two"), Keepalive(comment=True)))
    assert b'data: {"type":"keepalive","sequence_number":2}\n\n' in b"".join(pieces(emulator))
    assert b"\n\n: keepalive\n\n" in b"".join(pieces(emulator))


@pytest.mark.parametrize("split", [SplitBytes(1), SplitBytes(7), SplitBytes(40, seed=1), JoinEvents(), JoinEvents(3)])
def test_any_split_is_the_same_stream(emulator: Emulator, split: Any) -> None:
    emulator.script(Turn(Think(), Say("zwölf Boxkämpfer 🥊 jagen"), Call("f", {"a": "ü"}), split))
    events = parse_events(b"".join(pieces(emulator)).decode())
    assert events[-1]["response"]["output"][1]["content"][0]["text"] == "zwölf Boxkämpfer 🥊 jagen"


def test_joined_is_one_piece(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one two"), JoinEvents()))
    assert len(pieces(emulator)) == 1


def test_dialects_of_framing(emulator: Emulator) -> None:
    framing = Framing(event_lines=False, newline="\r\n", done_tail=True, sequence_numbers=False, content_type=None)
    emulator.script(Turn(Say("x"), framing))
    reply = post_response(emulator, stream=True)
    assert "content-type" not in reply.headers
    assert "event:" not in reply.text
    assert "sequence_number" not in reply.text
    assert reply.text.endswith("\r\n\r\ndata: [DONE]\r\n\r\n")


def test_odd_terminals(emulator: Emulator) -> None:
    emulator.script(
        Turn(Say("x"), NoTerminalOutput()),
        Turn(Say("x"), NoUsage()),
        Turn(Say("x"), NoUsage(details_only=True)),
        Turn(Say("x"), ResponseFields({"service_tier": "priority", "model": "gpt-oss"})),
    )
    assert stream_events(emulator)[-1]["response"]["output"] == []
    assert stream_events(emulator)[-1]["response"]["usage"] is None
    assert set(stream_events(emulator)[-1]["response"]["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}
    last = stream_events(emulator)[-1]["response"]
    assert (last["service_tier"], last["model"]) == ("priority", "gpt-oss")


def test_ids_that_rotate(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one two"), RotateIds()))
    events = stream_events(emulator)
    ids = [event.get("item_id") or event["item"]["id"] for event in events if "output_index" in event]
    assert len(set(ids)) == len(ids)
    assert events[-1]["response"]["output"][0]["id"] == ids[-1]


def test_unknown_events_and_items(emulator: Emulator) -> None:
    emulator.script(Turn(HostedItem({"type": "hologram_call", "beam": 7}), Say("x"), ExtraEvent(after_events=3)))
    reply = post_response(emulator, stream=True).text
    assert 'event: response.sparkle.delta\ndata: {"type":"response.sparkle.delta","delta":"*"}\n\n' in reply
    assert '"type":"hologram_call","status":"completed","beam":7' in reply


def test_reply_headers(emulator: Emulator) -> None:
    emulator.script(Turn(Say("x"), ReplyHeaders({"x-request-id": "mine"})))
    assert post_response(emulator).headers["x-request-id"] == "mine"


@pytest.mark.parametrize("dialect", ["openai", "vllm", "litellm", "pydantic422"])
def test_servers_that_refuse_parameters(emulator: Emulator, dialect: Any) -> None:
    emulator.script(RejectParameters(["include", "text.verbosity"], dialect=dialect), Say("fine"))
    for body in ({"include": []}, {"text": {"verbosity": "low"}}):
        reply = post_response(emulator, **body)
        assert reply.status_code == (422 if dialect == "pydantic422" else 400)
        assert ("include" if "include" in body else "verbosity") in reply.text
    assert post_response(emulator).json()["output"][0]["content"][0]["text"] == "fine"


def test_limits_that_bind() -> None:
    with Emulator(limits=RateLimits(requests=2, tokens=1000, window_s=0.5)) as emulator:
        assert [post_response(emulator).status_code for _ in range(3)] == [200, 200, 429]
        limited = post_response(emulator)
        assert error_object(limited)["code"] == "rate_limit_exceeded"
        time.sleep(int(limited.headers["retry-after-ms"]) / 1000)
        assert post_response(emulator).status_code == 200
        assert "tokens per min (TPM)" in error_object(post_response(emulator, input="x" * 8000))["message"]


def test_a_surface_of_ones_own() -> None:
    usual = openai_surface(any_model=True)
    own = replace(usual, turn_parts=(NoTerminalOutput(), ResponseFields({"content_filters": []})))
    with Emulator(surfaces=(own,)) as emulator:
        last = stream_events(emulator, model="llama-9", temperature=0.3)[-1]["response"]
        assert (last["model"], last["output"], last["content_filters"]) == ("llama-9", [], [])
