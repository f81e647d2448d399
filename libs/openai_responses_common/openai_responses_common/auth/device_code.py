"""The sign-in with a code that the user enters on a web page.

Anybody who reads the code could use it, so it is shown on the terminal and goes into no log, event, error or repr. The
functions here block. In an event loop they run in a daemon thread, and cancelling the waiting task stops them. The
monotonic clock measures how long a code is valid. Source of the rules: sign-in of the gh, az and codex tools, RFC 8628
§3.5, seen 2026-11-21.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import fill
from typing import TypeAlias, TypeVar

from amplifier_core.llm_errors import AuthenticationError, LLMError

from .terminal import TEXT_WIDTH, Terminal, replace_unprintable

T = TypeVar("T")

_MIN_POLL_INTERVAL_S = 1.0
_POLL_INTERVAL_FACTOR = 1.2
"""Clocks differ: a service tells a client that polls exactly at the interval to slow down."""
_SLOW_DOWN_STEP_S = 5.0
_CODE_WARNING = "Enter the code on that page only, and only if you started this sign-in. Never share it with anybody."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """A code, and the page on which the user enters it.

    Attributes:
        url: the page.
        user_code: the code.
        expires_in_s: how long the code is valid, in seconds from now.
        interval_s: the shortest time between two polls, in seconds. The default is 5.
        browser_hosts: the hosts whose page we may open in a browser. The default is none.
        hint: what the user has to know or to switch on before. The default is empty.
        issued_s: when the service issued the code, in seconds of the monotonic clock. The default is now.
    """

    url: str
    user_code: str = field(repr=False)
    expires_in_s: float
    interval_s: float = 5.0
    browser_hosts: tuple[str, ...] = ()
    hint: str = ""
    issued_s: float = field(default_factory=time.monotonic, repr=False)

    @property
    def remaining_s(self) -> float:
        """Return how many seconds the code is still valid; negative afterwards."""
        return self.issued_s + self.expires_in_s - time.monotonic()


@dataclass(frozen=True, slots=True)
class AuthorizationPending:
    """The user has not decided yet; `slow_down` if the service was polled too often."""

    slow_down: bool = False


class CodeExpired(AuthenticationError):
    """The user did not enter the code while it was valid."""


Poll: TypeAlias = Callable[[], T | AuthorizationPending]
"""Asks the service once; blocks. A kernel error that is not retryable ends the sign-in."""

RequestDeviceCode: TypeAlias = Callable[[], tuple[DeviceCode, Poll[T]]]
"""Requests a code; blocks. It returns the code and the function that asks whether the user has approved it."""


def sign_in(
    request_code: RequestDeviceCode[T],
    terminal: Terminal,
    *,
    on_code_shown: Callable[[DeviceCode], None] | None = None,
    stop: threading.Event | None = None,
) -> T:
    """Show a code and wait until the user approves it. After a code that expires the user may request one more.

    Args:
        request_code: requests a code.
        terminal: where the user reads.
        on_code_shown: called with every code after it was shown. The default is no call.
        stop: ends the sign-in when it is set. The default is no such event.

    Returns:
        What the service returned for the approved code.

    Raises:
        LLMError: the user declined, the code expired, or the sign-in failed.
    """
    code, poll = request_code()
    _show_code(code, terminal, on_code_shown)
    try:
        return wait_for_approval(code, poll, terminal, stop=stop)
    except CodeExpired:
        if not terminal.ask_to_continue("The code has expired. Press Enter for a new code, or Ctrl-C to stop."):
            raise
    code, poll = request_code()
    _show_code(code, terminal, on_code_shown)
    return wait_for_approval(code, poll, terminal, stop=stop)


def wait_for_approval(code: DeviceCode, poll: Poll[T], terminal: Terminal, *, stop: threading.Event | None = None) -> T:
    """Poll the service until the user has decided, and return what it returns.

    Raises:
        CodeExpired: the code expired.
        LLMError: `poll` raised an error that is not retryable, or `stop` was set.
    """
    pause_s = max(code.interval_s, _MIN_POLL_INTERVAL_S) * _POLL_INTERVAL_FACTOR
    extra_s, problem, shown_problems = 0.0, "", set[str]()
    terminal.start_waiting(code.url, code.browser_hosts)
    try:
        while True:
            terminal.wait(min(pause_s + extra_s, max(code.remaining_s, 0.0)), lambda: code.remaining_s, stop)
            if stop is not None and stop.is_set():
                raise AuthenticationError("the sign-in was stopped")
            if terminal.is_declined:
                raise AuthenticationError("the sign-in was declined")
            extra_s, problem = 0.0, ""
            try:
                result = poll()
            except LLMError as error:
                if not error.retryable:
                    raise
                result, extra_s = AuthorizationPending(), error.retry_after or 0.0
                problem = str(error)
                if problem not in shown_problems:
                    shown_problems.add(problem)
                    terminal.print_text(f"{problem}. The sign-in goes on.")
            if not isinstance(result, AuthorizationPending):
                return result
            if result.slow_down:
                pause_s += _SLOW_DOWN_STEP_S
            if code.remaining_s <= 0:
                minutes = f"{code.expires_in_s / 60:.0f} minutes"
                raise CodeExpired(
                    f"the service did not confirm the code within its {minutes}: {problem}"
                    if problem
                    else f"the code was not entered within its {minutes}"
                )
    finally:
        terminal.finish_waiting()


def _show_code(code: DeviceCode, terminal: Terminal, on_code_shown: Callable[[DeviceCode], None] | None) -> None:
    minutes = max(1, round(code.remaining_s / 60))
    lines = [
        "To sign in, open this page in a browser on any device:",
        "",
        f"    {replace_unprintable(code.url)}",
        "",
        f"and enter this code there, within {minutes} minutes:",
        "",
        f"    {replace_unprintable(code.user_code)}",
        "",
        *(fill(replace_unprintable(text), TEXT_WIDTH) for text in (_CODE_WARNING, code.hint) if text),
    ]
    terminal.print_text("\n".join(lines))
    if on_code_shown:
        on_code_shown(code)
