"""The chat on a plan: with a sign-in first, with one that is there, and without one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.chat.accounts import an_account
from tests.support.backends import ROOT
from tests.support.chatgpt_machine import Machine


@contextmanager
def at_home(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a shell on that machine has set."""
    monkeypatch.setenv("CHATGPT_OAUTH_TOKEN_FILE", str(machine.file))
    monkeypatch.setenv("CHATGPT_OAUTH_TOKEN_STORE", "file")
    yield


def test_a_plan_is_used_where_somebody_is_signed_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with at_home(machine, monkeypatch):
        with an_account({}) as account:
            assert account.module == "provider-openai-v2"
        machine.keep(machine.service.token_set())
        with an_account({}) as account:
            assert (account.module, account.description) == ("provider-chatgpt-oauth", "your ChatGPT plan")
        with an_account({"OPENAI_API_KEY": "sk-x"}) as account:
            assert account.module == "provider-openai-v2", "what is set for this shell is meant for it"
        tokens = machine.keep(machine.service.token_set(lifetime_s=-10))
        machine.file.write_text(machine.file.read_text().replace(tokens.refresh_token, ""))
        with an_account({}) as account:
            assert account.module == "provider-openai-v2"


def test_a_store_is_not_opened_where_nobody_ever_signed_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could be a keyring, which asks for its password."""
    monkeypatch.setenv("CHATGPT_OAUTH_TOKEN_FILE", str(machine.file))
    monkeypatch.setenv("CHATGPT_OAUTH_TOKEN_STORE", "auto")
    asked: list[str] = []
    monkeypatch.setattr(
        "openai_responses_common.auth.store.keyring.KeyringStore.load", lambda store: asked.append("load")
    )
    with an_account({}) as account:
        assert account.emulated
    assert not asked


HURRIED = """
import runpy
from openai_responses_common.auth import device_code
device_code._POLL_INTERVAL_FACTOR = 0.05
runpy.run_module("examples.chat", run_name="__main__")
"""


def test_from_an_empty_machine_to_an_answered_question(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HURRIED, "--account", "chatgpt-demo", "What is 17 * 23?"]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "/codex/device" in done.stderr
    assert "Signed in as ada@example.com, plan plus" in done.stderr
    assert "391" in done.stdout
    assert not list(tmp_path.iterdir())
