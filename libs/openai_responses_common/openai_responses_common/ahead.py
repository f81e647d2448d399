"""Reading ahead: what arrives while its reader is busy comes as one piece.

A service sends every event in an HTTP chunk of its own, and an HTTP library hands over chunk by chunk, also where one
read of the socket brought a hundred. A host's hooks take longer than all our work on an event, so a stream is read on
while they run, and the fragments that came in the meantime are told in one go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

# Of what nobody has taken yet; then the service has to wait, as it would without reading ahead.
_MOST_BYTES = 1 << 20


class ReadAhead:
    """A task that reads, and what it has read: `async with ReadAhead(chunks) as ahead:`; leaving ends the reading."""

    def __init__(self, chunks: AsyncGenerator[bytes, None]) -> None:
        self._chunks = chunks
        self._pieces: list[bytes] = []
        self._size = 0
        self._waiting: asyncio.Future[None] | None = None
        self._was_silent = True
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(self._ended)

    async def taken(self) -> bytes:
        """What has come since the last time, as one piece; `b""` once all is read.

        Raises:
            Exception: what the reading ended with, after all that came before.
        """
        while not self._pieces and not self._reading.done():
            await self._other_side()
        if not self._pieces:
            self._reading.result()
        piece = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._wake()
        return piece

    async def _read(self) -> None:
        """Read on and on. What comes first after a silence is handed over before more is asked for: to begin a read
        that has to wait takes as long as all our work on an event."""
        loop = asyncio.get_running_loop()
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                if not chunk:
                    continue
                self._pieces.append(chunk)
                self._size += len(chunk)
                self._wake()
                if self._was_silent:
                    self._was_silent = False
                    await asyncio.sleep(0)
                    loop.call_soon(self._silence)
                while self._size >= _MOST_BYTES:
                    await self._other_side()

    def _silence(self) -> None:
        """The loop comes to this only when the reader waits."""
        self._was_silent = True

    async def _other_side(self) -> None:
        """Wait for it. Never do both sides wait: one has nothing to take, the other too much to go on."""
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _ended(self, reading: asyncio.Task[None]) -> None:
        if not reading.cancelled():
            reading.exception()  # told to who takes; whoever leaves before that does not want to know
        self._wake()

    async def __aenter__(self) -> ReadAhead:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the reading. Being cancelled meanwhile does not leave the task behind."""
        self._reading.cancel()
        cancelled: asyncio.CancelledError | None = None
        while not self._reading.done():
            try:
                await asyncio.wait([self._reading])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled
