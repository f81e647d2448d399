"""A person at a terminal: runs a command, types, and reads what the terminal shows."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte

_ROWS = 100
_PATIENCE_S = 30.0
_LONGEST_LOOK = 65536
# Makes the terminal that of a new session: programs read passwords from it, and it sends SIGINT on Ctrl-C. A shell
# makes its jobs in the background ignore that signal, and the command would inherit it.
_TAKE_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Person:
    """A command on a terminal, until the context ends. The window is so high that nothing scrolls away.

    Attributes:
        process: the command.
        window: the terminal's cells.
        written: all that the command wrote, with its escape sequences.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        columns: int = 120,
        rows: int = _ROWS,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._patience_s = patience_s
        self._terminal, other = pty.openpty()
        termios.tcsetwinsize(other, (rows, columns))
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *command],
            cwd=folder,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
        )
        os.close(other)
        self._decoder = getincrementaldecoder("utf-8")(errors="replace")
        self.window = pyte.Screen(columns, rows)
        self.window.write_process_input = self.types  # says where the cursor is
        self._stream = pyte.Stream(self.window)
        self.written = ""
        self._read_to = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)

    @property
    def seen(self) -> str:
        """The whole window."""
        return "\n".join(row.rstrip() for row in self.window.display).rstrip()

    def waits_for(self, text: str) -> str:
        """Look at the terminal until a text comes; gives what came up to it, since the last look."""
        assert self.sees(text, within_s=self._patience_s), f"no {text!r} in {self.seen!r}"
        seen = self.seen
        at = seen.index(text, self._read_to)
        came, self._read_to = seen[self._read_to : at], at + len(text)
        return came

    def sees(self, text: str, *, within_s: float) -> bool:
        """Whether a text comes, since the last look."""
        end_s = time.monotonic() + within_s
        while text not in self.seen[self._read_to :]:
            if time.monotonic() > end_s:
                return False
            assert self._more(), f"it ended without {text!r}: {self.seen!r}"
        return True

    def looks(self) -> bool:
        """Read what came; gives whether the command may still write something."""
        return self._more()

    def types(self, data: str) -> None:
        """Press keys."""
        os.write(self._terminal, data.encode())

    def presses_ctrl_c(self) -> None:
        """Press Ctrl-C: the terminal interrupts the command and all that it has started."""
        self.types("\x03")

    def sees_the_end(self) -> int:
        """Wait until the command ends; gives its exit code."""
        end_s = time.monotonic() + self._patience_s
        while self._more():
            assert time.monotonic() < end_s, f"it goes on: {self.seen!r}"
        return self.process.wait(self._patience_s)

    def _more(self) -> bool:
        """Read all that came, or wait a moment for it. False: the command has ended."""
        came, wait_s = "", 0.2
        while len(came) < _LONGEST_LOOK and select.select([self._terminal], [], [], wait_s)[0]:
            try:
                read = os.read(self._terminal, 65536)
            except OSError:
                break
            came, wait_s = came + self._decoder.decode(read), 0
        else:
            if not came:
                return self.process.poll() is None
        self.written += came
        self._stream.feed(came)
        return bool(came)
