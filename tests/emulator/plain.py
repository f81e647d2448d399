"""A plain HTTP client for tests of the service itself: one request, its events, or its error."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.emulator.emulator import Emulator

KEY = {"authorization": "Bearer sk-test"}


def ask(emulator: Emulator, **body: Any) -> httpx.Response:
    """One plain HTTP request."""
    defaults = {"model": "gpt-5.6-sol", "input": "hello", "store": False}
    return httpx.post(f"{emulator.base_url}/responses", json={**defaults, **body}, headers=KEY, timeout=60)


def events_of(text: str) -> list[dict[str, Any]]:
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


def streamed(emulator: Emulator, **body: Any) -> list[dict[str, Any]]:
    """The events of one streamed answer."""
    reply = ask(emulator, stream=True, **body)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    return events_of(reply.text)


def error_of(reply: httpx.Response) -> dict[str, Any]:
    """The error of a refused request, in the service's shape."""
    assert reply.status_code >= 400, reply.text
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error
