"""A plain HTTP client for tests of the service itself: one request, its events, or its error."""

from __future__ import annotations

import json
from typing import Any

import httpx
from responses_emulator.emulator import Emulator

AUTHORIZATION = {"authorization": "Bearer sk-test"}


def post_response(emulator: Emulator, **body: Any) -> httpx.Response:
    """One plain HTTP request."""
    defaults = {"model": "gpt-5.6-sol", "input": "hello", "store": False}
    return httpx.post(f"{emulator.base_url}/responses", json={**defaults, **body}, headers=AUTHORIZATION, timeout=60)


def parse_events(text: str) -> list[dict[str, Any]]:
    """The events of a recorded stream, its framing checked."""
    found: list[dict[str, Any]] = []
    assert text.endswith("\n\n")
    for block in text.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def stream_events(emulator: Emulator, **body: Any) -> list[dict[str, Any]]:
    """The events of one streamed answer."""
    reply = post_response(emulator, stream=True, **body)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    return parse_events(reply.text)


def error_object(reply: httpx.Response) -> dict[str, Any]:
    """The error of a refused request, in the service's shape."""
    assert reply.status_code >= 400, reply.text
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error
