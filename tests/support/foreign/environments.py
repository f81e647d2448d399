"""Installs each program into an environment of its own, once for each list of requirements."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_LAST_LINES = 3


class CannotInstall(Exception):
    """A program cannot be installed here. The message says why."""


def install(
    folder: Path, alternatives: Sequence[Sequence[str]], *, unwanted: Sequence[str] = (), renew: bool = False
) -> Path:
    """Return the folder of programs of an environment that holds a program of Python.

    Args:
        folder: where the environment is or will be.
        alternatives: lists of requirements. The first list that can be installed here is installed.
        unwanted: packages to remove again.
        renew: make the environment anew, also if it is complete; for a wheel of this checkout.

    Raises:
        CannotInstall: no list can be installed.
    """
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    wanted = repr((list(map(list, alternatives)), list(unwanted), sys.version_info[:2]))
    complete = folder / "complete"
    if not renew and complete.is_file() and complete.read_text("utf-8") == wanted:
        return programs
    shutil.rmtree(folder, ignore_errors=True)
    python = str(programs / "python")
    _run("venv", "--quiet", "--python", sys.executable, str(folder))
    errors: list[str] = []
    for requirements in alternatives:
        try:
            _run("pip", "install", "--quiet", "--python", python, *requirements)
            break
        except CannotInstall as error:
            errors.append(str(error))
    else:
        raise CannotInstall("; ".join(errors))
    if unwanted:
        _run("pip", "uninstall", "--quiet", "--python", python, *unwanted)
    complete.write_text(wanted, encoding="utf-8")
    return programs


def install_node_package(folder: Path, package: str, version: str) -> Path:
    """Return the folder of a package of npm with everything that it needs.

    No script of a package is run.

    Args:
        folder: where it is or will be.

    Raises:
        CannotInstall: there is no npm, or it cannot install the package.
    """
    complete = folder / "complete"
    wanted = f"{package}@{version}"
    if not (complete.is_file() and complete.read_text("utf-8") == wanted):
        npm = shutil.which("npm")
        if npm is None:
            raise CannotInstall("`npm` is not on the path")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", str(folder)]
        command = [*lower_priority(), npm, "install", *options, wanted]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise CannotInstall(_join_last_lines(run.stderr) or "npm install failed")
        complete.write_text(wanted, encoding="utf-8")
    return folder / "node_modules"


def build_wheel(package: Path, folder: Path) -> Path:
    """Build a package of this repository, and return its wheel.

    Args:
        package: the folder of the package.
        folder: where the wheel goes. Other files there are removed.

    Raises:
        CannotInstall: it cannot be built.
    """
    shutil.rmtree(folder, ignore_errors=True)
    _run("build", "--quiet", "--wheel", "--out-dir", str(folder), str(package))
    return next(folder.glob("*.whl"))


def read_version(programs: Path, package: str) -> str:
    """Return the version of an installed package."""
    script = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run(
        [str(programs / "python"), "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()


def _run(*arguments: str) -> None:
    """Run uv at low priority."""
    # pip reads its settings from more places than uv: the folders of wheels that this machine has are among them.
    settings = {"UV_FIND_LINKS": os.environ.get("PIP_FIND_LINKS", ""), "UV_HTTP_TIMEOUT": "180"}
    environment = {**{key: value for key, value in settings.items() if value}, **os.environ}
    command = [*lower_priority(), sys.executable, "-m", "uv", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if run.returncode:
        raise CannotInstall(_join_last_lines(run.stderr) or f"uv {arguments[0]} failed")


def _join_last_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-_LAST_LINES:])


def lower_priority() -> list[str]:
    """Return the words before a command that leave the machine to others; none where there is no such program."""
    return ["nice", "-n", "10"] if shutil.which("nice") else []
