"""Where a person reads what an interactive command says, and presses Enter.

Texts are plain: hosts print them through libraries that take square brackets for markup. A line is only written over
where a terminal shows it; a log gets one a minute. The keyboard is read only between two waits and never by a thread,
which would go on to swallow what the person types later.
"""

from __future__ import annotations

import os
import re
import select
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from typing import Any, TextIO
from urllib.parse import urlsplit

from .background import start

_SLICE_S = 0.5
_LINE_EVERY_S = 60.0
_WIDTH = 78
_UNPRINTABLE = re.compile(r"[^ -~]|[\[\]]")


def plain(text: str) -> str:
    """A text that no terminal and no markup takes for more than a text."""
    return _UNPRINTABLE.sub("?", text)


class Screen:
    """The terminal's standard error, or what a host gave to print with.

    Args:
        print_fn: prints a text of one or more lines; None for standard error.
    """

    def __init__(self, print_fn: Callable[[str], Any] | None = None) -> None:
        self._print = print_fn
        self._terminal: TextIO | None = None
        self._keyboard: TextIO | None = None
        if print_fn is None:
            self._terminal = sys.stderr if is_terminal(sys.stderr) else None
            self._keyboard = sys.stdin if self._terminal and is_terminal(sys.stdin) and os.name == "posix" else None
        self._opens: str | None = None
        self._next_line_s = 0.0
        self._counting = False

    @classmethod
    def of_session(cls, coordinator: Any, *, source: str) -> Screen:
        """The display of a session, where it has one; standard error takes over where that fails."""
        display: Any = getattr(coordinator, "display_system", None)

        def show(text: str) -> None:
            try:
                display.show_message(text, "info", source)
            except Exception:  # noqa: BLE001 - a host's display may raise anything, and the person must read this
                _write(sys.stderr, f"{text}\n")

        return cls(show if display is not None else lambda text: _write(sys.stderr, f"{text}\n"))

    def say(self, text: str) -> None:
        """Print a text of one or more lines."""
        self._end_line()
        if self._print is not None:
            self._print(text)
        else:
            _write(sys.stderr, f"{text}\n")

    def confirms(self, question: str) -> bool:
        """Whether somebody pressed Enter; False at once where there is nobody to ask."""
        if self._keyboard is None:
            return False
        self.say(question)
        return self._keyboard.readline() != ""

    def waits(self, url: str, hosts: tuple[str, ...]) -> None:
        """A waiting begins, during which Enter opens a page: on a terminal of this machine, at one of these hosts."""
        self._opens = url if self._keyboard is not None and _may_open(url, hosts) else None
        if self._opens:
            self.say("Press Enter to open the page in your browser. Ctrl-C stops the sign-in.")
        elif self._terminal is not None:
            self.say("Ctrl-C stops the sign-in.")
        self._next_line_s = time.monotonic() + _LINE_EVERY_S

    def wait(self, seconds: float, left_s: Callable[[], float], stop: threading.Event | None = None) -> None:
        """Wait, and say how much time is left; ends early when `stop` is set."""
        until_s = time.monotonic() + seconds
        while (rest_s := until_s - time.monotonic()) > 0:
            self._count_down(left_s())
            if stop is not None:
                if stop.wait(min(rest_s, _SLICE_S)):
                    return
            elif self._keyboard is not None and self._opens:
                self._listen(self._keyboard, min(rest_s, _SLICE_S))
            else:
                time.sleep(min(rest_s, _SLICE_S))

    def done(self) -> None:
        """The waiting is over."""
        self._opens = None
        self._end_line()

    def _listen(self, keyboard: TextIO, seconds: float) -> None:
        ready, _, _ = select.select([keyboard], [], [], seconds)
        if ready:
            pressed, url, self._opens = keyboard.readline(), self._opens, None
            if pressed and url:
                start(lambda: webbrowser.open(url))

    def _count_down(self, left_s: float) -> None:
        minutes, seconds = divmod(max(0, int(left_s)), 60)
        if self._terminal is not None:
            _write(self._terminal, f"\r{f'Waiting for your approval, {minutes}:{seconds:02} left'.ljust(_WIDTH)}\r")
            self._counting = True
        elif time.monotonic() >= self._next_line_s:
            self._next_line_s = time.monotonic() + _LINE_EVERY_S
            self.say(f"Still waiting for your approval; {minutes} min {seconds} s left.")

    def _end_line(self) -> None:
        if self._counting and self._terminal is not None:
            self._counting = False
            _write(self._terminal, f"\r{' ' * _WIDTH}\r")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person reads or writes there; False for a stream that is closed or was never there."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # as in a program without a console
        stream.write(text)
        stream.flush()


def _may_open(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether this machine has a browser with a window of its own, and the page is where it should be."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.hostname not in hosts or os.environ.get("SSH_CONNECTION"):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    # One that runs in the terminal would fight with us for it.
    return isinstance(browser, webbrowser.BackgroundBrowser) or not isinstance(browser, webbrowser.GenericBrowser)
