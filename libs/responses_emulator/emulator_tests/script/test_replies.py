"""Scripted replies, disconnects and standing rules reach the client as they are written."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from emulator_clients.responses import AUTHORIZATION, error_object, post_response
from responses_emulator import (
    Disconnect,
    Emulator,
    HttpReply,
    RejectParameters,
    ReplyHeaders,
    Say,
    Turn,
    bad_gateway,
    insufficient_quota,
    rate_limit_exceeded,
    redirect,
    server_error,
    server_is_overloaded,
)


def test_scripted_replies_have_status_body_and_headers(emulator: Emulator) -> None:
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


def test_a_redirect_leads_to_another_emulator(emulator: Emulator) -> None:
    emulator.script(redirect(f"{emulator.origin}/elsewhere"))
    reply = post_response(emulator)
    assert (reply.status_code, reply.headers["location"]) == (307, f"{emulator.origin}/elsewhere")


@pytest.mark.parametrize("reset", [False, True])
def test_a_disconnect_comes_in_place_of_a_reply(emulator: Emulator, reset: bool) -> None:
    emulator.script(Disconnect(reset=reset))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        post_response(emulator)


def test_a_disconnect_can_send_raw_bytes_first(emulator: Emulator) -> None:
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


def test_reply_headers_replace_those_of_the_surface(emulator: Emulator) -> None:
    emulator.script(Turn(Say("x"), ReplyHeaders({"x-request-id": "mine"})))
    assert post_response(emulator).headers["x-request-id"] == "mine"


@pytest.mark.parametrize("dialect", ["openai", "vllm", "litellm", "pydantic422", "llama.cpp"])
def test_a_standing_rule_refuses_parameters_in_a_dialect(emulator: Emulator, dialect: Any) -> None:
    emulator.script(RejectParameters(["include", "text.verbosity"], dialect=dialect), Say("fine"))
    for body in ({"include": []}, {"text": {"verbosity": "low"}}):
        reply = post_response(emulator, **body)
        assert reply.status_code == (422 if dialect == "pydantic422" else 400)
        assert ("include" if "include" in body else "verbosity") in reply.text
    assert post_response(emulator).json()["output"][0]["content"][0]["text"] == "fine"
