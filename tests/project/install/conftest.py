"""The table at the end: each way of installing in a row, each module in a column, and below it what went wrong.

A row is named by the test and its parameters, a column by the parameter `which`.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.install.checkout import MODULES, Checkout

TOGETHER = "all together"
OUTCOMES = {"passed": "ok", "skipped": "skipped", "xfailed": "KNOWN", "failed": "FAILED", "error": "FAILED"}
COLUMNS = [*(name.removeprefix("provider-") for name in MODULES), TOGETHER]


@pytest.fixture(autouse=True)
def _cell(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    if request.path.name == "test_release.py":
        return
    parameters: dict[str, Any] = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    tried = [] if request.node.originalname == "test_way" else [request.node.originalname.removeprefix("test_")]
    words = [str(value) for name, value in parameters.items() if name != "which"]
    record_property("row", ", ".join([*(name.replace("_", " ") for name in tried), *words]))
    record_property("column", parameters.get("which", TOGETHER))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One for all tests that leave it as it is: what is built from it is built once."""
    shared = tmp_path_factory.getbasetemp().parent / "checkout"  # of all the processes that pytest-xdist starts
    own = Checkout.make(tmp_path_factory.mktemp("own") / "checkout")
    with contextlib.suppress(OSError):  # another process was first
        own.root.rename(shared)
    return Checkout(shared)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    table: dict[str, dict[str, str]] = defaultdict(dict)
    wrong: list[str] = []
    for outcome, word in OUTCOMES.items():
        for report in terminalreporter.stats.get(outcome, []):
            cell = dict(getattr(report, "user_properties", []))  # a file that cannot be collected has none
            if "row" not in cell:
                continue
            table[cell["row"]][cell["column"]] = word
            if word != "ok":
                wrong.append(f"{cell['row']}, {cell['column']}: {_why(report)}")
    if not table:
        return
    width = max(map(len, table))
    terminalreporter.section("ways of installing")
    terminalreporter.line("  ".join([" " * width, *COLUMNS]))
    for row, cells in sorted(table.items()):
        words = [cells.get(column, "").ljust(len(column)) for column in COLUMNS]
        terminalreporter.line("  ".join([row.ljust(width), *words]).rstrip())
    for line in wrong:
        terminalreporter.line(line)


def _why(report: Any) -> str:
    """What the installer or Python said last, in one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = str(crash.message if crash else report.longrepr).strip().splitlines()
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")
