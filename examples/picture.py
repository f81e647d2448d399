"""Makes the picture of a session in the README, docs/chat.svg: `python -m examples.picture`.

A person runs the command of the README, the offline service responds, and the content of the window becomes an SVG. The
SVG has its own background, so that it is readable on light and on dark pages, and it loads nothing.
"""

from __future__ import annotations

import io
import os
import re
import sys
from itertools import groupby
from pathlib import Path

import pyte.graphics
from pyte.screens import Char
from rich.color import ANSI_COLOR_NAMES
from rich.console import Console
from rich.style import Style
from rich.text import Text

from .person import Person

_ROOT = Path(__file__).resolve().parents[1]
_PICTURE = _ROOT / "docs" / "chat.svg"
QUESTION = "Which files are in the folder libs, and what is 17 * 23?"
_COLUMNS = 92
_KEPT = ("HOME", "LANG", "PATH", "PYTHONPATH", "SSL_CERT_FILE", "VIRTUAL_ENV")
# pyte knows no dim text; nothing here blinks.
pyte.graphics.TEXT[2] = "+blink"


def main() -> None:
    """Run the chat and write the picture."""
    console = Console(file=io.StringIO(), record=True, width=_COLUMNS)
    for line in _session():
        console.print(line, no_wrap=True)
    svg = _with_fonts_of_the_reader(console.export_svg(title="nox -s chat", unique_id="chat"))
    _PICTURE.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")
    print(f"wrote {_PICTURE.relative_to(_ROOT)}")


def _session() -> list[Text]:
    """The lines of the window after the command."""
    # No account: the offline service answers.
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"TERM": "xterm-256color", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "examples.chat", QUESTION]
    with Person(command, folder=_ROOT, environment=environment, columns=_COLUMNS) as person:
        person.sees_the_end()
        rows = len(person.seen.splitlines())
        lines = [_line([person.window.buffer[row][column] for column in range(_COLUMNS)]) for row in range(rows)]
    return [Text(f'$ nox -s chat -- "{QUESTION}"'), Text(), *lines]


def _line(cells: list[Char]) -> Text:
    line = Text()
    for style, run in groupby(cells, _style):
        line.append("".join(cell.data for cell in run), style)
    line.rstrip()
    return line


def _style(cell: Char) -> Style:
    name = {"brown": "yellow"}.get(cell.fg, cell.fg)
    return Style(color=name if name in ANSI_COLOR_NAMES else None, bold=cell.bold, dim=cell.blink)


def _with_fonts_of_the_reader(svg: str) -> str:
    """rich names a font on a server; a picture on a page may not load one."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)
    return svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")


if __name__ == "__main__":
    main()
