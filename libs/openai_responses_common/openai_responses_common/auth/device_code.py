"""Signing in with a code that a person enters on a web page.

The code invites whoever reads it: it is shown on a screen, and goes into no log, event, error or repr. Everything here
blocks; within an event loop it runs in a daemon thread, and leaving the waiting task stops it. Until when a code holds
is measured by the monotonic clock. Source of the rules: sign-in of the gh, az and codex tools, RFC 8628 §3.5, seen
2026-11-21.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import fill
from typing import TypeAlias, TypeVar

from amplifier_core.llm_errors import AuthenticationError, LLMError

from .background import run_in_thread, wait_for
from .terminal import Terminal, replace_unprintable

T = TypeVar("T")

_MIN_POLL_INTERVAL_S = 1.0
_POLL_INTERVAL_FACTOR = 1.2
"""Clocks differ: who asks exactly at the interval is told to slow down."""
_SLOW_DOWN_STEP_S = 5.0
_LINE_WIDTH = 78
_CODE_WARNING = (
    "Enter the code on that page only, and only if it was you who started this. Never share it with anybody."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What a person has to enter, and where.

    Attributes:
        url: the page.
        user_code: what to enter there.
        expires_in_s: how long it holds, from now on.
        interval_s: how often the service wants to be asked.
        hosts: where the page must be for a browser to be opened on it.
        hint: what has to be known or switched on beforehand.
        began_s: when it was given, by the monotonic clock.
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
        """Seconds for which it still holds."""
        return self.issued_s + self.expires_in_s - time.monotonic()


@dataclass(frozen=True, slots=True)
class AuthorizationPending:
    """The person has not decided yet; `slow_down` where the service was asked too often."""

    slow_down: bool = False


class CodeExpired(AuthenticationError):
    """Nobody entered the code while it held."""


Poll: TypeAlias = Callable[[], T | AuthorizationPending]
"""Asks the service once, blocking; kernel errors that are retryable are survived, all others end the sign-in."""

RequestDeviceCode: TypeAlias = Callable[[], tuple[DeviceCode, Poll[T]]]
"""Gets a code, blocking, and the function that asks what became of it."""


def sign_in(
    request_code: RequestDeviceCode[T],
    terminal: Terminal,
    *,
    on_code_shown: Callable[[DeviceCode], None] | None = None,
    stop: threading.Event | None = None,
) -> T:
    """Show a code and wait until it is approved; one that expires can be followed by one more.

    Args:
        begin: gets a code.
        screen: where the person reads.
        shown: told of every code once it is on the screen.
        stop: set by whoever no longer wants the sign-in.

    Returns:
        What the service gave for the approved code.

    Raises:
        LLMError: it was declined, expired, or cannot be done.
    """
    code, poll = request_code()
    _show_code(code, terminal, on_code_shown)
    try:
        return wait_for_approval(code, poll, terminal, stop=stop)
    except CodeExpired:
        if not terminal.ask_to_continue("The code has expired. Press Enter for a new one, or Ctrl-C to leave it."):
            raise
    code, poll = request_code()
    _show_code(code, terminal, on_code_shown)
    return wait_for_approval(code, poll, terminal, stop=stop)


async def sign_in_async(
    request_code: RequestDeviceCode[T], terminal: Terminal, *, on_code_shown: Callable[[DeviceCode], None] | None = None
) -> T:
    """The same within an event loop, which goes on meanwhile; `shown` is called in it."""
    loop = asyncio.get_running_loop()
    stop = threading.Event()

    def tell(code: DeviceCode) -> None:
        if on_code_shown:
            loop.call_soon_threadsafe(on_code_shown, code)

    try:
        return await wait_for(run_in_thread(lambda: sign_in(request_code, terminal, on_code_shown=tell, stop=stop)))
    finally:
        stop.set()


def wait_for_approval(code: DeviceCode, poll: Poll[T], terminal: Terminal, *, stop: threading.Event | None = None) -> T:
    """Ask the service again and again until the person has decided.

    Raises:
        CodeExpired: the time is up.
        LLMError: what `poll` raised and waiting cannot mend, or that `stop` was set.
    """
    pause_s = max(code.interval_s, _MIN_POLL_INTERVAL_S) * _POLL_INTERVAL_FACTOR
    extra_s = 0.0
    terminal.start_waiting(code.url, code.browser_hosts)
    try:
        while True:
            terminal.wait(min(pause_s + extra_s, max(code.remaining_s, 0.0)), lambda: code.remaining_s, stop)
            if stop is not None and stop.is_set():
                raise AuthenticationError("the sign-in was stopped")
            extra_s = 0.0
            try:
                found = poll()
            except LLMError as error:
                if not error.retryable:
                    raise
                found, extra_s = AuthorizationPending(), error.retry_after or 0.0
            if not isinstance(found, AuthorizationPending):
                return found
            if found.slow_down:
                pause_s += _SLOW_DOWN_STEP_S
            if code.remaining_s <= 0:
                raise CodeExpired(f"the code was not entered within its {code.expires_in_s / 60:.0f} minutes")
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
        *(fill(replace_unprintable(text), _LINE_WIDTH) for text in (_CODE_WARNING, code.hint) if text),
    ]
    terminal.print_text("\n".join(lines))
    if on_code_shown:
        on_code_shown(code)
