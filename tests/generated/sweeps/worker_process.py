"""The worker process as a test sees it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.support.backends import BackendUnderTest
from tests.support.discard_server import child_environment

from .recorded_stream import ARGUMENTS, TEXT

RECORDED_OUTCOME = {"outcome": "response", "text": TEXT, "arguments": [ARGUMENTS]}
"""The outcome of a call that gets the whole recorded stream."""
_PATIENCE_S = 60.0


class Worker:
    """A process that runs `worker.py`.

    Attributes:
        lines: all lines that the test has read from it.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[dict[str, Any]] = []
        self._process = process

    def start_call(self, number: int, **jump: Any) -> None:
        """Let the worker make a call.

        Args:
            number: the number of the call.
            jump: `event` and `jump_s`, as in `worker.py`; the default is no jump.
        """
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"number": number, **jump}).encode() + b"\n")

    async def read_until(self, predicate: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Read lines up to the first for which the predicate holds, and return that one."""
        assert self._process.stdout
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                line = await self._process.stdout.readline()
                assert line, "the worker has ended"
                self.lines.append(json.loads(line))
                if predicate(self.lines[-1]):
                    return self.lines[-1]

    async def read_outcomes(self, *numbers: int) -> dict[int, dict[str, Any]]:
        """Wait for the outcomes of these calls and return them by number."""
        outcomes: dict[int, dict[str, Any]] = {}
        while outcomes.keys() < set(numbers):
            line = await self.read_until(lambda line: "outcome" in line)
            outcomes[line["number"]] = {key: value for key, value in line.items() if key != "number"}
        return outcomes

    def select_events(self, number: int, name: str) -> list[dict[str, Any]]:
        """Return the lines about the events of one call with that name."""
        return [line for line in self.lines if line["number"] == number and line.get("event") == name]

    def stop(self) -> None:
        """Stop the process as a suspended machine would."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


@asynccontextmanager
async def run_worker(backend: BackendUnderTest, config: dict[str, Any]) -> AsyncIterator[Worker]:
    """Run a worker with this config of its provider, while the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.generated.sweeps.worker", backend.name, json.dumps(config)),
        env=child_environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    worker = Worker(process)
    try:
        await worker.read_until(lambda line: "is_ready" in line)
        yield worker
        assert process.stdin
        process.stdin.close()
        async with asyncio.timeout(_PATIENCE_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()  # also a process that was stopped
            await process.wait()
