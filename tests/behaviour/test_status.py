"""`status` says what a call would refuse, where each setting comes from, and what was asked; it changes nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from openai_responses_common.cli.commands import run_command
from responses_emulator import Emulator, HttpReply

from tests.support.backends import BackendUnderTest

pytestmark = pytest.mark.one_transport("the status asks over HTTP")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, in which the current folder is a project."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


@pytest.fixture
def status(backend: BackendUnderTest, folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command `status`; return its exit code, its result and what it says beside it."""

    def run(*words: str, **settings: Any) -> tuple[int, str, str]:
        commands = importlib.import_module(f"{backend.package}.__main__").COMMANDS
        overrides = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        arguments = ["status", *words, *overrides]
        code = run_command(commands, program="program", description="d", arguments=arguments)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def write(folder: Path, *rows: dict[str, Any]) -> None:
    (folder / ".amplifier").mkdir(exist_ok=True)
    (folder / ".amplifier" / "settings.yaml").write_text(yaml.safe_dump({"config": {"providers": list(rows)}}))


def list_files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("timeout", "abc", "takes a number"),
        ("reasoning_effort", "huge", "takes one of none, minimal, low"),
        ("reasoning", "huge", "takes one of none, minimal, low"),
        ("verbosity", "loud", "takes one of low, medium, high"),
        ("max_retries", "1.5", "takes a whole number"),
        ("model_info", "{", "takes an object"),
    ],
)
def test_a_setting_that_every_call_refuses_is_an_error_with_its_origin(
    backend: BackendUnderTest, emulator: Emulator, folder: Path, status: Run, key: str, value: str, told: str
) -> None:
    write(folder, {"module": backend.module, "config": backend.settings(emulator)})
    write(folder / "project", {"module": backend.module, "config": {key: value}})
    code, output, errors = status()
    assert (code, output) == (1, "")
    assert errors.startswith(f"error: setting '{key}")
    assert told in errors
    assert (" (from .amplifier/settings.yaml)" in errors) is (key != "reasoning")
    assert errors.count("\n") == 1
    assert status("--check")[2] == errors, "a call is not made"
    assert not emulator.model_requests


def test_several_settings_that_are_not_valid_are_a_list(
    backend: BackendUnderTest, emulator: Emulator, status: Run
) -> None:
    code, output, errors = status(**backend.settings(emulator, timeout="abc", verbosity="loud"))
    assert (code, output) == (1, "")
    assert [line.split(" takes ")[0] for line in errors.splitlines()] == [
        "error: some settings are not valid",
        "  setting 'timeout'",
        "  setting 'verbosity'",
    ]


def test_an_unknown_setting_is_a_warning(backend: BackendUnderTest, emulator: Emulator, status: Run) -> None:
    code, output, errors = status(**backend.settings(emulator, time_out="3"))
    assert code == 0
    assert "did you mean 'timeout'?" in errors
    assert errors.startswith("warning: ")
    assert "time_out" in output


def test_a_setting_whose_name_is_no_text_is_unknown(
    backend: BackendUnderTest, emulator: Emulator, folder: Path, status: Run
) -> None:
    """As YAML reads `on:` and `5:`."""
    write(folder, {"module": backend.module, "config": {**backend.settings(emulator), True: 1, 5: 2}})
    code, output, errors = status()
    assert code == 0
    assert [line.rpartition(": ")[2] for line in errors.splitlines()] == [
        "unknown setting 'True' is ignored",
        "unknown setting '5' is ignored",
    ]
    assert {"True", "5"} <= {line.split()[0] for line in output.replace("settings", "").splitlines()}


@pytest.mark.parametrize("tier", ["Their-Own", "on_demand", "off"])
def test_a_tier_of_another_server_is_accepted(
    backend: BackendUnderTest, emulator: Emulator, status: Run, tier: str
) -> None:
    """A service that leaves tiers out says so at the call."""
    code, _, errors = status(**backend.settings(emulator, service_tier=tier))
    assert code == 0
    is_told = tier == "Their-Own" and backend.package != "amplifier_module_provider_chatgpt_oauth"
    assert errors.count("unknown tier, which is sent as it is, 'Their-Own'") == is_told
    assert errors.count("\n") == is_told


def test_the_instance_that_a_session_calls_is_shown_with_the_origin_of_each_setting(
    backend: BackendUnderTest, emulator: Emulator, folder: Path, status: Run
) -> None:
    settings = backend.settings(emulator)
    write(
        folder,
        {"module": backend.module, "config": {**settings, "default_model": "gpt-5.6-luna"}},
        {"module": backend.module, "id": "work", "config": {**settings, "priority": 2}},
    )
    write(folder / "project", {"id": "work", "config": {"verbosity": "low"}})
    code, output, errors = status("--set", "timeout=60")
    assert (code, errors) == (0, "")
    lines = [line.split() for line in output.splitlines()]
    assert ["instance", "work", *f"(use --instance {backend.module} for another one)".split()] in lines
    assert ["priority", "~/.amplifier/settings.yaml"] in lines
    assert ["verbosity", ".amplifier/settings.yaml"] in lines
    assert ["timeout", "--set"] in lines
    assert any("gpt-5.6-sol" in line for line in lines), "the model or deployment"
    assert "gpt-5.6-luna" in status("--instance", backend.module)[1]


@pytest.mark.parametrize(("value", "shown"), [(None, "auto (over HTTP)"), ("http", "http"), ("websocket", "websocket")])
def test_the_way_of_requests_is_shown_with_its_origin(
    backend: BackendUnderTest, emulator: Emulator, folder: Path, status: Run, value: str | None, shown: str
) -> None:
    settings = backend.settings(emulator, **({"transport": value} if value else {}))
    write(folder, {"module": backend.module, "config": settings})
    lines = [line.split(maxsplit=1) for line in status()[1].splitlines()]
    assert ["transport", shown] in lines
    assert (["transport", "~/.amplifier/settings.yaml"] in lines) is (value is not None)


def test_status_makes_no_call_signs_nobody_in_and_writes_nothing(
    backend: BackendUnderTest, emulator: Emulator, folder: Path, status: Run
) -> None:
    write(folder, {"module": backend.module, "config": backend.settings(emulator)})
    before = list_files(folder)
    code, output, errors = status()
    assert (code, errors) == (0, "")
    assert output.splitlines()[0].endswith("No call was made; --check makes a short one.")
    assert list_files(folder) == before
    assert not emulator.model_requests


def test_a_check_says_that_the_service_responds(backend: BackendUnderTest, emulator: Emulator, status: Run) -> None:
    code, output, errors = status("--check", **backend.settings(emulator))
    assert (code, errors) == (0, "")
    assert output.startswith("The service responds.\n")
    assert f"{backend.model} responds, served by" in output
    assert len(emulator.model_requests) == 1


def test_a_check_that_fails_shows_its_reason_once(backend: BackendUnderTest, emulator: Emulator, status: Run) -> None:
    body = {"error": {"message": "This is odd.", "code": "odd"}}
    emulator.script(HttpReply(400, body))
    code, output, errors = status("--check", **backend.settings(emulator))
    assert (code, errors) == (1, "")
    assert output.startswith("The test call failed.\n")
    assert output.count("This is odd") == 1


def test_status_without_settings_says_what_to_do(status: Run) -> None:
    code, output, errors = status()
    assert code == 1
    assert (output + errors).count("\n") == 1


@pytest.mark.parametrize("text", ["[]", "a text", "config: [", "config: {providers: x}"])
def test_a_settings_file_that_amplifier_ignores_is_named(folder: Path, status: Run, text: str) -> None:
    write(folder)
    (folder / ".amplifier" / "settings.yaml").write_text(text)
    code, output, errors = status()
    assert (code, output) == (1, "")
    assert f"{folder}/.amplifier/settings.yaml" in errors
    assert "because Amplifier ignores the whole file" in errors
    assert errors.count("\n") == 1
