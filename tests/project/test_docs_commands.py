"""Every command of every page runs as it stands: blocks on a machine of a reader, and commands in sentences by form."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from responses_emulator import Emulator

from examples.chat.offline_model import respond
from tests.support.amplifier_stand_in import CASES, Host, RefusedError, list_differences
from tests.support.backends import BACKENDS, ROOT
from tests.support.pages import BLOCKS, EMULATOR_PAGE, PAGES, Block, Page, page
from tests.support.reader_machine import ReaderMachine, Result, copy_checkout
from tests.support.shell_commands import commands, problem

SHELL = [block for block in BLOCKS if block.language == "sh"]
IN_SENTENCES = ("nox", "pip", "python", "uv", "amplifier")
GIT = re.compile(r"git\+https://HOST/OWNER/REPOSITORY@main#subdirectory=([\w./-]+\w)")

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy") / "checkout"
    copy_checkout(folder)
    return folder


@pytest.fixture
def variables() -> Iterator[dict[str, str]]:
    """An account of each service, in the environment."""
    with Emulator(surfaces=tuple(backend.surface() for backend in BACKENDS), responder=respond) as emulator:
        urls = [emulator.base_url_of(surface.name) for surface in emulator._surfaces]
        rows = zip(BACKENDS, urls, strict=True)
        yield {name: value for row, url in rows for name, value in row.environment(url, row.secret).items()}


@pytest.fixture
def run(tmp_path: Path, checkout: Path, variables: dict[str, str]) -> Run:
    """Runs blocks on a machine of a reader."""
    return lambda *blocks: ReaderMachine(tmp_path, checkout).run(blocks, variables)


def block_of(text: str) -> Block:
    return Block("page.md", 1, "sh", f"{text}\n", "")


def faults(result: Result) -> list[str]:
    found = [] if result.code == 0 else [f"{result.block}: {result.output}"]
    return [*found, *(wrong for words in result.written_down if (wrong := problem(words)))]


# Blocks


@pytest.mark.parametrize("name", sorted({block.page for block in SHELL}))
def test_the_commands_of_a_page_run(name: str, run: Run) -> None:
    """From the top of the page down, in one shell. What signs a person in is tried by the tests of the sign-in."""
    assert faults(run(*(block for block in SHELL if block.page == name and not block.needs_account))) == []


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_commands_of_the_emulators_page_run() -> None:
    """In two terminals, with a port that is free."""
    start, ask = [block.text for block in Page.read(EMULATOR_PAGE).blocks if block.language == "bash"]
    install, serve = commands(start)
    url = f"http://127.0.0.1:{serve[-1]}/v1"
    assert problem(install) is None
    assert url in ask
    service = subprocess.Popen(
        [sys.executable, *serve[1:-1], "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with service:
        assert service.stdout
        command = ask.replace(url, service.stdout.readline().strip())
        reply = subprocess.run(["bash", "-e", "-c", command], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(reply.stdout)["status"] == "completed"


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_a_block_of_commands_can_be_pasted(block: Block) -> None:
    """At the prompt of zsh, the words of a comment would be arguments; and nothing in a block has to be replaced."""
    assert not re.search(r"(^|\s)#|^\$ |…|\b(HOST|OWNER|NAME|PACKAGE|FILE|FOLDER)\b", block.text, re.M)


@pytest.mark.parametrize("block", [block for block in SHELL if block.needs_account], ids=str)
def test_a_command_that_needs_an_account_names_what_there_is(block: Block) -> None:
    assert [found for words in commands(block.text) if (found := problem(words))] == []


@pytest.mark.parametrize(
    "command",
    [
        "nox -s absent",
        "nox absent",
        "pip install -e modules/absent",
        "pip install absent",
        "pip install nox --group test",
        "amplifier-openai-v2 status",
        "export PATH=$PATH:$(uv tool dir)/amplifier/bin; amplifier-openai-v2 absent",
        "uv tool install absent",
        "python3 -m absent",
        "make",
        "cp absent .",
        "false && true",
        'amplifier module add provider-openai-v2 --source "$PWD/modules/absent"',
        "amplifier routing use openai-family",
    ],
)
def test_a_block_that_cannot_run_is_found(command: str, run: Run) -> None:
    assert faults(run(block_of(command), block_of("true")))


def test_a_page_that_leaves_a_step_out_is_found(run: Run) -> None:
    (block,) = [block for block in page("README.md").blocks if block.text.startswith("amplifier module add")]
    _, install, configure = block.text.splitlines()
    assert faults(run(block_of(f"{install}\n{configure}")))


# Sentences


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_command_in_a_sentence_names_what_there_is(page: Page) -> None:
    begins = tuple(f"{name} " for name in IN_SENTENCES)
    found = [code for code in page.code if code.startswith(begins) and not re.search("…|[A-Z]{4}", code)]
    assert [wrong for code in found for words in commands(code) if (wrong := problem(words))] == []


@pytest.mark.parametrize(
    "command",
    [
        "python -m amplifier_module_provider_openai_v2 absent",
        "python -m amplifier_module_provider_openai_v2 status --chec",
        "python -m absent status",
        "amplifier provider use openai-v2",
        "amplifier provider add absent",
        "amplifier routing use absent",
        "amplifier run --bundle ./bundles/openai-coding.md hello",
        "nox && make",
    ],
)
def test_a_sentence_with_a_command_that_cannot_work_is_found(command: str) -> None:
    assert any(problem(words) for words in commands(command))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_an_address_in_a_clone_leads_somewhere(page: Page) -> None:
    assert [path for path in GIT.findall(page.text) if not (ROOT / path).exists()] == []
    assert "git+https://HOST" not in GIT.sub("", page.text)


# Amplifier


def test_the_stand_in_takes_what_amplifier_takes(tmp_path: Path) -> None:
    """The cases were seen with the real command line."""
    host, accepted = Host(tmp_path), list[bool]()

    def run(words: list[str]) -> str:
        try:
            output = host.run(words)
        except RefusedError as error:
            accepted.append(False)
            return str(error)
        accepted.append(True)
        return output

    assert list_differences(run, ROOT) == []
    assert accepted == [case.accepted for case in CASES]


def test_the_two_commands_of_the_readme_are_those_of_the_gate() -> None:
    gate = (ROOT / ".ci/run").read_text(encoding="utf-8")
    first, second = (block.text.strip() for block in page("README.md").blocks[:2])
    assert first.splitlines()[-1].startswith('pip install nox && nox -s chat -- "')
    assert second == "pip install nox && nox"
    assert re.search(r"^nox( #.*)?$", gate, re.M)
    assert re.search(r"^nox -s chat -- ", gate, re.M)
