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

from .background import joined, start
from .terminal import Screen, plain

T = TypeVar("T")

_SHORTEST_S = 1.0
_MARGIN = 1.2
"""Clocks differ: who asks exactly at the interval is told to slow down."""
_SLOW_DOWN_S = 5.0
_WIDTH = 78
_WARNING = "Enter the code on that page only, and only if it was you who started this. Never share it with anybody."


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
    hosts: tuple[str, ...] = ()
    hint: str = ""
    began_s: float = field(default_factory=time.monotonic, repr=False)

    @property
    def left_s(self) -> float:
        """Seconds for which it still holds."""
        return self.began_s + self.expires_in_s - time.monotonic()


@dataclass(frozen=True, slots=True)
class Pending:
    """The person has not decided yet; `slow_down` where the service was asked too often."""

    slow_down: bool = False


class CodeExpired(AuthenticationError):
    """Nobody entered the code while it held."""


Poll: TypeAlias = Callable[[], T | Pending]
"""Asks the service once, blocking; kernel errors that are retryable are survived, all others end the sign-in."""

Begin: TypeAlias = Callable[[], tuple[DeviceCode, Poll[T]]]
"""Gets a code, blocking, and the function that asks what became of it."""


def sign_in(
    begin: Begin[T],
    screen: Screen,
    *,
    shown: Callable[[DeviceCode], None] | None = None,
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
    code, poll = begin()
    _show(code, screen, shown)
    try:
        return wait_for_approval(code, poll, screen, stop=stop)
    except CodeExpired:
        if not screen.confirms("The code has expired. Press Enter for a new one, or Ctrl-C to leave it."):
            raise
    code, poll = begin()
    _show(code, screen, shown)
    return wait_for_approval(code, poll, screen, stop=stop)


async def sign_in_within(begin: Begin[T], screen: Screen, *, shown: Callable[[DeviceCode], None] | None = None) -> T:
    """The same within an event loop, which goes on meanwhile; `shown` is called in it."""
    loop = asyncio.get_running_loop()
    stop = threading.Event()

    def tell(code: DeviceCode) -> None:
        if shown:
            loop.call_soon_threadsafe(shown, code)

    try:
        return await joined(start(lambda: sign_in(begin, screen, shown=tell, stop=stop)))
    finally:
        stop.set()


def wait_for_approval(code: DeviceCode, poll: Poll[T], screen: Screen, *, stop: threading.Event | None = None) -> T:
    """Ask the service again and again until the person has decided.

    Raises:
        CodeExpired: the time is up.
        LLMError: what `poll` raised and waiting cannot mend, or that `stop` was set.
    """
    pause_s = max(code.interval_s, _SHORTEST_S) * _MARGIN
    extra_s = 0.0
    screen.waits(code.url, code.hosts)
    try:
        while True:
            screen.wait(min(pause_s + extra_s, max(code.left_s, 0.0)), lambda: code.left_s, stop)
            if stop is not None and stop.is_set():
                raise AuthenticationError("the sign-in was stopped")
            extra_s = 0.0
            try:
                found = poll()
            except LLMError as error:
                if not error.retryable:
                    raise
                found, extra_s = Pending(), error.retry_after or 0.0
            if not isinstance(found, Pending):
                return found
            if found.slow_down:
                pause_s += _SLOW_DOWN_S
            if code.left_s <= 0:
                raise CodeExpired(f"the code was not entered within its {code.expires_in_s / 60:.0f} minutes")
    finally:
        screen.done()


def _show(code: DeviceCode, screen: Screen, shown: Callable[[DeviceCode], None] | None) -> None:
    minutes = max(1, round(code.left_s / 60))
    lines = [
        "To sign in, open this page in a browser on any device:",
        "",
        f"    {plain(code.url)}",
        "",
        f"and enter this code there, within {minutes} minutes:",
        "",
        f"    {plain(code.user_code)}",
        "",
        *(fill(plain(text), _WIDTH) for text in (_WARNING, code.hint) if text),
    ]
    screen.say("\n".join(lines))
    if shown:
        shown(code)
