"""The session `amplifier`, as far as it needs no Amplifier: its rows, and where git looks."""

from __future__ import annotations

import inspect
import subprocess
from pathlib import Path

import pytest

from tests.amplifier.machine import Answer, find_answer
from tests.amplifier.repositories import COMPOSED, FURTHER, REQUIRED, explain, find_missing, redirect
from tests.amplifier.rows import ROWS


def test_each_row_has_its_own_name_fits_what_plays_it_and_needs_known_repositories() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        inspect.signature(row.play).bind(None, **row.options)
        assert set(row.needs) <= {*REQUIRED, *COMPOSED, *FURTHER}, row.name


def test_git_takes_addresses_on_github_from_the_folder(tmp_path: Path) -> None:
    folder, settings = tmp_path / "repositories", tmp_path / "gitconfig"
    subprocess.run(["git", "init", "-q", str(folder / "amplifier")], check=True)
    redirect(folder, settings)
    assert find_missing(folder, ["amplifier", "other"]) == ["other"]
    assert str(folder / "other") in explain(folder, ["other"])
    for address, code in (("microsoft/amplifier", 0), ("microsoft/other", 128), ("somebody/amplifier", 128)):
        environment = {"GIT_CONFIG_GLOBAL": str(settings), "PATH": "/usr/bin:/bin", "LANG": "C"}
        command = ["git", "ls-remote", f"https://github.com/{address}"]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == code
        assert code == 0 or "does not appear to be a git repository" in run.stderr


@pytest.mark.parametrize(
    ("question", "answers", "expected"),
    [
        ("Base URL ():", {"Base URL": "http://127.0.0.1"}, "http://127.0.0.1"),
        ("Model\n  [1] GPT-6 (fast)\n  [2] GPT-6 Sol\n  [3] custom\nChoice:", {"Model": "GPT-6 Sol"}, "2"),
        ("Model\n  [1] GPT-6 (fast)\n  [2] GPT-6 Sol\nChoice:", {"Model": "GPT-6"}, "1"),
        ("Anything else ():", {"Model": "GPT-6"}, ""),
    ],
)
def test_a_person_answers_a_question(question: str, answers: dict[str, str], expected: str) -> None:
    assert find_answer(question, answers) == expected


def test_a_text_is_counted_whatever_the_breaks_of_its_lines() -> None:
    answer = Answer(code=0, seen="nobody is\nsigned in; nobody i\ns signed in", requests=[])
    assert answer.times("nobody is signed in") == 2
