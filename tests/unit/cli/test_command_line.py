"""The command line in an error works in a shell that knows nothing of the environment of the host."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from openai_responses_common.cli.command_line import command_line

SCRIPT = "amplifier-thing"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an interpreter that this process runs, with a blank in its path and not on PATH."""
    folder = tmp_path / "a home" / "bin"
    folder.mkdir(parents=True)
    (folder / "python3").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(folder / "python3"))
    return folder


def add_script(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    script = folder / SCRIPT
    script.write_text("#!/bin/sh\necho ran $1\n", encoding="utf-8")
    script.chmod(0o755)
    return script


def run(line: str, **variables: str) -> str:
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(line, shell=True, capture_output=True, text=True, env=environment, check=True).stdout


def test_a_script_off_the_path_is_named_by_its_path(environment: Path) -> None:
    script = add_script(environment)
    line = command_line("a_module", SCRIPT, "login")
    assert shlex.split(line) == [str(script), "login"]
    assert run(line) == "ran login\n"


def test_a_script_on_the_path_is_named_by_its_name(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_script(environment)
    monkeypatch.setenv("PATH", str(environment))
    assert command_line("a_module", SCRIPT, "login") == f"{SCRIPT} login"


def test_a_script_of_another_environment_on_the_path_is_not_named(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = add_script(environment)
    add_script(tmp_path / "other")
    monkeypatch.setenv("PATH", str(tmp_path / "other"))
    assert shlex.split(command_line("a_module", SCRIPT, "login")) == [str(script), "login"]


@pytest.mark.parametrize("module", ["platform", "platform.auth.settings"])
def test_without_a_script_the_interpreter_of_this_process_runs_the_package(environment: Path, module: str) -> None:
    line = command_line(module, SCRIPT)
    assert shlex.split(line) == [str(environment / "python3"), "-m", "platform"]
    assert run(line).strip()
