"""The frame around every module's commands: arguments, results, errors and exit codes."""

from __future__ import annotations

import argparse
import io
import logging
import sys
from collections.abc import Callable

import pytest
from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common.auth.store.record import StoreError
from openai_responses_common.cli.commands import Command, Result, run_command, sign_out_result


def program(does: Callable[[argparse.Namespace], Result], *words: str) -> int:
    return run_command(
        [Command(name="status", help="show", run=does)],
        program="package",
        description="about",
        arguments=["status", *words],
    )


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_a_result_goes_to_standard_output(capsys: pytest.CaptureFixture[str], ok: bool, code: int) -> None:
    answer = Result(summary="Set up.", details={"where": "here", "who": "you\nand me"}, ok=ok)
    assert program(lambda _: answer) == code
    out, err = capsys.readouterr()
    assert out == "Set up.\n  where  here\n  who    you\n         and me\n"
    assert err == ""


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigurationError("bad\nthing "), "error: bad thing\n"),
        (StoreError("bad thing"), "error: bad thing\n"),
        (OSError("bad thing"), "error: bad thing\n"),
        (ConfigurationError("bad things\n  one:\nfirst\n  two"), "error: bad things\n  one: first\n  two\n"),
    ],
)
def test_an_error_is_one_line_or_a_list(capsys: pytest.CaptureFixture[str], error: Exception, text: str) -> None:
    def fails(_: argparse.Namespace) -> Result:
        raise error

    assert program(fails) == 1
    assert capsys.readouterr() == ("", text)


def test_the_log_is_shown_with_its_level(capsys: pytest.CaptureFixture[str]) -> None:
    def logs(_: argparse.Namespace) -> Result:
        logger = logging.getLogger("openai_responses_common.somewhere")
        logger.warning("an unknown setting")
        logger.error("tokens are lost")
        return Result(summary="ok")

    assert program(logs) == 0
    assert capsys.readouterr() == ("ok\n", "warning: an unknown setting\nerror: tokens are lost\n")


def test_nothing_that_is_printed_controls_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """An id in a settings file may hold anything, and so may a page of a server."""
    odd = "wo\x1b[2Jrk\x9b1A\u202e\rx"

    def shows(_: argparse.Namespace) -> Result:
        logging.getLogger("openai_responses_common.somewhere").warning("%s", odd)
        return Result(summary=odd, details={odd: f"{odd}\n你好 👩\u200d💻"})

    def fails(_: argparse.Namespace) -> Result:
        raise ValueError(odd)

    assert program(shows) == 0
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()] == [["work", "x"], ["work", "x"] * 2, ["你好", "👩\u200d💻"]]
    assert err == "warning: work x\n"
    assert program(fails) == 1
    assert capsys.readouterr().err == "error: work x\n"


def test_ctrl_c_ends_a_command_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(_: argparse.Namespace) -> Result:
        raise KeyboardInterrupt

    assert program(stopped) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--unknown"], ["status", "--set", "timeout"], ["status", "--set", "=5"]])
def test_wrong_arguments_end_with_two(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(
            [Command(name="status", help="show", run=lambda _: Result(summary=""))],
            program="p",
            description="",
            arguments=words,
        )
    assert ended.value.code == 2


def test_a_program_without_a_command_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [
        Command(name=name, help=f"does {name}", run=lambda _: Result(summary="")) for name in ("status", "login")
    ]
    with pytest.raises(SystemExit) as ended:
        run_command(commands, program="p", description="What p is for.", arguments=[])
    assert ended.value.code == 2
    text = capsys.readouterr().err
    assert "does status" in text
    assert "does login" in text


def test_a_setting_without_a_value_is_an_error_that_shows_the_form(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program(lambda _: Result(summary=""), "--set", "sk-secret")
    errors = capsys.readouterr().err
    assert "write --set KEY=VALUE" in errors
    assert "sk-secret" not in errors


def test_a_console_that_cannot_show_a_character_gets_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", console)
    assert program(lambda _: Result(summary="5 €", details={"a": "ü"})) == 0
    console.seek(0)
    assert console.read() == "5 \\u20ac\n  a  \\xfc\n"


def test_the_result_of_a_sign_out_names_every_location() -> None:
    assert sign_out_result([]).summary == "There was no sign-in to delete."
    assert "deleted from the keyring and a file." in sign_out_result(["the keyring", "a file"]).summary
