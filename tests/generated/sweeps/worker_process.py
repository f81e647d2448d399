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

_PATIENCE_S = 30.0


class Worker:
    """See `worker.py`; `lines` are all that it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[dict[str, Any]] = []
        self._process = process

    def ask(self, number: int, **more: Any) -> None:
        """Let it make a call."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"number": number, **more}).encode() + b"\n")

    async def hear(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next line that is wanted."""
        assert self._process.stdout
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                line = await self._process.stdout.readline()
                assert line, "the worker has ended"
                self.lines.append(json.loads(line))
                if wanted(self.lines[-1]):
                    return self.lines[-1]

    async def outcomes(self, *numbers: int) -> dict[int, dict[str, Any]]:
        """What becomes of the calls of these cases."""
        found: dict[int, dict[str, Any]] = {}
        while found.keys() < set(numbers):
            line = await self.hear(lambda line: line.keys() & {"answer", "error"})
            found[line["number"]] = {key: value for key, value in line.items() if key != "number"}
        return found

    def events(self, number: int, name: str) -> list[dict[str, Any]]:
        """What was said of the events of a case by that name."""
        return [line for line in self.lines if line.get("number") == number and line.get("event") == name]

    def stop(self) -> None:
        """Returns once it stands still."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


@asynccontextmanager
async def working(backend: BackendUnderTest, settings: dict[str, Any]) -> AsyncIterator[Worker]:
    """A worker with these settings, which ends with the context."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.generated.sweeps.worker", backend.name, json.dumps(settings)),
        env=child_environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    worker = Worker(process)
    try:
        await worker.hear(lambda line: "ready" in line)
        yield worker
        assert process.stdin
        process.stdin.close()
        async with asyncio.timeout(_PATIENCE_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()  # also one that was stopped
            await process.wait()
