"""A service that replays bytes by a plan: how they are cut into chunks, when they pause, how they end.

It has no task and no thread of its own, so a test that runs it in its event loop can demand that no task is left.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

End = Literal["whole", "fin", "reset", "clean", "hang"]
"""How a reply ends: properly; in the middle of a chunk by FIN or by RST; as a body that is over too soon; never."""

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_NUMBER = re.compile(rb"case (\d+)")
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One reply.

    Attributes:
        pieces: of the body, each a chunk of its own and a write of its own.
        end: see `End`. Of a chunk that is cut in its middle the last piece is the part that arrives.
        pauses_s: seconds before the piece of that number; the piece after the last is the end.
        joined: all pieces in one chunk, which its writes cut anywhere.
        head: only so many bytes of the reply's head are sent, and nothing else.
        status: of HTTP, with `headers`.
    """

    pieces: tuple[bytes, ...] = ()
    end: End = "whole"
    pauses_s: Mapping[int, float] = field(default_factory=dict[int, float])
    joined: bool = False
    head: int | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Answer = Callable[[int, int], Plan]
"""The plan for the case of a number, at its so many-th attempt, counted from 0."""


class Replay:
    """The service, while the context lasts.

    Args:
        answer: what it does.
        prefix: of its base URL.

    Attributes:
        attempts: how many requests came of each case.
        answering: the exchanges that have begun and not ended.
    """

    def __init__(self, answer: Answer, *, prefix: str = "") -> None:
        self.answer = answer
        self.attempts: Counter[int] = Counter()
        self.answering: set[_Connection] = set()
        self.connections: set[_Connection] = set()
        self._prefix = prefix
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Replay:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=512)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for connection in list(self.connections):
            connection.close()
        await self.until(lambda: not self.connections)

    @property
    def base_url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._prefix}"

    async def until(self, predicate: Callable[[], object]) -> None:
        """Let the loop go on until the predicate holds."""
        async with asyncio.timeout(_PATIENCE_S):
            while not predicate():  # noqa: ASYNC110  (anything may change it, and nothing here runs for long)
                await asyncio.sleep(0.001)


class _Connection(asyncio.Protocol):
    def __init__(self, service: Replay) -> None:
        self._service = service
        self._heard = b""
        self._next: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._service.connections.add(self)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over()
        self._service.connections.discard(self)

    def close(self) -> None:
        self._over()
        self._transport.abort()

    def _over(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._service.answering.discard(self)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, body = self._heard.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or (length and len(body) < int(length[1])):
            return
        self._heard = b""
        numbers = _NUMBER.findall(body)
        number = int(numbers[-1]) if numbers else 0
        attempt = self._service.attempts[number]
        self._service.attempts[number] += 1
        self._service.answering.add(self)
        self._play(self._service.answer(number, attempt), 0)

    def _play(self, plan: Plan, step: int) -> None:
        """Do the step of that number; each in a turn of the loop of its own, or after its pause."""
        if pause_s := plan.pauses_s.get(step, 0.0):
            self._next = asyncio.get_running_loop().call_later(pause_s, self._step, plan, step)
        elif step:
            self._next = asyncio.get_running_loop().call_soon(self._step, plan, step)
        else:
            self._step(plan, step)

    def _step(self, plan: Plan, step: int) -> None:
        self._next = None
        data = head_of(plan)[: plan.head] if step == 0 else b""
        if step < len(plan.pieces):
            self._transport.write(data + _chunk(plan, step))
            self._play(plan, step + 1)
            return
        self._transport.write(data)
        match plan.end:
            case "whole" | "clean":
                self._transport.write(b"0\r\n\r\n")
                self._over()
            case "fin":
                self._transport.close()
            case "reset":
                # Linger 0 turns the close into a TCP RST.
                sock = self._transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._transport.abort()
            case "hang":
                pass


def head_of(plan: Plan) -> bytes:
    told = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **plan.headers}
    """The head of the reply as it goes over the wire."""
    lines = [f"HTTP/1.1 {plan.status} Replayed", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _chunk(plan: Plan, step: int) -> bytes:
    """One piece with its framing; the chunk of a broken reply promises more than comes."""
    piece, last = plan.pieces[step], step == len(plan.pieces) - 1
    broken = plan.end in ("fin", "reset")
    if plan.joined:
        missing = 1 if broken else 0
        before = b"%x\r\n" % (sum(map(len, plan.pieces)) + missing) if step == 0 else b""
        return before + piece + (b"\r\n" if last and not broken else b"")
    if broken and last:
        return b"%x\r\n%s" % (len(piece) + 1, piece)
    return b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b""
