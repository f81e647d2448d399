"""What a user types: one message at a time, with line editing and a history if Python has them.

Invariant: lines that are pasted together are one message. A terminal marks them as a paste for GNU readline. For other
editors, and for terminals that do not, lines that arrive together are one message, unless they were typed ahead.
"""

from __future__ import annotations

import os
import select
import struct
import sys

from .terminal import PROMPT, Terminal

try:
    import readline
except ImportError:  # the console then edits lines itself
    pass
else:
    readline.parse_and_bind("set enable-bracketed-paste on")  # Python switches it off

if sys.platform != "win32":
    import fcntl
    import termios

# The lines of a paste arrive together, and nobody types a whole line in this time.
_PASTE_S = 0.05


class Keyboard:
    """The source of messages, until the input ends."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._has_ended = False

    def read_message(self) -> str:
        """Return the next message. One that the output does not show by itself is printed, so that it is complete.

        Raises:
            EOFError: there are no more messages.
            KeyboardInterrupt: the user pressed Ctrl-C.
        """
        if self._has_ended:
            raise EOFError
        if sys.stdin.isatty() and self._terminal.is_terminal:
            return self._read_lines(PROMPT)
        self._terminal.out(PROMPT, end="")
        typed = self._read_lines("") if sys.stdin.isatty() else input().strip()
        self._terminal.say(typed)
        return typed

    def _read_lines(self, prompt: str) -> str:
        was_typed_ahead = _has_keys(0)
        if was_typed_ahead and _takes_end():
            raise EOFError
        lines = [input(prompt)]
        while not was_typed_ahead and not self._has_ended and _has_keys(_PASTE_S):
            # After Ctrl-D, the lines before it are still a message.
            self._has_ended = _takes_end()
            if not self._has_ended:
                try:
                    lines.append(input())
                except EOFError:
                    self._has_ended = True
        return "\n".join(lines).strip()


def _has_keys(wait_s: float) -> bool:
    """Return whether the terminal has sent something that nobody has read; False on Windows, which does not say."""
    return os.name == "posix" and bool(select.select([sys.stdin], [], [], wait_s)[0])


def _takes_end() -> bool:
    """Return whether the next key is a Ctrl-D that came between two prompts, and take it.

    GNU readline would read another key in its place. The terminal shows it as an input without characters.
    """
    if sys.platform == "win32":
        return False
    (count,) = struct.unpack("i", fcntl.ioctl(sys.stdin, termios.FIONREAD, bytes(4)))
    return count == 0 and not os.read(sys.stdin.fileno(), 1)
