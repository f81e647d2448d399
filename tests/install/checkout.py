"""Checkouts in temporary folders, fresh environments to install them into, and what Python then finds there.

Nothing here imports the packages: they are looked at only from the environment that they were installed into.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LIBRARY = tomllib.loads((ROOT / "libs/openai_responses_common/pyproject.toml").read_text("utf-8"))["project"]
VERSION: str = LIBRARY["version"]
MODULES = sorted(path.parent.name for path in (ROOT / "modules").glob("*/pyproject.toml"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command outside every checkout and environment, so that only what it names can be found."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd="/", env=environment, check=False, capture_output=True, text=True)


def must(*command: str | Path) -> str:
    done = run(*command)
    assert done.returncode == 0, f"{' '.join(done.args)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True, slots=True)
class Checkout:
    """What the packages are built from, committed to a repository of its own."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Checkout:
        for folder in ("libs", "modules"):
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        shutil.copy(ROOT / "pyproject.toml", root)
        checkout = cls(root)
        git = ("git", "-C", root, "-c", "user.name=test", "-c", "user.email=test@example.invalid")
        must(*git, "init", "--quiet", "--initial-branch=main")
        must(*git, "add", "--all")
        must(*git, "commit", "--quiet", "--no-gpg-sign", "--message=test")
        return checkout

    @property
    def library(self) -> Path:
        return self.root / "libs/openai_responses_common/openai_responses_common"

    def package(self, module: str) -> Path:
        return self.root / "modules" / module / f"amplifier_module_{module.replace('-', '_')}"

    def plant(self) -> None:
        """Add a name to every package, which only those who read this checkout live can see."""
        for package in (self.library, *(self.package(module) for module in MODULES)):
            with (package / "__init__.py").open("a", encoding="utf-8") as file:
                file.write("\nPLANTED = True\n")

    def rewrite(self, old: str, new: str) -> None:
        """Put `new` for `old` in all that is Python or TOML, as a release or a new module would."""
        for path in (*self.root.glob("*/*/**/*.py"), *self.root.glob("*/*/pyproject.toml")):
            path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


@dataclass(frozen=True, slots=True)
class Environment:
    """A fresh virtual environment, and the installer it was made with."""

    folder: Path
    installer: str

    @classmethod
    def make(cls, folder: Path, installer: str) -> Environment:
        if installer == "uv":
            must("uv", "venv", "--quiet", "--python", sys.executable, folder)
        else:
            must(sys.executable, "-m", "venv", folder)
        return cls(folder, installer)

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def install(self, *words: str | Path) -> None:
        if self.installer == "uv":
            must("uv", "pip", "install", "--python", self.python, *words)
            must("uv", "pip", "check", "--python", self.python)
        else:
            must(self.python, "-m", "pip", "install", "--quiet", "--no-compile", *words)
            must(self.python, "-m", "pip", "check")

    def ask(self, program: str, *words: str | Path) -> Any:
        """Run one of the programs beside this file there, isolated from this checkout, and read its JSON."""
        return json.loads(must(self.python, "-I", HERE / program, *words))
