"""The repositories of Amplifier that the session needs, and how git finds them in a folder instead of on GitHub."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

_GITHUB = "https://github.com/"
_OWNER = f"{_GITHUB}microsoft/"

# Amplifier cannot be installed, or cannot answer anything, without them.
REQUIRED = (
    *("amplifier", "amplifier-app-cli", "amplifier-foundation"),
    *("amplifier-module-loop-streaming", "amplifier-module-context-simple"),
)
# The command line adds them to every session.
COMPOSED = (
    *("amplifier-bundle-modes", "amplifier-bundle-skills", "amplifier-bundle-wayfinder"),
    *("amplifier-module-tool-skills", "amplifier-module-hooks-approval"),
)
# Rows need them, or our bundles name them.
FURTHER = (
    *("amplifier-module-loop-basic", "amplifier-module-hooks-logging", "amplifier-module-hooks-streaming-ui"),
    *("amplifier-module-tool-bash", "amplifier-module-tool-filesystem", "amplifier-module-tool-search"),
    *("amplifier-module-tool-web", "amplifier-module-tool-todo", "amplifier-module-hooks-todo-reminder"),
    *("amplifier-module-hooks-status-context", "amplifier-bundle-redaction", "amplifier-bundle-routing-matrix"),
)


def find_missing(folder: Path, names: Iterable[str]) -> list[str]:
    """Return the names of repositories that are not in a folder."""
    return [name for name in names if not (folder / name / ".git").exists()]


def explain(folder: Path, missing: Iterable[str]) -> str:
    """Return the commands that fetch missing repositories."""
    lines = [f"git clone --depth 1 --branch main {_OWNER}{name} {folder / name}" for name in missing]
    return "\n".join(["These commands fetch the repositories that are missing:", *lines])


def redirect(folder: Path, settings: Path) -> None:
    """Write a configuration of git in which the repositories of a folder stand for those on GitHub.

    A repository that is missing is not fetched from the network; a clone of it fails at once.
    """
    settings.unlink(missing_ok=True)
    for target, prefix in ((f"file://{folder}/", _OWNER), (f"file://{folder}/of-somebody-else/", _GITHUB)):
        command = ["git", "config", "--file", str(settings), "--add", f"url.{target}.insteadOf", prefix]
        subprocess.run(command, check=True)


def read_commits(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the commit that is checked out in each repository."""
    command = ("git", "rev-parse", "HEAD")
    return {
        name: subprocess.run(command, cwd=folder / name, capture_output=True, text=True, check=True).stdout.strip()
        for name in names
    }
