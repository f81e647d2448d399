"""Breaks text into lines between words while it is still being written.

Invariant: nothing is lost or reordered; a word is held back until it is known to be whole. Lines of code keep their
length.
"""

from __future__ import annotations

import re
import unicodedata

# A line end, blanks, one wide character (a line may end behind each of them), or a word.
_PIECES = re.compile(r"\n|[^\S\n]+|[\u2e80-\uffef]|[^\s\u2e80-\uffef]+")
_FENCE = "```"


class Wrap:
    """The layout of one block of text.

    Args:
        width: columns; None leaves lines as they are.
        gutter: what each line begins with.
    """

    def __init__(self, width: int | None, gutter: str = "") -> None:
        self._width = width - len(gutter) - 1 if width else None
        self._gutter = gutter
        self._begun = False
        self._column = 0
        self._blank = ""
        self._held = ""
        self._ends = ""
        self._in_code = False
        self._keep = False

    def feed(self, text: str) -> str:
        """More text; gives what can be shown of it."""
        pieces = _PIECES.findall(self._held + text)
        self._held = ""
        if self._width and pieces and not pieces[-1].isspace():
            self._held = pieces.pop()
        return "".join(map(self._piece, pieces))

    def finish(self) -> str:
        """The text has ended; gives the rest."""
        rest, self._held = self._held, ""
        return self._piece(rest) if rest else ""

    def _piece(self, piece: str) -> str:
        if piece == "\n":
            # Kept until more follows: line ends at the end of a block would only make holes.
            self._ends, self._blank = self._ends + "\n", ""
            return ""
        before = self._new_lines()
        if piece.isspace():
            self._blank += piece
            return before
        if self._column == 0:
            self._look_at_line(piece)
        size = columns(piece)
        wanted = self._column + len(self._blank) + size
        if self._width and wanted > self._width and self._column and not self._keep:
            before += "\n" + self._gutter
            self._column, self._blank = 0, ""
        out = before + self._blank + piece
        self._column += len(self._blank) + size
        self._blank = ""
        return out

    def _new_lines(self) -> str:
        begin = "" if self._begun else self._gutter
        self._begun = True
        if not self._ends:
            return begin
        lines, self._ends, self._column = self._ends.replace("\n", "\n" + self._gutter), "", 0
        return begin + lines

    def _look_at_line(self, first_word: str) -> None:
        """Code and tables are not broken: a person may want to copy them."""
        fence = first_word.startswith(_FENCE)
        self._keep = self._in_code or fence or len(self._blank) >= 4 or first_word.startswith("|")
        if fence:
            self._in_code = not self._in_code


def columns(text: str) -> int:
    """How wide a text is on a terminal."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else not unicodedata.combining(each) for each in text)
