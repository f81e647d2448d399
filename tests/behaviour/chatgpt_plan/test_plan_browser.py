"""A real browser, Debian's Chromium without a window, signs in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.backends import ROOT
from tests.support.chromium import CHROMIUM


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_signs_in_from_an_empty_machine_to_an_answer(tmp_path: Path) -> None:
    report, home = tmp_path / "report.json", tmp_path / "home"
    home.mkdir()
    environment = {
        "BROWSER": f"{sys.executable} -m tests.support.chromium {report} %s",
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
    }
    words = [sys.executable, "-m", "examples.chat", "--account", "chatgpt-plan-demo", "What is 17 * 23?"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Signed in as ada@example.com" in done.stderr
    assert "391" in done.stdout
    page = json.loads(report.read_text(encoding="utf-8"))
    assert page["text"].startswith("Thank you")
    assert "You can close this page" in page["text"]
    # The last request is the callback: its page loads nothing, but the browser may want its icon. Its address, with the
    # code, is in no bar and no history.
    callback = [each for each in page["requests"] if urlsplit(each).path != "/favicon.ico"][-1]
    assert urlsplit(callback).path == "/auth/callback"
    code = callback.partition("code=")[2].partition("&")[0]
    assert code.startswith("ac_")
    assert [each for each in (page["address"], *page["history"], page["text"], done.stderr) if code in each] == []
