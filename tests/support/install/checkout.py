"""Checkouts in temporary folders, fresh environments to install them into, and what Python then finds there.

Nothing here imports the packages: they are looked at only from the environment that they were installed into.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
DIST = ROOT / "dist"
LIBRARY = tomllib.loads((ROOT / "libs/openai_responses_common/pyproject.toml").read_text("utf-8"))["project"]
VERSION: str = LIBRARY["version"]
MODULES = sorted(path.parent.name for path in (ROOT / "modules").glob("*/pyproject.toml"))
HIDDEN = {"PYTHONPATH", "VIRTUAL_ENV", "OPENAI_RESPONSES_COMMON_BUILD"}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command outside every checkout and environment, so that only what it names can be found."""
    environment = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd="/", env=environment, check=False, capture_output=True, text=True)


def must(*command: str | Path) -> str:
    done = run(*command)
    assert done.returncode == 0, f"{' '.join(done.args)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def package_of(module: str) -> str:
    return f"amplifier_module_{module.replace('-', '_')}"


@dataclass(frozen=True, slots=True)
class Checkout:
    """What the packages are built from, committed to a repository of its own."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Checkout:
        for folder in ("libs", "modules"):
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for name in ("pyproject.toml", ".gitignore"):
            shutil.copy(ROOT / name, root)
        must("git", "-C", root, "init", "--quiet", "--initial-branch=main")
        checkout = cls(root)
        checkout.commit()
        return checkout

    def commit(self) -> None:
        git = ("git", "-C", self.root, "-c", "user.name=test", "-c", "user.email=test@example.invalid")
        must(*git, "add", "--all")
        must(*git, "commit", "--quiet", "--no-gpg-sign", "--message=test")

    def clone(self, root: Path) -> Checkout:
        """As Amplifier does it: one branch, without its history."""
        must("git", "clone", "--quiet", "--depth=1", "--branch=main", self.root.as_uri(), root)
        return Checkout(root)

    @property
    def library(self) -> Path:
        return self.root / "libs/openai_responses_common/openai_responses_common"

    @property
    def emulator(self) -> Path:
        return self.root / "libs/responses_emulator"

    def folder(self, module: str) -> Path:
        return self.root / "modules" / module

    def package(self, module: str) -> Path:
        return self.folder(module) / package_of(module)

    def plant(self) -> None:
        """Add a file to every package, which only those who read this checkout live can see."""
        for package in (self.library, *(self.package(module) for module in MODULES)):
            (package / "planted.py").write_text("PLANTED = True\n", encoding="utf-8")
            with (package / "__init__.py").open("a", encoding="utf-8") as file:
                file.write("\nfrom .planted import PLANTED\n")

    def rewrite(self, old: str, new: str) -> None:
        """Put `new` for `old` in all that is Python or TOML, as a release or a new module would."""
        for path in (*self.root.glob("*/*/**/*.py"), *self.root.glob("*/*/pyproject.toml")):
            path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


@dataclass(frozen=True, slots=True)
class Environment:
    """A fresh virtual environment, and the program that installs into it: `uv` or `pip`."""

    folder: Path
    installer: str

    @classmethod
    def make(cls, folder: Path, installer: str) -> Environment:
        must("uv", "venv", "--quiet", "--python", sys.executable, folder)
        return cls(folder, installer)

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def command(self, verb: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """What the installer makes of its words."""
        if self.installer == "uv":
            return run("uv", "pip", verb, "--python", self.python, *words)
        pip = importlib.util.find_spec("pip")
        assert pip is not None
        return run(self.python, Path(str(pip.origin)).with_name("__pip-runner__.py"), verb, *words)

    def install(self, *words: str | Path) -> None:
        """Install, and have it said that everything fits together; uv says the same as pip there, in no time."""
        done = self.command("install", *words)
        assert done.returncode == 0, f"{' '.join(done.args)}\n{done.stdout}\n{done.stderr}"
        must("uv", "pip", "check", "--python", self.python)

    def uninstall(self, name: str) -> None:
        done = self.command("uninstall", *(["--yes"] if self.installer == "pip" else []), name)
        assert done.returncode == 0, done.stderr

    def ask(self, program: str, *words: str | Path) -> Any:
        """Run one of the programs beside this file there, isolated from this checkout, and read its JSON."""
        return json.loads(must(self.python, "-I", HERE / program, *words))

    def refusal(self, module: str) -> str:
        """The error of the first use of a module there, or nothing."""
        done = run(self.python, "-I", "-c", f"import {package_of(module)} as module; module.create({{}})")
        return done.stderr.strip().splitlines()[-1] if done.returncode else ""

    def follow(self, text: str) -> None:
        """Run the commands that a text says to run."""
        commands = text.split("`")[1::2]
        assert commands, text
        for command in commands:
            must("sh", "-c", command)
