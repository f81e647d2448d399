"""Turns of a session: one, or as many as a person asks for; Ctrl-C stops the one that is running."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from decimal import Decimal
from typing import Any

from amplifier_core.llm_errors import LLMError, NotFoundError

from .screen import Screen
from .terminal import one_line
from .totals import dollars

# Makes input() edit lines and remember them; not on every platform.
with suppress(ImportError):
    import readline  # noqa: F401

_STOPPING_S = 5.0
_LEAVE = frozenset({"/quit", "/exit", "/q"})


async def one_turn(session: Any, screen: Screen, question: str, *, total: bool = False) -> bool:
    """Ask a question and show the answer; returns whether there was one.

    Args:
        session: the Amplifier session.
        screen: where it shows.
        question: what the person says.
        total: also say what the whole conversation cost.

    Raises:
        asyncio.CancelledError: the turn was stopped; nothing of it runs any more.
    """
    screen.begin_turn()
    try:
        text = await _execute(session, question)
    except (LLMError, RuntimeError):
        # A session in Rust makes a RuntimeError of everything; what really happened is in the events.
        if screen.error is None:
            raise
        screen.note(f"Error: {_told(*screen.error)}", bad=True)
    else:
        if not screen.answered:
            screen.terminal.line(text)
    screen.end_turn(await _spent(session) if total else None)
    return screen.error is None


async def _execute(session: Any, question: str) -> str:
    """Run a turn such that cancelling it reaches the orchestrator, which the session alone does not see to."""
    work = asyncio.ensure_future(session.execute(question))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await session.coordinator.request_cancel(immediate=True)
        await session.coordinator.cancellation.trigger_callbacks()
        done, _ = await asyncio.wait([work], timeout=_STOPPING_S)
        for each in done:
            if not each.cancelled():
                each.exception()  # or asyncio complains that nobody has looked at it
        raise
    finally:
        session.coordinator.cancellation.reset()


async def _spent(session: Any) -> str | None:
    rows = await session.coordinator.collect_contributions("session.cost")
    total = sum((Decimal(str(row["cost_usd"])) for row in rows if row), Decimal(0))
    return dollars(total) if total else None


def _told(kind: str, message: str) -> str:
    remedy = ": choose another with --model" if kind == NotFoundError.__name__ else ""
    return one_line(message).rstrip(".") + remedy


def converse(runner: asyncio.Runner, session: Any, screen: Screen) -> None:
    """Take questions until the person leaves.

    The loop stands still while a question is typed: nothing runs then, and Ctrl-C belongs to the line.
    """
    asked_before = False
    while True:
        try:
            question = _read(screen)
        except EOFError:
            screen.terminal.end_line()
            return
        except KeyboardInterrupt:
            screen.terminal.end_line()
            screen.note("/quit or Ctrl-D leaves")
            continue
        if question in _LEAVE:
            return
        if question:
            try:
                runner.run(one_turn(session, screen, question, total=asked_before))
            except KeyboardInterrupt:
                stopped(screen)
            asked_before = True


def stopped(screen: Screen) -> None:
    """Say that a turn was stopped."""
    screen.terminal.clear_passing()
    # The terminal has written ^C.
    screen.terminal.typing()
    screen.note("Stopped.")


def _read(screen: Screen) -> str:
    """The next question. Without a person at the keyboard it is echoed, so that the output can be read alone."""
    terminal = screen.terminal
    terminal.gap()
    prompt = terminal.sign("› ")  # noqa: RUF001
    if sys.stdin.isatty() and terminal.live:
        terminal.typing()
        question = input(_invisible(terminal.styled(prompt, "bold"))).strip()
        terminal.typing(ended=True)
        return question
    if question := input().strip():
        terminal.line(prompt + question)
    return question


def _invisible(prompt: str) -> str:
    """A prompt whose colour codes readline does not count as columns."""
    if "readline" not in sys.modules:
        return prompt
    return prompt.replace("\x1b[", "\x01\x1b[").replace("m", "m\x02")
