"""The command line for both ways to sign in: which one is taken, what status shows, export and import, exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError
from amplifier_module_provider_chatgpt_oauth import __main__ as program
from amplifier_module_provider_chatgpt_oauth.auth_mode import EXPLANATIONS
from openai_responses_common.auth import device_code as flow
from openai_responses_common.auth.terminal import TEXT_WIDTH
from responses_emulator import Emulator, PlanSignIn, SignInService, chatgpt_plan_surfaces, chatgpt_surfaces

from tests.support.backends import ROOT
from tests.support.chatgpt_machine import Machine
from tests.support.chatgpt_plan_machine import PlanMachine
from tests.support.session import asking

BROWSER = """
import sys
sys.path.insert(0, {root!r})
from responses_emulator import open_callback, press_button
open_callback(press_button(sys.argv[1]))
"""


class Shell:
    """A machine with both services, whose user types commands."""

    def __init__(
        self,
        plan: PlanMachine,
        code: Machine,
        browser: str,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        self.plan, self.code = plan, code
        self._browser = browser
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        monkeypatch.setenv("HOME", str(plan.home))
        monkeypatch.chdir(plan.home)
        monkeypatch.setattr(flow, "_MIN_POLL_INTERVAL_S", 0.01)

    def words(self, *words: str, **settings: Any) -> list[str]:
        emulator = self.plan.emulator
        addresses = {
            "base_url": emulator.base_url_of("chatgpt"),
            "plan_base_url": emulator.base_url_of("chatgpt-plan"),
        }
        both = {**self.code.settings(), **self.plan.settings(), **addresses, "auth_mode": "auto", **settings}
        return [*words, *(f"--set={key}={value}" for key, value in both.items())]

    def __call__(self, *words: str, **settings: Any) -> tuple[int, str, str]:
        """Exit code, standard output, standard error, with a browser on the machine."""
        return self.run({"BROWSER": self._browser}, *words, **settings)

    def run(self, variables: dict[str, str], *words: str, **settings: Any) -> tuple[int, str, str]:
        """The same with these variables, and no browser but theirs."""
        for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
            self._monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)
        # The library looks for browsers once in a process.
        self._monkeypatch.setattr(webbrowser, "_tryorder", None)
        self._monkeypatch.setattr(webbrowser, "_browsers", {})
        self._monkeypatch.setattr(sys, "argv", ["program", *self.words(*words, **settings)])
        code = program.main()
        output, errors = self._capfd.readouterr()
        return code, output, errors

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Run a command in a process, on a machine without a browser."""
        return subprocess.Popen(
            [sys.executable, "-c", RUN, *self.words(*words)],
            env={"HOME": str(self.plan.home), "PATH": os.defpath},
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


# A shell's background jobs ignore the signal, and tests may be one.
RUN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from amplifier_module_provider_chatgpt_oauth.__main__ import main
sys.exit(main())
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    service, code = PlanSignIn(), SignInService(interval="0.02", pending_polls=1)
    surfaces = (*chatgpt_plan_surfaces(service), *chatgpt_surfaces(code))
    script = tmp_path / "browser.py"
    script.write_text(BROWSER.format(root=str(ROOT)), encoding="utf-8")
    home = tmp_path / "home"
    with Emulator(surfaces=surfaces) as running:
        plan, machine = PlanMachine(home, running, service), Machine(home, running, code)
        yield Shell(plan, machine, f"{sys.executable} {script} %s", monkeypatch, capfd)


def rows_of(output: str) -> dict[str, str]:
    rows = [line.strip().split("  ", 1) for line in output.splitlines()[1:]]
    return {row[0]: row[-1].strip() for row in rows}


def test_both_ways_in_turn(shell: Shell) -> None:
    code, out, err = shell("login")
    assert (code, out.startswith("Signed in.")) == (0, True), err
    assert EXPLANATIONS["plan"] in err
    code, out, err = shell("login", "--device-code")
    assert (code, "/codex/device" in err) == (0, True), err
    assert EXPLANATIONS["device_code"] not in err, "the user has chosen"
    code, out, _ = shell("status", "--offline")
    rows = rows_of(out)
    assert (code, rows["sign-in"], rows["account"]) == (0, "device_code", "ada@example.com")
    assert rows["other sign-in"] == "plan, ada@example.com (not used)"
    code, out, _ = shell("status", auth_mode="plan")
    rows = rows_of(out)
    assert (code, rows["sign-in"]) == (0, "plan")
    assert rows["other sign-in"] == "device_code, ada@example.com (not used)"
    assert "https://chatgpt.com/settings/usage" in rows["limits"]
    code, out, _ = shell("logout", "--device-code")
    assert (code, shell.code.file.exists(), shell.plan.file.exists()) == (0, False, True)
    assert rows_of(shell("status", "--offline")[1])["sign-in"] == "plan"
    assert shell("login", "--device-code")[0] == 0
    code, out, _ = shell("logout")
    assert (code, str(shell.code.file) in out, str(shell.plan.file) in out) == (0, True, True)
    assert shell("status")[:2] == (1, f"Nobody is signed in. Run `{program.LOGIN_COMMAND}`.\n")


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, ""),
        ({"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22", "DISPLAY": ":0"}, ""),
        ({"BROWSER": "/absent/browser %s"}, ""),
        ({"BROWSER": "w3m"}, ""),
        ({"BROWSER": "false %s"}, "The browser could not be opened, so you sign in with a code."),
    ],
)
def test_where_no_browser_opens_a_code_signs_in(shell: Shell, variables: dict[str, str], reason: str) -> None:
    code, _, err = shell.run(variables, "login")
    assert (code, "/codex/device" in err, reason in err) == (0, True, True), err
    assert EXPLANATIONS["device_code"] in err
    assert shell.code.file.exists()
    assert rows_of(shell.run(variables, "status", "--offline")[1])["sign-in"] == "device_code"


def test_a_code_that_nobody_asked_for_is_explained_each_time(shell: Shell) -> None:
    (shell.code.home / "tokens.json.choice").touch()
    for _ in range(2):
        code, _, err = shell.run({}, "login")
        assert (code, EXPLANATIONS["device_code"] in err) == (0, True), err
    assert shell.run({}, "logout")[0] == 0
    code, _, err = shell.run({}, "login")
    assert (code, EXPLANATIONS["device_code"] in err) == (0, True), err


def test_a_chosen_way_is_taken_without_a_browser(shell: Shell) -> None:
    process = shell.start("login", "--plan")
    assert process.stderr is not None
    lines = [process.stderr.readline()]
    while "/api/accounts/authorize" not in lines[-1]:
        lines.append(process.stderr.readline())
    shell.plan.approve(lines[-1].strip())
    output, errors = process.communicate(timeout=300)
    assert (process.returncode, output.startswith("Signed in.")) == (0, True), errors
    assert "To sign in, open this page:\n" in lines
    assert "paste" not in "".join(lines), "nobody can type here"
    assert max(len(line) for line in lines if "http" not in line) <= TEXT_WIDTH + 1


def test_ctrl_c_stops_a_sign_in_in_a_browser(shell: Shell) -> None:
    process = shell.start("login", "--plan")
    assert process.stderr is not None
    while "/api/accounts/authorize" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors.rstrip().endswith("stopped")
    assert "Traceback" not in errors


@pytest.mark.parametrize("way", ["--plan", "--device-code"])
def test_a_sign_in_moves_to_another_machine(shell: Shell, tmp_path: Path, way: str) -> None:
    file = tmp_path / "sign-in.json"
    assert shell("export", str(file))[:2] == (1, "Nobody is signed in.\n")
    mode, other_way = ("plan", "--device-code") if way == "--plan" else ("device_code", "--plan")
    assert shell("login", way)[0] == 0
    other_mode = other_way.removeprefix("--").replace("-", "_")
    code, out, _ = shell("export", other_way, str(file))
    hint = f"There is a sign-in with {mode} (ada@example.com): use `{way}`."
    assert (code, out) == (1, f"Nobody is signed in with {other_mode}. {hint}\n")
    code, out, err = shell("export", str(file))
    assert f"The sign-in of ada@example.com with {mode} is in {file}, " in out
    assert (code, file.stat().st_mode & 0o777) == (0, 0o600), err
    service: Any = shell.plan.service if way == "--plan" else shell.code.service
    assert [secret for secret in service.secrets if secret in out + err] == []
    assert shell("status", "--offline")[0] == 1, "it is not here any more"
    other = {"token_file_path": str(tmp_path / "other" / "tokens.json")}
    code, out, err = shell("import", str(file), **other)
    assert (code, out) == (0, f"The sign-in of ada@example.com with {mode} is saved, and {file} is deleted.\n"), err
    assert [secret for secret in service.secrets if secret in out + err] == []
    assert not file.exists()
    code, out, _ = shell("status", "--check", **other)
    assert (code, out.splitlines()[0]) == (0, "The service responds."), out
    assert rows_of(out)["sign-in"] == mode


def test_export_replaces_no_file_and_import_takes_no_other(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("mine", encoding="utf-8")
    file.chmod(0o600)
    assert shell("login")[0] == 0
    code, out, _ = shell("export", str(file))
    assert (code, out) == (1, f"{file} exists: choose another name, or delete it.\n")
    assert file.read_text(encoding="utf-8") == "mine"
    code, _, err = shell("import", str(file))
    assert (code, err) == (1, f"error: {file} does not hold a sign-in: write it with the command `export`\n")
    assert file.exists()


def test_export_to_a_folder_is_refused_before_a_question(shell: Shell, tmp_path: Path) -> None:
    assert shell("login")[0] == 0
    code, out, err = shell("export", str(tmp_path))
    assert (code, out, err) == (1, f"{tmp_path} is a folder: add the name of a file.\n", "")
    assert shell("status", "--offline")[0] == 0, "the sign-in is still here"


def test_a_session_that_began_before_the_other_way_says_so(shell: Shell) -> None:
    provider = shell.plan.provider(auth_mode="plan")
    assert shell("login", "--device-code")[0] == 0

    async def call() -> None:
        with pytest.raises(AuthenticationError, match=re.escape("with 'plan', but with 'device_code'")):
            await provider.complete(asking("hello"))
        await provider.close()

    asyncio.run(call())
    assert json.loads((shell.plan.home / "tokens.json.mode").read_text(encoding="utf-8")) == {
        "auth_mode": "device_code"
    }
