"""Plays behaviours on programs of other makers, and prints the table program by behaviour.

A behaviour that is not there raises `NotThere`. A program says in its `limits` which ones it does not have; everything
else is promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from tests.support.foreign.environments import CannotInstall
from tests.support.foreign.processes import CannotStart

INTERRUPTED = 130
_LONGEST = 300
_NOT_PLAYED = "?"


class NotThere(Exception):
    """A program does something else. The message says what."""


def check(condition: object, happened: object) -> None:
    """Raise `NotThere` if a condition does not hold."""
    if not condition:
        raise NotThere(str(happened))


class Subject(Protocol):
    """A program of another maker: a column of the table."""

    @property
    def name(self) -> str:
        """Return what it is called."""
        ...

    @property
    def limits(self) -> Mapping[str, str]:
        """Return the behaviours that it does not have, each with the reason."""
        ...


_RunningT = TypeVar("_RunningT")


@dataclass(slots=True)
class Column:
    """What one program did.

    Attributes:
        version: its version; None if it did not run.
        cells: a word for each behaviour that is played on it.
        reasons: why a behaviour is not there, by its name.
        surprises: what is not as promised.
    """

    subject: Subject
    version: str | None = None
    cells: dict[str, str] = field(default_factory=dict[str, str])
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    surprises: list[str] = field(default_factory=list[str])


def fill_column(
    subject: Subject,
    run: AbstractContextManager[_RunningT],
    version: Callable[[_RunningT], str],
    plays: Mapping[str, Callable[[_RunningT], None]],
) -> Column:
    """Run a program, play every behaviour on it, and return its column.

    Args:
        run: the context in which it runs.
        version: returns the version of what runs.
        plays: each behaviour by its name.
    """
    column = Column(subject, cells=dict.fromkeys(plays, _NOT_PLAYED))
    print(f"{subject.name}: installing and starting", flush=True)
    try:
        with run as running:
            column.version = version(running)
            for behaviour, play in plays.items():
                _play(column, behaviour, play, running)
    except CannotInstall as error:
        column.reasons["not installed"] = str(error)
    except CannotStart as error:
        column.reasons["not started"] = str(error)
        column.surprises.append(f"{subject.name}: it did not start: {error}")
    for reason in ("not installed", "not started"):
        if reason in column.reasons:
            print(f"  {reason}: {column.reasons[reason][:_LONGEST]}", flush=True)
    return column


def _play(column: Column, behaviour: str, play: Callable[[_RunningT], None], running: _RunningT) -> None:
    limit = column.subject.limits.get(behaviour)
    try:
        play(running)
    except Exception as error:  # noqa: BLE001  (any fault is a cell of the table)
        reason = str(error) if isinstance(error, NotThere) else f"{type(error).__name__}: {error}"
        column.cells[behaviour] = "no"
        column.reasons[behaviour] = limit or reason
        if limit is None:
            column.surprises.append(f"{column.subject.name}: {behaviour}: {reason[:_LONGEST]}")
        print(f"  no: {behaviour}: {reason[:_LONGEST]}", flush=True)
        return
    column.cells[behaviour] = "yes"
    if limit is not None:
        column.surprises.append(f"{column.subject.name}: {behaviour}: it is there, and rows.py says: {limit}")
    print(f"  yes: {behaviour}", flush=True)


def print_report(columns: list[Column], behaviours: Iterable[str], *, noun: str, closing: str) -> int:
    """Print the table and what is not as promised; return the exit status.

    Args:
        behaviours: the rows, in their order.
        noun: what the columns are, as in "servers".
        closing: a sentence before the count.
    """
    _print_table(columns, behaviours)
    surprises = [line for column in columns for line in column.surprises]
    for line in surprises:
        print(f"NOT AS PROMISED {line}")
    cells = [cell for column in columns for cell in column.cells.values()]
    played = sum(cell != _NOT_PLAYED for cell in cells)
    absent = sum(column.version is None for column in columns)
    print(f"{closing} {absent} of {len(columns)} {noun} did not run.")
    print(f"{played - len(surprises)} passed, {len(surprises)} failed, {len(cells) - played} skipped")
    return 1 if surprises or not played else 0


def _print_table(columns: list[Column], behaviours: Iterable[str]) -> None:
    names = [" ".join(filter(None, (each.subject.name, each.version))) for each in columns]
    print(f"\n| behaviour | {' | '.join(names)} |")
    print("|---" * (len(columns) + 1) + "|")
    for behaviour in behaviours:
        print(f"| {behaviour} | {' | '.join(each.cells.get(behaviour, '') for each in columns)} |")
    print()
    for column in columns:
        for name, reason in column.reasons.items():
            print(f"{column.subject.name}: {name}: {reason}")
