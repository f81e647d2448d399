"""Starts a server on a free port of loopback and waits until it answers, or runs a program to its end.

Both end with all their processes.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.foreign.environments import lower_priority

_START_S = 900.0
_POLL_S = 0.5
_LAST_BYTES = 4000
# Ends the group of processes when its standard input closes. That happens however this process ends, so nothing is left
# behind after Ctrl-C or a kill.
_GUARD = """
import os, signal, subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
def watch():
    while os.read(0, 4096):  # holds no lock, which the interpreter would wait for when it ends
        pass
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
sys.exit(server.wait())
"""


class CannotStart(Exception):
    """A server did not start. The message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedProgram:
    """A program that ran to its end.

    Attributes:
        status: its exit status.
        output: what it wrote to standard output.
        errors: what it wrote to standard error.
    """

    status: int
    output: str
    errors: str


def run_program(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, timeout_s: float
) -> EndedProgram:
    """Run a program to its end, and return what it wrote.

    Args:
        command: the program and its arguments.
        environment: all its variables.
        folder: its current folder.
        timeout_s: its longest time, in seconds.

    Raises:
        TimeoutError: it did not end in time. All its processes are ended.
    """
    program = subprocess.Popen(
        [*lower_priority(), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )
    try:
        output, errors = program.communicate(timeout=timeout_s)
        return EndedProgram(status=program.returncode, output=output, errors=errors)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{Path(command[0]).name} did not end within {timeout_s:.0f} s") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def find_free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def run_server(
    command: Sequence[str], url: str, *, environment: Mapping[str, str], folder: Path, log: Path
) -> Iterator[None]:
    """Run a server until the context ends.

    Args:
        command: the program and its arguments.
        url: an address that the server answers once it is ready, with any status.
        environment: variables beside those of this process.
        folder: the current folder of the server.
        log: the file for its output.

    Raises:
        CannotStart: the server ended, or did not answer in time.
    """
    with log.open("wb") as output:
        guard = subprocess.Popen(
            [*lower_priority(), sys.executable, "-c", _GUARD, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            cwd=folder,
            start_new_session=True,
        )
    assert guard.stdin
    try:
        _wait_until_ready(guard, url, log)
        yield
    finally:
        guard.stdin.close()
        guard.wait()


def _wait_until_ready(guard: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end_s = time.monotonic() + _START_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end_s:
        if guard.poll() is not None:
            raise CannotStart(f"it ended with {guard.returncode}: {_last_line(log)}")
        try:
            opener.open(url, timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(_POLL_S)
    raise CannotStart(f"it did not answer within {_START_S:.0f} s: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = log.read_bytes()[-_LAST_BYTES:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "it wrote nothing"
