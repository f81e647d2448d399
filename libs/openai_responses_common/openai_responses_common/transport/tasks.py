"""Waiting for a task to finish whatever happens."""

from __future__ import annotations

import asyncio


async def finish(task: asyncio.Future[None]) -> None:
    """Wait until a task is done; a cancellation, and each that follows it, comes out only then."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
