"""Checks that a call leaves nothing behind: no task, no slot of the limiter, no request in progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openai_responses_common.engine import limiter
from responses_emulator import Emulator

from tests.support.session import other_tasks

_PATIENCE_S = 30.0


@asynccontextmanager
async def nothing_left(*emulators: Emulator) -> AsyncIterator[None]:
    """Check after the block that it has left nothing behind but connections that wait for the next request.

    Tasks and slots must be gone at once. The service learns from the network that nobody listens any more, so it has
    30 seconds for that. An error of the block is raised unchanged.

    Args:
        emulators: the services that must have no request in progress.
    """
    before = other_tasks()
    yield
    left = [f"the task {task!r}" for task in other_tasks() - before]
    left += describe_used_slots()
    for emulator in emulators:
        if not await emulator.wait_until_async(lambda each=emulator: each.open_requests == 0, _PATIENCE_S):
            left.append(f"{emulator.open_requests} requests that the service is still responding to")
    assert not left, f"left behind: {'; '.join(left)}"


def describe_used_slots() -> list[str]:
    """Return a line for each limiter of the running loop that has a slot in use or a waiting call."""
    limiters = limiter._limiters.get(asyncio.get_running_loop(), {})
    return [
        f"the limiter of {origin}: {each.slots_in_use} slots in use, {len(each._waiters)} calls waiting"
        for origin, each in limiters.items()
        if each.slots_in_use or each._waiters
    ]
