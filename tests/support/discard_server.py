"""A server in another process that responds to every request at once with the same stream.

A test that measures how long its event loop is blocked cannot use the emulator, which shares the interpreter with it.
`with DiscardServer() as base_url:` runs `python -m tests.support.discard_server`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

EVENT_COUNT = 2000
_PIECE = 4096
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class DiscardServer:
    """The server, while the context lasts; the context gives its base URL."""

    def __enter__(self) -> str:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.discard_server"],
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def child_environment() -> dict[str, str]:
    """Return the environment of this process with its import path in PYTHONPATH."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _build_reply() -> bytes:
    """Return a complete chunked reply."""
    content = [{"type": "output_text", "text": "hello", "annotations": []}]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "word "}
    events: list[dict[str, Any]] = [
        *[delta] * EVENT_COUNT,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": []}},
    ]
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    pieces = [body[at : at + _PIECE] for at in range(0, len(body), _PIECE)]
    return _HEAD + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


async def _serve() -> None:
    reply = _build_reply()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if line)
                await reader.readexactly(int(lines[b"content-length"]))
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
