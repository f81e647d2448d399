"""The table of what is tried names tests that exist, and leaves no module out without a reason."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.security.checklist import CHECKLIST, MODULES, Item, as_markdown
from tests.support.backends import ROOT

EACH = pytest.mark.parametrize("item", CHECKLIST, ids=lambda item: item.words[:40])
HERE = Path(__file__).parent


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    found = [each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(name for name in found if name.startswith("test_"))


@EACH
def test_every_proof_exists(item: Item) -> None:
    """A test that was renamed takes its row along."""
    for proof in {proof for module in MODULES for proof in item.proofs(module)}:
        file, _, name = proof.partition("::")
        assert names_in(file), file
        assert not name or name in names_in(file), proof


@EACH
def test_no_module_is_left_out_without_a_reason(item: Item) -> None:
    """It has tests or a reason, and not both."""
    assert {*item.tests, *item.without} <= set(MODULES)
    for module in MODULES:
        assert bool(item.proofs(module)) is not bool(item.without.get(module)), module


def test_every_file_of_this_folder_is_in_the_table() -> None:
    """What nobody asked for is not tested here."""
    named = {proof.partition("::")[0] for item in CHECKLIST for module in MODULES for proof in item.proofs(module)}
    files = {f"security/{path.name}" for path in HERE.glob("test_*.py")}
    assert files - named == {"security/test_checklist.py"}


def test_it_can_be_printed() -> None:
    """One row for each item, and a cell for each module."""
    lines = as_markdown().splitlines()
    assert len(lines) == len(CHECKLIST) + 2
    assert {line.count(" | ") for line in lines if not line.startswith("|---")} == {len(MODULES)}
