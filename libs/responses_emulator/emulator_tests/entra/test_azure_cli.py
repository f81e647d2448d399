"""The command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import azure.identity
import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from emulator_clients.entra import MANAGEMENT, RESOURCE, SCOPE, call_resource
from responses_emulator import Directory, Emulator, write_azure_cli


@pytest.fixture
def path_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, directory: Directory) -> Any:
    def put(says: Any, **options: Any) -> Any:
        made = write_azure_cli(tmp_path, directory, says=says, **options)
        monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
        return made

    return put


def test_the_azure_cli_gives_a_token(cloud: Emulator, client: httpx.Client, path_with: Any) -> None:
    az = path_with("token")
    assert call_resource(cloud, client, azure.identity.AzureCliCredential().get_token(SCOPE).token) == 200
    assert az.calls == [["account", "get-access-token", "--output", "json", "--resource", RESOURCE]]
    words = ["az", "account", "get-access-token", "--output", "json", "--scope", SCOPE, "--tenant", "a b&c"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout)["expires_on"] > time.time()
    assert az.calls[1] == words[1:]
    wrong = subprocess.run([*words[:6], MANAGEMENT], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert subprocess.run(["az", "login"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize(
    ("says", "kind", "text"),
    [
        ("not signed in", CredentialUnavailableError, "az login"),
        ("aadsts", ClientAuthenticationError, "AADSTS700082"),
        ("garbage", ClientAuthenticationError, "Unexpected output"),
        ("nothing", ClientAuthenticationError, "Unexpected output"),
        ("leak", ClientAuthenticationError, "DEBUG"),
    ],
)
def test_the_azure_cli_can_fail(path_with: Any, says: str, kind: type[Exception], text: str) -> None:
    path_with(says)
    with pytest.raises(kind, match=text) as caught:
        azure.identity.AzureCliCredential().get_token(SCOPE)
    assert "canary7" not in str(caught.value)


def test_the_azure_cli_can_leak_a_token(path_with: Any, directory: Directory) -> None:
    path_with("leak")
    words = ["az", "account", "get-access-token", "--scope", SCOPE]
    shown = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert directory.access_tokens[-1].text in shown.stderr


def test_the_azure_cli_can_hang(path_with: Any) -> None:
    az = path_with("hang")
    words = ["az", "account", "get-access-token", "--scope", SCOPE]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True) as running:
        deadline_s = time.monotonic() + 60
        while len(az.processes) < 2 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert len(az.processes) == 2, "itself and its child"
        assert running.poll() is None
        os.killpg(running.pid, signal.SIGKILL)
