"""Installs clients of other makers, runs each against the emulator, and prints the table: `python -m tests.clients`.

It ends with 1 if a behaviour that rows.py promises is not there, or if one is there that it denies.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.clients.rows import CLIENTS
from tests.clients.workplace import Workplace
from tests.support.foreign.table import INTERRUPTED, Column, fill_column, print_report


def main() -> int:
    """Run the clients one after the other; 0 if all is as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("--environments", type=Path, default=Path(".nox/clients-environments"), metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="TEXT", help="only clients whose name holds this")
    parser.add_argument("--behaviour", default="", metavar="TEXT", help="only behaviours whose name holds this")
    options = parser.parse_args()
    homes = Path(tempfile.mkdtemp(prefix="clients-"))
    workplace = Workplace(environments=options.environments.resolve(), homes=homes)
    columns: list[Column] = []
    for client in CLIENTS:
        plays = {name: play for name, play in client.behaviours.items() if options.behaviour in name}
        if plays and options.only.lower() in client.name.lower():
            columns.append(fill_column(client, client.run(workplace), lambda running: running.version, plays))
    behaviours = list(dict.fromkeys(name for column in columns for name in column.cells))
    return print_report(columns, behaviours, noun="clients", closing=f"The files of the clients are in {homes}.")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
