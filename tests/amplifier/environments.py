"""Installs Amplifier and the modules of this checkout as their pages say, with a home and folders of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.amplifier.repositories import COMPOSED, FURTHER, REQUIRED, find_missing, read_commits, redirect
from tests.support.backends import BACKENDS, ROOT
from tests.support.foreign.environments import CannotInstall, lower_priority

_LAST_LINES = 12
# What would lead a command to an account, another home, or another Python of the developer.
_FOREIGN = re.compile(
    r"AMPLIFIER_|OPENAI_|AZURE_|CHATGPT_|PYTHON|VIRTUAL_ENV|NOX_|UV_TOOL|UV_PYTHON|IDENTITY_|.*_API_KEY$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Amplifier with the three modules.

    Attributes:
        folder: where everything is.
        repositories: the folder of Amplifier's repositories.
        seconds: how long each step took, by its command; empty if it was installed by an earlier session.
    """

    folder: Path
    repositories: Path
    seconds: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def python(self) -> Path:
        """The Python of Amplifier's environment."""
        return self.folder / "tools" / "amplifier" / "bin" / "python"

    @property
    def settings(self) -> Path:
        """What `module add` wrote, for rows to begin with."""
        return self.folder / "settings.yaml"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables of a person who has this Amplifier, and nothing else that concerns it."""
        inherited = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
        folders = [self.folder / "bin", self.folder / "programs", *map(Path, os.defpath.split(os.pathsep))]
        configuration = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        own = {
            "HOME": str(self.home),
            "PATH": os.pathsep.join(str(each) for each in folders if str(each) != "."),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": str(self.folder / "gitconfig"),
            "GIT_TERMINAL_PROMPT": "0",
            "XDG_CONFIG_HOME": configuration,  # the settings of uv for package indexes
            "UV_CACHE_DIR": str(self.folder / "uv"),
            "UV_TOOL_DIR": str(self.folder / "tools"),
            "UV_TOOL_BIN_DIR": str(self.folder / "bin"),
            "UV_NO_GITHUB_FAST_PATH": "true",
            "UV_HTTP_TIMEOUT": "180",
        }
        if links := os.environ.get("PIP_FIND_LINKS"):
            own["UV_FIND_LINKS"] = links
        if find_missing(self.repositories, COMPOSED):
            own["AMPLIFIER_ALLOW_PARTIAL_BUNDLE"] = "1"
        return {**inherited, **own, **more}

    def run(self, *command: str, **variables: str) -> str:
        """Run a command without a terminal and return what it wrote.

        Raises:
            CannotInstall: it failed. The message holds the end of what it wrote.
        """
        run = subprocess.run(
            [*lower_priority(), *command],
            cwd=self.home,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            lines = [line.strip() for line in (run.stdout + run.stderr).splitlines() if line.strip()]
            raise CannotInstall(f"{' '.join(command)}: {' '.join(lines[-_LAST_LINES:])}")
        return run.stdout + run.stderr


def install(folder: Path, repositories: Path) -> Installation:
    """Return an Amplifier with the modules of this checkout; that of an earlier session if nothing changed since.

    Raises:
        CannotInstall: a step failed.
    """
    complete = folder / "complete"
    wanted = json.dumps(_describe(repositories), indent=1)
    installation = Installation(folder=folder, repositories=repositories)
    if complete.is_file() and complete.read_text("utf-8") == wanted:
        return installation
    shutil.rmtree(folder, ignore_errors=True)
    for each in (installation.home, folder / "programs"):
        each.mkdir(parents=True)
    (folder / "programs" / "uv").symlink_to(_find_uv())
    redirect(repositories, folder / "gitconfig")
    steps: list[tuple[str, ...]] = [
        ("uv", "tool", "install", "--python", sys.executable, "git+https://github.com/microsoft/amplifier")
    ]
    for backend in BACKENDS:
        steps.append(("amplifier", "module", "add", backend.module, "--source", str(backend.folder)))
        steps.append(("amplifier", "provider", "install", backend.name))
    for command in steps:
        start_s = time.monotonic()
        print(f"  {' '.join(command)}", flush=True)
        installation.run(*command)
        installation.seconds[_shorten(command)] = time.monotonic() - start_s
    shutil.copy(installation.home / ".amplifier" / "settings.yaml", installation.settings)
    complete.write_text(wanted, encoding="utf-8")
    return installation


def _describe(repositories: Path) -> Mapping[str, object]:
    """Return all that decides what is installed."""
    names = (*REQUIRED, *COMPOSED, *FURTHER)
    packages = [*(backend.folder for backend in BACKENDS), ROOT / "libs" / "openai_responses_common"]
    return {
        "python": sys.version,
        "repositories": str(repositories),
        "commits": read_commits(repositories, sorted({*names} - {*find_missing(repositories, names)})),
        "packages": {str(each): (each / "pyproject.toml").read_text("utf-8") for each in packages},
    }


def _shorten(command: tuple[str, ...]) -> str:
    """Return a command without what differs from machine to machine."""
    return " ".join(command).replace(f"--python {sys.executable} ", "").replace(f"{ROOT}/", "")


def _find_uv() -> str:
    from uv import find_uv_bin

    return find_uv_bin()
