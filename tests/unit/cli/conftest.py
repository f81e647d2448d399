"""A user's home with the host's settings files, and a project in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Home:
    """The folders in which a command looks for settings."""

    path: Path

    @property
    def project(self) -> Path:
        """The current folder."""
        return self.path / "project"

    def write_providers(self, *rows: str) -> None:
        """Write the user's settings file; each row is a provider in YAML."""
        write(self.path / ".amplifier/settings.yaml", _join(rows))

    def write_project_providers(self, *rows: str, name: str = "settings.yaml") -> None:
        """Write a settings file of the project."""
        write(self.project / ".amplifier" / name, _join(rows))

    def write_keys(self, text: str) -> None:
        """Write the host's file of keys."""
        write(self.path / ".amplifier/keys.env", text)


def write(path: Path, text: str) -> None:
    """Write a file and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _join(rows: tuple[str, ...]) -> str:
    return "config:\n  providers:\n" + "".join(f"    - {row}\n" for row in rows)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A user's home, and the folder of a project in it, which is the current one."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return Home(tmp_path)
