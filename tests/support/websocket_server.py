"""A WebSocket server on loopback that does what a test says: one function for each connection, over another library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Item = dict[str, Any]
_PATIENCE_S = 60.0
Serve = Callable[["SocketUnderTest"], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class SocketServer:
    """What a test sees of the server.

    Attributes:
        port: where it listens.
        statuses: with which it refuses the next upgrades; None opens one.
        refusal_headers: of these refusals.
        upgrades: the headers of each upgrade that was asked for.
        paths: its path and query.
        frames: each frame that arrived, as it is and in order.
        open_count: how many connections are open.
        changed: is set when a connection or a frame comes or goes.
    """

    port: int = 0
    statuses: list[int | None] = field(default_factory=list[int | None])
    refusal_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    upgrades: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    paths: list[str] = field(default_factory=list[str])
    frames: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    open_count: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds that changes with a connection or a frame."""
        async with asyncio.timeout(_PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


class SocketUnderTest:
    """One connection, as the server sees it."""

    def __init__(self, server: SocketServer, connection: ServerConnection) -> None:
        self.server = server
        self.connection = connection

    async def take(self) -> dict[str, Any]:
        """Wait for a request."""
        frame = json.loads(await self.connection.recv())
        self.server.frames.append(frame)
        self.server.changed.set()
        return frame

    async def send(self, *events: dict[str, Any] | str | bytes) -> None:
        """Send each event as a frame; a text as it is, bytes as a binary frame."""
        for event in events:
            await self.connection.send(json.dumps(event) if isinstance(event, dict) else event)

    async def answer(self, text: str = "hello") -> None:
        """Answer a request with a text."""
        await self.take()
        await self.send(*text_events(text, number=len(self.server.frames)))

    async def answer_all(self) -> None:
        """Answer requests until the client leaves."""
        while True:
            await self.answer()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        await self.connection.close(code, reason)

    async def cut(self) -> None:
        """End the connection without a word."""
        self.connection.transport.abort()


async def answer_all(socket: SocketUnderTest) -> None:
    """Answer requests until the client leaves."""
    await socket.answer_all()


def text_events(text: str, *, number: int = 1, status: str = "completed") -> list[dict[str, Any]]:
    """Return the events of a response with one message; its id ends with the number."""
    response = {"id": f"resp_{number}", "object": "response", "model": "m", "usage": None}
    item = text_item(text, number=number)
    return [
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": f"response.{status}", "response": {**response, "status": status, "output": [item]}},
    ]


def text_item(text: str, *, number: int = 1) -> Item:
    """Return a message of the model, as the server sends it."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed", "content": content}


@asynccontextmanager
async def serve_sockets(*connections: Serve, **options: Any) -> AsyncIterator[SocketServer]:
    """Serve connections, each with the next function; the last one serves all further ones.

    Args:
        connections: what each connection does. One that returns closes its connection.
        options: of the library, such as `max_size`.
    """
    server = SocketServer()
    left = list(connections)

    def open_or_refuse(connection: ServerConnection, request: Request) -> Response | None:
        server.upgrades.append({name.lower(): value for name, value in request.headers.raw_items()})
        server.paths.append(request.path)
        status = server.statuses.pop(0) if server.statuses else None
        if status is None:
            return None
        return Response(status, HTTPStatus(status).phrase, Headers(server.refusal_headers), b"no")

    async def handle(connection: ServerConnection) -> None:
        server.open_count += 1
        server.changed.set()
        try:
            with suppress(ConnectionClosed):
                await (left.pop(0) if len(left) > 1 else left[0])(SocketUnderTest(server, connection))
        finally:
            server.open_count -= 1
            server.changed.set()

    settings = {"max_size": None, "ping_interval": None, "process_request": open_or_refuse, **options}
    async with serve(handle, "127.0.0.1", 0, **settings) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
