"""Measure providers side by side: `python -m benchmarks`. Ratios count; absolute times are those of the machine.

Ends with an error where what has to be reached is not.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from .measure import Result, bench
from .peers import installed
from .plan import SCENARIOS, Scenario
from .report import as_json, chart, table

SLACK = 1.3
"""On all ratios that have to be reached, in the short form: fewer rounds, on a machine that does other things. There
milliseconds are only printed."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(row.name for row in SCENARIOS))
    parser.add_argument("--rounds", type=int, help="how often each contender runs in each scenario")
    parser.add_argument("--short", action="store_true", help="fewer rounds of the quick scenarios, and without others")
    parser.add_argument("--alone", action="store_true", help="without the libraries that others would use")
    parser.add_argument(
        "--peer", action="append", default=[], metavar="PATH_OR_REQUIREMENT", help="add a provider module"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results as JSON")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw the comparison as SVG")
    given = parser.parse_args()
    if unknown := set(given.scenarios) - {row.name for row in SCENARIOS}:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return given


def chosen(given: argparse.Namespace) -> list[tuple[Scenario, int]]:
    """The scenarios to run, and how often."""
    rows = [row for row in SCENARIOS if not given.scenarios or row.name in given.scenarios]
    counted = [(row, given.rounds or (row.short if given.short else row.rounds)) for row in rows]
    return [(row, rounds) for row, rounds in counted if rounds]


def main() -> None:
    given = arguments()
    machine = {"python": platform.python_version(), "openai": version("openai"), "cores": os.cpu_count() or 0}
    print(f"Python {machine['python']}, openai {machine['openai']}, {machine['cores']} cores; medians and quartiles\n")
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder, bench(installed(given.peer, Path(folder))) as running:
        for scenario, rounds in chosen(given):
            slack = SLACK if given.short else None
            found = running.measure(scenario, rounds=rounds, slack=slack, others=not (given.short or given.alone))
            print(table(scenario, found), end="\n\n", flush=True)
            results += found
    if given.json:
        given.json.write_text(as_json(results, machine), encoding="utf-8")
    if given.chart:
        given.chart.write_text(chart(results), encoding="utf-8")
    if missed := [f"{row.scenario}, {row.contender}: {row.figure.what}" for row in results if row.missed]:
        sys.exit("not reached:\n  " + "\n  ".join(missed))


if __name__ == "__main__":
    main()
