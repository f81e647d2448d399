"""The surface of the library: the names for scripts and for authors of backends, and the cost of their import."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai_responses_common
import pytest

from tests.support.pages import names, page, rows

ROOT = Path(__file__).parents[2]
LIBRARY = openai_responses_common.__name__
MODULES = sorted(path for path in (ROOT / "modules").glob("*/amplifier_module_*") if (path / "__init__.py").is_file())
SECTION = page("docs/backend.md").sections["The names that you may use"]
AUTHORS_FILES = [name for row in rows(SECTION) for name in names(row[0])]


def imports_of_modules() -> Iterator[str]:
    """The files of the library that the modules of this repository import from."""
    for path in (file for module in MODULES for file in module.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{LIBRARY}."):
                yield str(node.module).removeprefix(f"{LIBRARY}.")


@pytest.mark.parametrize("name", openai_responses_common.__all__)
def test_every_name_for_scripts_says_what_it_is(name: str) -> None:
    value = getattr(openai_responses_common, name)
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        assert name in {"Delta", "__version__"}, "only an alias and a text have no docstring of their own"
        return
    docstring = value.__doc__ or ""
    assert docstring.strip()
    assert not docstring.startswith(f"{name}("), "a dataclass without a docstring describes its fields by itself"


def test_the_names_for_scripts_are_sorted() -> None:
    public_names = openai_responses_common.__all__
    assert public_names == sorted(public_names)
    assert len(set(public_names)) == len(public_names)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="NoSuchName"):
        _ = openai_responses_common.NoSuchName  # type: ignore[attr-defined]


def test_the_page_for_authors_lists_every_file_that_a_module_imports_from() -> None:
    assert set(imports_of_modules()) - set(AUTHORS_FILES) == set()


@pytest.mark.parametrize("name", AUTHORS_FILES)
def test_a_file_on_the_page_for_authors_exists(name: str) -> None:
    assert importlib.import_module(f"{LIBRARY}.{name}").__doc__


def test_every_name_on_the_page_for_authors_exists() -> None:
    for row in rows(SECTION):
        files = [importlib.import_module(f"{LIBRARY}.{name}") for name in names(row[0])]
        for name in re.findall(r"`(\w+)`", row[1]):
            assert any(hasattr(file, name) for file in files), name


@pytest.mark.parametrize("module", [LIBRARY, *(path.name for path in MODULES)])
def test_an_import_is_cheap(module: str) -> None:
    """Hosts import every module to look at it; the SDK and its client are imported by the first call."""
    code = f"import {module}, sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert loaded & {"openai", "httpx", "httpx2", "aiohttp", "requests", "h11", "msal", "keyring", "yaml"} == set()
