"""The terminal on which the user reads the texts of a sign-in and presses Enter.

Texts are plain, because some hosts print them with libraries that treat square brackets as markup. A countdown is
written over itself on a terminal only; a log gets one line a minute. The keyboard is read between two waits and never
in a thread, because a thread would go on to read what the user types later.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import shutil
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TextIO
from urllib.parse import urlsplit

from .background import run_in_thread

_KEYBOARD_INTERVAL_S = 0.5
_LOG_LINE_INTERVAL_S = 60.0
_LINE_WIDTH = 78
TEXT_WIDTH = 62
"""The longest line of a text of ours: Amplifier indents texts by the name of their source, and a terminal may have 80
columns."""
_TEXT_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})
_DECLINING_WORDS = frozenset({"n", "no", "q", "quit", "skip"})
_UNPRINTABLE = re.compile(r"[^ -~]|[\[\]]")


def replace_unprintable(text: str) -> str:
    """Return the text without characters that a terminal or a markup library interprets."""
    return _UNPRINTABLE.sub("?", text)


class Terminal:
    """Prints to standard error, or with a function of the host.

    Args:
        print_fn: prints a text of one or more lines. None, the default, for standard error.
        can_decline: whether the user declines a sign-in by a key, because Ctrl-C means something else there. The
            default is False.

    Attributes:
        is_declined: True after the user has declined.
        typed_text: the lines that the user typed during a wait that takes text, until somebody empties it.
    """

    def __init__(self, print_fn: Callable[[str], Any] | None = None, *, can_decline: bool = False) -> None:
        self.is_declined = False
        self.typed_text = ""
        self._takes_text = False
        self._print = print_fn
        self._tty_output: TextIO | None = None
        if print_fn is None:
            self._tty_output = sys.stderr if is_terminal(sys.stderr) else None
        self._tty_input = _find_keyboard() if self._tty_output or can_decline else None
        self._can_decline = can_decline and self._tty_input is not None
        self._page_url: str | None = None
        self._next_log_line_s = 0.0
        self._countdown_is_visible = False

    @classmethod
    def for_session(cls, coordinator: Any, *, source: str, can_decline: bool = False) -> Terminal:
        """Return a terminal that prints on the display of a session, or on standard error if there is none or it fails.

        Call it in the event loop of the session: its display is used there, whichever thread prints a text.

        Args:
            coordinator: of the session.
            source: the name that the display shows as the source of a text.
            can_decline: as in the constructor.
        """
        display: Any = getattr(coordinator, "display_system", None)
        loop = asyncio.get_running_loop()

        def show(text: str) -> None:
            try:
                display.show_message(text, "info", source)
            except Exception:  # noqa: BLE001 - a host's display may raise anything, and the user must read this
                _write_text(sys.stderr, f"{text}\n")

        def show_in_loop(text: str) -> None:
            if _is_running_here(loop):
                show(text)
            else:
                loop.call_soon_threadsafe(show, text)

        def write(text: str) -> None:
            _write_text(sys.stderr, f"{text}\n")

        return cls(show_in_loop if display is not None else write, can_decline=can_decline)

    def print_text(self, text: str) -> None:
        """Print a text of one or more lines."""
        self._clear_countdown()
        if self._print is not None:
            self._print(text)
        else:
            _write_text(sys.stderr, f"{text}\n")

    def ask_to_continue(self, question: str) -> bool:
        """Ask, and return whether the user pressed Enter alone: every other answer declines.

        Return False at once if no user reads the terminal.
        """
        if self._tty_input is None:
            return False
        self.print_text(question)
        line = self._tty_input.readline()
        return line != "" and not line.strip()

    @property
    def can_type(self) -> bool:
        """Whether a user can type a line during a wait that takes text."""
        return self._tty_input is not None

    def open_page(self, url: str, browser_hosts: tuple[str, ...]) -> Future[bool] | None:
        """Open a page in a browser.

        Returns:
            The future of whether the browser opened it. None if this machine has none, or the host is not allowed.
        """
        return run_in_thread(lambda: _open_page(url)) if _can_open_page(url, browser_hosts) else None

    def start_waiting(self, url: str, browser_hosts: tuple[str, ...], *, takes_text: bool = False) -> None:
        """Begin to wait. Meanwhile Enter opens a page in a browser, if this machine has one and the host is allowed.

        Args:
            url: the page.
            browser_hosts: the allowed hosts.
            takes_text: whether the user may type lines, which are then in `typed_text`. The default is False.
        """
        self._takes_text = takes_text
        self._page_url = url if self._tty_input is not None and _can_open_page(url, browser_hosts) else None
        sentences = ["Press Enter to open the page in your browser."] if self._page_url else []
        if self._can_decline:
            sentences.append("To go on without signing in, type n and press Enter.")
        elif self._tty_output is not None:
            sentences.append("Ctrl-C stops the sign-in.")
        if sentences:
            self.print_text(" ".join(sentences))
        self._next_log_line_s = time.monotonic() + _LOG_LINE_INTERVAL_S

    def wait(self, seconds: float, remaining_s: Callable[[], float], stop: threading.Event | None = None) -> None:
        """Wait and show the remaining time. End the wait when the user declines.

        Args:
            seconds: how long to wait.
            remaining_s: returns the seconds to show.
            stop: ends the wait early when it is set. The default is no such event.
        """
        until_s = time.monotonic() + seconds
        while (rest_s := until_s - time.monotonic()) > 0 and not self.is_declined:
            self._show_remaining_time(remaining_s())
            interval_s = min(rest_s, _KEYBOARD_INTERVAL_S)
            if self._tty_input is not None and (self._page_url or self._can_decline or self._takes_text):
                self._read_keyboard(self._tty_input, interval_s)
            elif stop is None:
                time.sleep(interval_s)
            else:
                stop.wait(interval_s)
            if stop is not None and stop.is_set():
                return

    def finish_waiting(self) -> None:
        """End the wait that `start_waiting` began."""
        self._page_url = None
        self._clear_countdown()

    def _read_keyboard(self, keyboard: TextIO, seconds: float) -> None:
        """Wait for a line: Enter opens the page, once; Ctrl-D declines, and a word for "no" if the user can decline."""
        ready, _, _ = select.select([keyboard], [], [], seconds)
        if not ready:
            return
        line = keyboard.readline()
        if not line:  # Ctrl-D, or the terminal was closed, and select would return at once from now on
            self._tty_input, self.is_declined = None, True
        elif self._can_decline and line.strip().lower() in _DECLINING_WORDS:
            self.is_declined = True
        elif self._takes_text and line.strip():
            self.typed_text += line
        elif url := self._page_url:
            self._page_url = None
            run_in_thread(lambda: _open_page(url))

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
    """Return whether the stream is a terminal; False if it is closed. None is not a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _find_keyboard() -> TextIO | None:
    """Return standard input if it is a terminal whose lines can be waited for, which no console of Windows is."""
    try:
        sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # None, or an object in the place of the process's own
        return None
    return sys.stdin if is_terminal(sys.stdin) and os.name == "posix" else None


def _is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _write_text(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # None in a program without a console
        stream.write(text)
        stream.flush()


def has_browser() -> bool:
    """Return whether this machine has a browser that its user sees.

    One that the variable BROWSER names counts also over SSH: editors open the page at their own end. A browser in the
    terminal does not count, because it would write over our texts.
    """
    import webbrowser

    is_named = bool(os.environ.get("BROWSER"))
    if os.environ.get("SSH_CONNECTION") and not is_named:
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if os.path.basename(browser.name) in _TEXT_BROWSERS:
        return False
    if isinstance(browser, webbrowser.BackgroundBrowser) or not isinstance(browser, webbrowser.GenericBrowser):
        return True
    return is_named and shutil.which(browser.name) is not None


def _can_open_page(url: str, browser_hosts: tuple[str, ...]) -> bool:
    """Return whether this machine has a browser, and the host of the page is allowed."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and parts.hostname in browser_hosts and has_browser()


def _open_page(url: str) -> bool:
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
