"""The terminal: rich's console, made safe for what models and tools say.

Invariants: colours and moving lines only on a terminal that wants them; control characters in what a model or a tool
says never reach it; no character that the output cannot encode breaks the program, nor does a reader that leaves.
"""

from __future__ import annotations

import codecs
import logging
import os
import re
import sys
from typing import TextIO

from rich.console import Console
from rich.text import Text

# Escape sequences as a whole, then single control characters.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN_WIDTH = 160

PROMPT = "› "  # noqa: RUF001
"""What the chat writes before the user types."""

# Our signs where the output knows only ASCII.
_STAND_INS = {"→": "->", "│": "|", "·": "-", "…": "...", "›": ">", "✓": "*", "✗": "x"}  # noqa: RUF001


def clean(text: str) -> str:
    """Text without control characters; tabs and line ends stay."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Text with all white space shrunk to single spaces."""
    return " ".join(clean(text).split())


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_STAND_INS.get(each, "?") for each in error.object[error.start : error.end]), error.end


codecs.register_error("stand-in", _stand_in)


class Terminal(Console):
    """A terminal, or a file or pipe where there is none. `is_interactive`: a person looks at it, and lines may move."""

    def __init__(self, out: TextIO) -> None:
        if reconfigure := getattr(out, "reconfigure", None):
            reconfigure(errors="stand-in")
        # rich keeps bold and dim under NO_COLOR, and colours a pipe under FORCE_COLOR: both surprise.
        colours = None if os.environ.get("NO_COLOR") else "auto"
        terminal = out.isatty()
        super().__init__(
            file=out, force_terminal=terminal, color_system=colours, markup=False, emoji=False, highlight=False
        )

    @property
    def room(self) -> int:
        """Columns for what shall stay on one line."""
        return self.width if self.is_interactive else _PLAIN_WIDTH

    def say(self, text: str | Text, style: str = "") -> None:
        """Write a separate line, wrapped between words if a person looks at it."""
        self.print(text, style=style, soft_wrap=not self.is_interactive)

    def on_broken_pipe(self) -> None:
        """The reader has closed its end, so there is nobody to write to."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


class LogLines(logging.Handler):
    """Log records as lines on stderr; while an answer is shown, rich puts them above the line that is being written."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        sys.stderr.write(one_line(f"{record.levelname.capitalize()}: {record.getMessage()}") + "\n")
