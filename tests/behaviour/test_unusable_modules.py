"""A module that cannot be used is mounted, and its first call says why and what repairs it, because hosts hide the
error of an import."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.backends import BACKENDS, ROOT, BackendUnderTest

pytestmark = [
    pytest.mark.one_transport("a module that cannot be used makes no request"),
    pytest.mark.one_sign_in("it concerns all of a module"),
]

LIBRARY = ROOT / "libs/openai_responses_common/openai_responses_common"
FAMILY = [f"amplifier-module-{backend.module}==0.1.0" for backend in BACKENDS]  # what is installed again
BROKEN = {
    "raises": 'raise AttributeError("module has\\nno attribute x")',
    "exits": "raise SystemExit(3)",
    "is no Python": "def (",
    "lacks a name": "from .version import __version__",
}


def write_package(folder: Path, package: str, text: str) -> None:
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text(text, encoding="utf-8")


def write_distribution(folder: Path, name: str, version: str, *requirements: str, points: str = "") -> None:
    """What an installer writes; it counts more than what is installed, because its folder comes first on the path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {each}" for each in requirements)]
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", *lines, "", "text"]), encoding="utf-8")
    (info / "entry_points.txt").write_text(points, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that comes first on the path, in which the modules are installed."""
    for backend in BACKENDS:
        points = f"[openai_responses_common.providers]\n{backend.name} = {backend.package}:create\n"
        requirements = ("aiohttp>=3.14", "openai>=3.30", "jiter>=0.8")
        write_distribution(tmp_path, distribution_of(backend), "0.1.0", *requirements, points=points)
    return tmp_path


def distribution_of(backend: BackendUnderTest) -> str:
    return f"amplifier-module-{backend.module}"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    paths = [str(folder / "foreign"), str(folder), str(ROOT), *(path for path in sys.path if path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [sys.executable, *words], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """What a host sees of each module, by its package."""
    pairs = [word for backend in BACKENDS for word in (backend.package, backend.class_name)]
    done = run(folder, "-m", "tests.support.first_call", *pairs)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_stand_ins(folder: Path, *sentences: str, repair: str = r"run `.*(pip install|pip.* install) .*`") -> None:
    reports = load(folder)
    for backend in BACKENDS:
        report = reports[backend.package]
        assert (report["class"], report["name"], report["info"]) == (backend.class_name, backend.name, backend.name)
        assert report["is_looked_up"]
        assert report["missing"] == []
        assert report["priority"] == 7
        assert report["validation"].startswith("PASSED")
        assert report["complete"] == report["list_models"]
        for sentence in ("ConfigurationError: ", *sentences):
            assert sentence in report["complete"], report["complete"]
        assert "\n" not in report["complete"]
        assert re.search(repair, report["complete"])


def test_a_package_that_is_absent(folder: Path) -> None:
    write_package(folder, "jiter", "raise ModuleNotFoundError(\"No module named 'a_part'\", name='a_part')")
    check_stand_ins(folder, "the package a-part is not installed", "'jiter>=0.8'")


@pytest.mark.parametrize("how", BROKEN)
def test_a_package_that_cannot_be_imported(folder: Path, how: str) -> None:
    write_package(folder, "jiter", BROKEN[how])
    check_stand_ins(folder, "the package jiter cannot be imported", "--force-reinstall", "'jiter>=0.8'")


@pytest.mark.parametrize("value", [float("inf"), float("nan"), "first", None, 10])
def test_a_rank_that_is_not_a_number_is_the_default(value: object, backend: BackendUnderTest) -> None:
    stand_in = importlib.import_module(f"{backend.package}.stand_in")
    assert stand_in.StandIn(config={"priority": value}).priority == (10 if value == 10 else 100)


def test_a_package_that_is_too_old(folder: Path) -> None:
    for name in ("aiohttp", "openai"):
        write_distribution(folder, name, "0.1.9")
    check_stand_ins(folder, " 0.1.9 is too old: run ", ">=")


def test_a_library_of_another_release(folder: Path) -> None:
    write_package(folder, LIBRARY.name, "raise SystemExit('nothing of it may be used')")
    (folder / LIBRARY.name / "version.py").write_text('__version__ = "9.9.9"\n', encoding="utf-8")
    write_distribution(folder, "openai-responses-common", "9.9.9")
    check_stand_ins(folder, "openai-responses-common 9.9.9 in ", f"{folder}", "does not belong to ", *FAMILY)


@pytest.mark.parametrize("change", ["another text", "a missing file"])
def test_a_library_of_another_folder_with_other_files(folder: Path, change: str) -> None:
    copy = folder / "foreign" / LIBRARY.name
    shutil.copytree(LIBRARY, copy, ignore=shutil.ignore_patterns("__pycache__"))
    match change:
        case "another text":
            with (copy / "engine/engine.py").open("a", encoding="utf-8") as file:
                file.write("# another text\n")
        case _:
            (copy / "testing/__init__.py").unlink()
    check_stand_ins(folder, "does not belong to ", repair=f": take {re.escape(str(copy.parent))} off Python's path")


def test_a_library_of_another_folder_with_the_same_files_is_as_good(folder: Path) -> None:
    shutil.copytree(LIBRARY, folder / LIBRARY.name, ignore=shutil.ignore_patterns("__pycache__"))
    for package, report in load(folder).items():
        assert report["defined_in"] == f"{package}.provider", report["complete"]


def test_a_library_that_is_damaged(folder: Path) -> None:
    write_package(folder, LIBRARY.name, "from .gone import mount_provider")
    shutil.copy(LIBRARY / "version.py", folder / LIBRARY.name)
    for backend in BACKENDS:  # as in site-packages, where no checkout is beside it
        shutil.copytree(backend.package_path, folder / backend.package, ignore=shutil.ignore_patterns("__pycache__"))
    check_stand_ins(folder, "the files of this module or of its library are damaged (ModuleNotFoundError: ", *FAMILY)


def test_a_package_that_only_a_call_imports(folder: Path) -> None:
    write_package(folder, "aiohttp", BROKEN["raises"])
    told = [report["complete"] for report in load(folder).values()]
    broken = "ConfigurationError: the package aiohttp cannot be imported (AttributeError): run "
    assert [text.startswith(broken) for text in told] == [True, True, False]
    assert told[2].startswith("AuthenticationError"), "ChatGPT asks for the sign-in first"


def test_a_package_that_calls_do_not_need(folder: Path) -> None:
    """Whoever has no working SDK can still make calls."""
    for name in ("openai", "httpx", "httpx2"):
        write_package(folder, name, BROKEN["raises"])
    for report in load(folder).values():
        assert "openai" not in report["complete"].split(": ")[0]
        assert "cannot be imported" not in report["complete"], report["complete"]


def test_the_commands_of_the_modules_say_it_too(folder: Path) -> None:
    write_package(folder, "jiter", BROKEN["raises"])
    for backend in BACKENDS:
        done = run(folder, "-m", backend.package, "status")
        assert done.returncode == 1
        assert done.stderr.startswith("error: the package jiter cannot be imported (AttributeError): ")
        assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_is_only_on_the_path_fails_at_import(folder: Path) -> None:
    """Hosts install a module after this error, which a stand-in would hide."""
    for info in folder.glob("amplifier_module*.dist-info"):
        shutil.rmtree(info)
    write_package(folder, LIBRARY.name, "")
    for backend in BACKENDS:
        shutil.copytree(backend.package_path, folder / backend.package, ignore=shutil.ignore_patterns("__pycache__"))
        done = run(folder, "-S", "-I", "-c", f"import sys; sys.path.append({str(folder)!r}); import {backend.package}")
        assert "ImportError: openai-responses-common of an unknown version" in done.stderr.splitlines()[-1]
