"""A WebSocket on the server's side of a connection: the handshake, messages in, frames out, and its end.

Invariants: it knows no event of the API. The protocol is that of the package `websockets`; only one frame is written at
a time, whole, however many lanes send. `receive` returns None once the client has left, whichever way it left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from websockets.exceptions import ProtocolError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN as OPEN
from websockets.server import ServerProtocol
from websockets.typing import ExtensionName

from responses_emulator.transport.hang_up import CloseConnection, hang_up

_READ_SIZE = 65536
_LONGEST_CLOSE_S = 2.0
_NO_FRAME = frozenset({1006, 1015})  # codes that stand for an end without a close frame
_NO_CODE = 1005
# The package logs each header of an upgrade at DEBUG, the credential too. This logger has no handler and no parent.
_SILENT_LOG = logging.Logger("responses_emulator.websocket", logging.CRITICAL)  # noqa: LOG001


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of the client, and the bytes of its frames on the wire, compressed if they were."""

    data: str | bytes
    wire_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeReply:
    """Accepts an upgrade, and serves the WebSocket until `serve` returns.

    Attributes:
        compression: permessage-deflate is accepted if the client offers it.
        max_message_bytes: a longer message of the client ends the connection with 1009. None is no limit.
    """

    serve: Callable[[WebSocket], Awaitable[None]]
    headers: list[tuple[str, str]] = field(default_factory=list)
    compression: bool = True
    max_message_bytes: int | None = None
    status: int = 101


class _Meter(Extension):
    """Notes the size of each frame as it came, before another extension decompresses it."""

    name = ExtensionName("x-meter")

    def __init__(self) -> None:
        self.sizes: deque[int] = deque()

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if frame.opcode in DATA_OPCODES:
            length = len(frame.data)
            # The head of a frame: two bytes, the mask, and a longer length.
            self.sizes.append(length + 6 + (0 if length < 126 else 2 if length < 65536 else 8))
        return frame

    def encode(self, frame: Frame) -> Frame:
        return frame


class WebSocket:
    """An open WebSocket. `track_request` counts a request as open while it is entered."""

    def __init__(
        self,
        protocol: ServerProtocol,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        track_request: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._protocol = protocol
        self._reader = reader
        self._writer = writer
        self._lock = asyncio.Lock()
        self._meter = _Meter()
        self._parts: list[Frame] = []
        self.track_request = track_request
        # The last extension is the first that sees a frame of the client.
        protocol.extensions = [*protocol.extensions, self._meter]

    async def messages(self) -> AsyncIterator[Message]:
        """Yield the messages of the client until it leaves."""
        while True:
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and (message := self._message(event)) is not None:
                    yield message
            await self._flush()
            if self._protocol.close_rcvd is not None:
                return
            data = await self._reader.read(_READ_SIZE)
            if not data:
                return
            self._protocol.receive_data(data)

    def _message(self, frame: Frame) -> Message | None:
        if frame.opcode not in DATA_OPCODES:
            return None
        self._parts.append(frame)
        if not frame.fin:
            return None
        parts, self._parts = self._parts, []
        data = b"".join(bytes(part.data) for part in parts)
        text = data.decode("utf-8", "replace") if parts[0].opcode is Opcode.TEXT else data
        return Message(data=text, wire_bytes=sum(self._meter.sizes.popleft() for _ in parts))

    async def send(
        self, frames: Iterable[Frame], pieces: Callable[[bytes], Iterable[bytes]] = lambda data: [data]
    ) -> None:
        """Send frames, in the pieces that the bytes of all of them are split into.

        Raises:
            ConnectionError: the client has left.
        """
        async with self._lock:
            if self._protocol.state is not OPEN:
                raise ConnectionResetError("the WebSocket is closed")
            for frame in frames:
                _send_frame(self._protocol, frame)
            for piece in pieces(self._taken()):
                self._writer.write(piece)
                await self._writer.drain()
                await asyncio.sleep(0)

    async def send_half(self, frame: Frame) -> None:
        """Send the first half of a frame."""
        async with self._lock:
            _send_frame(self._protocol, frame)
            data = self._taken()
            self._writer.write(data[: max(1, len(data) // 2)])
            await self._writer.drain()

    async def write(self, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        async with self._lock:
            self._writer.write(data)
            await self._writer.drain()

    async def end(self, how: CloseConnection) -> None:
        """End the connection: with a close frame and its answer, or with nothing but the end of TCP."""
        code = how.close_code
        if code is not None and code not in _NO_FRAME and self._protocol.state is OPEN:
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(_LONGEST_CLOSE_S), self._lock:
                    if code == _NO_CODE:
                        self._protocol.send_close()
                    else:
                        self._protocol.send_close(code, how.reason)
                    self._writer.write(self._taken())
                    await self._writer.drain()
                    await self._wait_for_client_leaving()
        hang_up(self._writer, reset=how.reset)

    async def _wait_for_client_leaving(self) -> None:
        while data := await self._reader.read(_READ_SIZE):
            self._protocol.receive_data(data)
            if self._protocol.close_rcvd is not None:
                return

    async def _flush(self) -> None:
        """Send what the protocol itself answers: pongs, and the close frame to a close frame."""
        async with self._lock:
            if data := self._taken():
                self._writer.write(data)
                await self._writer.drain()

    def _taken(self) -> bytes:
        return b"".join(self._protocol.data_to_send())


def _send_frame(protocol: ServerProtocol, frame: Frame) -> None:
    match frame.opcode:
        case Opcode.TEXT:
            protocol.send_text(frame.data, fin=frame.fin)
        case Opcode.BINARY:
            protocol.send_binary(frame.data, fin=frame.fin)
        case Opcode.PING:
            protocol.send_ping(frame.data)
        case other:
            raise ProtocolError(f"no frame with the opcode {other} is sent")


def text_frame(text: str | bytes) -> Frame:
    """Return a text frame; bytes need not be UTF-8."""
    return Frame(Opcode.TEXT, text.encode() if isinstance(text, str) else text)


def binary_frame(data: bytes) -> Frame:
    """Return a binary frame."""
    return Frame(Opcode.BINARY, data)


def ping_frame() -> Frame:
    """Return a ping."""
    return Frame(Opcode.PING, b"alive")


def accept(request: bytes, early: bytes, reply: UpgradeReply) -> tuple[ServerProtocol, bytes]:
    """Return the protocol of a new WebSocket, and the bytes of the handshake's answer.

    Args:
        request: the head of the request, as it came.
        early: what the client sent after it.
    """
    factory = ServerPerMessageDeflateFactory(compress_settings={"memLevel": 5})
    protocol = ServerProtocol(
        extensions=[factory] if reply.compression else None, max_size=reply.max_message_bytes, logger=_SILENT_LOG
    )
    protocol.receive_data(request)
    (asked,) = (event for event in protocol.events_received() if isinstance(event, Request))
    response: Response = protocol.accept(asked)
    for name, value in reply.headers:
        response.headers[name] = value
    protocol.send_response(response)
    data = b"".join(protocol.data_to_send())
    if early:
        protocol.receive_data(early)
    return protocol, data
