"""The service of the benchmarks, in a separate process. It plays recorded bytes, so that the client is measured.

The emulator makes the bytes once; then they are replayed over plain sockets, each event in a separate HTTP chunk, as
the real services send them. Each way of sending has its own port.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from .conversation import MODEL, TOOLS

EVENTS = 2000
BURST = 40
"""Events of one burst: what a model writes while a network holds its breath."""
BURST_PAUSE_S = 0.002
THINKING_S = 1.0
"""Before a paced stream begins, so that no stream is measured while others are still being asked for."""
PACED_DELTAS = 60
PACE_S = 1 / 20
"""Between two deltas of a paced stream: 20 a second, as large models write."""
STAMP = "@%015d "
STAMPED = re.compile(r"@(\d{15}) ")
"""A paced delta holds the time at which it was sent, in microseconds of the clock that all processes share."""

_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req_benchmark\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.I)
_ID = re.compile(rb"\b(?:call|fc|rs|msg|resp)_[0-9A-Za-z]{8,}")


@dataclass(frozen=True, slots=True)
class Played:
    """One recorded answer; `ids` are renewed for each request, as no service gives one twice."""

    events: list[bytes]

    def chunks(self, number: int) -> list[bytes]:
        """The events as HTTP chunks, for the request of that number."""
        suffix = b"%08d" % number
        renewed = [_ID.sub(lambda found: found[0][:-8] + suffix, event) for event in self.events]
        return [b"%x\r\n%s\r\n" % (len(event), event) for event in renewed]


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
    stamps = [STAMP % 0] * PACED_DELTAS
    return {
        "stream": long,
        "bursts": long,
        "short": short,
        "loop": recorded(Think(["I look at the next file."]), Call("tool_1", {"path": "src/file.py"})),
        "paced": recorded(Say("".join(stamps), chunks=stamps)),
    }


class _Connection(asyncio.Protocol):
    """Reads requests and answers them, as simply as it can be done."""

    def __init__(self, port: _Port) -> None:
        self._port = port
        self._received = bytearray()
        self._transport: Any = None
        self._playing: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._port.connections += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, _ = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(match[1]) if (match := _LENGTH.search(head)) else 0
        if len(self._received) < len(head) + 4 + length:
            return
        self._received.clear()
        if head.startswith(b"POST"):
            task = asyncio.ensure_future(self._port.play(self._transport))
            self._playing.add(task)
            task.add_done_callback(self._playing.discard)
        else:
            body = json.dumps({"connections": self._port.connections, "requests": self._port.requests}).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._playing:
            task.cancel()


class _Port:
    """One way of sending one answer."""

    def __init__(self, name: str, played: Played) -> None:
        self.name = name
        self.played = played
        self.connections = 0
        self.requests = 0

    async def play(self, transport: Any) -> None:
        self.requests += 1
        chunks = self.played.chunks(self.requests)
        transport.write(_HEAD)
        if self.name == "bursts":
            for first in range(0, len(chunks), BURST):
                transport.write(b"".join(chunks[first : first + BURST]))
                await asyncio.sleep(BURST_PAUSE_S)
        elif self.name == "paced":
            await self._paced(transport, chunks)
        else:
            transport.write(b"".join(chunks))
        transport.write(_END)

    async def _paced(self, transport: Any, chunks: list[bytes]) -> None:
        nobody, due = (STAMP % 0).encode(), time.monotonic() + THINKING_S
        for chunk in chunks:
            if b".delta" in chunk[:200]:
                due += PACE_S
                await asyncio.sleep(due - time.monotonic())
            transport.write(chunk.replace(nobody, (STAMP % (time.monotonic_ns() // 1000)).encode()))


async def serve() -> None:
    """Tell the ports as JSON, and answer until standard input closes."""
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    urls: dict[str, str] = {}
    for name, played in answers().items():
        port = _Port(name, played)
        servers.append(await loop.create_server(lambda port=port: _Connection(port), "127.0.0.1", 0))
        urls[name] = f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"
    print(json.dumps(urls), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()


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


def connections(url: str) -> int:
    """How many connections a port has had, but for those of this function."""
    connection = HTTPConnection(url.removeprefix("http://"))
    connection.request("GET", "/")
    counted = json.loads(connection.getresponse().read())["connections"]
    connection.close()
    return counted - 1


if __name__ == "__main__":
    asyncio.run(serve())
