"""Installs and starts each server, plays every behaviour on it, and prints the table: `python -m tests.servers`.

It ends with 1 if a behaviour that rows.py promises is not there, or if one is there that it denies.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from amplifier_core.message_models import Message

from tests.servers.behaviours import BEHAVIOURS, NotThere, RunningServer
from tests.servers.environments import CannotInstall
from tests.servers.processes import CannotStart
from tests.servers.recorder import record
from tests.servers.rows import SERVERS, Server, Workplace

_LONGEST = 300
_INTERRUPTED = 130


@dataclass(slots=True)
class Column:
    """What one server did.

    Attributes:
        version: its version; None if it did not run.
        cells: a word for each behaviour.
        reasons: why a behaviour is not there, by its name.
        surprises: what is not as promised.
    """

    server: Server
    version: str | None = None
    cells: dict[str, str] = field(default_factory=dict[str, str])
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    surprises: list[str] = field(default_factory=list[str])


def main() -> int:
    """Run the servers one after the other; 0 if all is as promised."""
    options = _parse_arguments()
    logging.getLogger("openai_responses_common").addHandler(logging.NullHandler())
    logging.getLogger("openai_responses_common").propagate = False
    logs = Path(tempfile.mkdtemp(prefix="servers-"))
    workplace = Workplace(environments=options.environments, logs=logs, llama_server=options.llama_server)
    history: list[Message] = []
    servers = [server for server in SERVERS if options.only.lower() in server.name.lower()]
    behaviours = [name for name in BEHAVIOURS if options.behaviour in name]
    columns = [_run(server, workplace, history, behaviours, options.record) for server in servers]
    _print_table(columns, behaviours)
    surprises = [line for column in columns for line in column.surprises]
    for line in surprises:
        print(f"NOT AS PROMISED {line}")
    total = len(columns) * len(behaviours)
    played = sum(column.cells[behaviour] != "?" for column in columns for behaviour in behaviours)
    absent = sum(column.version is None for column in columns)
    print(f"What the servers wrote is in {logs}. {absent} of {len(columns)} servers did not run.")
    print(f"{played - len(surprises)} passed, {len(surprises)} failed, {total - played} skipped")
    return 1 if surprises or not played else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__)
    parser.add_argument("--environments", type=Path, default=Path(".nox/servers-environments"), metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="TEXT", help="only servers whose name holds this")
    parser.add_argument("--behaviour", default="", metavar="TEXT", help="only behaviours whose name holds this")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="write each exchange to a file")
    parser.add_argument("--llama-server", default=shutil.which("llama-server"), metavar="PROGRAM")
    return parser.parse_args()


def _run(
    server: Server, workplace: Workplace, history: list[Message], behaviours: Iterable[str], recordings: Path | None
) -> Column:
    column = Column(server, cells=dict.fromkeys(behaviours, "?"))
    print(f"{server.name}: installing and starting", flush=True)
    try:
        with server.run(workplace) as running, _record(server, running, recordings) as base_url:
            column.version = running.version
            for behaviour in behaviours:
                _play(column, behaviour, replace(running, base_url=base_url, history=history))
    except CannotInstall as error:
        column.reasons["not installed"] = str(error)
    except CannotStart as error:
        column.reasons["not started"] = str(error)
        column.surprises.append(f"{server.name}: it did not start: {error}")
    for reason in ("not installed", "not started"):
        if reason in column.reasons:
            print(f"  {reason}: {column.reasons[reason][:_LONGEST]}", flush=True)
    return column


def _record(server: Server, running: RunningServer, folder: Path | None) -> AbstractContextManager[str]:
    """Return a context with the base URL to use: that of a recorder if there is a folder for recordings."""
    if folder is None:
        return nullcontext(running.base_url)
    folder.mkdir(parents=True, exist_ok=True)
    today = datetime.now(UTC).date().isoformat()
    return record(running.base_url, folder, server=server.name, version=running.version, recorded=today)


def _play(column: Column, behaviour: str, running: RunningServer) -> None:
    limit = column.server.limits.get(behaviour)
    try:
        asyncio.run(BEHAVIOURS[behaviour](running))
    except Exception as error:  # noqa: BLE001  (a fault of the module is a cell of the table too)
        reason = str(error) if isinstance(error, NotThere) else f"{type(error).__name__}: {error}"
        column.cells[behaviour] = "no"
        column.reasons[behaviour] = limit or reason
        if limit is None:
            column.surprises.append(f"{column.server.name}: {behaviour}: {reason[:_LONGEST]}")
        print(f"  no: {behaviour}: {reason[:_LONGEST]}", flush=True)
        return
    column.cells[behaviour] = "yes"
    if limit is not None:
        column.surprises.append(f"{column.server.name}: {behaviour}: it is there, and rows.py says: {limit}")
    print(f"  yes: {behaviour}", flush=True)


def _print_table(columns: list[Column], behaviours: Iterable[str]) -> None:
    names = [" ".join(filter(None, (each.server.name, each.version))) for each in columns]
    print(f"\n| behaviour | {' | '.join(names)} |")
    print("|---" * (len(columns) + 1) + "|")
    for behaviour in behaviours:
        print(f"| {behaviour} | {' | '.join(each.cells[behaviour] for each in columns)} |")
    print()
    for column in columns:
        for name, reason in column.reasons.items():
            print(f"{column.server.name}: {name}: {reason}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
