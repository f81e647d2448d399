"""The build backend of the modules: one file, once in each module, because an sdist must contain it."""

from __future__ import annotations

from tests.support.backends import ROOT


def test_the_build_backends_of_all_modules_are_equal() -> None:
    files = sorted((ROOT / "modules").glob("*/hatch_build.py"))
    assert len(files) == len([*(ROOT / "modules").glob("*/pyproject.toml")]) > 1
    assert len({file.read_bytes() for file in files}) == 1
