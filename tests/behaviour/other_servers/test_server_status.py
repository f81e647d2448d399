"""`status` of provider-openai-v2 says which model is used, and when the service ends it."""

from __future__ import annotations

from pathlib import Path

import pytest
from amplifier_module_provider_openai_v2 import __main__ as commands
from responses_emulator import Emulator, openai_surface

SHUTDOWN = '{"old": {"shutdown": "2026-10-23"}}'


def run_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, *words: str
) -> tuple[int, str]:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.chdir(folder)
    settings = [word for pair in words for word in ("--set", pair)]
    monkeypatch.setattr("sys.argv", ["status", "status", *settings])
    return commands.main(), capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "model"),
    [
        (["api_key=sk-x", "default_model=gpt-6-sol"], "gpt-6-sol"),
        # off since 2026-10-23 at OpenAI itself, which a server of another vendor may not care about
        (["api_key=sk-x", "default_model=gpt-4.1-nano"], "gpt-4.1-nano (ended on 2026-10-23)"),
        (["base_url=http://127.0.0.1:9/v1", "default_model=gpt-4.1-nano"], "gpt-4.1-nano"),
        (
            ["base_url=http://127.0.0.1:9/v1", "default_model=old", f"model_info={SHUTDOWN}"],
            "old (ended on 2026-10-23)",
        ),
        (["base_url=http://127.0.0.1:9/v1"], "the one that the server lists, if it lists only one"),
    ],
)
def test_status_names_the_model_without_asking_anybody(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    settings: list[str],
    model: str,
) -> None:
    code, output = run_status(monkeypatch, capsys, tmp_path, *settings)
    assert code == 0
    (line,) = [line for line in output.splitlines() if line.split()[0] == "model"]
    assert line.split(maxsplit=1)[1] == model


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("", " (most servers need /v1 at its end)"),
        ("/api", " (most servers need /v1 at its end)"),
        ("/v1/responses", " (most servers need it without /responses)"),
        ("/v1", ""),
        ("/openai/v1beta", ""),
    ],
)
def test_an_address_that_most_servers_do_not_have_gets_a_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, path: str, hint: str
) -> None:
    _, output = run_status(monkeypatch, capsys, tmp_path, f"base_url=http://127.0.0.1:9{path}")
    assert f"endpoint    http://127.0.0.1:9{path}{hint}\n" in output


def test_a_check_names_the_only_model_of_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with Emulator(surfaces=(openai_surface(any_model=True, model_list={"data": ["tiny"]}),)) as emulator:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        words = ["--set", f"base_url={emulator.base_url}", "--set", "api_key=sk-status-check", "--check"]
        monkeypatch.setattr("sys.argv", ["status", "status", *words])
        assert commands.main() == 0
    assert "tiny responds, served by tiny" in capsys.readouterr().out


def test_a_setting_that_is_not_valid_is_an_error_of_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_status(monkeypatch, capsys, tmp_path, "api_key=sk-x", "timeout=soon") == (1, "")


def test_a_failed_check_prints_its_error_once_and_every_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with Emulator() as emulator:
        settings = [f"base_url={emulator.base_url}", "api_key=sk-status-check", "default_model=gpt-9", "colour=red"]
        words = [word for pair in settings for word in ("--set", pair)]
        monkeypatch.setattr("sys.argv", ["status", "status", "--check", *words])
        assert commands.main() == 1
    output, errors = capsys.readouterr()
    assert output.startswith("The test call failed.\n")
    assert output.count("`gpt-9` does not exist") == 1
    assert "'gpt-9'" not in errors
    assert output.count("choose a model that the service lists") == 1
    assert errors.count("unknown setting 'colour'") == 1
