"""The tools of the chat: what they give, and what they refuse to do."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from examples.modules.amplifier_module_tool_calculate import Calculate, Unsupported, evaluate
from examples.modules.amplifier_module_tool_folder import MAX_LINES, ListFolder, ReadFile


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("17 * 23", "391"),
        ("-(2 + 3) ** 2 // 4", "-7"),
        ("7 / 2", "3.5"),
        ("0.1 + 0.2", "0.3"),
        ("10 % 4", "2"),
        ("2 ** 0.5", "1.41421356237"),
        ("2 ** -1", "0.5"),
        ("round(pi, 2) + sqrt(16)", "7.14"),
        ("max(1, 2, 3) - min(4, 5) + abs(-1)", "0"),
        ("10 ** 30", "1" + "0" * 30),
    ],
)
async def test_sums(expression: str, value: str) -> None:
    assert (await Calculate().execute({"expression": expression})).output == value


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "2 +",
        "9 ** 9 ** 9",
        "2 ** 10 ** 9 * 0",
        "(2 ** 4000) ** 1000",
        "(9 ** 999) * (9 ** 999) * (9 ** 999)",
        "round(1, -10 ** 9)",
        "round(1, 10 ** 9)",
        "1e308 * 10",
        "exp(1000)",
        "(-8) ** 0.5",
        "log(-1)",
        "1 / 0",
        "2 ^ 3",
        "True + 1",
        "'a' * 1000000000",
        "[0] * 10 ** 9",
        "min([1])",
        "max()",
        "sqrt(x=4)",
        "x",
        "__import__('os').system('true')",
        "().__class__.__bases__",
        "(lambda: 1)()",
        "open('/etc/passwd')",
        "1 if 2 else 3",
        "1; 2",
        "\0",
        "(" * 249 + "1" + ")" * 249,
        "-" * 499 + "1" + "*",
        "1" * 400 + "**" + "1" * 90,
        "1" * 5000,
    ],
)
def test_what_is_no_sum_is_refused_at_once(expression: str) -> None:
    began_s = time.process_time()
    with pytest.raises(Unsupported):
        evaluate(expression)
    assert time.process_time() - began_s < 2


def test_what_is_long_but_small_has_a_value() -> None:
    assert evaluate("-" * 498 + "1") == 1
    assert evaluate("*".join(["9999999999"] * 45)) == 9999999999**45


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside a secret."""
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "here"
    (root / "sub" / "__pycache__").mkdir(parents=True)
    (root / "sub" / "b.txt").write_text("first\nsecond\n")
    (root / "a.txt").write_text("ä\n")
    (root / ".env").write_text("KEY=secret")
    (root / "data.bin").write_bytes(b"a\0b")
    (root / "empty.txt").touch()
    (root / "long.txt").write_text("".join(f"line {number}\n" for number in range(1, MAX_LINES + 11)))
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to("loop")
    (root / "shortcut").symlink_to("sub")
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../secret.txt", "outside"),
        ("sub/../../secret.txt", "outside"),
        ("/etc/passwd", "outside"),
        ("/no/such/thing", "outside"),
        ("out/secret.txt", "outside"),
        ("out/nothing", "outside"),
        (".env", "hidden"),
        ("sub/../.env", "hidden"),
        ("nothing.txt", "does not exist"),
        ("loop", "not a usable path"),
        ("a\0b", "not a usable path"),
        ("x" * 5000, "not a usable path"),
        ("sub", "use list_folder"),
        ("pipe", "not a regular file"),
        ("data.bin", "not a text file"),
        ("", "path is missing"),
    ],
)
async def test_files_that_are_not_read(folder: Path, path: str, reason: str) -> None:
    result = await asyncio.wait_for(ReadFile(folder).execute({"path": path}), 30)
    assert not result.success
    assert result.error
    assert reason in result.error["message"]
    assert "secret" not in result.error["message"].replace("secret.txt", "")


async def test_files_that_are_read(folder: Path) -> None:
    read = ReadFile(folder)
    assert (await read.execute({"path": "sub/b.txt"})).output == "first\nsecond"
    assert (await read.execute({"path": "shortcut/b.txt", "starting_line": 2})).output == "second"
    assert (await read.execute({"path": str(folder / "a.txt")})).output == "ä"
    assert (await read.execute({"path": "empty.txt"})).output == "(an empty file)"
    assert not (await read.execute({"path": "a.txt", "starting_line": 5})).success


async def test_a_long_file_is_read_by_pages(folder: Path) -> None:
    first = str((await ReadFile(folder).execute({"path": "long.txt"})).output).splitlines()
    assert first[-2:] == [f"line {MAX_LINES}", f"(lines 1 to 400 of 410; go on with starting_line {MAX_LINES + 1})"]
    rest = await ReadFile(folder).execute({"path": "long.txt", "starting_line": MAX_LINES + 1})
    assert str(rest.output).splitlines() == [f"line {number}" for number in range(MAX_LINES + 1, MAX_LINES + 11)]


async def test_folders_are_listed_without_what_is_hidden(folder: Path) -> None:
    listed = str((await ListFolder(folder).execute({})).output).splitlines()
    assert listed[:3] == ["out/", "shortcut/", "sub/"]
    assert ".env" not in listed
    assert (await ListFolder(folder).execute({"path": "sub"})).output == "b.txt"
    assert not (await ListFolder(folder).execute({"path": "out"})).success
    assert not (await ListFolder(folder).execute({"path": ".."})).success
    assert not (await ListFolder(folder).execute({"path": "a.txt"})).success
