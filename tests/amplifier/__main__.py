"""Installs Amplifier, plays every row, and prints the table: `python -m tests.amplifier`.

It ends with 1 if a row failed or none was played, and with 2 if repositories are missing without which there is no
Amplifier.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.amplifier.environments import Installation, install
from tests.amplifier.machine import Machine
from tests.amplifier.repositories import COMPOSED, FURTHER, REQUIRED, explain, find_missing
from tests.amplifier.rows import ROWS, Row
from tests.support.foreign.environments import CannotInstall
from tests.support.foreign.table import INTERRUPTED, NotThere

_LONGEST = 300
_CANNOT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a row.

    Attributes:
        word: `ok`, `failed`, or `not tried`.
        reason: why it is not ok.
        seconds: how long it took.
    """

    name: str
    word: str
    reason: str = ""
    seconds: float = 0.0


def main() -> int:
    """Play the rows one after the other; 0 if all are ok."""
    options = _parse_arguments()
    folder = options.repositories.resolve() if options.repositories else Path("amplifier-repositories").resolve()
    missing = find_missing(folder, [*REQUIRED, *COMPOSED, *FURTHER])
    if missing:
        print(explain(folder, missing), flush=True)
    if options.repositories is None or set(missing) & set(REQUIRED):
        print(f"Name their folder: nox -s amplifier -- --repositories {folder}")
        return _CANNOT
    environment = options.environment.resolve()
    if options.fresh:
        shutil.rmtree(environment, ignore_errors=True)
    print(f"Amplifier: installing into {environment}", flush=True)
    try:
        installation = install(environment, folder)
    except CannotInstall as error:
        print(f"  failed: {error}")
        return 1
    results = [*_describe_steps(installation), *_play_all(installation, options.only, missing)]
    _print_table(results)
    counts = {word: sum(each.word == word for each in results) for word in ("ok", "failed", "not tried")}
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts["failed"] or not counts["ok"] else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.amplifier", description=__doc__)
    parser.add_argument("--repositories", type=Path, metavar="FOLDER", help="checkouts of Amplifier's repositories")
    parser.add_argument("--environment", type=Path, default=Path(".nox/amplifier-environment"), metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rows whose name holds this")
    parser.add_argument("--fresh", action="store_true", help="install everything anew")
    return parser.parse_args()


def _describe_steps(installation: Installation) -> list[Result]:
    return [Result(name=command, word="ok", seconds=seconds) for command, seconds in installation.seconds.items()]


def _play_all(installation: Installation, only: str, missing: Iterable[str]) -> list[Result]:
    machine = Machine(installation)
    rows = [row for row in ROWS if only.lower() in row.name.lower()]
    return [_play(machine, row, set(missing)) for row in rows]


def _play(machine: Machine, row: Row, missing: set[str]) -> Result:
    if absent := sorted(missing.intersection(row.needs)):
        return Result(name=row.name, word="not tried", reason=f"needs {', '.join(absent)}")
    start_s = time.monotonic()
    word, reason = "ok", ""
    try:
        with machine.row():
            row.play(machine, **row.options)
    except Exception as error:  # noqa: BLE001  (a fault of any part is a line of the table)
        word = "failed"
        reason = str(error) if isinstance(error, NotThere) else f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - start_s
    print(f"  {word}: {row.name} ({seconds:.0f} s)", flush=True)
    if reason:
        print(f"    {reason}", flush=True)
    return Result(name=row.name, word=word, reason=reason, seconds=seconds)


def _print_table(results: list[Result]) -> None:
    print("\n| done | result | seconds | reason |\n|---|---|---|---|")
    for each in results:
        reason = " ".join(each.reason.split()).replace("|", "\\|")[:_LONGEST]
        print(f"| {each.name} | {each.word} | {each.seconds:.0f} | {reason} |")
    print()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
