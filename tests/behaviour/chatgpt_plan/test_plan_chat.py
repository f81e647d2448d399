"""The chat shows Sign in with ChatGPT from an empty machine to an answer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from responses_emulator import open_callback, press_button

from tests.support.backends import ROOT


def test_from_an_empty_machine_to_an_answered_question(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "examples.chat", "--account", "chatgpt-plan-demo", "What is 17 * 23?"]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True) as chat:
        assert chat.stdout is not None
        assert chat.stderr is not None
        page = None
        while page is None and (line := chat.stderr.readline()):
            page = re.search(r"http://127\S+/api/accounts/authorize\?\S+", line)
        assert page is not None
        status, text = open_callback(press_button(page[0]))
        answer, errors = chat.communicate(timeout=120)
    assert (status, "close this page" in text) == (200, True)
    assert chat.returncode == 0, errors
    assert "Signed in as ada@example.com" in errors
    assert "391" in answer
    assert not list(tmp_path.iterdir())
