"""The emulator in a process of its own, so that what is measured is the client: `with service() as base_url:`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

EVENTS = 2000


@contextmanager
def service() -> Iterator[str]:
    """Start it; gives its base URL."""
    command = [sys.executable, "-m", "benchmarks.service"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.communicate()


def serve() -> None:
    """Answer everything with the same long stream until standard input closes; the word SHORT gets a short one."""
    from tests.emulator import Emulator, Joined, Recorded, Say, Turn

    words = ["word "] * EVENTS
    long, short = Turn(Say("".join(words), chunks=words), Joined(8)), Turn(Say("ok"))

    def answer(request: Recorded) -> Turn:
        return short if b"SHORT" in request.raw[-400:] else long

    with Emulator() as emulator:
        emulator.script(*[answer] * 100_000)
        print(emulator.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve()
