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

from .background import run_in_thread

_KEYBOARD_INTERVAL_S = 0.5
_LOG_LINE_INTERVAL_S = 60.0
_LINE_WIDTH = 78
_UNPRINTABLE = re.compile(r"[^ -~]|[\[\]]")


def replace_unprintable(text: str) -> str:
    """A text that no terminal and no markup takes for more than a text."""
    return _UNPRINTABLE.sub("?", text)


class Terminal:
    """The terminal's standard error, or what a host gave to print with.

    Args:
        print_fn: prints a text of one or more lines; None for standard error.
    """

    def __init__(self, print_fn: Callable[[str], Any] | None = None) -> None:
        self._print = print_fn
        self._tty_output: TextIO | None = None
        self._tty_input: TextIO | None = None
        if print_fn is None:
            self._tty_output = sys.stderr if is_terminal(sys.stderr) else None
            self._tty_input = sys.stdin if self._tty_output and is_terminal(sys.stdin) and os.name == "posix" else None
        self._page_url: str | None = None
        self._next_log_line_s = 0.0
        self._countdown_is_visible = False

    @classmethod
    def for_session(cls, coordinator: Any, *, source: str) -> Terminal:
        """The display of a session, where it has one; standard error takes over where that fails."""
        display: Any = getattr(coordinator, "display_system", None)

        def show(text: str) -> None:
            try:
                display.show_message(text, "info", source)
            except Exception:  # noqa: BLE001 - a host's display may raise anything, and the person must read this
                _write_text(sys.stderr, f"{text}\n")

        return cls(show if display is not None else lambda text: _write_text(sys.stderr, f"{text}\n"))

    def print_text(self, text: str) -> None:
        """Print a text of one or more lines."""
        self._clear_countdown()
        if self._print is not None:
            self._print(text)
        else:
            _write_text(sys.stderr, f"{text}\n")

    def ask_to_continue(self, question: str) -> bool:
        """Whether somebody pressed Enter; False at once where there is nobody to ask."""
        if self._tty_input is None:
            return False
        self.print_text(question)
        return self._tty_input.readline() != ""

    def start_waiting(self, url: str, browser_hosts: tuple[str, ...]) -> None:
        """A waiting begins, during which Enter opens a page: on a terminal of this machine, at one of these hosts."""
        self._page_url = url if self._tty_input is not None and _can_open_page(url, browser_hosts) else None
        if self._page_url:
            self.print_text("Press Enter to open the page in your browser. Ctrl-C stops the sign-in.")
        elif self._tty_output is not None:
            self.print_text("Ctrl-C stops the sign-in.")
        self._next_log_line_s = time.monotonic() + _LOG_LINE_INTERVAL_S

    def wait(self, seconds: float, remaining_s: Callable[[], float], stop: threading.Event | None = None) -> None:
        """Wait, and say how much time is left; ends early when `stop` is set."""
        until_s = time.monotonic() + seconds
        while (rest_s := until_s - time.monotonic()) > 0:
            self._show_remaining_time(remaining_s())
            if stop is not None:
                if stop.wait(min(rest_s, _KEYBOARD_INTERVAL_S)):
                    return
            elif self._tty_input is not None and self._page_url:
                self._open_page_on_enter(self._tty_input, min(rest_s, _KEYBOARD_INTERVAL_S))
            else:
                time.sleep(min(rest_s, _KEYBOARD_INTERVAL_S))

    def finish_waiting(self) -> None:
        """The waiting is over."""
        self._page_url = None
        self._clear_countdown()

    def _open_page_on_enter(self, keyboard: TextIO, seconds: float) -> None:
        ready, _, _ = select.select([keyboard], [], [], seconds)
        if ready:
            pressed, url, self._page_url = keyboard.readline(), self._page_url, None
            if pressed and url:
                run_in_thread(lambda: webbrowser.open(url))

    def _show_remaining_time(self, remaining_s: float) -> None:
        minutes, seconds = divmod(max(0, int(remaining_s)), 60)
        if self._tty_output is not None:
            _write_text(
                self._tty_output, f"\r{f'Waiting for your approval, {minutes}:{seconds:02} left'.ljust(_LINE_WIDTH)}\r"
            )
            self._countdown_is_visible = True
        elif time.monotonic() >= self._next_log_line_s:
            self._next_log_line_s = time.monotonic() + _LOG_LINE_INTERVAL_S
            self.print_text(f"Still waiting for your approval; {minutes} min {seconds} s left.")

    def _clear_countdown(self) -> None:
        if self._countdown_is_visible and self._tty_output is not None:
            self._countdown_is_visible = False
            _write_text(self._tty_output, f"\r{' ' * _LINE_WIDTH}\r")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person reads or writes there; False for a stream that is closed or was never there."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _write_text(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # as in a program without a console
        stream.write(text)
        stream.flush()


def _can_open_page(url: str, browser_hosts: tuple[str, ...]) -> bool:
    """Whether this machine has a browser with a window of its own, and the page is where it should be."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.hostname not in browser_hosts or os.environ.get("SSH_CONNECTION"):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    # One that runs in the terminal would fight with us for it.
    return isinstance(browser, webbrowser.BackgroundBrowser) or not isinstance(browser, webbrowser.GenericBrowser)
