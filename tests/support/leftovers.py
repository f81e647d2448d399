"""What a call must not leave behind, whatever became of it: tasks, places in the limiter, exchanges that go on."""

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
    """Demand on leaving that all is as it was, but for connections that wait for the next request.

    Tasks and places must be gone at once; the service learns only from the network that nobody listens any more, and
    gets a moment for it. An error of the block itself comes out as it is.
    """
    before = other_tasks()
    yield
    left = [f"the task {task!r}" for task in other_tasks() - before]
    left += places_taken()
    for emulator in emulators:
        if not await emulator.wait_until_async(lambda each=emulator: each.open_requests == 0, _PATIENCE_S):
            left.append(f"{emulator.open_requests} requests that the service is still answering")
    assert not left, f"left behind: {'; '.join(left)}"


def places_taken() -> list[str]:
    """Every gate of the running loop that somebody is in, or waits for, in words."""
    gates = limiter._limiters.get(asyncio.get_running_loop(), {})
    return [
        f"the gate of {origin}: {gate.slots_in_use} inside, {len(gate._waiters)} waiting"
        for origin, gate in gates.items()
        if gate.slots_in_use or gate._waiters
    ]
