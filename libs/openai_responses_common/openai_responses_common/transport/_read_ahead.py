"""Reading ahead: what arrives while its reader is busy comes as one piece.

A service sends every event in an HTTP chunk of its own, and an HTTP library hands over chunk by chunk, also where one
read of the socket brought a hundred. A host's hooks take longer than all our work on an event, so a stream is read on
while they run, and the fragments that came in the meantime are told in one go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from .tasks import to_its_end

# Of what nobody has taken yet; then the service has to wait, as it would without reading ahead.
_MOST_BYTES = 1 << 20


# Enough for a turn of the event loop that asks the sockets.
_LAST_LOOK_S = 0.05


class Silence(Exception):
    """Nothing came for too long."""


class ReadAhead:
    """A task that reads, and what it has read: `async with ReadAhead(chunks, silence_s=60) as ahead:`.

    Leaving ends the reading.

    Args:
        chunks: what to read; it is closed at the end.
        silence_s: the longest wait for the next chunk.
    """

    def __init__(self, chunks: AsyncGenerator[bytes, None], *, silence_s: float) -> None:
        self._chunks = chunks
        self._pieces: list[bytes] = []
        self._size = 0
        self._waiting: asyncio.Future[None] | None = None
        self._idle = True
        self._loop = asyncio.get_running_loop()
        self._silence_s = silence_s
        self._silent = self._looked = False
        self._heard_s = self._loop.time()
        self._watch = self._loop.call_later(silence_s, self._look)
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(self._ended)

    async def taken(self) -> bytes:
        """What has come since the last time, as one piece; `b""` once all is read.

        Raises:
            Silence: nothing came for too long.
            Exception: what the reading ended with, after all that came before.
        """
        while not self._pieces and not self._reading.done():
            await self._other_side()
        if not self._pieces:
            if self._silent:
                raise Silence
            self._reading.result()
        piece = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._wake()
        return piece

    async def _read(self) -> None:
        """Read on and on. What comes first after a wait is handed over before more is asked for: to begin a read that
        has to wait takes as long as all our work on an event."""
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                if not chunk:
                    continue
                self._pieces.append(chunk)
                self._size += len(chunk)
                self._wake()
                if self._idle:
                    self._idle = self._looked = False
                    self._heard_s = self._loop.time()
                    await asyncio.sleep(0)
                    self._loop.call_soon(self._waits)
                while self._size >= _MOST_BYTES:
                    await self._other_side()
                    self._heard_s = self._loop.time()

    def _waits(self) -> None:
        """The loop comes to this only when the reader waits."""
        self._idle = True

    def _look(self) -> None:
        """See whether it has been silent for too long, and do so twice.

        A process that stood still (SIGSTOP, a debugger, a paused container) finds that its timers have run out before
        it has read what came meanwhile: the interrupted `epoll_wait` tells nothing, the loop serves the clock alone.
        """
        left_s = self._heard_s + self._silence_s - self._loop.time()
        if self._size >= _MOST_BYTES:
            left_s = self._silence_s  # nobody listens, so it is not silent
        if left_s <= 0 and self._looked:
            self._silent = True
            self._reading.cancel()
            return
        if left_s <= 0:
            left_s, self._looked = _LAST_LOOK_S, True
        self._watch = self._loop.call_later(left_s, self._look)

    async def _other_side(self) -> None:
        """Wait for it. Never do both sides wait: one has nothing to take, the other too much to go on."""
        self._waiting = self._loop.create_future()
        await self._waiting

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _ended(self, reading: asyncio.Task[None]) -> None:
        self._watch.cancel()
        if not reading.cancelled():
            reading.exception()  # told to who takes; whoever leaves before that does not want to know
        self._wake()

    async def __aenter__(self) -> ReadAhead:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the reading. Being cancelled meanwhile does not leave the task behind."""
        self._reading.cancel()
        await to_its_end(self._reading)
