"""Delivery parts delay, split, join, frame and cut a stream."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from emulator_clients.responses import AUTHORIZATION, parse_events, post_response
from responses_emulator import (
    Call,
    CutStream,
    Emulator,
    EventDelay,
    Framing,
    HoldOpen,
    JoinEvents,
    Keepalive,
    Say,
    Silence,
    SplitBytes,
    Think,
    Turn,
)


def pieces(emulator: Emulator) -> list[bytes]:
    """The chunks of one streamed reply, as they arrive."""
    body = {"model": "gpt-5.5", "input": "hi", "stream": True}
    with httpx.stream("POST", f"{emulator.base_url}/responses", json=body, headers=AUTHORIZATION, timeout=60) as reply:
        return list(reply.iter_raw())


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_stream_ends_without_its_terminal_event(emulator: Emulator, reset: bool) -> None:
    emulator.script(Turn(Say("one two three"), CutStream(5, reset=reset)))
    with pytest.raises(httpx.ReadError if reset else httpx.RemoteProtocolError):
        pieces(emulator)


def test_delays_hold_events_back(emulator: Emulator) -> None:
    emulator.script(
        Turn(Say("x"), EventDelay(0.02)), Turn(Say("x"), Silence(0.3, before_event=2)), Turn(Say("x"), HoldOpen(0.3))
    )
    for least_s in (0.15, 0.3, 0.3):
        began_s = time.monotonic()
        assert parse_events(post_response(emulator, stream=True).text)[-1]["type"] == "response.completed"
        assert time.monotonic() - began_s >= least_s


def test_keepalives_are_events_or_comments(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one two"), Keepalive(every_events=2)), Turn(Say("one two"), Keepalive(comment=True)))
    assert b'data: {"type":"keepalive","sequence_number":2}\n\n' in b"".join(pieces(emulator))
    assert b"\n\n: keepalive\n\n" in b"".join(pieces(emulator))


@pytest.mark.parametrize("split", [SplitBytes(1), SplitBytes(7), SplitBytes(40, seed=1), JoinEvents(), JoinEvents(3)])
def test_a_split_stream_has_the_same_events(emulator: Emulator, split: Any) -> None:
    emulator.script(Turn(Think(), Say("zwölf Boxkämpfer 🥊 jagen"), Call("f", {"a": "ü"}), split))
    events = parse_events(b"".join(pieces(emulator)).decode())
    assert events[-1]["response"]["output"][1]["content"][0]["text"] == "zwölf Boxkämpfer 🥊 jagen"


def test_joined_events_are_one_piece(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one two"), JoinEvents()))
    assert len(pieces(emulator)) == 1


def test_the_framing_has_dialects(emulator: Emulator) -> None:
    framing = Framing(event_lines=False, newline="\r\n", done_tail=True, sequence_numbers=False, content_type=None)
    emulator.script(Turn(Say("x"), framing))
    reply = post_response(emulator, stream=True)
    assert "content-type" not in reply.headers
    assert "event:" not in reply.text
    assert "sequence_number" not in reply.text
    assert reply.text.endswith("\r\n\r\ndata: [DONE]\r\n\r\n")
