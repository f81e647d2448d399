"""A server that sends prepared replies: in given pieces, with pauses, and with an ending of choice.

A client may ask over HTTP or over WebSocket; there the same reply is made of frames. The server has no task and no
thread, so a test that runs it in its event loop can demand that no task is left.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from .socket_frames import ends_response, frame_pieces, frame_refusal

Ending = Literal["complete", "fin", "reset", "hang"]
"""How a reply ends: with the last chunk, with a FIN or an RST in the middle of a chunk, or never."""

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_UPGRADE = re.compile(rb"(?i)\r\nupgrade: *websocket")
_CALL_NUMBER = re.compile(rb"call (\d+)")
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply. Over WebSocket it has no head and no chunks.

    Attributes:
        pieces: the parts of the body. Each is a write, and a chunk of its own unless `one_chunk` is true.
        ending: see `Ending`.
        pauses_s: seconds to wait before the piece with that index; the index after the last piece is the ending.
        one_chunk: all pieces are in one chunk.
        head_bytes: the number of bytes of the head that are sent; None, the default, sends all. It needs a reply
            without pieces.
        status: the HTTP status.
        headers: headers beside the ones of an event stream.
    """

    pieces: tuple[bytes, ...] = ()
    ending: Ending = "complete"
    pauses_s: Mapping[int, float] = field(default_factory=dict[int, float])
    one_chunk: bool = False
    head_bytes: int | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def head(self) -> bytes:
        """The status line and the headers as they go over the wire."""
        headers = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **self.headers}
        lines = [f"HTTP/1.1 {self.status} Replayed", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    def frame(self, index: int) -> bytes:
        """Return the piece with its chunk framing; the chunk of a broken reply promises more than it sends."""
        piece, is_last = self.pieces[index], index == len(self.pieces) - 1
        missing = 1 if self.ending in ("fin", "reset") else 0
        if self.one_chunk:
            size = b"%x\r\n" % (sum(map(len, self.pieces)) + missing) if index == 0 else b""
            return size + piece + (b"\r\n" if is_last and not missing else b"")
        if missing and is_last:
            return b"%x\r\n%s" % (len(piece) + 1, piece)
        return b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b""


Script = Callable[[int, int], Reply]
"""Returns the reply to the call of a number at one attempt, which counts from 0."""


class ReplayServer:
    """The server, while the context lasts.

    Args:
        script: chooses the reply to each request.
        url_prefix: the path of the base URL.

    Attributes:
        attempts: the number of requests of each call.
        bodies: the body of each request, empty if it has none.
        open_exchanges: the connections on which a reply has begun and has not ended.
        silent_calls: the calls whose reply has reached the ending "hang".
        frame_count: the number of requests that came over WebSocket.
    """

    def __init__(self, script: Script, *, url_prefix: str = "") -> None:
        self.script = script
        self.attempts: Counter[int] = Counter()
        self.bodies: list[bytes] = []
        self.open_exchanges: set[_Connection] = set()
        self.silent_calls: set[int] = set()
        self.connections: set[_Connection] = set()
        self.frame_count = 0
        self._url_prefix = url_prefix
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> ReplayServer:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=512)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for connection in list(self.connections):
            connection.close()
        await self.wait_until(lambda: not self.connections)

    @property
    def base_url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._url_prefix}"

    async def wait_until(self, predicate: Callable[[], object]) -> None:
        """Let the loop run until the predicate holds."""
        async with asyncio.timeout(_PATIENCE_S):
            while not predicate():  # noqa: ASYNC110  (anything may change it, and nothing here runs for long)
                await asyncio.sleep(0.001)


class _Connection(asyncio.Protocol):
    def __init__(self, server: ReplayServer) -> None:
        self._server = server
        self._request = b""
        self._call_number = 0
        self._next_step: asyncio.Handle | None = None
        self._websocket: ServerProtocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_exchange()
        self._server.connections.discard(self)

    def close(self) -> None:
        self._end_exchange()
        self._transport.abort()

    def _end_exchange(self) -> None:
        if self._next_step is not None:
            self._next_step.cancel()
            self._next_step = None
        self._server.open_exchanges.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._websocket is not None:
            self._websocket.receive_data(data)
            self._answer_frames(self._websocket)
            return
        self._request += data
        head, separator, body = self._request.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not separator or (length and len(body) < int(length[1])):
            return
        if _UPGRADE.search(head):
            self._upgrade(self._request)
            return
        self._request = b""
        self._answer(body)

    def _upgrade(self, request: bytes) -> None:
        self._websocket = ServerProtocol(max_size=None)
        self._websocket.receive_data(request)
        for event in self._websocket.events_received():
            assert isinstance(event, Request)
            self._websocket.send_response(self._websocket.accept(event))
        self._answer_frames(self._websocket)

    def _answer_frames(self, websocket: ServerProtocol) -> None:
        for event in websocket.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._server.frame_count += 1
                self._answer(bytes(event.data))
        for data in websocket.data_to_send():
            if data:
                self._transport.write(data)
            else:  # the connection ends with it
                self._transport.close()

    def _answer(self, body: bytes) -> None:
        numbers = _CALL_NUMBER.findall(body)
        number = self._call_number = int(numbers[-1]) if numbers else 0
        attempt = self._server.attempts[number]
        self._server.attempts[number] += 1
        self._server.bodies.append(body)
        self._server.open_exchanges.add(self)
        reply = self._server.script(number, attempt)
        self._schedule(reply if self._websocket is None else _over_websocket(reply), 0)

    def _schedule(self, reply: Reply, index: int) -> None:
        """Send the piece of that index: the first at once, others in the next round of the loop or after a pause."""
        loop = asyncio.get_running_loop()
        if pause_s := reply.pauses_s.get(index, 0.0):
            self._next_step = loop.call_later(pause_s, self._send, reply, index)
        elif index:
            self._next_step = loop.call_soon(self._send, reply, index)
        else:
            self._send(reply, index)

    def _send(self, reply: Reply, index: int) -> None:
        self._next_step = None
        over_http = self._websocket is None
        head = reply.head[: reply.head_bytes] if over_http and index == 0 else b""
        if index < len(reply.pieces):
            self._transport.write(head + (reply.frame(index) if over_http else reply.pieces[index]))
            self._schedule(reply, index + 1)
            return
        self._transport.write(head)
        match reply.ending:
            case "complete":
                self._transport.write(b"0\r\n\r\n" if over_http else b"")
                self._end_exchange()
            case "fin":
                self._transport.close()
            case "reset":
                # Linger 0 turns the close into a TCP RST.
                sock = self._transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._transport.abort()
            case "hang":
                self._server.silent_calls.add(self._call_number)


def _over_websocket(reply: Reply) -> Reply:
    """Return the reply as frames.

    A response without an end closes the connection, as the end of a body says it. One with an end is not silent: the
    connection stays open.
    """
    if reply.status != 200:
        return replace(reply, pieces=(frame_refusal(reply.status, reply.pieces, reply.headers.items()),))
    has_end = ends_response(reply.pieces)
    ending: Ending = reply.ending
    match reply.ending:
        case "complete" if not has_end:
            ending = "fin"
        case "hang" if has_end:
            ending = "complete"
        case _:
            pass
    return replace(reply, pieces=tuple(frame_pieces(reply.pieces)), ending=ending)
