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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from amplifier_core.message_models import Message

from tests.servers.behaviours import BEHAVIOURS, Play, RunningServer
from tests.servers.recorder import record
from tests.servers.rows import SERVERS, Server, Workplace
from tests.support.foreign.table import INTERRUPTED, Column, fill_column, print_report


def main() -> int:
    """Run the servers one after the other; 0 if all is as promised."""
    options = _parse_arguments()
    logging.getLogger("openai_responses_common").addHandler(logging.NullHandler())
    logging.getLogger("openai_responses_common").propagate = False
    logs = Path(tempfile.mkdtemp(prefix="servers-"))
    workplace = Workplace(environments=options.environments, logs=logs, llama_server=options.llama_server)
    history: list[Message] = []
    behaviours = [name for name in BEHAVIOURS if options.behaviour in name]
    columns: list[Column] = []
    for server in SERVERS:
        if options.only.lower() in server.name.lower():
            run = _run(server, workplace, history, options.record)
            plays = {name: _run_to_end(BEHAVIOURS[name]) for name in behaviours}
            columns.append(fill_column(server, run, lambda running: running.version, plays))
    return print_report(columns, behaviours, noun="servers", closing=f"What the servers wrote is in {logs}.")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__)
    parser.add_argument("--environments", type=Path, default=Path(".nox/servers-environments"), metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="TEXT", help="only servers whose name holds this")
    parser.add_argument("--behaviour", default="", metavar="TEXT", help="only behaviours whose name holds this")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="write each exchange to a file")
    parser.add_argument("--llama-server", default=shutil.which("llama-server"), metavar="PROGRAM")
    return parser.parse_args()


@contextmanager
def _run(
    server: Server, workplace: Workplace, history: list[Message], recordings: Path | None
) -> Iterator[RunningServer]:
    """Run a server, behind a recorder if there is a folder for recordings."""
    with server.run(workplace) as running:
        if recordings is None:
            yield replace(running, history=history)
            return
        recordings.mkdir(parents=True, exist_ok=True)
        today = datetime.now(UTC).date().isoformat()
        about = {"server": server.name, "version": running.version, "recorded": today}
        with record(running.base_url, recordings, **about) as base_url:
            yield replace(running, base_url=base_url, history=history)


def _run_to_end(play: Play) -> Callable[[RunningServer], None]:
    return lambda running: asyncio.run(play(running))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
