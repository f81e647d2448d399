"""What can be typed in a conversation instead of a question."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from amplifier_core.llm_errors import LLMError
from amplifier_core.models import ModelInfo
from rich.table import Table

from .screen import Screen
from .session import Choice
from .terminal import one_line
from .totals import dollars

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class Leave(Exception):
    """The person wants to go."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        takes: what may follow it.
        does: what it is good for.
        run: does it, with the session, the screen and what follows the command.
    """

    takes: str
    does: str
    run: Callable[[Any, Screen, str], Awaitable[None]]


def is_command(typed: str) -> bool:
    """Whether this is no question. A path also begins with a slash."""
    return bool(re.match(r"/\w*(\s|$)", typed))


async def obey(typed: str, session: Any, screen: Screen) -> None:
    """Do what a command says.

    Raises:
        Leave: it was one that ends the conversation.
    """
    name, _, rest = typed.partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        _say(screen, f"There is no {one_line(name)}; there are {', '.join(COMMANDS)}.")
    else:
        await command.run(session, screen, rest.strip())


def _say(screen: Screen, text: str, style: str = "yellow") -> None:
    screen.terminal.say(one_line(text), style)


async def _model(session: Any, screen: Screen, name: str) -> None:
    choice = Choice(session)
    try:
        with screen.terminal.status("asking for the models", spinner_style="cyan"):
            models = await choice.models()
    except LLMError as error:
        _say(screen, f"The models cannot be listed: {error}", "red")
        models = []
    if name:
        found = next((model for model in models if model.id == name), None)
        choice.take_model(name, found)
        doubt = " It is not in the list of models." if models and not found else ""
        _say(screen, f"The next question goes to {name}.{doubt}", "yellow" if doubt else "dim")
    elif models:
        screen.terminal.print(_listed(models, choice.model))


def _listed(models: list[ModelInfo], current: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("model", overflow="fold")
    table.add_column("context", justify="right", no_wrap=True)
    for model in models:
        mine = model.id == current
        table.add_row("✓" if mine else "", model.id, f"{model.context_window:,}", style="bold" if mine else "")
    return table


async def _effort(session: Any, screen: Screen, level: str) -> None:
    choice, levels = Choice(session), ", ".join(EFFORTS)
    if not level:
        _say(screen, f"The effort is {choice.effort or 'the default'}; there are {levels}.", "dim")
    elif level not in EFFORTS:
        _say(screen, f"There is no effort {one_line(level)}; there are {levels}.")
    else:
        choice.take_effort(level)
        _say(screen, f"The next question gets {level} effort.", "dim")


async def _cost(session: Any, screen: Screen, _rest: str) -> None:
    for model, totals in screen.spent.items():
        screen.summary([model, *totals.parts(emulated=screen.emulated)])
    rows = await session.coordinator.collect_contributions("session.cost")
    total = sum((Decimal(str(row["cost_usd"])) for row in rows if row), Decimal(0))
    if total:
        _say(screen, f"{dollars(total)} so far{', had it not been the emulator' if screen.emulated else ''}", "dim")
    elif not screen.spent:
        _say(screen, "Nothing was asked yet.", "dim")


async def _help(_session: Any, screen: Screen, _rest: str) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, command in COMMANDS.items():
        table.add_row(f"{name} {command.takes}", command.does)
    screen.terminal.print(table)


async def _quit(_session: Any, _screen: Screen, _rest: str) -> None:
    raise Leave


COMMANDS = {
    "/model": Command("[NAME]", "the models, or another one for the next question", _model),
    "/effort": Command("[LEVEL]", "how long the model thinks", _effort),
    "/cost": Command("", "what each model took so far", _cost),
    "/help": Command("", "this", _help),
    "/quit": Command("", "leave; so does Ctrl-D", _quit),
}
