"""Reads the stream of one attempt to its end, and shows it as it arrives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ..failures.failure import CallFailure
from ..wire.accumulate import Accumulator
from ..wire.types import Event
from ._call import Call

# How long a failure without a reason waits for the event that may have it.
_REASON_WAIT_S = 0.2


async def read_stream(batches: AsyncIterator[list[Event]], accumulator: Accumulator, call: Call) -> None:
    """Read events up to the terminal one; nothing after it counts, unless it is a failure without a reason."""
    async for batch in batches:
        for event in batch:
            is_content = accumulator.add_event(event)
            if call.background is not None:
                call.background.note_event(event)
            if is_content:  # as nearly all events are
                continue
            call.events.read_event_limits(event)
            if accumulator.terminal_event and not accumulator.lacks_reason():
                break
        await call.events.progress.note_data()
        await call.deltas.show(accumulator)
        if accumulator.terminal_event:
            break
    if accumulator.lacks_reason():
        await _read_reason(batches, accumulator)


async def _read_reason(batches: AsyncIterator[list[Event]], accumulator: Accumulator) -> None:
    """Read on for a short time after a failure without a reason, because the next event may have it."""
    with contextlib.suppress(TimeoutError, CallFailure):
        async with asyncio.timeout(_REASON_WAIT_S):
            async for batch in batches:
                for event in batch:
                    accumulator.add_event(event)
                if not accumulator.lacks_reason():
                    return
