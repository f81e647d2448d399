"""`python -m amplifier_module_provider_chatgpt_oauth`: what it says, what it ends with, and where it finds settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from amplifier_module_provider_chatgpt_oauth import __main__ as program
from responses_emulator import PlanLimits, PlanWindow, SignInService

from tests.support.chatgpt_machine import Machine


class Shell:
    """Runs the program in this process."""

    def __init__(self, machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.machine = machine
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("HOME", str(machine.home))
        monkeypatch.chdir(machine.home)

    def __call__(self, *words: str, **settings: Any) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        given = [f"--set={key}={value}" for key, value in self.machine.settings(**settings).items()]
        code = self.alone(*words, *given)
        out, err = self._capsys.readouterr()
        return code, out, err

    def alone(self, *words: str) -> int:
        """The exit code without any setting but those of the files."""
        self._monkeypatch.setattr(sys, "argv", ["program", *words])
        return program.main()


def read_rows(output: str) -> dict[str, str]:
    """Return the rows of a result by their names."""
    rows = [line.strip().split("  ", 1) for line in output.splitlines()[1:]]
    return {row[0]: row[-1].strip() for row in rows}


@pytest.fixture
def shell(machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(machine, capsys, monkeypatch)


def test_login_status_and_logout_work_in_turn(shell: Shell, service: SignInService) -> None:
    service.pending_polls = 1
    assert shell("status") == (1, f"Nobody is signed in. Run `{program.LOGIN_COMMAND}`.\n", "")
    code, out, err = shell("login", default_model="")
    assert (code, out) == (0, "Signed in. The account has 17 models; the default is gpt-6.1-sol.\n")
    assert service.user_codes[0] in err
    assert "Signed in as ada@example.com, plan plus" in err
    code, out, err = shell("status")
    assert (code, err) == (0, "")
    lines = read_rows(out)
    assert out.splitlines()[0] == "Signed in to ChatGPT. No call was made; --check makes a short one."
    assert lines["instance"] == "none: Amplifier's settings do not have this provider"
    assert lines["model"] == "gpt-5.6-sol"
    assert lines["account"] == "ada@example.com"
    assert lines["plan"] == "plus"
    assert lines["workspace"] == service.account.account_id
    assert lines["tokens"] == f"{shell.machine.file} (mode 0600)"
    assert "refreshed automatically" in lines["token expires"]
    assert lines["limit per 5 hours"].startswith("12 % used, resets in 2 h 30 min (")
    assert lines["limit per week"].startswith("34 % used, resets in 3 d ")
    code, out, err = shell("logout")
    assert (code, out) == (0, f"Signed out. The tokens were deleted from {shell.machine.file} (mode 0600).\n")
    assert shell("logout")[:2] == (0, "There was no sign-in to delete.\n")
    assert shell("status")[0] == 1


def test_status_of_an_instance_names_the_line_that_signs_it_in(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    files = shell.machine.home / ".amplifier"
    files.mkdir(exist_ok=True)
    rows = "".join(f"    - {{module: provider-chatgpt-oauth, id: {name}}}\n" for name in ("one", "two"))
    (files / "settings.yaml").write_text(f"config:\n  providers:\n{rows}", encoding="utf-8")
    code, out, _ = shell("status", "--instance", "two")
    assert (code, out) == (1, f"Nobody is signed in. Run `{program.LOGIN_COMMAND} --instance two`.\n")


def test_status_fails_if_a_setting_is_not_valid(shell: Shell, service: SignInService) -> None:
    shell.machine.keep(service.token_set())
    code, out, err = shell("status", timeout="soon")
    assert (code, out, "'timeout'" in err) == (1, "", True)


def test_limit_windows_are_named_by_their_length(shell: Shell, service: SignInService, limits: PlanLimits) -> None:
    shell.machine.keep(service.token_set())
    limits.primary = PlanWindow(used_percent=1, minutes=10_080, reset_after_s=60)
    limits.secondary = PlanWindow(used_percent=2, minutes=90, reset_after_s=60)
    limits.credits_balance = "12.50"
    limits.reached_limit = "primary"
    _, out, _ = shell("status")
    rows = read_rows(out)
    assert rows["limit per 1 h 30 min"].startswith("2 % used, resets in 1 min")
    assert rows["limit per week"].startswith("1 % used, resets in 1 min")
    assert (rows["credits"], rows["limit reached"]) == ("12.50", "primary")


@pytest.mark.parametrize(
    ("path", "told"), [("/elsewhere/codex", "cannot be fetched: HTTP 404"), ("", "cannot be fetched: ")]
)
def test_status_without_the_service(shell: Shell, service: SignInService, path: str, told: str) -> None:
    shell.machine.keep(service.token_set())
    origin = shell.machine.emulator.base_url.partition("/backend-api")[0] if path else "http://127.0.0.1:9"
    code, out, _ = shell("status", base_url=f"{origin}{path}")
    assert code == 0
    assert read_rows(out)["limits"].startswith(told)
    assert "CANARY" not in out


@pytest.mark.parametrize("body", ["<html>Proxy authentication required</html>", "", None, [], {}])
def test_a_401_of_a_proxy_does_not_refuse_the_token(body: object) -> None:
    assert not program._refuses_token(program.JsonReply(status=401, body=body, headers={}))


def test_status_offline_asks_nobody(shell: Shell, service: SignInService) -> None:
    shell.machine.keep(service.token_set())
    code, out, _ = shell("status", "--offline")
    assert code == 0
    assert "limit" not in out
    assert not shell.machine.emulator.requests


def test_status_refreshes_no_token_and_writes_nothing(shell: Shell, service: SignInService) -> None:
    shell.machine.keep(service.token_set(lifetime_s=60))
    kept, requests = shell.machine.file.read_bytes(), len(shell.machine.emulator.requests)
    code, out, _ = shell("status")
    assert code == 0
    assert read_rows(out)["limits"].startswith("not fetched, because the next call refreshes the token first")
    assert shell.machine.file.read_bytes() == kept
    assert len(shell.machine.emulator.requests) == requests


def test_a_check_refreshes_a_token_and_makes_a_call(shell: Shell, service: SignInService) -> None:
    old = shell.machine.keep(service.token_set(lifetime_s=-10))
    code, out, _ = shell("status", "--check")
    assert (code, out.splitlines()[0]) == (0, "The service responds.")
    assert "limit per 5 hours" in out
    assert "responds, served by" in read_rows(out)["test call"]
    assert shell.machine.kept["access_token"] != old.access_token


def test_status_of_a_sign_in_that_has_ended(shell: Shell, service: SignInService) -> None:
    tokens = shell.machine.keep(service.token_set(lifetime_s=-10))
    service.end_sign_in(tokens)
    code, out, _ = shell("status", "--check")
    assert (code, out.splitlines()[0]) == (1, "The test call failed.")
    assert "refresh_token_invalidated" in out
    code, out, _ = shell("status")
    assert (code, out.splitlines()[0]) == (1, f"The sign-in has expired. Run `{program.LOGIN_COMMAND}`.")
    assert "refreshed automatically" not in out


def test_status_of_a_token_that_the_service_refuses(shell: Shell, service: SignInService) -> None:
    old = shell.machine.keep(service.token_set())
    service.reject_access_token(old.access_token)
    code, out, _ = shell("status")
    summary = "ChatGPT does not accept the saved token. Try to refresh it with --check."
    assert (code, out.splitlines()[0]) == (1, summary)
    assert read_rows(out)["reason"]
    assert shell.machine.kept["access_token"] == old.access_token
    code, out, _ = shell("status", "--check")
    assert (code, out.splitlines()[0]) == (0, "The service responds.")
    assert shell.machine.kept["access_token"] != old.access_token


def test_a_login_that_fails_exits_with_1(shell: Shell, service: SignInService) -> None:
    service.disable()
    code, out, err = shell("login")
    assert (code, out) == (1, "Not signed in.\n")
    assert "device code login" in err


def test_a_login_whose_tokens_do_not_work(shell: Shell, service: SignInService) -> None:
    service.pending_polls = 0
    shell.machine.emulator.script()
    issue = service.token_set

    def issue_and_reject(*args: Any, **more: Any) -> Any:
        tokens = issue(*args, **more)
        service.reject_access_token(tokens.access_token)
        service.end_sign_in(tokens)
        return tokens

    service.token_set = issue_and_reject  # type: ignore[method-assign]
    code, out, err = shell("login")
    assert (code, out) == (0, "Signed in.\n")
    assert "did not list its models" in err


def test_settings_come_from_the_files_of_the_host(shell: Shell, service: SignInService, machine: Machine) -> None:
    service.pending_polls = 0
    folder = machine.home / ".amplifier"
    folder.mkdir(mode=0o700)
    rows = "".join(f"        {key}: {value}\n" for key, value in machine.settings(account="work").items())
    text = f"config:\n  providers:\n    - module: provider-chatgpt-oauth\n      id: mine\n      config:\n{rows}"
    (folder / "settings.yaml").write_text(text)
    tokens = machine.home / "tokens.work.json"
    assert shell.alone("login", "--instance", "mine") == 0
    assert tokens.exists()
    environment = {"HOME": str(machine.home), "PATH": "/usr/bin:/bin"}
    words = [sys.executable, "-m", program.PACKAGE, "status", "--instance", "mine"]
    done = subprocess.run(words, cwd=machine.home, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert shell.alone("logout", "--instance", "mine") == 0
    assert not tokens.exists()
    assert shell.alone("status", "--instance", "mine") == 1


@pytest.mark.parametrize("words", [(), ("dance",)])
def test_wrong_arguments_exit_with_2(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["program", *words])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2


def test_errors_are_one_line(shell: Shell, tmp_path: Path) -> None:
    code, out, err = shell("status", token_store="drawer")
    assert (code, out) == (1, "")
    assert err.startswith("error: setting 'token_store' takes")
    assert err.count("\n") == 1
