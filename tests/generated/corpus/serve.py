"""A loopback server that answers the next request with a recorded answer, cut into random pieces."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from typing import Self

# Every so many bytes a new piece begins; one of these ranges is drawn for each answer. The first cuts inside every
# character, the last puts whole answers into one read.
_PIECES = ((1, 1), (1, 40), (1, 300), (200, 4_000), (1_000, 60_000))
_BYTEWISE_LIMIT = 9_000


class ReplayServer:
    """Serves on a port of its own, from a thread of its own; every answer has to be planned and is played once.

    Attributes:
        pieces: how many pieces were sent.
        bytewise: how many answers went out byte by byte.
    """

    def __init__(self, seed: int) -> None:
        self.pieces = 0
        self.bytewise = 0
        self._random = random.Random(seed)
        self._answer: tuple[int, str | None, bytes] | None = None
        self._received: list[bytes] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="replay", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._connection, "127.0.0.1", 0), self._loop
        ).result()
        return self

    def __exit__(self, *_exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def base_url(self) -> str:
        if self._server is None:
            raise RuntimeError("the replay server is not running: enter its context first")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    def answer_next(self, status: int, content_type: str | None, body: bytes) -> None:
        """Say what the next request gets; a request without an answer gets 500."""
        self._answer = (status, content_type, body)
        self._received.clear()

    @property
    def received(self) -> list[bytes]:
        """Bodies of the requests since `answer_next`."""
        return self._received

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self._received.append(await reader.readexactly(_length(head)))
                await self._reply(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _reply(self, writer: asyncio.StreamWriter) -> None:
        status, content_type, body = self._answer or (500, "application/json", b'{"error":"no answer is planned"}')
        self._answer = None
        lines = [f"HTTP/1.1 {status} Replay", "transfer-encoding: chunked"]
        if content_type:
            lines.append(f"content-type: {content_type}")
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        for piece in self._cut(body):
            # One piece is one chunk of the transfer coding: a client sees these borders even where reads join them.
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if writer.transport.get_write_buffer_size():
                await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _cut(self, body: bytes) -> Iterator[bytes]:
        allowed = _PIECES if len(body) <= _BYTEWISE_LIMIT else _PIECES[1:]
        least, most = self._random.choice(allowed)
        self.bytewise += most == 1
        start = 0
        while start < len(body):
            end = start + self._random.randint(least, most)
            yield body[start:end]
            self.pieces += 1
            start = end


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
