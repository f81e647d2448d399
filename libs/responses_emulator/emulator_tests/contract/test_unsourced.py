"""What the emulator makes up stands in one place, and on its page."""

from __future__ import annotations

import re
from pathlib import Path

import responses_emulator
from responses_emulator.contract.unsourced import UNSOURCED_RULES

PACKAGE = Path(responses_emulator.__file__).parent
README = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
# What a comment or docstring says of a rule that no source supports.
_MARKS = re.compile(r"\bours\b|\bno recording (has|exists)|in no recording|wording not checked", re.I)


def test_the_readme_lists_every_rule() -> None:
    section = README.partition("## What it makes up\n")[2]
    rows = [f"| `{rule.path}` | {rule.rule} | {rule.known} |" for rule in UNSOURCED_RULES]
    assert [line for line in section.splitlines() if line.startswith("| `")] == rows


def test_every_rule_names_a_file() -> None:
    assert [rule.path for rule in UNSOURCED_RULES if not (PACKAGE / rule.path).is_file()] == []


def test_a_file_that_says_so_of_itself_is_listed() -> None:
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if _MARKS.search(path.read_text())}
    assert files - {rule.path for rule in UNSOURCED_RULES} - {"contract/unsourced.py"} == set()
