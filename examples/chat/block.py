"""A text that is shown while it is still being written.

Invariants: nothing is lost or reordered, also when the text ends in the middle; on a terminal, rows that cannot change
any more are printed for good and only the last one is still moving. Code and tables keep their lines: a person may want
to copy them.
"""

from __future__ import annotations

from rich.text import Text

from .terminal import Terminal, clean

_FENCE = "```"
_VERBATIM = (_FENCE, "|", "    ", "\t")


class Block:
    """One block of text.

    Args:
        terminal: where it is shown.
        style: rich's name of a style.
        gutter: what each line begins with.
    """

    def __init__(self, terminal: Terminal, *, style: str = "", gutter: str = "") -> None:
        self._terminal = terminal
        self._style = style
        self._gutter = gutter
        self._begun = False
        self._ends = ""
        self._line = ""
        self._is_rest = False
        self._in_code = False

    @property
    def tail(self) -> Text:
        """What is not yet printed."""
        return Text(self._gutter + self._line, style=self._style, no_wrap=True, overflow="crop")

    def feed(self, text: str) -> None:
        """More text."""
        text = self._ends + clean(text)
        # Line ends at either end of a block would only make holes.
        text = text if self._begun else text.lstrip("\n")
        body = text.rstrip("\n")
        self._ends = text[len(body) :]
        if not body:
            return
        if self._terminal.is_interactive:
            *ended, self._line = (self._line + body).split("\n")
            for line in ended:
                self._end(line)
            self._print_settled()
        else:
            begin = "" if self._begun else self._gutter
            self._terminal.out(begin + body.replace("\n", "\n" + self._gutter), end="")
        self._begun = True

    def finish(self) -> None:
        """The text has ended, or was broken off."""
        if not self._begun:
            return
        if self._terminal.is_interactive:
            self._end(self._line)
        else:
            self._terminal.out()
        self._line = ""

    def _end(self, line: str) -> None:
        """Print what is left of a line that is whole by now."""
        if self._keeps(line):
            self._print(line)
        else:
            for row in self._rows(line):
                self._print(row)
        self._in_code ^= line.startswith(_FENCE) and not self._is_rest
        self._is_rest = False

    def _print_settled(self) -> None:
        if self._keeps(self._line):
            return
        *settled, last = self._rows(self._line)
        for row in settled:
            self._print(row)
        if settled:
            self._line, self._is_rest = last, True

    def _keeps(self, line: str) -> bool:
        return not self._is_rest and (self._in_code or line.startswith(_VERBATIM))

    def _rows(self, line: str) -> list[str]:
        """A line broken between words. Only the last row can look different when the line goes on."""
        text = line.rstrip()
        width = max(2, self._terminal.width - len(self._gutter) - 1)
        rows = [row.plain for row in Text(text).wrap(self._terminal, width)] or [""]
        # Blanks at the end are kept: the next word is not glued on.
        return [*(row.rstrip() for row in rows[:-1]), rows[-1] + line[len(text) :]]

    def _print(self, row: str) -> None:
        self._terminal.print(self._gutter + row.rstrip(), style=self._style, soft_wrap=True)
