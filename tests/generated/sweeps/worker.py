"""A process that makes calls through the real `mount()`, for tests that stop a process or move its clock.

`python -m tests.generated.sweeps.worker BACKEND CONFIG` reads one JSON object per line and makes a call for it:
`number` is the number of the call; by `jump_s` seconds, 0 by default, the wall clock jumps at the first `event` of that
name. Calls run side by side. The process prints a line for each event as it comes, and one for each outcome.

`time.time` jumps, in this process, from before anything is imported. The monotonic clock, the times of files and
`datetime.now` do not; neither the library nor the modules call the last.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

_jumps_s: list[float] = []


def _make_movable(clock: Callable[[], float]) -> Callable[[], float]:
    return lambda: clock() + sum(_jumps_s)


time.time = _make_movable(time.time)


def write_line(**line: Any) -> None:
    print(json.dumps(line), flush=True)


async def work(backend_name: str, config: dict[str, Any]) -> None:
    # Imported under the moved clock.
    from amplifier_core.llm_errors import LLMError

    from tests.support.backends import BACKENDS
    from tests.support.session import asking

    from .swept_provider import LOOK_TOOL, EventRecorder, current_call_number, use_call_number

    jumps: dict[int, tuple[str, float]] = {}

    class EventWriter(EventRecorder):
        """Writes a line for each event, and lets the clock jump at one."""

        async def emit(self, event: str, data: dict[str, Any]) -> None:
            number = current_call_number()
            if jumps.get(number, ("", 0))[0] == event:
                _jumps_s.append(jumps.pop(number)[1])
            fields = {key: data[key] for key in ("text", "delay", "status", "duration_ms") if key in data}
            write_line(number=number, event=event, **fields)

    async def call(number: int) -> None:
        try:
            response = await writer.provider.complete(asking(f"call {number}", tools=[LOOK_TOOL]))
        except LLMError as error:
            write_line(number=number, outcome=type(error).__name__, message=str(error))
        else:
            arguments = [each.arguments for each in response.tool_calls or []]
            write_line(number=number, outcome="response", text=response.text, arguments=arguments)

    writer = EventWriter()
    cleanup = await next(row for row in BACKENDS if row.name == backend_name).mount(writer, config)
    write_line(number=0, is_ready=True)
    async with asyncio.TaskGroup() as group:
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            jumps[order["number"]] = (order.get("event", ""), order.get("jump_s", 0.0))
            with use_call_number(order["number"]):
                group.create_task(call(order["number"]))
    await cleanup()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], json.loads(sys.argv[2])))
    # The kernel's threads may abort a Python that shuts down.
    os._exit(0)
