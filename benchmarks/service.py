"""The service of the benchmarks, in a separate process. It plays recorded bytes, so that the client is measured.

The emulator makes the bytes once; then they are replayed over plain sockets: over HTTP each event in a separate chunk,
over a WebSocket each in a separate frame, as the real services send them. Each way of sending has its own port. A port
takes both requests and upgrades. A slow network is a relay in front of a port.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from itertools import chain, zip_longest
from typing import Any, TypedDict
from urllib.parse import urlsplit

from .conversation import MODEL, TOOLS

EVENTS = 2000
BURST = 40
"""Events of one burst: what a model writes while a network holds its breath."""
BURST_PAUSE_S = 0.002
CIPHERTEXT_LENGTH = 2400
STAMP = "@%015d "
STAMPED = re.compile(r"@(\d{15}) ")
"""A paced delta holds the time at which it was sent, in microseconds of the clock that all processes share."""

LINK_DELAY_S = 0.040
"""One way, so that a round trip takes 80 ms."""
LINK_UP_BYTES_PER_S = 10_000_000 / 8

_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req_benchmark\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.I)
_UPGRADE = re.compile(rb"\r\nupgrade: *websocket\r\n", re.I)
_CIPHERTEXT = re.compile(rb'("encrypted_content": *")[^"]+')
_ID = re.compile(rb"\b(?:call|fc|rs|msg|resp)_[0-9A-Za-z]{8,}")


class Counted(TypedDict):
    """What a port has received.

    Attributes:
        connections: how many were opened.
        requests: HTTP requests to models, and frames.
        received: bytes on the wire, heads and frames included.
        new: bytes of the bodies beside the tools and the instructions, before any compression.
    """

    connections: int
    requests: int
    received: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast an answer is written.

    Attributes:
        deltas: of one answer.
        interval_s: before each delta.
        thinking_s: before the first interval, so that no stream is measured while others are still being asked for.
    """

    deltas: int = 60
    interval_s: float
    thinking_s: float = 1.0


PACES = {
    "paced": Pace(interval_s=1 / 20),
    "fast": Pace(deltas=400, interval_s=1 / 200),
    "slow": Pace(interval_s=1 / 10, thinking_s=0.0),
}
"""20 deltas a second are what large models write; 200 what the fastest ones do."""


@dataclass(frozen=True, slots=True)
class Played:
    """One recorded answer; its ids are renewed for each request, as no service gives one twice."""

    events: list[bytes]

    def chunks(self, number: int) -> list[bytes]:
        """The events as HTTP chunks, for the request of that number."""
        return [b"%x\r\n%s\r\n" % (len(event), event) for event in self._renewed(number)]

    def frames(self, number: int) -> list[bytes]:
        """The events as the frames of a WebSocket."""
        return [_frame(event[event.index(b"data: ") + 6 : -2]) for event in self._renewed(number)]

    def _renewed(self, number: int) -> list[bytes]:
        suffix = b"%08d" % number
        return [_ID.sub(lambda found: found[0][:-8] + suffix, event) for event in self.events]


def _frame(text: bytes) -> bytes:
    """One unmasked text frame."""
    length = len(text)
    if length < 126:
        return b"\x81%c%s" % (length, text)
    size = b"\x7e" + length.to_bytes(2) if length < 65536 else b"\x7f" + length.to_bytes(8)
    return b"\x81" + size + text


def recorded(*content: Any) -> Played:
    """What the emulator answers with this content, event by event."""
    from responses_emulator import Emulator, Turn

    body = {"model": MODEL, "stream": True, "store": False, "include": ["reasoning.encrypted_content"]}
    body |= {"input": [{"role": "user", "content": "go on"}], "tools": TOOLS}
    with Emulator() as emulator:
        emulator.script(Turn(*content))
        connection = HTTPConnection("127.0.0.1", emulator.port)
        headers = {"Authorization": "Bearer sk-benchmark", "Content-Type": "application/json"}
        connection.request("POST", "/v1/responses", json.dumps(body).encode(), headers)
        answer = connection.getresponse()
        stream = answer.read()
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the emulator refused the benchmark's request: {stream.decode()}")
    return Played([event + b"\n\n" for event in stream.split(b"\n\n") if event])


def _with_ciphertext(played: Played) -> Played:
    """The same with as much encrypted reasoning as a model of today writes before a call.

    It ends with what looks like an id, so that it is another one for each request.
    """
    ciphertext = base64.urlsafe_b64encode(random.Random(1).randbytes(CIPHERTEXT_LENGTH * 3 // 4)) + b"-rs_00000000"
    return Played([_CIPHERTEXT.sub(rb"\g<1>" + ciphertext, event) for event in played.events])


def answers() -> dict[str, Played]:
    """What each port plays. The emulator is loaded here, since a peer's environment does not have all that it needs."""
    from responses_emulator import Call, Say, Think

    words = ["word "] * (EVENTS - 308)
    thoughts = ["I look at it from one more side. " * 20]
    long = recorded(
        Think(thoughts, show_always=True),
        Say("".join(words), chunks=words),
        Call("tool_1", {"path": "src/" + "x" * 900}, chunks=150),
    )
    short = recorded(Say("That is all."))
    loop = _with_ciphertext(recorded(Think(["I look at the next file."]), Call("tool_1", {"path": "src/file.py"})))
    paced = {name: [STAMP % 0] * pace.deltas for name, pace in PACES.items()}
    return {
        "stream": long,
        "bursts": long,
        "short": short,
        "loop": loop,
        "uncompressed loop": loop,
        **{name: recorded(Say("".join(stamps), chunks=stamps)) for name, stamps in paced.items()},
    }


MODELS = json.dumps(
    {
        "object": "list",
        "data": [{"id": MODEL, "object": "model", "created": 1, "owned_by": "openai"}],
        "models": [{"slug": MODEL, "display_name": MODEL, "visibility": "list", "supported_in_api": True}],
    }
).encode()
"""A model list in the formats of all three services."""


class _Connection(asyncio.Protocol):
    """Reads requests and answers them, as simply as it can be done."""

    def __init__(self, port: _Port) -> None:
        self._port = port
        self._received = bytearray()
        self._transport: Any = None
        self._frames: _Frames | None = None
        self._stop: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._port.counted["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self._port.counted["received"] += len(data)
        if self._frames is not None:
            self._take_frames(data)
            return
        self._received += data
        head, found, _ = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        if _UPGRADE.search(head):
            self._frames = _Frames(self._port.is_compressed)
            self._take_frames(bytes(self._received))
            return
        length = int(match[1]) if (match := _LENGTH.search(head)) else 0
        if len(self._received) < len(head) + 4 + length:
            return
        body = bytes(self._received[len(head) + 4 :])
        self._received.clear()
        if head.startswith(b"POST"):
            self._port.count(body)
            self._play(_HEAD, self._port.played.chunks, _END)
        elif b"/models" in head[: head.index(b" HTTP/")]:
            self._answer(MODELS)
        else:
            self._port.counted["received"] -= len(head) + 4
            self._answer(json.dumps(self._port.counted).encode())

    def _answer(self, body: bytes) -> None:
        fields = b"content-type: application/json\r\ncontent-length: %d" % len(body)
        self._transport.write(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (fields, body))

    def _take_frames(self, data: bytes) -> None:
        assert self._frames is not None
        messages, reply = self._frames.take(data)
        self._transport.write(reply)
        for message in messages:
            self._port.count(message)
            self._play(b"", self._port.played.frames, b"")
        if self._frames.is_closed:
            self._transport.close()

    def _play(self, head: bytes, events: Callable[[int], list[bytes]], end: bytes) -> None:
        self._stop = self._port.play(self._transport.write, head, events(self._port.counted["requests"]), end)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()


class _Frames:
    """The frames of one WebSocket connection.

    Args:
        is_compressed: whether permessage-deflate is accepted; answers are never compressed.
    """

    def __init__(self, is_compressed: bool) -> None:
        from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
        from websockets.server import ServerProtocol

        extensions = [ServerPerMessageDeflateFactory()] if is_compressed else None
        self._protocol = ServerProtocol(extensions=extensions, max_size=None)
        self._parts: list[bytes] = []

    @property
    def is_closed(self) -> bool:
        return self._protocol.close_expected()

    def take(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The messages that are whole, and what the protocol itself replies."""
        from websockets.frames import Frame, Opcode
        from websockets.http11 import Request

        messages: list[bytes] = []
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            match event:
                case Request():
                    self._protocol.send_response(self._protocol.accept(event))
                case Frame(opcode=Opcode.TEXT | Opcode.BINARY | Opcode.CONT):
                    self._parts.append(bytes(event.data))
                    if event.fin:
                        messages.append(b"".join(self._parts))
                        self._parts.clear()
                case _:
                    pass
        return messages, b"".join(self._protocol.data_to_send())


class _Port:
    """One way of sending one answer."""

    def __init__(self, name: str, played: Played) -> None:
        self.name = name
        self.played = played
        self.counted: Counted = {"connections": 0, "requests": 0, "received": 0, "new": 0}
        self.is_compressed = not name.startswith("uncompressed")

    def count(self, body: bytes) -> None:
        self.counted["requests"] += 1
        if self.name.endswith("loop"):
            fields = json.loads(body)
            repeated = {name: fields[name] for name in ("tools", "instructions") if name in fields}
            self.counted["new"] += len(body) - len(json.dumps(repeated, separators=(",", ":"), ensure_ascii=False))

    def play(self, write: Callable[[bytes], None], head: bytes, events: list[bytes], end: bytes) -> Callable[[], None]:
        """Begin an answer; gives what stops it."""
        pace = PACES.get(self.name)
        if pace is not None:
            write(head)
            return _Paced(write, events, end, pace).stop
        if self.name == "bursts":
            task = asyncio.ensure_future(_send_bursts(write, head, events, end))
            return lambda: _cancel(task)
        write(b"".join((head, *events, end)))
        return lambda: None


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


async def _send_bursts(write: Callable[[bytes], None], head: bytes, events: list[bytes], end: bytes) -> None:
    write(head)
    for first in range(0, len(events), BURST):
        write(b"".join(events[first : first + BURST]))
        await asyncio.sleep(BURST_PAUSE_S)
    write(end)


class _Paced:
    """One answer at a pace. It is a chain of timers, because a task for each of 1,000 streams would cost too much."""

    def __init__(self, write: Callable[[bytes], None], events: list[bytes], end: bytes, pace: Pace) -> None:
        self._write = write
        self._events = iter(events)
        self._end = end
        self._interval_s = pace.interval_s
        self._loop = asyncio.get_running_loop()
        self._due_s = self._loop.time() + pace.thinking_s
        self._next: bytes | None = None
        self._stamps: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._send()

    def _send(self) -> None:
        sent: list[bytes] = []
        if self._next is not None:
            self._stamps.append((STAMP % (time.monotonic_ns() // 1000)).encode())
            sent.append(self._next.replace(_NO_STAMP, self._stamps[-1]))
        self._next = None
        for event in self._events:
            if b".delta" in event[:200]:
                self._next = event
                break
            sent.append(self._fill(event))
        if self._next is None:
            self._write(b"".join((*sent, self._end)))
            return
        self._write(b"".join(sent))
        self._due_s += self._interval_s
        self._timer = self._loop.call_at(self._due_s, self._send)

    def _fill(self, event: bytes) -> bytes:
        """An event that repeats the text, with the stamps of its deltas; else a reader would show the text again."""
        pieces = event.split(_NO_STAMP)
        if len(pieces) == 1:
            return event
        return b"".join(chain.from_iterable(zip_longest(pieces, self._stamps, fillvalue=b"")))

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


_NO_STAMP = (STAMP % 0).encode()


class _Link(asyncio.Protocol):
    """One direction of a relayed connection: every byte arrives later, and only so many in a second.

    Args:
        bytes_per_s: none for a direction that is only delayed.
    """

    def __init__(self, *, bytes_per_s: float | None, far: int | None = None) -> None:
        self._bytes_per_s = bytes_per_s
        self._far = far
        self._loop = asyncio.get_running_loop()
        self._free_s = 0.0
        self._waiting: list[bytes] = []
        self._target: Any = None
        self._transport: Any = None
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if self._far is not None:
            self._connecting = asyncio.ensure_future(self._connect(self._far))

    async def _connect(self, far: int) -> None:
        await asyncio.sleep(2 * LINK_DELAY_S)  # what a handshake takes
        back = _Link(bytes_per_s=None)
        back.join(self._transport)
        target, _ = await self._loop.create_connection(lambda: back, "127.0.0.1", far)
        self.join(target)

    def join(self, target: Any) -> None:
        self._target = target
        for data in self._waiting:
            self._send(data)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        self._send(data) if self._target is not None else self._waiting.append(data)

    def _send(self, data: bytes) -> None:
        self._free_s = max(self._free_s + 1e-6, self._loop.time())  # timers of one moment have no order
        if self._bytes_per_s is not None:
            self._free_s += len(data) / self._bytes_per_s
        self._loop.call_at(self._free_s + LINK_DELAY_S, partial(self._target.write, data))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._target is not None:
            self._loop.call_at(max(self._free_s + 1e-6, self._loop.time()) + LINK_DELAY_S, self._target.close)


async def serve() -> None:
    """Tell the ports as JSON, and answer until standard input closes."""
    allow_many_connections()
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    urls: dict[str, str] = {}

    async def listen(name: str, build: Callable[[], asyncio.Protocol]) -> int:
        servers.append(await loop.create_server(build, "127.0.0.1", 0, backlog=2000))
        number: int = servers[-1].sockets[0].getsockname()[1]
        urls[name] = f"http://127.0.0.1:{number}"
        return number

    for name, played in answers().items():
        number = await listen(name, partial(_Connection, _Port(name, played)))
        if name == "loop":
            await listen("link", partial(_Link, bytes_per_s=LINK_UP_BYTES_PER_S, far=number))
    print(json.dumps(urls), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()


def allow_many_connections() -> None:
    """Let this process have as many open files as the system allows."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def service() -> Iterator[dict[str, str]]:
    """Start it; gives the address of each port."""
    command = [sys.executable, "-m", "benchmarks.service"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.communicate()


def counted(url: str) -> Counted:
    """What a port has received, without this function's own requests; its own connections count."""
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", "/")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return found


if __name__ == "__main__":
    asyncio.run(serve())
