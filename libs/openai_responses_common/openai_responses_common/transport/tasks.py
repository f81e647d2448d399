"""Waits for a task that must not be left behind."""

from __future__ import annotations

import asyncio


async def finish(task: asyncio.Future[None]) -> None:
    """Wait until a task is done. A cancellation meanwhile, and each that follows it, is raised only afterwards."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
