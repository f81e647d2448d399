"""The frame around every module's commands: arguments, answers, exit codes, and where settings come from."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common.auth.store.record import StoreError
from openai_responses_common.cli.commands import Command, Result, read_settings, run_command, sign_out_result

GLOBAL = ".amplifier/settings.yaml"
LOCAL = ".amplifier/settings.local.yaml"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home, and the folder of a project in it."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def rows(*providers: str) -> str:
    return "config:\n  providers:\n" + "".join(f"    - {each}\n" for each in providers)


def program(does: Callable[[argparse.Namespace], Result], *words: str) -> int:
    return run_command(
        [Command(name="status", help="show", run=does)],
        program="package",
        description="about",
        arguments=["status", *words],
    )


def settings(*words: str) -> dict[str, object]:
    """The settings that a command finds."""
    found: dict[str, object] = {}

    def does(arguments: argparse.Namespace) -> Result:
        found.update(read_settings(arguments, "provider-x"))
        return Result(summary="ok")

    assert program(does, *words) == 0
    return found


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_a_result_goes_to_standard_output(capsys: pytest.CaptureFixture[str], ok: bool, code: int) -> None:
    answer = Result(summary="Set up.", details={"where": "here", "who": "you"}, ok=ok)
    assert program(lambda _: answer) == code
    out, err = capsys.readouterr()
    assert out == "Set up.\n  where  here\n  who    you\n"
    assert err == ""


@pytest.mark.parametrize("error", [ConfigurationError("bad\n  thing"), StoreError("bad thing"), OSError("bad thing")])
def test_an_error_is_one_line_without_a_traceback(capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    def fails(_: argparse.Namespace) -> Result:
        raise error

    assert program(fails) == 1
    assert capsys.readouterr() == ("", "error: bad thing\n")


def test_ctrl_c_ends_a_command_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(_: argparse.Namespace) -> Result:
        raise KeyboardInterrupt

    assert program(stopped) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--unknown"]])
def test_wrong_arguments_end_with_two(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(
            [Command(name="status", help="show", run=lambda _: Result(summary=""))],
            program="p",
            description="",
            arguments=words,
        )
    assert ended.value.code == 2


def test_without_files_there_are_the_settings_of_the_command_line_alone() -> None:
    assert settings() == {}
    assert settings("--set", "a=1", "--set", "b=x=y", "--set", "c") == {"a": "1", "b": "x=y", "c": ""}


def test_nearer_files_win_and_the_command_line_over_all(home: Path) -> None:
    write(home / GLOBAL, rows("{module: provider-y, config: {a: 0}}", "{module: provider-x, config: {a: 1}}"))
    assert settings() == {"a": 1}
    write(home / "project" / GLOBAL, rows("{module: provider-x, config: {a: 2}}"))
    assert settings() == {"a": 2}
    write(home / "project" / LOCAL, rows("{module: provider-x, config: {a: 3, b: 4}}"))
    assert settings() == {"a": 3, "b": 4}
    write(home / "project" / LOCAL, rows("{module: provider-x, config: {b: {c: 5}}}"))
    write(home / GLOBAL, rows("{module: provider-x, config: {z: 1, b: {c: 4, d: 4}}}"))
    assert settings() == {"a": 2, "b": {"c": 5, "d": 4}, "z": 1}, "the host merges the files"
    write(home / "project" / LOCAL, rows("{module: provider-x, config: {a: 3, b: 4}}"))
    assert settings("--set", "a=5") == {"a": "5", "b": 4, "z": 1}


def show_settings(arguments: argparse.Namespace) -> Result:
    return Result(summary=str(read_settings(arguments, "provider-x")))


def test_an_instance_is_found_by_its_id(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = "{module: provider-x, config: {a: 1}}", "{module: provider-x, id: work, config: {a: 2}}"
    write(home / GLOBAL, rows(first, second))
    write(home / "project" / GLOBAL, rows("{module: provider-x, id: work, config: {b: 3}}"))
    assert settings("--instance", "provider-x") == {"a": 1}
    assert settings("--instance", "work") == {"a": 2, "b": 3}
    assert program(show_settings, "--instance", "other") == 1
    assert "there is provider-x and work" in capsys.readouterr().err
    assert program(show_settings) == 1, "it does not guess"
    assert "choose one with --instance provider-x or work" in capsys.readouterr().err


def test_keys_of_the_host_are_set_unless_the_shell_has_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".amplifier/keys.env", "# keys\nOF_THE_FILE='from file'\nexport OF_BOTH=\"from file\"\nno line\n")
    monkeypatch.setenv("OF_THE_FILE", "")
    monkeypatch.delenv("OF_THE_FILE")
    monkeypatch.setenv("OF_BOTH", "from shell")
    settings()
    assert (os.environ["OF_THE_FILE"], os.environ["OF_BOTH"]) == ("from file", "from shell")


@pytest.mark.parametrize("text", ["", "[]", "config: 1", "config: {providers: x}"])
def test_a_file_that_says_something_else_counts_as_none(home: Path, text: str) -> None:
    write(home / GLOBAL, text)
    assert settings() == {}


@pytest.mark.parametrize("name", [GLOBAL, f"project/{LOCAL}", ".amplifier/keys.env"])
@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe", None], ids=["not YAML", "not UTF-8", "not readable"])
def test_a_file_that_cannot_be_read_is_named(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None
) -> None:
    write(home / name, "")
    (home / name).write_bytes(content or b"")
    if content is None:
        read = Path.read_text

        def refuse(path: Path, *args: Any, **named: Any) -> str:
            if path.name == Path(name).name:
                raise PermissionError(13, "Permission denied")
            return read(path, *args, **named)

        monkeypatch.setattr(Path, "read_text", refuse)  # root may read everything
    if name.endswith(".env") and content == b"a: [":
        assert settings() == {}
        return
    assert program(show_settings) == 1
    assert Path(name).name in capsys.readouterr().err


def test_a_user_without_a_home_has_the_settings_of_the_project(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "project" / GLOBAL, rows("{module: provider-x, config: {a: 2}}"))

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert settings() == {"a": 2}


def test_a_console_that_cannot_show_a_character_gets_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", console)
    assert program(lambda _: Result(summary="5 €", details={"a": "ü"})) == 0
    console.seek(0)
    assert console.read() == "5 \\u20ac\n  a  \\xfc\n"


def test_the_result_of_a_sign_out_names_every_location() -> None:
    assert sign_out_result([]).summary == "There was no sign-in to delete."
    assert "deleted from the keyring and a file." in sign_out_result(["the keyring", "a file"]).summary
