"""A plain WebSocket client for tests of the service itself: frames out, events in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from emulator_clients.responses import AUTHORIZATION
from responses_emulator import Emulator
from websockets.asyncio.client import ClientConnection, connect

FINAL = ("response.completed", "response.incomplete", "response.failed", "response.steer.failed", "error")
CREATE: dict[str, Any] = {"type": "response.create", "model": "gpt-5.6-sol", "store": False}
Event = dict[str, Any]


def open_socket(
    emulator: Emulator, headers: Mapping[str, str] = AUTHORIZATION, *, query: str = "", **options: Any
) -> connect:
    """Return a WebSocket to the first surface, to be entered."""
    url = f"{emulator.base_url.replace('http', 'ws', 1)}/responses{query}"
    options = {"proxy": None, "max_size": None, **options}
    return connect(url, additional_headers=dict(headers), **options)


async def send(socket: ClientConnection, **fields: Any) -> None:
    """Send a create request. A field whose value is None is left out."""
    body = {**CREATE, **fields}
    await socket.send(json.dumps({key: value for key, value in body.items() if value is not None}))


async def read_reply(socket: ClientConnection) -> list[Event]:
    """Return the events up to the end of one response, or to an error."""
    events: list[Event] = []
    while not events or events[-1]["type"] not in FINAL:
        events.append(json.loads(await socket.recv()))
    return events


async def ask(socket: ClientConnection, **fields: Any) -> Event:
    """Send a create request, and return the last event of its reply."""
    await send(socket, **{"input": "hello", **fields})
    return (await read_reply(socket))[-1]


def code(event: Event) -> str:
    """Return the code of an error."""
    assert event["type"] == "error", event
    return str(event["error"]["code"])
