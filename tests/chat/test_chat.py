"""`python -m examples.chat` as a person meets it: in a process of its own, on a terminal or in a pipe."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from responses_emulator import (
    CutStream,
    Emulator,
    EventDelay,
    ResponseIncomplete,
    Say,
    Silence,
    Think,
    Turn,
    insufficient_quota,
    rate_limit_exceeded,
)

from examples.chat import offline_model
from examples.chat.accounts import ACCOUNTS, an_account

someone = pytest.importorskip("examples.person", reason="needs a pseudo-terminal", exc_type=ImportError)

ROOT = Path(__file__).resolve().parents[2]
COLOUR = re.compile(r"\x1b\[[\d;]+m")
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
SLOW = Turn(Say("one two three four five six seven eight nine ten " * 20), EventDelay(0.05))
PROMPT = "\u203a"
WAIT_S = 120


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to talk about."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "plan.md").write_text("# The plan\n\nFirst this, then that.\n")
    (tmp_path / "notes" / "todo.txt").write_text("nothing\n")
    return tmp_path


@pytest.fixture
def service() -> Iterator[Emulator]:
    """A server that the chat is sent to."""
    with Emulator(responder=offline_model.respond) as emulator:
        yield emulator


def environment(**more: str) -> dict[str, str]:
    """This process's environment without anything that a developer's shell says about terminals."""
    rest = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "TERM", "COLUMNS", "LINES"}}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**rest, "PYTHONPATH": path, "TERM": "xterm", "PYTHONUTF8": "1", **more}


def at(service: Emulator) -> dict[str, Any]:
    """Variables that lead to the server, which answers at once; the emulator of the chat itself speaks slowly."""
    return {"OPENAI_BASE_URL": service.base_url, "OPENAI_API_KEY": "sk-x"}


def command(*arguments: str) -> list[str]:
    model = () if "--account" in arguments else ("--model", "gpt-5.6-sol")  # the emulator lists several
    return [sys.executable, "-m", "examples.chat", *model, *arguments]


def chat(*arguments: str, folder: Path, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run the chat in a pipe."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(**more),
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )


class Person(someone.Person):
    """Someone who chats on a terminal."""

    def __init__(self, *arguments: str, folder: Path, columns: int = 120, **more: str) -> None:
        super().__init__(command(*arguments), folder=folder, environment=environment(**more), columns=columns)

    def asks(self, text: str) -> None:
        """Answer the prompt."""
        self.waits_for(PROMPT)
        self.types(text + "\n")


class NoxPerson(Person):
    """Someone who chats through `nox -s chat`, with the packages of this environment."""

    def __init__(self, *, folder: Path, **more: str) -> None:
        call = ["nox", "--no-venv", "--no-install", "--envdir", str(folder / ".nox"), "--session", "chat"]
        call += ["--", "--model", "gpt-5.6-sol"]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        someone.Person.__init__(self, call, folder=ROOT, environment=environment(PATH=path, **more))


def test_one_question_in_a_pipe(folder: Path) -> None:
    done = chat("What is in notes/", "and what is 17*23?", folder=folder)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "Using an offline service (no account is set up), model gpt-5.6-sol. "
        "It responds by simple rules, and nothing is paid."
    )
    assert "✓ calculate(17 * 23) → 391" in lines
    assert "✓ list_folder(notes/) → plan.md todo.txt (2 lines)" in lines
    assert any(line.startswith("│ ") for line in lines), "no thinking"
    assert "17 * 23 = 391." in done.stdout
    model, tokens, out, *rest = lines[-1].split(" · ")
    assert model == "gpt-5.6-sol"
    assert re.fullmatch(r"[\d,]+ tokens in \(\d+% cached\)", tokens)
    assert re.fullmatch(r"\d+ out \(\d+ reasoning\)", out)
    assert re.fullmatch(r"would cost \$0\.0\d+ \| 2 requests \| rate limit \d+% used \| [\d.]+ s", " | ".join(rest))
    assert "\x1b" not in done.stdout


def test_a_conversation_on_a_terminal(folder: Path) -> None:
    with Person(folder=folder) as person:
        person.asks("Read notes/plan.md")
        assert "✓ read_file(notes/plan.md) → # The plan" in person.waits_for(" s\n")
        person.asks("What did I just ask?")
        assert "Read notes/plan.md" in person.waits_for("so far")
        person.asks("/quit")
        assert person.sees_the_end() == 0
        assert COLOUR.search(person.written)
        assert person.written.rindex(SHOW_CURSOR) > person.written.rindex(HIDE_CURSOR)


def test_a_wait_is_shown_with_its_seconds_and_goes_away(folder: Path, service: Emulator) -> None:
    service.script(Turn(Say("Here I am."), Silence(2.5)))
    with Person("hi", folder=folder, **at(service)) as person:
        person.waits_for("gpt-5.6-sol 1 s")
        assert person.sees_the_end() == 0
        assert "Here I am." in person.seen
        assert "gpt-5.6-sol 1 s" not in person.seen
        assert len(person.seen.splitlines()) == 5, person.seen


def test_a_narrow_window(folder: Path, service: Emulator) -> None:
    thought = Think(["**A title**\n\nSome words that are more than there is room for on one line."])
    service.script(Turn(thought, Say("Words in English, 文字は左から右へ書く, and a 🙂 to end with. " * 3, chunks=9)))
    with Person("hi", folder=folder, columns=38, **at(service)) as person:
        assert person.sees_the_end() == 0
        lines = person.seen.splitlines()
        assert "│ Some words that are more than there" in lines
        assert "│ is room for on one line." in lines
        assert " ".join(lines).replace("  ", " ").count("文字は左から右へ書く") == 3
        assert lines[-1].endswith(" s")
        # Facts are whole: nothing is broken between a number and its word.
        assert re.search(r"\d+ tokens in \(0% cached\) ·$", person.seen, re.M)


def test_models_efforts_and_costs_in_a_conversation(folder: Path, service: Emulator) -> None:
    service.script(Say("One."), Say("Two."))
    typed = ["/model", "/effort", "/cost", "One?", "/effort high", "/model gpt-5.6-luna", "Two?", "/cost", "/help"]
    typed += ["/effort huge", "/model luna", "/nothing", "/etc/hosts, what is that?"]
    done = chat("--base-url", service.base_url, folder=folder, typed="\n".join(typed), OPENAI_API_KEY="sk-x")
    assert done.returncode == 0, done.stderr
    answers = dict(part.split("\n", 1) for part in done.stdout.split(f"\n{PROMPT} ")[1:])
    assert re.search(r"^✓ +gpt-5.6-sol +900,000$", answers["/model"], re.M)
    assert re.search(r"^ +gpt-5.6-luna +900,000$", answers["/model"], re.M)
    assert "default. The efforts are none, minimal, low, medium, high" in answers["/effort"]
    one, two, last = service.request_bodies
    assert (one["model"], one.get("reasoning", {}).get("effort")) == ("gpt-5.6-sol", None)
    assert (two["model"], two["reasoning"]["effort"]) == ("gpt-5.6-luna", "high")
    assert "gpt-5.6-luna, high effort · " in answers["Two?"]
    assert re.search(r"^gpt-5.6-sol · .* · \$0\.\d+ · 1 request$", answers["/cost"], re.M)
    assert re.search(r"^gpt-5.6-luna · .* · \$0\.\d+ · 1 request$", answers["/cost"], re.M)
    assert re.search(r"^\$0\.\d+ so far$", answers["/cost"], re.M)
    assert "/effort [LEVEL]" in answers["/help"]
    assert "huge is not an effort" in answers["/effort huge"]
    assert "not in the list of models" in answers["/model luna"]
    assert "/nothing is not a command. The commands are /model, /effort, /cost, /help, /quit." in answers["/nothing"]
    assert last["model"] == "luna"


def test_a_limit_is_told_in_one_line_with_the_wait(folder: Path, service: Emulator) -> None:
    service.script(rate_limit_exceeded(after_s=0.1), Say("There."))
    done = chat("--base-url", service.base_url, "hi", folder=folder, OPENAI_API_KEY="sk-x")
    assert done.returncode == 0
    assert re.search(r"^Rate limit .*: \d+ of \d+ left - trying again in [\d.]+ s \(1 of 5\)$", done.stdout, re.M)


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_no_colours_where_none_are_wanted(folder: Path, service: Emulator, more: dict[str, str]) -> None:
    with Person("What is 6*7?", folder=folder, columns=80, **at(service), **more) as person:
        assert person.sees_the_end() == 0
        assert "6 * 7 = 42" in person.seen
        assert not COLOUR.search(person.written)
        assert "NO_COLOR" in more or "\x1b" not in person.written


def test_ctrl_d_leaves(folder: Path) -> None:
    with Person(folder=folder) as person:
        person.waits_for(PROMPT)
        person.types("\x04")
        assert person.sees_the_end() == 0


def test_ctrl_c_stops_the_answer_and_keeps_the_conversation(folder: Path, service: Emulator) -> None:
    service.script(SLOW)
    with Person(folder=folder, **at(service)) as person:
        person.asks("Count.")
        person.waits_for("three")
        person.presses_ctrl_c()
        assert "gpt-5.6-sol · tokens and cost unknown · 1 request" in person.waits_for("Stopped.")
        assert service.wait_until(lambda: service.aborted_requests), "the connection is still open"
        person.waits_for(PROMPT)
        person.types("half a")
        person.waits_for("half a")
        # Python misses a signal that comes just before it waits for a key; a person presses again.
        while not person.sees("/quit or Ctrl-D ends the chat", within_s=0.5):
            person.presses_ctrl_c()
        person.asks("What did I just ask?")
        assert "Count." in person.waits_for("at least")
        person.waits_for(PROMPT)
        person.types("\x04")
        assert person.sees_the_end() == 0
        assert "Traceback" not in person.seen
        assert "never retrieved" not in person.seen


@pytest.mark.skipif(not shutil.which("nox"), reason="needs nox on the path")
def test_ctrl_c_in_the_session_of_nox_keeps_the_conversation(folder: Path, service: Emulator) -> None:
    """A terminal sends Ctrl-C to nox as well as to the chat. nox ends a program 0.3 s later, by default."""
    service.script(SLOW)
    with NoxPerson(folder=folder, **at(service)) as person:
        person.waits_for(PROMPT)
        person.presses_ctrl_c()
        assert not person.sees("nox > Interrupted", within_s=1.5)
        person.types("Count.\n")
        person.waits_for("three")
        person.presses_ctrl_c()
        person.presses_ctrl_c()
        person.waits_for("Stopped.")
        person.asks("What is 2*3?")
        person.waits_for("2 * 3 = 6.")
        person.asks("/quit")
        assert person.sees_the_end() == 0
        assert "Session chat was successful" in person.seen


def test_ctrl_c_while_the_chat_starts_ends_it_without_a_traceback(folder: Path) -> None:
    """nox holds Ctrl-C back until the chat has begun to start."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        process = subprocess.Popen(
            command("hi"), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 130
    assert not output.strip()


def test_pasted_lines_are_one_message(folder: Path, service: Emulator) -> None:
    """A terminal marks a paste if the editor of the line asks for that; other lines come together."""
    with Person(folder=folder, **at(service)) as person:
        person.waits_for(PROMPT)
        person.types("\x1b[200~one\ntwo\x1b[201~\n")
        person.waits_for(" s\n")
        person.waits_for(PROMPT)
        person.types("three\nfour\n")
        person.waits_for("so far")
        assert [body["input"][-1]["content"][0]["text"] for body in service.request_bodies] == [
            "one\ntwo",
            "three\nfour",
        ]


@pytest.mark.parametrize("lines", ["What is 2*3?", "What is 2*3?\nAnd tell me why."], ids=["one line", "a paste"])
def test_lines_that_ctrl_d_follows_at_once_are_answered(folder: Path, service: Emulator, lines: str) -> None:
    with Person(folder=folder, **at(service)) as person:
        person.waits_for(PROMPT)
        person.types(f"{lines}\n\x04")
        person.waits_for("2 * 3 = 6.")
        assert person.sees_the_end() == 0
    assert [body["input"][0]["content"][0]["text"] for body in service.request_bodies][:1] == [lines]


def test_ctrl_d_that_is_typed_ahead_ends_the_chat_after_the_lines_before_it(folder: Path, service: Emulator) -> None:
    service.script(Turn(Say("one two three four"), EventDelay(0.3)))
    with Person(folder=folder, **at(service)) as person:
        person.asks("Count.")
        person.waits_for("two")
        person.types("What is 2*3?\n\x04")
        person.waits_for("2 * 3 = 6.")
        assert person.sees_the_end() == 0


def test_ctrl_c_after_pasted_lines_discards_them(folder: Path, service: Emulator) -> None:
    with Person(folder=folder, **at(service)) as person:
        person.waits_for(PROMPT)
        person.types("What is\n2*3")
        person.waits_for("2*3")
        while not person.sees("/quit or Ctrl-D ends the chat", within_s=0.5):
            person.presses_ctrl_c()
        person.asks("What is 4*5?\n\x04")
        person.waits_for("4 * 5 = 20.")
        assert person.sees_the_end() == 0
    assert service.request_bodies[0]["input"][0]["content"][0]["text"] == "What is 4*5?"


def test_ctrl_c_ends_a_single_question(folder: Path, service: Emulator) -> None:
    service.script(SLOW)
    with Person("Count.", folder=folder, **at(service)) as person:
        person.waits_for("three")
        person.presses_ctrl_c()
        assert person.sees_the_end() == 130
        text, _, end = person.seen.partition("one two")[2].partition("Stopped.")
        assert text.split()[0] == "three"
        assert not end.strip()
        assert person.written.endswith("\n")
        assert service.wait_until(lambda: service.aborted_requests)


def test_a_bad_key_is_told_with_its_remedy(folder: Path, service: Emulator) -> None:
    done = chat("hi", folder=folder, OPENAI_BASE_URL=service.base_url, OPENAI_API_KEY="sk-bad")
    assert done.returncode == 1
    assert (
        done.stdout.splitlines()[0] == f"Using the server at {service.base_url} with OPENAI_API_KEY, model gpt-5.6-sol."
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Error: ")]
    assert "Incorrect API key" in line
    assert "OPENAI_API_KEY" in line
    assert not done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason", "remedy"),
    [
        (["--model", "gpt-99"], "`gpt-99` does not exist", "choose another with --model"),
        (["--base-url", "nonsense"], "", "--base-url is not an http or https address. Example: https://"),
        (["--base-url", "no /v1"], "Invalid URL", "check --base-url, which for most servers ends with /v1"),
    ],
)
def test_a_bad_option_is_told_with_its_remedy(
    folder: Path, service: Emulator, arguments: list[str], reason: str, remedy: str
) -> None:
    arguments = [service.origin if argument == "no /v1" else argument for argument in arguments]
    done = chat("hi", *arguments, folder=folder, OPENAI_API_KEY="sk-x" if "--base-url" in arguments else "")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Error: ")]
    assert reason in line
    assert remedy in line
    assert "/model" not in line
    assert done.stdout.startswith("Using") is (arguments[-1] != "nonsense")


def test_the_demonstration_of_a_sign_in(folder: Path) -> None:
    done = chat("--account", "chatgpt-demo", "What is 2*3?", folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("This shows a sign-in to a ChatGPT plan.")
    assert re.search(r"^ {4}[A-Z]{4}-\d{5}$", done.stderr, re.M)
    said = done.stdout + done.stderr
    assert [said.count(once) for once in ("/codex/device", "within 15 minutes", "Signed in as")] == [1, 1, 1]
    assert "2 * 3 = 6." in said
    assert "CANARY" not in said


def test_a_failed_turn_does_not_end_the_conversation(folder: Path, service: Emulator) -> None:
    service.script(insufficient_quota())
    done = chat("--base-url", service.base_url, folder=folder, typed="one\nWhat is 2*3?\n", OPENAI_API_KEY="sk-x")
    assert done.returncode == 0
    assert "Error: You exceeded your current quota" in done.stdout
    assert "2 * 3 = 6" in done.stdout


def test_waits_and_broken_answers_are_shown(folder: Path, service: Emulator) -> None:
    broken = Turn(Say("This answer breaks off in the middle of it."), CutStream(8))
    service.script(broken, Turn(Say("Only a part"), ResponseIncomplete()), Say(" and the rest."))
    done = chat("--base-url", service.base_url, "hi", folder=folder, OPENAI_API_KEY="sk-x")
    assert done.returncode == 0
    assert re.search(r"the connection broke off.* trying again in [\d.]+ s \(1 of 5\)", done.stdout)
    assert "The response broke off. Ignore the text above." in done.stdout
    assert "reached its output limit" in done.stdout
    assert "and the rest." in done.stdout


def test_what_a_model_says_cannot_steer_the_terminal(folder: Path, service: Emulator) -> None:
    service.script(Say("before\x1b[2Jafter\x07", chunks=1))
    with Person("hi", folder=folder, **at(service)) as person:
        assert person.sees_the_end() == 0
        assert "beforeafter" in person.seen
        assert "\x07" not in person.written


def test_an_output_that_knows_only_ascii(folder: Path, service: Emulator) -> None:
    done = chat("Grüße ☃, what is 2*3?", folder=folder, **at(service), PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "* calculate(2 * 3) -> 6" in done.stdout
    assert done.stdout.isascii()


def test_the_emulator_is_reached_past_a_proxy(folder: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    done = chat("hi", folder=folder, HTTP_PROXY=nowhere, HTTPS_PROXY=nowhere, ALL_PROXY=nowhere)
    assert done.returncode == 0, done.stdout


def test_the_reader_of_a_pipe_may_leave(folder: Path, service: Emulator) -> None:
    given = environment(**at(service))
    process = subprocess.Popen(
        command("What is 2*3?"), cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    with process.stdout, process.stderr:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(WAIT_S) == 0
        assert not process.stderr.read()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"OPENAI_API_KEY": "sk-x"}, "OpenAI with OPENAI_API_KEY"),
        ({"OPENAI_BASE_URL": "http://box:8000/v1"}, "the server at http://box:8000/v1"),
        (
            {"OPENAI_BASE_URL": "http://user:secret@box/v1?key=secret", "OPENAI_API_KEY": "sk-x"},
            "the server at http://box/v1 with OPENAI_API_KEY",
        ),
        (
            {"AZURE_OPENAI_ENDPOINT": "https://contoso.openai.azure.com", "OPENAI_API_KEY": "sk-x"},
            "Azure OpenAI at https://contoso.openai.azure.com",
        ),
        ({"AZURE_OPENAI_BASE_URL": "https://box/openai?key=secret"}, "Azure OpenAI at https://box/openai"),
    ],
)
def test_the_account_is_named(given: Mapping[str, str], words: str) -> None:
    with an_account(given) as account:
        assert account.description == words
        assert not account.emulated
        assert "sk-x" not in account.introduction("m")


def test_the_offline_service_can_be_asked_for() -> None:
    with an_account({"OPENAI_API_KEY": "sk-x"}, kind="offline") as account:
        assert account.emulated
        assert account.introduction("m").startswith("Using an offline service, model m.")


def test_empty_variables_are_no_account() -> None:
    assert not any(
        look({"OPENAI_API_KEY": " ", "OPENAI_BASE_URL": "", "AZURE_OPENAI_ENDPOINT": ""}) for look in ACCOUNTS
    )
