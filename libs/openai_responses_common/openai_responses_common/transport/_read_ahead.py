"""Reading ahead: what arrives while its reader is busy comes as one piece.

A service sends every event in an HTTP chunk of its own, and an HTTP library hands over chunk by chunk, also where one
read of the socket brought a hundred. A host's hooks take longer than all our work on an event, so a stream is read on
while they run, and the fragments that came in the meantime are told in one go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from .tasks import finish

# Of what nobody has taken yet; then the service has to wait, as it would without reading ahead.
_MAX_BUFFER_BYTES = 1 << 20


# Enough for a turn of the event loop that asks the sockets.
_SECOND_CHECK_DELAY_S = 0.05


class StreamTimeout(Exception):
    """Nothing came for too long."""


class ReadAhead:
    """A task that reads, and what it has read: `async with ReadAhead(chunks, silence_s=60) as ahead:`.

    Leaving ends the reading.

    Args:
        chunks: what to read; it is closed at the end.
        silence_s: the longest wait for the next chunk.
    """

    def __init__(self, chunks: AsyncGenerator[bytes, None], *, read_timeout_s: float) -> None:
        self._chunks = chunks
        self._buffer: list[bytes] = []
        self._buffer_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._reader_is_waiting = True
        self._loop = asyncio.get_running_loop()
        self._read_timeout_s = read_timeout_s
        self._has_timed_out = self._was_checked_once = False
        self._last_chunk_s = self._loop.time()
        self._timeout_timer = self._loop.call_later(read_timeout_s, self._check_read_timeout)
        self._reader_task = asyncio.create_task(self._read_chunks())
        self._reader_task.add_done_callback(self._on_reader_done)

    async def take_buffer(self) -> bytes:
        """What has come since the last time, as one piece; `b""` once all is read.

        Raises:
            Silence: nothing came for too long.
            Exception: what the reading ended with, after all that came before.
        """
        while not self._buffer and not self._reader_task.done():
            await self._wait_for_other_side()
        if not self._buffer:
            if self._has_timed_out:
                raise StreamTimeout
            self._reader_task.result()
        piece = b"".join(self._buffer)
        self._buffer.clear()
        self._buffer_bytes = 0
        self._wake_waiter()
        return piece

    async def _read_chunks(self) -> None:
        """Read on and on. What comes first after a wait is handed over before more is asked for: to begin a read that
        has to wait takes as long as all our work on an event."""
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                if not chunk:
                    continue
                self._buffer.append(chunk)
                self._buffer_bytes += len(chunk)
                self._wake_waiter()
                if self._reader_is_waiting:
                    self._reader_is_waiting = self._was_checked_once = False
                    self._last_chunk_s = self._loop.time()
                    await asyncio.sleep(0)
                    self._loop.call_soon(self._mark_reader_waiting)
                while self._buffer_bytes >= _MAX_BUFFER_BYTES:
                    await self._wait_for_other_side()
                    self._last_chunk_s = self._loop.time()

    def _mark_reader_waiting(self) -> None:
        """The loop comes to this only when the reader waits."""
        self._reader_is_waiting = True

    def _check_read_timeout(self) -> None:
        """See whether it has been silent for too long, and do so twice.

        A process that stood still (SIGSTOP, a debugger, a paused container) finds that its timers have run out before
        it has read what came meanwhile: the interrupted `epoll_wait` tells nothing, the loop serves the clock alone.
        """
        left_s = self._last_chunk_s + self._read_timeout_s - self._loop.time()
        if self._buffer_bytes >= _MAX_BUFFER_BYTES:
            left_s = self._read_timeout_s  # nobody listens, so it is not silent
        if left_s <= 0 and self._was_checked_once:
            self._has_timed_out = True
            self._reader_task.cancel()
            return
        if left_s <= 0:
            left_s, self._was_checked_once = _SECOND_CHECK_DELAY_S, True
        self._timeout_timer = self._loop.call_later(left_s, self._check_read_timeout)

    async def _wait_for_other_side(self) -> None:
        """Wait for it. Never do both sides wait: one has nothing to take, the other too much to go on."""
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake_waiter(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _on_reader_done(self, reader_task: asyncio.Task[None]) -> None:
        self._timeout_timer.cancel()
        if not reader_task.cancelled():
            reader_task.exception()  # told to who takes; whoever leaves before that does not want to know
        self._wake_waiter()

    async def __aenter__(self) -> ReadAhead:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the reading. Being cancelled meanwhile does not leave the task behind."""
        self._reader_task.cancel()
        await finish(self._reader_task)
