"""What moves at the end of the output while a turn runs: the row that is being written, or what is waited for.

Where nobody looks at it nothing moves. Whatever ends the turn, the text so far is printed and nothing else stays.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Column

from .block import Block
from .terminal import Terminal

_FRAMES_PER_S = 12


class Moving:
    """The moving end of a terminal's output."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._block: Block | None = None
        self._spinners = _spinners(terminal)
        self._waits: dict[str, TaskID] = {}

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it as long as the context lasts."""
        # What is written to stderr meanwhile goes above it, unless stderr is not a terminal.
        stderr = sys.stderr.isatty()
        with Live(
            console=self._terminal,
            get_renderable=self._look,
            transient=True,
            refresh_per_second=_FRAMES_PER_S,
            redirect_stdout=False,
            redirect_stderr=stderr,
        ):
            try:
                yield
            finally:
                self.end_block()
                for what in list(self._waits):
                    self.done(what)

    def begin_block(self, *, style: str = "", gutter: str = "") -> None:
        """A text follows."""
        self.end_block()
        self._block = Block(self._terminal, style=style, gutter=gutter)

    def write(self, text: str) -> None:
        """More of the text."""
        if self._block:
            self._block.feed(text)

    def end_block(self) -> None:
        """The text has ended, or is broken off."""
        block, self._block = self._block, None
        if block:
            block.finish()

    def wait(self, what: str, words: str) -> None:
        """Say what is being waited for, and for how long, until it is done."""
        self.done(what)
        self._waits[what] = self._spinners.add_task(words, total=None)

    def done(self, what: str) -> None:
        """It came, or never will."""
        if what in self._waits:
            self._spinners.remove_task(self._waits.pop(what))

    def _look(self) -> RenderableType:
        block = self._block
        if block:
            return block.tail
        return Group("", self._spinners) if self._waits else Group()


def _spinners(terminal: Terminal) -> Progress:
    """Rows of a spinner, words and seconds; never started, for they are a part of what moves."""
    one_row = Column(no_wrap=True, overflow="ellipsis")
    return Progress(
        SpinnerColumn("dots" if terminal.encoding.startswith("utf") else "line", style="cyan"),
        TextColumn("{task.description}", style="dim", markup=False, table_column=one_row),
        TextColumn("{task.elapsed:.0f} s", style="dim", markup=False, table_column=Column(no_wrap=True)),
        console=terminal,
        auto_refresh=False,
    )
