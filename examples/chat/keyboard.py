"""What a user types: one message at a time, with line editing and a history if Python has them.

Invariant: lines that are pasted together are one message. A terminal marks them as a paste for GNU readline. For other
editors, and for terminals that do not, lines that arrive together are one message, unless they were typed ahead.
"""

from __future__ import annotations

import os
import select
import sys

from .terminal import PROMPT, Terminal

try:
    import readline
except ImportError:  # the console then edits lines itself
    pass
else:
    readline.parse_and_bind("set enable-bracketed-paste on")  # Python switches it off

# The lines of a paste arrive together, and nobody types a whole line in this time.
_PASTE_S = 0.05


def read_message(terminal: Terminal) -> str:
    """Return the next message. One that the output does not show by itself is printed, so that the output is complete.

    Raises:
        EOFError: there are no more messages.
        KeyboardInterrupt: the user pressed Ctrl-C.
    """
    if sys.stdin.isatty() and terminal.is_terminal:
        return _read_lines(PROMPT)
    terminal.out(PROMPT, end="")
    typed = _read_lines("") if sys.stdin.isatty() else input().strip()
    terminal.say(typed)
    return typed


def _read_lines(prompt: str) -> str:
    was_typed_ahead = _has_keys(0)
    lines = [input(prompt)]
    while not was_typed_ahead and _has_keys(_PASTE_S):
        lines.append(input())
    return "\n".join(lines).strip()


def _has_keys(wait_s: float) -> bool:
    """Return whether the terminal has sent something that nobody has read; False on Windows, which does not say."""
    return os.name == "posix" and bool(select.select([sys.stdin], [], [], wait_s)[0])
