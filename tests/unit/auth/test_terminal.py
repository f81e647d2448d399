"""Tests of the terminal: the countdown, the keyboard, the browser and the display of a session."""

from __future__ import annotations

import io
import os
import time
import webbrowser
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from openai_responses_common.auth import terminal as screens
from openai_responses_common.auth.terminal import Terminal, replace_unprintable

from tests.support.session import PATIENCE_S


class Tty(io.StringIO):
    """A terminal to write to."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Tty, int]]:
    """Standard error, and the other end of the keyboard; pytest has put its own in the place of the process's."""
    out = Tty()
    main, side = os.openpty()
    keyboard = os.fdopen(side, "r")
    monkeypatch.setattr(screens, "sys", SimpleNamespace(stderr=out, stdin=keyboard))
    monkeypatch.setattr(screens, "_KEYBOARD_INTERVAL_S", 0.1)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    yield out, main
    keyboard.close()
    os.close(main)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each pause of the terminal take no time; its clock shows the sum of them."""
    pauses_s = [0.0]
    clock = SimpleNamespace(monotonic=lambda: sum(pauses_s), sleep=pauses_s.append)
    monkeypatch.setattr(screens, "time", clock)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pages that a browser was opened on."""
    pages: list[str] = []

    class Browser(webbrowser.BackgroundBrowser):
        def __init__(self) -> None:
            super().__init__("browser")

    monkeypatch.setattr(webbrowser, "get", Browser)
    monkeypatch.setattr(webbrowser, "open", pages.append)
    return pages


@pytest.mark.usefixtures("no_pauses")
def test_a_terminal_counts_down_on_one_line(terminal: tuple[Tty, int]) -> None:
    out, _ = terminal
    screen = Terminal()
    screen.start_waiting("https://example.com/device", ())
    screen.wait(0.3, lambda: 754.0)
    screen.finish_waiting()
    assert "Waiting for your approval, 12:34 left" in out.getvalue()
    assert out.getvalue().count("\n") == 1, "the words about Ctrl-C"
    assert out.getvalue().endswith(f"\r{' ' * 78}\r"), "and it is wiped out"
    screen.print_text("done")
    assert out.getvalue().endswith("\rdone\n")


@pytest.mark.usefixtures("no_pauses")
def test_anything_else_gets_a_line_a_minute() -> None:
    said: list[str] = []
    screen = Terminal(said.append)
    screen.start_waiting("https://example.com/device", ("example.com",))
    screen.wait(150, lambda: 125.0)
    assert said == ["Still waiting for your approval; 2 min 5 s left."] * 2


def test_enter_opens_the_page_once(terminal: tuple[Tty, int], opened: list[str]) -> None:
    out, keyboard = terminal
    screen = Terminal()
    screen.start_waiting("https://example.com/device", ("example.com",))
    assert "Press Enter" in out.getvalue()
    os.write(keyboard, b"\n\n")
    end_s = time.monotonic() + PATIENCE_S
    while not opened and time.monotonic() < end_s:
        screen.wait(0.1, lambda: 10.0)
    screen.wait(0.1, lambda: 10.0)
    assert opened == ["https://example.com/device"]


def test_ctrl_d_stops_the_sign_in(terminal: tuple[Tty, int], opened: list[str]) -> None:
    screen = Terminal()
    screen.start_waiting("https://example.com/device", ("example.com",))
    os.write(terminal[1], b"\x04")
    screen.wait(PATIENCE_S, lambda: 10.0)
    assert (screen.is_declined, opened) == (True, [])


@pytest.mark.parametrize(
    ("url", "hosts", "ssh"),
    [
        ("https://example.com/device", (), False),
        ("https://example.com.evil.com/device", ("example.com",), False),
        ("file:///etc/passwd", ("", "example.com"), False),
        ("javascript:alert(1)", ("example.com",), False),
        ("https://example.com/device", ("example.com",), True),
    ],
)
def test_nothing_else_is_opened(
    terminal: tuple[Tty, int],
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    hosts: tuple[str, ...],
    ssh: bool,
) -> None:
    out, keyboard = terminal
    if ssh:
        monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    screen = Terminal()
    screen.start_waiting(url, hosts)
    os.write(keyboard, b"\n")
    screen.wait(0.1, lambda: 10.0)
    assert "Press Enter" not in out.getvalue()
    assert not opened


@pytest.mark.parametrize("browser", [None, webbrowser.GenericBrowser("w3m")])
def test_no_browser_that_would_take_the_terminal(
    terminal: tuple[Tty, int], monkeypatch: pytest.MonkeyPatch, browser: Any
) -> None:
    def get() -> Any:
        if browser is None:
            raise webbrowser.Error("none")
        return browser

    monkeypatch.setattr(webbrowser, "get", get)
    Terminal().start_waiting("https://example.com/device", ("example.com",))
    assert "Press Enter" not in terminal[0].getvalue()


@pytest.mark.parametrize("answer", ["no\n", "y\n", " q \n"])
def test_every_answer_but_enter_declines(terminal: tuple[Tty, int], answer: str) -> None:
    os.write(terminal[1], answer.encode())
    assert Terminal().ask_to_continue("Go on?") is False


def test_enter_confirms_and_the_end_of_input_does_not(terminal: tuple[Tty, int]) -> None:
    _, keyboard = terminal
    os.write(keyboard, b"\n")
    assert Terminal().ask_to_continue("Go on?") is True
    os.write(keyboard, b"\x04")
    assert Terminal().ask_to_continue("Go on?") is False
    assert Terminal(lambda text: None).ask_to_continue("Go on?") is False


def test_a_closed_stream_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(screens, "sys", SimpleNamespace(stderr=closed, stdin=closed))
    assert Terminal().ask_to_continue("Go on?") is False


def test_texts_are_plain() -> None:
    assert replace_unprintable("a[b]\x1b[2Jc\u202e\n") == "a?b???2Jc??"


class Host:
    """A session's display."""

    def __init__(self, *, broken: bool = False) -> None:
        self.display_system = self
        self.told: list[tuple[str, str, str]] = []
        self._broken = broken

    def show_message(self, message: str, level: str, source: str = "") -> None:
        if self._broken:
            raise RuntimeError("no")
        self.told.append((message, level, source))


async def test_the_display_of_a_session_and_what_takes_over(capsys: pytest.CaptureFixture[str]) -> None:
    host = Host()
    Terminal.for_session(host, source="me").print_text("hello")
    assert host.told == [("hello", "info", "me")]
    Terminal.for_session(Host(broken=True), source="me").print_text("broken")
    Terminal.for_session(None, source="me").print_text("nobody")
    assert capsys.readouterr().err == "broken\nnobody\n"
