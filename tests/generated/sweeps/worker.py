"""A process that makes calls through the real `mount()`, for what can only be done to a process of its own.

`python -m tests.generated.sweeps.worker BACKEND SETTINGS` takes one JSON object per line and makes a call for it:
`number` is the
case; `jump_s` is how far the wall clock jumps, `at` the call's first event of that name. Calls run side by side. It
prints a line for each event as it comes, and one for each outcome.

What jumps is `time.time`, in this process, from before anything is imported. The monotonic clock, the clocks of files
and `datetime.now` are the machine's; neither library nor modules ask the last.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, ClassVar

_moves_s: list[float] = []


def _moved(clock: Callable[[], float]) -> Callable[[], float]:
    return lambda: clock() + sum(_moves_s)


time.time = _moved(time.time)


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


async def work(name: str, settings: dict[str, Any]) -> None:
    # Imported under the moved clock.
    from amplifier_core.llm_errors import LLMError

    from tests.support.backends import BACKENDS
    from tests.support.session import asking

    from .host import LOOK, Host, case_of, current_case

    class Telling(Host):
        """Says each event, and lets the clock jump at one."""

        jumps: ClassVar[dict[int, tuple[str, float]]] = {}

        async def emit(self, event: str, data: dict[str, Any]) -> None:
            number = current_case()
            at, by_s = self.jumps.get(number, ("", 0.0))
            if event == at:
                del self.jumps[number]
                _moves_s.append(by_s)
            told = {key: data[key] for key in ("text", "delay", "status", "duration_ms") if key in data}
            say(number=number, event=event, **told)

    async def call(number: int) -> None:
        try:
            answer = await host.provider.complete(asking(f"case {number}", tools=[LOOK]))
        except LLMError as error:
            say(number=number, error=type(error).__name__, message=str(error))
        else:
            say(number=number, answer=answer.text, calls=[each.arguments for each in answer.tool_calls or []])

    host = Telling()
    cleanup = await next(row for row in BACKENDS if row.name == name).mount(host, settings)
    say(ready=True)
    async with asyncio.TaskGroup() as group:
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            host.jumps[asked["number"]] = (asked.get("at", ""), asked.get("jump_s", 0.0))
            with case_of(asked["number"]):
                group.create_task(call(asked["number"]))
    await cleanup()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], json.loads(sys.argv[2])))
    # The kernel's threads may abort a Python that shuts down.
    os._exit(0)
