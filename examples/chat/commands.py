"""The commands of a conversation, which begin with a slash."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from amplifier_core.llm_errors import LLMError
from amplifier_core.models import ModelInfo
from rich.table import Table

from .screen import Screen
from .session import Choice
from .terminal import one_line
from .totals import sum_costs

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class Leave(Exception):
    """The user ends the conversation."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        argument: the argument as /help shows it; empty if the command has none.
        description: what the command does.
        run: carries it out; takes the session, the screen and the argument.
    """

    argument: str
    description: str
    run: Callable[[Any, Screen, str], Awaitable[None]]


def is_command(typed: str) -> bool:
    """Return whether a line is a command. A question may begin with a path, and so with a slash."""
    return bool(re.match(r"/\w*(\s|$)", typed))


async def obey(typed: str, session: Any, screen: Screen) -> None:
    """Carry out a command.

    Raises:
        Leave: the command ends the conversation.
    """
    name, _, rest = typed.partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        _say(screen, f"{one_line(name)} is not a command. The commands are {', '.join(COMMANDS)}.")
    else:
        await command.run(session, screen, rest.strip())


def _say(screen: Screen, text: str, style: str = "yellow") -> None:
    screen.terminal.say(one_line(text), style)


async def _model(session: Any, screen: Screen, name: str) -> None:
    choice = Choice(session)
    try:
        with screen.terminal.status("loading the list of models", spinner_style="cyan"):
            models = await choice.models()
    except LLMError as error:
        screen.error_note(f"cannot list the models: {error}")
        models = []
    if name:
        listed = next((model for model in models if model.id == name), None)
        choice.take_model(name, listed)
        doubt = " It is not in the list of models." if models and not listed else ""
        _say(screen, f"The next question goes to {name}.{doubt}", "yellow" if doubt else "dim")
    elif models:
        screen.terminal.print(_model_table(models, choice.model))


def _model_table(models: list[ModelInfo], current: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("model", overflow="fold")
    table.add_column("context", justify="right", no_wrap=True)
    for model in models:
        is_current = model.id == current
        table.add_row(
            "✓" if is_current else "", model.id, f"{model.context_window:,}", style="bold" if is_current else ""
        )
    return table


async def _effort(session: Any, screen: Screen, level: str) -> None:
    choice, levels = Choice(session), ", ".join(EFFORTS)
    if not level:
        _say(screen, f"The effort is {choice.effort or 'the default'}. The efforts are {levels}.", "dim")
    elif level not in EFFORTS:
        _say(screen, f"{one_line(level)} is not an effort. The efforts are {levels}.")
    else:
        choice.take_effort(level)
        _say(screen, f"The next question uses {level} effort.", "dim")


async def _cost(session: Any, screen: Screen, _rest: str) -> None:
    for model, totals in screen.spent.items():
        screen.summary([model, *totals.parts(emulated=screen.emulated)])
    if cost := sum_costs(screen.spent.values()):
        free = " at the prices of the service; the offline service is free" if screen.emulated else ""
        _say(screen, f"{cost} so far{free}", "dim")
    elif not screen.spent:
        _say(screen, "There was no question yet.", "dim")


async def _help(_session: Any, screen: Screen, _rest: str) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, command in COMMANDS.items():
        table.add_row(f"{name} {command.argument}", command.description)
    screen.terminal.print(table)


async def _quit(_session: Any, _screen: Screen, _rest: str) -> None:
    raise Leave


COMMANDS = {
    "/model": Command("[NAME]", "list the models, or choose the one for the next question", _model),
    "/effort": Command("[LEVEL]", "show or choose how much the model reasons", _effort),
    "/cost": Command("", "show the tokens and the cost of each model so far", _cost),
    "/help": Command("", "list the commands", _help),
    "/quit": Command("", "end the chat, as Ctrl-D does", _quit),
}
