"""The commands `status`, `login` and `logout`, with Amplifier's files and without a terminal."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from amplifier_module_provider_azure_openai_v2.__main__ import COMMANDS
from amplifier_module_provider_azure_openai_v2.settings import LOGIN_HINT
from openai_responses_common.auth import device_code as flow
from openai_responses_common.cli.commands import run_command
from responses_emulator import HttpReply, entra_error

from tests.support.azure_cloud import CANARY, HOST, KEY, Cloud
from tests.support.backends import ROOT

PACKAGE = "amplifier_module_provider_azure_openai_v2"
MODULE = "provider-azure-openai-v2"
BROWSER = """
import os, sys
sys.path.insert(0, {root!r})
from responses_emulator import open_in_browser
open_in_browser(sys.argv[1])
"""


# A process that a shell started in the background ignores Ctrl-C, and so do its children.
RUN = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@dataclass(slots=True)
class Shell:
    """A user's home, the settings in it, and the commands that are run there."""

    cloud: Cloud
    home: Path
    project: Path
    capsys: pytest.CaptureFixture[str]
    set: dict[str, str] = field(default_factory=dict)

    def words(self, command: str, *more: str, **settings: Any) -> list[str]:
        chosen = {**self.set, **settings}
        return [command, *more, *(word for key, value in chosen.items() for word in ("--set", f"{key}={value}"))]

    def __call__(self, command: str, *more: str, **settings: Any) -> tuple[int, str, str]:
        """Run a command here: its exit code, what it answers, and what it says on the way."""
        words = self.words(command, *more, **settings)
        code = run_command(COMMANDS, program=PACKAGE, description="d", arguments=words)
        shown = self.capsys.readouterr()
        return code, shown.out, shown.err

    def start(self, command: str, *more: str, **settings: Any) -> subprocess.Popen[str]:
        """Run it as a program of its own."""
        arguments = [sys.executable, "-c", RUN, PACKAGE, *self.words(command, *more, **settings)]
        pipes: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(arguments, cwd=self.project, stdin=subprocess.DEVNULL, text=True, **pipes)

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str, str]:
        output, errors = process.communicate(timeout=300)
        return process.returncode, output, errors

    def write(self, where: Path, *rows: dict[str, Any]) -> None:
        (where / ".amplifier").mkdir(exist_ok=True)
        document = {"config": {"providers": [{"module": MODULE, **row} for row in rows]}}
        (where / ".amplifier" / "settings.yaml").write_text(yaml.safe_dump(document))


@pytest.fixture
def shell(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return Shell(cloud, tmp_path, tmp_path / "project", capsys)


def rows(output: str) -> dict[str, str]:
    """The rows of an answer by their names."""
    return dict(line.strip().split("  ", 1) for line in output.splitlines()[1:])


# Status.


def test_status_without_settings_says_what_to_set(shell: Shell) -> None:
    code, output, errors = shell("status")
    assert (code, output) == (1, "")
    for told in ("error: Azure OpenAI is not set up", "azure_endpoint", "AZURE_OPENAI_ENDPOINT", "az login"):
        assert told in errors


def test_status_reads_the_files_of_the_host(shell: Shell) -> None:
    shell.write(shell.home, {"config": {"azure_endpoint": shell.cloud.url(), "default_model": "gpt-5.6-luna"}})
    (shell.home / ".amplifier" / "keys.env").write_text(f'export AZURE_OPENAI_API_KEY="{KEY}"\n')
    code, output, errors = shell("status")
    assert (code, errors) == (0, "")
    found = {name: text.strip() for name, text in rows(output).items()}
    host = f"{HOST}:{shell.cloud.server.port}"
    assert found["endpoint"] == host
    assert found["route"] == f"https://{host}/openai/v1/responses"
    assert found["credential"] == f"the key in the variable AZURE_OPENAI_API_KEY, to {host}"
    assert found["deployment"] == "gpt-5.6-luna"
    assert KEY not in output
    assert shell.cloud.server.requests == []
    del os.environ["AZURE_OPENAI_API_KEY"]


def test_project_files_win_over_user_files_and_arguments_over_both(shell: Shell) -> None:
    shell.write(shell.home, {"config": {"azure_endpoint": "https://home.openai.azure.com", "api_key": KEY}})
    shell.write(shell.project, {"config": {"azure_endpoint": "https://project.openai.azure.com", "api_key": KEY}})
    assert "project.openai.azure.com" in shell("status")[1]
    code, output, _ = shell("status", azure_endpoint="https://word.openai.azure.com", api_version="preview")
    assert code == 0
    assert "https://word.openai.azure.com/openai/v1/responses?api-version=preview" in output


def test_an_instance_is_chosen_by_its_id(shell: Shell) -> None:
    shell.write(
        shell.home,
        {"id": "one", "config": {"azure_endpoint": "https://one.openai.azure.com", "api_key": KEY}},
        {"id": "two", "config": {"azure_endpoint": "https://two.openai.azure.com", "api_key": KEY}},
    )
    assert "one.openai.azure.com" in shell("status", "--instance", "one")[1]
    assert "one (use --instance two for another one)" in shell("status")[1]
    for command in ("login", "logout"):
        assert "choose one with --instance one or two" in shell(command)[2]
    assert "two.openai.azure.com" in shell("status", "--instance", "two")[1]
    code, output, errors = shell("status", "--instance", "three")
    assert (code, output) == (1, "")
    assert "three" in errors


def test_status_shows_the_account_and_its_expiry(shell: Shell) -> None:
    code, output, _ = shell("status", azure_endpoint=shell.cloud.url(), **shell.cloud.secret)
    found = {name: text.strip() for name, text in rows(output).items()}
    directory = shell.cloud.directory
    assert code == 0
    assert directory.client_id in found["credential"]
    assert (found["account"], found["tenant"]) == (directory.client_id, directory.tenant)
    assert found["expires"].startswith("20")
    assert CANARY not in output
    assert shell.cloud.server.model_requests == []


def test_status_shows_the_credential_that_was_chosen(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in shell.cloud.environment().items():
        monkeypatch.setenv(name, value)
    _, output, _ = shell("status", azure_endpoint=shell.cloud.url())
    assert "with a client secret" in rows(output)["credential"]


def test_a_check_makes_one_short_call(shell: Shell) -> None:
    code, output, errors = shell(
        "status", "--check", azure_endpoint=shell.cloud.url(), api_key=KEY, default_model="gpt-5.4"
    )
    assert (code, errors) == (0, "")
    assert "gpt-5.4" in rows(output)["test call"]
    (body,) = shell.cloud.server.request_bodies
    assert body["max_output_tokens"] <= 500


FAULTS = [
    ({"auth": "wizardry", "api_key": KEY}, "'auth' takes"),
    ({"client_secret": f"{CANARY}-half"}, "needs tenant_id"),
    ({"api_version": "2024-10-21", "api_key": KEY}, "no Responses API"),
    ({"azure_endpoint": "http://evil.example", "api_key": KEY}, "must begin with https"),
    ({"deployment_type": "lunar", "api_key": KEY}, "'deployment_type'"),
]


@pytest.mark.parametrize(("settings", "told"), FAULTS)
def test_status_reports_a_problem_in_one_line(shell: Shell, settings: dict[str, str], told: str) -> None:
    code, output, errors = shell("status", **{"azure_endpoint": shell.cloud.url(), **settings})
    assert (code, output) == (1, "")
    assert told in errors
    assert errors.count("\n") == 1
    assert CANARY not in errors


def test_status_lists_what_each_credential_lacks(shell: Shell) -> None:
    code, output, errors = shell("status", azure_endpoint=shell.cloud.url())
    assert (code, output) == (1, "")
    first, *entries = errors.splitlines()
    assert first.startswith("error: no credential for Azure OpenAI found: set api_key")
    assert len(entries) == 7
    assert all(entry.startswith("  entra_") for entry in entries)


def test_status_reports_a_refused_secret_and_a_refused_call(shell: Shell) -> None:
    wrong = {**shell.cloud.secret, "client_secret": f"{CANARY}-wrong"}
    code, _, errors = shell("status", azure_endpoint=shell.cloud.url(), **wrong)
    assert code == 1
    assert "AADSTS7000215" in errors
    shell.cloud.server.script(HttpReply(404, {"error": {"code": "DeploymentNotFound", "message": "no such"}}))
    code, output, _ = shell("status", "--check", azure_endpoint=shell.cloud.url(), api_key=KEY)
    assert code == 1
    assert "set default_model to the name of a deployment" in output


# Programs of their own.


def test_status_runs_as_a_program(shell: Shell) -> None:
    shell.set = {**shell.cloud.local, **shell.cloud.secret}
    code, output, errors = shell.finish(shell.start("status", "--check"))
    assert (code, errors) == (0, "")
    assert output.startswith("The service responds.\n")
    assert "responds" in output


def test_wrong_arguments_exit_with_2(shell: Shell) -> None:
    for arguments in ([], ["dance"], ["status", "--shout"]):
        with pytest.raises(SystemExit) as caught:
            run_command(COMMANDS, program=PACKAGE, description="d", arguments=arguments)
        assert caught.value.code == 2
    assert f"usage: {PACKAGE}" in shell.capsys.readouterr().err


def test_a_sign_in_from_beginning_to_end(shell: Shell) -> None:
    directory = shell.cloud.directory
    shell.set = {**shell.cloud.local, **shell.cloud.app}
    directory.polls_until_approved = 0
    code, output, errors = shell.finish(shell.start("login"))
    assert code == 0, errors
    shown = " ".join(errors.split())  # wrapped at the width of the terminal
    user_code = directory.device_codes[0].user_code
    for text in ("https://microsoft.com/devicelogin", user_code, "15 minutes", "Never share"):
        assert text in shown
    kept = shell.home / ".amplifier" / "credentials" / "azure-openai-sign-in.json"
    assert {name: text.strip() for name, text in rows(output).items()}["account"] == directory.user
    assert str(kept) in output
    assert kept.stat().st_mode & 0o777 == 0o600
    code, output, _ = shell("status", auth="entra_device_code")
    found = {name: text.strip() for name, text in rows(output).items()}
    assert (code, found["account"], found["tenant"]) == (0, directory.user, directory.tenant)
    shell.set = {}  # a sign-out needs no resource and no application
    code, output, _ = shell("logout")
    assert (code, str(kept) in output, kept.exists()) == (0, True, False)
    assert shell("logout") == (0, "There was no sign-in to delete.\n", "")
    shell.set = {**shell.cloud.local, **shell.cloud.app}
    gc.collect()  # the first status ran in this process, and its identity still has a token
    code, _, errors = shell("status", auth="entra_device_code")
    assert (code, LOGIN_HINT in errors) == (1, True)


def test_a_sign_in_in_a_browser(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    script = shell.project / "browser.py"
    script.write_text(BROWSER.format(root=str(ROOT)))
    monkeypatch.setenv("BROWSER", f"{sys.executable} {script} %s &")
    monkeypatch.setenv("PATH", os.defpath)
    shell.set = {**shell.cloud.local, **shell.cloud.app}
    code, output, errors = shell.finish(shell.start("login", "--browser"))
    assert code == 0, errors
    assert shell.cloud.directory.user in output
    assert "Waiting for the sign-in in the browser" in errors


def test_a_sign_in_in_a_browser_times_out(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amplifier_module_provider_azure_openai_v2.auth.signed_in_user._BROWSER_TIMEOUT_S", 0.2)
    monkeypatch.setattr("msal.oauth2cli.authcode._browse", lambda *args, **named: False)
    shell.set = {**shell.cloud.local, **shell.cloud.app}
    code, output, errors = shell("login", "--browser")
    assert (code, output) == (1, "")
    assert "Cannot open a browser" in errors
    assert f"https://localhost:{shell.cloud.server.port}/" in errors
    assert "the sign-in in the browser was not completed" in errors


ENDS = [
    (entra_error(70017), "the sign-in was declined"),
    (entra_error(53003), "az login"),
    (HttpReply(200, {"token_type": "Bearer"}), "Entra"),
]


@pytest.mark.parametrize(("answer", "told"), ENDS)
def test_a_sign_in_that_fails_is_reported(shell: Shell, answer: HttpReply, told: str) -> None:
    shell.set = {**shell.cloud.local, **shell.cloud.app}
    shell.cloud.directory.script(answer, at="token" if told != "az login" else "devicecode")
    code, output, errors = shell("login")
    assert (code, output) == (1, "")
    assert told in errors
    assert not (shell.home / ".amplifier" / "credentials" / "azure-openai-sign-in.json").exists()


def test_a_code_that_expires_ends_the_sign_in(shell: Shell) -> None:
    shell.set = {**shell.cloud.local, **shell.cloud.app}
    shell.cloud.directory.device_expires_in = 1
    code, _, errors = shell("login")
    assert code == 1
    assert "expired" in errors or "not entered" in errors


def test_a_poll_interval_of_zero_does_not_flood_the_service(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "_POLL_INTERVAL_FACTOR", 0.3)  # of a second
    shell.set = {**shell.cloud.local, **shell.cloud.app}
    shell.cloud.directory.device_interval, shell.cloud.directory.polls_until_approved = 0, 0
    began_s = time.monotonic()
    assert shell("login")[0] == 0
    assert time.monotonic() - began_s >= 0.3


def test_a_sign_in_needs_an_application(shell: Shell) -> None:
    code, output, errors = shell("login", azure_endpoint=shell.cloud.url())
    assert (code, output) == (1, "")
    assert "client_id (AZURE_CLIENT_ID)" in errors


def test_a_label_separates_several_sign_ins(shell: Shell) -> None:
    shell.set = {**shell.cloud.local, **shell.cloud.app}
    shell.cloud.directory.polls_until_approved = 0
    assert shell("login", account="work")[0] == 0
    shell.cloud.directory.user = "grace@contoso.example"
    assert shell("login", account="home")[0] == 0
    found = {label: shell("status", auth="entra_device_code", account=label)[1] for label in ("work", "home")}
    assert "ada@contoso.example" in found["work"]
    assert "grace@contoso.example" in found["home"]


async def test_ctrl_c_ends_a_sign_in(shell: Shell) -> None:
    shell.set = {**shell.cloud.local, **shell.cloud.app}
    process = shell.start("login")
    await shell.cloud.server.wait_until_async(lambda: shell.cloud.directory.device_codes, 60)
    await shell.cloud.server.wait_until_async(lambda: shell.cloud.directory.token_forms, 60)
    process.send_signal(signal.SIGINT)
    code, output, errors = await asyncio.to_thread(shell.finish, process)
    assert (code, output) == (130, "")
    assert errors.endswith("stopped\n")
    assert "Traceback" not in errors
