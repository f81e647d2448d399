"""Every block of the README runs, and its tables name what exists."""

from __future__ import annotations

import re
import subprocess
import sys
import typing
from pathlib import Path

import httpx
import pytest
import responses_emulator
from responses_emulator import Emulator
from responses_emulator.__main__ import main
from responses_emulator.script.turn import DeliveryPart, EndingPart, OutputPart
from responses_emulator.script_file import SHORT_WORDS, read_script

README = (Path(responses_emulator.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SCRIPTS = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
SHELL = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)


def test_the_readme_has_as_many_blocks_as_these_tests_run() -> None:
    assert README.count("```") == 2 * (len(PYTHON) + len(SHELL) + len(SCRIPTS))
    assert len(SHELL) == 2
    assert sum("pytest_plugins" in block for block in PYTHON) == 1
    assert sum("def test_" in block for block in PYTHON) == 1


@pytest.mark.parametrize("block", [each for each in PYTHON if "with Emulator(" in each])
def test_a_block_of_the_readme_runs(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {})


def test_the_test_in_the_readme_passes(tmp_path: Path) -> None:
    conftest, test = (next(each for each in PYTHON if word in each) for word in ("pytest_plugins", "def test_"))
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    (tmp_path / "test_agent.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout


def test_the_script_in_the_readme_is_one(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("".join(SCRIPTS), encoding="utf-8")
    assert len(read_script(path)) == 5


def test_the_readme_lists_the_short_words_of_a_script() -> None:
    sentence = re.search(r"The short words are (.*?)\.", README, re.DOTALL)
    assert sentence
    assert re.findall(r"`(\w+)`", sentence[1]) == list(SHORT_WORDS)


def test_the_request_in_the_readme_gets_a_response(emulator: Emulator) -> None:
    """The block is the command line of curl; this sends the same with the variables of an emulator that runs."""
    body = re.search(r"-d '(.*)'", SHELL[1])
    key = re.search(r"OPENAI_API_KEY=(\S+)", SHELL[1])
    assert body
    assert key
    headers = {"authorization": f"Bearer {key[1]}", "content-type": "application/json"}
    assert httpx.post(f"{emulator.base_url}/responses", content=body[1], headers=headers).status_code == 200


def test_the_request_in_the_readme_goes_to_the_port_of_the_command_above_it() -> None:
    commands = re.search(r"--port (\d+)", SHELL[0])
    request = re.search(r"127\.0\.0\.1:(\d+)/", SHELL[1])
    assert commands
    assert request
    assert commands[1] == request[1]


def test_the_readme_lists_the_options_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    offered = set(re.findall(r"^  (--[\w-]+)", capsys.readouterr().out, re.MULTILINE))
    assert set(re.findall(r"^\| `(--[\w-]+)`", README, re.MULTILINE)) == offered - {"--help"}


@pytest.mark.parametrize(
    ("kind", "parts"), [("output", OutputPart), ("ending", EndingPart), ("delivery", DeliveryPart)]
)
def test_the_readme_lists_all_parts_of_a_kind(kind: str, parts: object) -> None:
    (row,) = re.findall(rf"^\| {kind} \| (.*) \|$", README, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == {part.__name__ for part in typing.get_args(parts)}


def test_the_readme_names_what_the_package_exports() -> None:
    names = set(re.findall(r"`([a-z_]+_surfaces?)[`(]|`([A-Z][a-z]+[A-Za-z]*)\b", README))
    assert {name for pair in names for name in pair if name} <= {*responses_emulator.__all__}
