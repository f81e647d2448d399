"""A task that reads ahead: the events that arrive while their consumer is busy come as one batch.

A service sends every event in a separate frame of a WebSocket, and `aiohttp` hands over one frame after another even if
one read of the socket brought a hundred. The hooks of a host take longer than all our work on an event. So a task goes
on reading while they run, and the events of that time are handled together. Over HTTP `aiohttp` itself does so.

The decoder turns the pieces that arrived together into events when the consumer takes them. Decoding each piece by
itself would cost an eighth more processor time for a stream of 2,000 events (measured over HTTP with openai 3.57).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Generic, Protocol, TypeVar

from ..wire.types import Event
from ._silence import Silence
from .tasks import finish

Piece = TypeVar("Piece", bytes, str)


class EventDecoder(Protocol[Piece]):
    """Turns the pieces of one response into events."""

    def feed(self, pieces: list[Piece]) -> list[Event]:
        """Return the events that the next pieces complete, perhaps none.

        Raises:
            CallFailure: the pieces are not valid. Events before the fault are returned first.
        """
        ...

    def finish(self) -> list[Event]:
        """Return the events that the end of the response completes; called once.

        Raises:
            CallFailure: the response is not valid.
        """
        ...


# Bytes, or characters of a text, that the consumer has not taken. Beyond it the service has to wait, as it would
# without reading ahead.
_MAX_BUFFER_SIZE = 1 << 20


class ReadAhead(Generic[Piece]):
    """Reads pieces in a task and hands them over as events: `async with ReadAhead(pieces, decoder, ...) as ahead:`.

    Leaving the context ends the task and closes the source.

    Args:
        pieces: the source. Every piece is a sign of life, also one that completes no event; an empty one is skipped.
        decoder: turns the pieces into events.
        read_timeout_s: the longest wait for the next piece, in seconds.
    """

    def __init__(
        self, pieces: AsyncGenerator[Piece, None], decoder: EventDecoder[Piece], *, read_timeout_s: float
    ) -> None:
        self._pieces = pieces
        self._decoder = decoder
        self._is_finished = False
        self._buffer: list[Piece] = []
        self._buffer_size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._reader_is_waiting = True
        self._loop = asyncio.get_running_loop()
        self._silence = Silence(read_timeout_s, self._interrupt)
        self._silence.begin_wait()
        self._reader_task = asyncio.create_task(self._read_pieces())
        self._reader_task.add_done_callback(self._on_reader_done)

    async def take_batch(self) -> list[Event]:
        """Wait for events, and return all that have arrived since the last time; no events at the end of the response.

        Raises:
            StreamTimeout: the source was silent for too long.
            Exception: the error of the source or the decoder, after all events that came before it.
        """
        while True:
            while not self._buffer and not self._reader_task.done():
                await self._wait_for_other_side()
            if not self._buffer:
                return self._finish()
            pieces, self._buffer = self._buffer, []
            self._buffer_size = 0
            self._wake_waiter()
            if events := self._decoder.feed(pieces):
                return events

    def _finish(self) -> list[Event]:
        self._silence.raise_if_too_long()
        self._reader_task.result()
        if self._is_finished:
            return []
        self._is_finished = True
        return self._decoder.finish()

    async def _read_pieces(self) -> None:
        """Read until the end of the source.

        The first piece after a wait is handed over before the next read begins: to begin a read that has to wait takes
        as long as all our work on an event.
        """
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                if not piece:
                    continue
                self._buffer.append(piece)
                self._buffer_size += len(piece)
                self._wake_waiter()
                if self._reader_is_waiting:
                    self._reader_is_waiting = False
                    self._silence.begin_wait()
                    await asyncio.sleep(0)
                    self._loop.call_soon(self._mark_reader_waiting)
                while self._buffer_size >= _MAX_BUFFER_SIZE:
                    self._silence.end_wait()
                    await self._wait_for_other_side()
                    self._silence.begin_wait()

    def _mark_reader_waiting(self) -> None:
        """Note that the reader waits: the loop calls this only when the reader does."""
        self._reader_is_waiting = True

    def _interrupt(self) -> None:
        self._reader_task.cancel()

    async def _wait_for_other_side(self) -> None:
        """Wait for the other side. Cannot deadlock: the consumer waits only if the buffer is empty, the reader only if
        it is full."""
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake_waiter(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _on_reader_done(self, reader_task: asyncio.Task[None]) -> None:
        self._silence.stop()
        if not reader_task.cancelled():
            # `take_batch` raises the error. A consumer that has left does not need it, and asyncio must not log it.
            reader_task.exception()
        self._wake_waiter()

    async def __aenter__(self) -> ReadAhead[Piece]:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the reading. A cancellation meanwhile does not leave the task behind."""
        self._reader_task.cancel()
        await finish(self._reader_task)
