"""`python -m PACKAGE …`: what the modules' commands say and leave behind, most of them in a process of their own."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from openai_responses_common.cli.commands import run_command

from tests.project.test_routing_matrices import ROLES
from tests.support.backends import BACKENDS, BackendUnderTest


def command(backend: BackendUnderTest, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(each for each in sys.path if each)
    return subprocess.run(
        [sys.executable, "-m", backend.package, *words],
        env={**os.environ, "PYTHONPATH": path, "HOME": str(home), "USERPROFILE": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_command_prints_the_matrix_and_puts_it_where_the_host_looks(
    backend: BackendUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    commands = importlib.import_module(f"{backend.package}.__main__").COMMANDS

    def install(*words: str) -> tuple[int, str, str]:
        arguments = ["routing", "--install", *words]
        code = run_command(commands, program=backend.package, description="d", arguments=arguments)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    text = (backend.package_path / "routing.yaml").read_text(encoding="utf-8")
    assert command(backend, tmp_path, "routing").stdout == text
    assert list(tmp_path.iterdir()) == []

    place = tmp_path / ".amplifier" / "routing" / f"{backend.name}.yaml"
    for said in ("Written to", "is already up to date"):
        code, out, err = install()
        assert (code, err) == (0, "")
        assert said in out
        assert f"amplifier routing use {backend.name}" in out
        assert place.read_text(encoding="utf-8") == text
    place.write_text("mine", encoding="utf-8")
    code, out, _ = install()
    assert code == 1
    assert "--force" in out
    assert place.read_text(encoding="utf-8") == "mine"
    assert install("--force")[0] == 0
    assert place.read_text(encoding="utf-8") == text
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_deployments_with_names_of_their_own_get_a_matrix_of_their_own(tmp_path: Path) -> None:
    backend = next(each for each in BACKENDS if each.name == "azure-openai-v2")
    deployments = '{"work": "gpt-6-sol", "old": "gpt-5.6-sol", "cheap": "gpt-6-luna"}'
    done = command(backend, tmp_path, "routing", "--set", f"deployments={deployments}")
    assert done.returncode == 0, done.stderr
    roles = yaml.safe_load(done.stdout)["roles"]
    assert set(roles) == ROLES
    models = {role: [each["model"] for each in entry["candidates"]] for role, entry in roles.items()}
    assert models["coding"] == ["work", "old"]
    assert models["fast"] == ["cheap"]
    replace_models_with_deployments = importlib.import_module(
        f"{backend.package}.deployment_matrix"
    ).replace_models_with_deployments
    text = (backend.package_path / "routing.yaml").read_text(encoding="utf-8")
    one = yaml.safe_load(replace_models_with_deployments(text, {"only": "gpt-4.1"}))["roles"]
    assert {each["model"] for entry in one.values() for each in entry["candidates"]} == {"only"}
    assert all(len(entry["candidates"]) == 1 for entry in one.values())


def test_the_command_says_who_calls_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = next(each for each in BACKENDS if each.name == "openai-v2")
    missing = command(backend, tmp_path, "status")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "OPENAI_API_KEY" in missing.stderr
    with backend.emulator() as emulator:
        for name, value in backend.environment(emulator.base_url, backend.secret).items():
            monkeypatch.setenv(name, value)
        status = command(backend, tmp_path, "status")
        assert status.returncode == 0, status.stderr
        assert emulator.base_url in status.stdout
        assert "the key in the variable OPENAI_API_KEY" in status.stdout
        assert not emulator.requests
        asked = command(
            backend,
            tmp_path,
            "status",
            "--check",
            "--set",
            "default_model=gpt-5.6-luna",
            "--set",
            "api_key=${OPENAI_API_KEY}",
        )
        assert asked.returncode == 0, asked.stderr
        assert "gpt-5.6-luna responds" in asked.stdout
        assert "the key in the variable OPENAI_API_KEY" in asked.stdout
        assert len(emulator.model_requests) == 1
        assert backend.secret not in status.stdout + asked.stdout + asked.stderr
