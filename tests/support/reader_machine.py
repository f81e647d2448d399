"""A machine on which the commands of the documentation run as they stand: a checkout, a home, and programs.

The programs of the modules are the real ones. Amplifier is `amplifier_stand_in`, which takes and refuses what the real
one does. pip, nox, git and uv take too long for every run, so their command lines are written down, and the caller
checks them; `tests/project/install/test_pages.py` runs those of pip and nox.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.pages import Block

ROOT = Path(__file__).resolve().parents[2]
AMPLIFIER = "git+https://github.com/microsoft/amplifier"
_ABSENT_FROM_A_CHECKOUT = (
    ".git",
    ".nox",
    ".venv",
    "dist",
    "__pycache__",
    ".hypothesis",
    ".*_cache",
    ".coverage*",
    "*.egg-info",
)
_WRITE_DOWN = """
import json, os, sys
with open(os.environ["COMMANDS"], "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
"""
# `uv tool dir` is asked for a folder; the other commands are written down.
_UV = """if [ "$*" = "tool dir" ]; then echo "$TOOLS"; else {write_down} uv "$@"; fi"""
# A new environment without pip takes no time, and the pip beside Amplifier is the one above.
_PYTHON = """if [ "$1 $2" = "-m venv" ]; then exec {python} -m venv --without-pip "$3"; fi; {write_down} python "$@" """


def list_scripts() -> dict[str, str]:
    """Return the programs of the modules, each with its package."""
    documents = [path.read_text("utf-8") for path in ROOT.glob("modules/*/pyproject.toml")]
    targets = [tomllib.loads(document)["project"]["scripts"] for document in documents]
    return {name: target.partition(".")[0] for scripts in targets for name, target in scripts.items()}


def copy_checkout(folder: Path) -> None:
    """Copy this checkout, without what tools made in it."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_ABSENT_FROM_A_CHECKOUT), symlinks=True)


@dataclass(frozen=True, slots=True)
class Result:
    """What the commands of blocks did.

    Attributes:
        block: the last block that began.
        code: the exit code.
        output: the output and the errors.
        written_down: the command lines that the machine only writes down.
    """

    block: str
    code: int
    output: str
    written_down: list[list[str]]


class ReaderMachine:
    """See above.

    Attributes:
        checkout: the folder in which the commands run.
        home: the folder of the user.
    """

    def __init__(self, folder: Path, checkout: Path) -> None:
        self.checkout = checkout
        self.home = folder / "home"
        self._log = folder / "commands"
        self._programs = folder / "programs"
        self._tools = folder / "tools"
        for each in (self.home, self._programs, self._tools / "amplifier/bin"):
            each.mkdir(parents=True)
        python = shlex.quote(sys.executable)
        write_down = f"exec {python} -IS -c {shlex.quote(_WRITE_DOWN)}"
        for name in ("pip", "nox", "git"):
            self._add_program(self._programs / name, f'{write_down} {name} "$@"')
        self._add_program(self._programs / "uv", _UV.format(write_down=write_down))
        for name in ("python", "python3"):
            self._add_program(self._programs / name, _PYTHON.format(write_down=write_down, python=python))
        self._add_program(self._programs / "amplifier", f'exec {python} -m tests.support.amplifier_stand_in "$@"')
        for name, package in list_scripts().items():
            self._add_program(self._tools / "amplifier/bin" / name, f'exec {python} -m {package} "$@"')

    @staticmethod
    def _add_program(path: Path, text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self, blocks: Iterable[Block], variables: Mapping[str, str] | None = None) -> Result:
        """Run blocks in one shell, as a reader does who goes down a page.

        Args:
            blocks: the blocks.
            variables: further variables of the environment.
        """
        marker = self.home.parent / "marker"
        marker.write_text("", encoding="utf-8")
        self._log.write_text("", encoding="utf-8")
        # The shell goes on after an `a && b` whose `a` failed, so each block ends with a look at what it returned.
        parts = [f"echo {each} > {shlex.quote(str(marker))}\n{each.text}[ $? -eq 0 ] || exit 1" for each in blocks]
        environment = {
            **os.environ,
            **(variables or {}),
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(self._programs), "/usr/bin", "/bin"]),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *(path for path in sys.path if path)]),
            "COMMANDS": str(self._log),
            "TOOLS": str(self._tools),
        }
        done = subprocess.run(
            ["sh", "-eu", "-c", "\n".join(parts)],
            cwd=self.checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        written_down = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]
        return Result(marker.read_text(encoding="utf-8").strip(), done.returncode, done.stdout, written_down)
