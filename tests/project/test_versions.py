"""The library and the modules carry one version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import openai_responses_common

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "libs/openai_responses_common/openai_responses_common"
MODULES = sorted(path for path in (ROOT / "modules").glob("*/amplifier_module_*") if (path / "__init__.py").is_file())


def version_of_project(folder: Path) -> str:
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]


def version_in(path: Path) -> str | None:
    match = re.search(r'^__version__ = "(.+)"$', path.read_text(), re.M)
    return match and match[1]


def test_the_library_and_the_modules_have_one_version() -> None:
    versions = {
        "library": version_in(LIBRARY / "version.py"),
        "library's pyproject": version_of_project(LIBRARY.parent),
        **{path.name: version_in(path / "__init__.py") for path in MODULES},
        **{f"{path.name}'s pyproject": version_of_project(path.parent) for path in MODULES},
    }
    assert len(MODULES) >= 1
    assert len(set(versions.values())) == 1, versions
    assert openai_responses_common.__version__ == versions["library"]
