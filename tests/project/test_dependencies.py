"""Every package that is imported is declared: by what imports it, or by an extra."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.backends import BACKENDS, ROOT

LIBRARY = ROOT / "libs/openai_responses_common"
# The distribution of a package, if it has another name.
DISTRIBUTIONS = {
    "azure": "azure-identity",
    "compression": "backports",
    "opentelemetry": "opentelemetry-api",
    "jwt": "PyJWT",
    "pydantic_core": "pydantic",
    "yaml": "pyyaml",
}


def read_project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def list_declared(project: dict[str, Any]) -> set[str]:
    hook = project.get("tool", {}).get("hatch", {}).get("metadata", {}).get("hooks", {}).get("custom", {})
    extras = project["project"].get("optional-dependencies", {}).values()
    lists = [project["project"].get("dependencies", []), hook.get("dependencies", []), *extras]
    return {re.split(r"[^\w-]", requirement)[0] for requirements in lists for requirement in requirements}


def list_imported(folder: Path) -> set[str]:
    names: set[str] = set()
    for node in (node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))):
        match node:
            case ast.Import():
                names |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(name), level=0):
                names.add(name)
            case _:
                pass
    packages = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
    return {DISTRIBUTIONS.get(package, package.replace("_", "-")) for package in packages}


def test_the_library_declares_what_it_imports() -> None:
    assert list_imported(LIBRARY / "openai_responses_common") - {"openai-responses-common"} <= list_declared(
        read_project(LIBRARY)
    )


@pytest.mark.parametrize("row", BACKENDS, ids=lambda row: row.name)
def test_a_module_declares_what_it_and_the_library_import(row: Any) -> None:
    """An installed module has the library's own dependencies, and no extra of it."""
    library = {"project": {"dependencies": read_project(LIBRARY)["project"]["dependencies"]}}
    declared = list_declared(read_project(row.folder)) | list_declared(library)
    assert list_imported(row.package_path) - {"openai-responses-common"} <= declared
