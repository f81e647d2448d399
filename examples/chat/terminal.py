"""Text on a terminal, or in a file or pipe where there is none.

Invariants: colours and passing lines only on a terminal that wants them; control characters in what a model or a tool
says never reach it; no character that the output cannot encode breaks the program.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Literal, TextIO

Style = Literal["bold", "dim", "red", "yellow", "cyan"]

_CODES: Mapping[Style, str] = {"bold": "1", "dim": "2", "red": "31", "yellow": "33", "cyan": "36"}
# Escape sequences as a whole, then single control characters.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN_WIDTH = 160

# Signs for outputs that know only ASCII.
_ASCII = str.maketrans({"→": "->", "│": "|", "·": "-", "…": "...", "›": ">", "✗": "x", "•": "*"})  # noqa: RUF001


def clean(text: str) -> str:
    """Text without control characters; tabs and line ends stay."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Text with all white space shrunk to single spaces."""
    return " ".join(clean(text).split())


class Terminal:
    """Where the chat is shown.

    Attributes:
        live: a person is looking at it: lines may come and go.
    """

    def __init__(self, out: TextIO, environment: Mapping[str, str]) -> None:
        self._out = out
        reconfigure = getattr(out, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
        self.live = out.isatty() and environment.get("TERM") != "dumb"
        self._coloured = self.live and not environment.get("NO_COLOR")
        self._unicode = _takes_signs(out)
        self._line_ends = 2
        self._passing = False

    @property
    def width(self) -> int:
        """Columns of a line."""
        return shutil.get_terminal_size().columns if self.live else _PLAIN_WIDTH

    def sign(self, sign: str) -> str:
        """A sign of ours, in ASCII where it must be."""
        return sign if self._unicode else sign.translate(_ASCII)

    def styled(self, text: str, style: Style | None) -> str:
        """Text with its colour, if there are colours here."""
        words = text.strip("\n")
        if not (style and words and self._coloured):
            return text
        return text.replace(words, f"\x1b[{_CODES[style]}m{words}\x1b[0m", 1)

    def write(self, text: str, style: Style | None = None) -> None:
        """Go on writing where the last text ended."""
        text = clean(text)
        if text:
            self._put(self.styled(text, style))
            ends = len(text) - len(text.rstrip("\n"))
            self._line_ends = min(2, ends + (self._line_ends if ends == len(text) else 0))

    def line(self, text: str, style: Style | None = None) -> None:
        """A line of its own."""
        self.end_line()
        self.write(text + "\n", style)

    def paragraph(self, text: str, style: Style | None = None) -> None:
        """A line of its own, broken at blanks (but not at no-break spaces) where it is too long."""
        if self.live:
            text = textwrap.fill(text, self.width - 1, break_on_hyphens=False, break_long_words=False)
        self.line(text.replace("\xa0", " "), style)

    def end_line(self) -> None:
        """Be at the beginning of a line."""
        if not self._line_ends:
            self.write("\n")

    def gap(self) -> None:
        """Leave an empty line; never two."""
        self.end_line()
        if self._line_ends < 2:
            self.write("\n")

    def passing(self, text: str) -> None:
        """A line that the next text takes the place of; only where a person is looking."""
        if self.live:
            self.gap()
            self._put(self.styled(clip(text, self.width - 1), "dim"))
            self._passing = True

    def clear_passing(self) -> None:
        """Take the passing line away."""
        self._put("")

    def typing(self, *, ended: bool = False) -> None:
        """A person types at the end of what is shown, or has ended the line."""
        self._line_ends = 1 if ended else 0

    def _put(self, text: str) -> None:
        if self._passing:
            self._passing = False
            text = "\r\x1b[K" + text
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            # Whoever read us has seen enough; nobody is left to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())


def clip(text: str, length: int) -> str:
    """The beginning of a text, with a sign where something is left out."""
    return text if len(text) <= length else text[: max(0, length - 3)].rstrip() + "..."


def _takes_signs(out: TextIO) -> bool:
    try:
        "→│·…›✗•".encode(getattr(out, "encoding", None) or "ascii")  # noqa: RUF001
    except UnicodeEncodeError:
        return False
    return True


class LogLines(logging.Handler):
    """Log records as lines on stderr, never in the middle of a line that is being written to the terminal."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.WARNING)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. Failures of a provider end the turn, and the turn tells them."""
        if record.getMessage().startswith("[PROVIDER]"):
            return
        if self._terminal.live:
            self._terminal.end_line()
            self._terminal.clear_passing()
        sys.stderr.write(one_line(f"{record.levelname.capitalize()}: {record.getMessage()}") + "\n")
