"""The turns of a session: one, or a conversation. Ctrl-C stops the turn that is running."""

from __future__ import annotations

import asyncio
from typing import Any

from amplifier_core.llm_errors import LLMError

from .commands import Leave, is_command, obey
from .ctrl_c import CtrlC, ignore, interrupt
from .keyboard import Keyboard
from .screen import Screen

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
            screen.error_note(screen.error)
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


def converse(runner: asyncio.Runner, session: Any, screen: Screen, ctrl_c: CtrlC) -> None:
    """Take questions and commands until the user ends the conversation."""
    keyboard = Keyboard(screen.terminal)
    with ctrl_c.does(ignore):
        while True:
            screen.terminal.say("")
            try:
                typed = _read(keyboard, screen, ctrl_c)
                if typed:
                    runner.run(ctrl_c.stops(_obey_or_ask(session, screen, typed)))
            except asyncio.CancelledError:
                stopped(screen)
            except EOFError:
                screen.terminal.say("")
                return
            except Leave:
                return


async def _obey_or_ask(session: Any, screen: Screen, typed: str) -> None:
    if is_command(typed):
        await obey(typed, session, screen)
    else:
        await one_turn(session, screen, typed)


def stopped(screen: Screen) -> None:
    """Say that a turn was stopped."""
    screen.note("Stopped.")


def _read(keyboard: Keyboard, screen: Screen, ctrl_c: CtrlC) -> str:
    """Return the next message; it is empty if the user pressed Ctrl-C, which is for the line that is being typed."""
    try:
        with ctrl_c.does(interrupt):
            return keyboard.read_message()
    except KeyboardInterrupt:
        screen.terminal.say("")
        screen.note("/quit or Ctrl-D ends the chat")
        return ""
