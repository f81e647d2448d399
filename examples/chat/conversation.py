"""The turns of a session: one, or a conversation. Ctrl-C stops the turn that is running."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from amplifier_core.llm_errors import LLMError, NotFoundError

from .commands import Leave, is_command, obey
from .screen import Screen
from .terminal import one_line

# Makes input() edit lines and remember them; where it is missing, the console does so itself.
with suppress(ImportError):
    import readline  # noqa: F401

_PROMPT = "› "  # noqa: RUF001
_STOPPING_S = 5.0


async def one_turn(session: Any, screen: Screen, question: str) -> bool:
    """Ask a question and show the response; return whether there was one.

    Raises:
        asyncio.CancelledError: the turn was stopped, and no task of it runs any more.
    """
    with screen.turn():
        try:
            text = await _execute(session, question)
        except (LLMError, RuntimeError):
            # A session in Rust makes a RuntimeError of everything; what really happened is in the events.
            if screen.error is None:
                raise
            screen.note(f"Error: {_error_text(*screen.error)}", "red")
        else:
            if not screen.answered:
                screen.terminal.say(text)
    return screen.error is None


async def _execute(session: Any, question: str) -> str:
    """Run a turn. If it is cancelled, cancel the orchestrator too, which the session does not do by itself."""
    work = asyncio.ensure_future(session.execute(question))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await session.coordinator.request_cancel(immediate=True)
        await session.coordinator.cancellation.trigger_callbacks()
        finished, _ = await asyncio.wait([work], timeout=_STOPPING_S)
        for each in finished:
            if not each.cancelled():
                each.exception()  # otherwise asyncio logs that nobody read it
        raise
    finally:
        session.coordinator.cancellation.reset()


def _error_text(kind: str, message: str) -> str:
    is_about_model = kind == NotFoundError.__name__ and "model" in message.lower()
    remedy = ": choose another model with --model or /model" if is_about_model else ""
    return one_line(message).rstrip(".") + remedy


def converse(runner: asyncio.Runner, session: Any, screen: Screen) -> None:
    """Take questions and commands until the user ends the conversation.

    The event loop does not run while the user types, so Ctrl-C there is for the line.
    """
    while True:
        screen.terminal.say("")
        try:
            typed = _read(screen)
            if typed:
                runner.run(_do(session, screen, typed))
        except KeyboardInterrupt:
            stopped(screen)
        except EOFError:
            screen.terminal.say("")
            return
        except Leave:
            return


def _do(session: Any, screen: Screen, typed: str) -> Coroutine[Any, Any, Any]:
    return obey(typed, session, screen) if is_command(typed) else one_turn(session, screen, typed)


def stopped(screen: Screen) -> None:
    """Say that a turn was stopped."""
    screen.note("Stopped.")


def _read(screen: Screen) -> str:
    """Return the next line. If it comes from a file or pipe it is echoed, so that the output is complete."""
    if sys.stdin.isatty() and screen.terminal.is_interactive:
        try:
            return input(_PROMPT).strip()
        except KeyboardInterrupt:
            screen.terminal.say("")
            screen.note("/quit or Ctrl-D ends the chat")
            return ""
    if typed := input().strip():
        screen.terminal.say(_PROMPT + typed)
    return typed
