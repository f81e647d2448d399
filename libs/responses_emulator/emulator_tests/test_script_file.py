"""A script in a file becomes the same entries as a script in Python, and a fault in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from responses_emulator import Call, CutStream, Disconnect, HttpReply, RejectParameters, Say, Think, Turn
from responses_emulator.script_file import SHORT_WORDS, ScriptFileError, read_script


def read(folder: Path, text: str, name: str = "answers.yaml") -> list[object]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return list(read_script(path))


def test_a_script_has_all_kinds_of_entries(tmp_path: Path) -> None:
    text, turn, broken, reply = read(
        tmp_path,
        """
        - Hello!
        - {think: Hm., call: {weather: {city: Oslo}, clock: }}
        - [{say: Half}, {cut_after: 3}]
        - rate_limit_exceeded: {after_s: 2}
        """,
    )
    assert text == Say("Hello!")
    assert isinstance(turn, Turn)
    assert turn.parts == (Think(["Hm."]), Call("weather", {"city": "Oslo"}), Call("clock", {}))
    assert isinstance(broken, Turn)
    assert broken.parts == (Say("Half"), CutStream(3))
    assert isinstance(reply, HttpReply)
    assert (reply.status, reply.headers) == (429, {"retry-after": "2"})


def test_a_whole_reply_has_a_word(tmp_path: Path) -> None:
    entries = read(
        tmp_path, "- reply: {status: 418, body: teapot}\n- disconnect:\n- server_error:\n- bad_gateway: []\n"
    )
    assert entries[:2] == [HttpReply(418, "teapot"), Disconnect()]
    assert [entry.status for entry in entries[2:] if isinstance(entry, HttpReply)] == [500, 502]


def test_a_standing_rule_has_its_name(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, "- RejectParameters: [temperature]")
    assert rule == RejectParameters(["temperature"])


def test_json_is_yaml(tmp_path: Path) -> None:
    assert read(tmp_path, '["Hello!", {"refuse": "No."}]', "answers.json")[0] == Say("Hello!")


def test_a_script_in_python_is_a_list(tmp_path: Path) -> None:
    parts = "Think(('a', 'b')), Call('weather', {'city': 'Oslo'}), STREAM_SHAPES['ollama']"
    script = f"Say('a'), lambda request: Say(request.path), Turn({parts}), server_error()"
    first, second, third, _ = read(tmp_path, f"from responses_emulator import *\nscript = [{script}]\n", "answers.py")
    assert first == Say("a")
    assert callable(second)
    assert isinstance(third, Turn)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("script = ['Hello!']", "entry 1: 'Hello!' is not an entry of a script, such as Say('Hello!')"),
        ("script = [Say]", "entry 1: Say is a class; write Say(…)"),
        ("script = [Say(5)]", "entry 1: Invalid type for 'text': expected a string"),
        ("script = [Turn(Say('a'), EventDelay(-1))]", "entry 1: 'delay_s' is -1, which is not a number from 0 on"),
        ("script = [HttpReply(99)]", "entry 1: 'status' is 99, which is not a number from 200 to 599"),
        ("script = [Turn('Hello!')]", "cannot read {path}: TypeError in line 2: 'Hello!' is not a part of a Turn"),
        ("raise SystemExit(3)", "cannot read {path}: SystemExit in line 2: 3"),
        ("script = = 1", "cannot read {path}: SyntaxError: "),
        ("script = None", "{path} does not hold a list `script`"),
    ],
)
def test_a_fault_of_a_script_in_python_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ScriptFileError) as caught:
        read(tmp_path, f"from responses_emulator import EventDelay, HttpReply, Say, Turn\n{text}\n", "answers.py")
    assert problem.format(path=tmp_path / "answers.py") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("say: Hello!", "does not hold a list of answers"),
        ("- sey: Hello!", "entry 1: 'sey' is not known; did you mean 'say'?"),
        ("- Hello!\n- 42", "entry 2: 42 is not a text, a mapping or a list"),
        ("- {say: Hello!, disconnect: }", "entry 1: Disconnect is a whole reply and stands alone"),
        ("- {}", "entry 1: it is empty"),
        ("- CutStream: {wrong: 1}", "entry 1: "),
        ("- call: weather", "entry 1: "),
        ("- [", "cannot read"),
        ("- &a [*a]", "entry 1: it contains itself by an alias"),
        ("- call: {weather: &a {x: *a}}", "entry 1: it contains itself by an alias"),
        ("- call: {weather: {day: 2026-12-01}}", "entry 1: 2026-12-01 is not JSON; write it in quotes"),
        ("- reply: {status: abc}", "entry 1: reply: Invalid type for 'status': expected an integer"),
        (
            "- reply: {status: 99}",
            "entry 1: reply: 'status' is 99, which is not a number from 200 to 599; write reply: {",
        ),
        ("- reply: {status: 200, headers: {a: 1}}", "Invalid type for 'headers.a': expected a string"),
        ("- {say: null}", "entry 1: say: missing a required argument: 'text'; write say: Hello!"),
        ("- say: 42", "entry 1: say: Invalid type for 'text': expected a string"),
        ("- delay: .nan", "entry 1: nan is not a number that JSON has"),
        ("- delay: .inf", "entry 1: inf is not a number that JSON has"),
        ("- delay: -1", "'delay_s' is -1, which is not a number from 0 on; write delay: 0.5"),
        ("- cut_after: -1", "'after_events' is -1, which is not a number from 0 on; write cut_after: 5"),
        ("- cut_after: 1.5", "Invalid type for 'after_events': expected an integer"),
        ("- call: foo", "entry 1: call: Invalid type for 'call': expected an object, but got a string instead; write"),
        ("- SplitBytes: {size: 0}", "'size' is 0, which is not a number from 1 on; it takes size, seed"),
        ("- rate_limit_exceeded: {after_s: soon}", "entry 1: rate_limit_exceeded: Invalid type for 'after_s'"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ScriptFileError) as raised:
        read(tmp_path, text)
    assert problem in str(raised.value)


@pytest.mark.parametrize("text", ["script = 1", "1 / 0"])
def test_a_fault_of_python_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScriptFileError, match=r"answers\.py"):
        read(tmp_path, text, "answers.py")


@pytest.mark.parametrize("word", SHORT_WORDS)
def test_the_example_of_a_word_is_valid(tmp_path: Path, word: str) -> None:
    assert len(read(tmp_path, f"- {SHORT_WORDS[word].example}")) == 1
