"""The documentation keeps its word: links resolve, blocks of Python run, settings are read, and pages are short."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openai_responses_common.options.options import list_unknown_settings
from responses_emulator import Emulator

from examples.chat.offline_model import respond
from tests.support.backends import BACKENDS, ROOT, BackendUnderTest
from tests.support.pages import BLOCKS, PAGES, Block, Page, names, page, rows
from tests.support.shell_commands import sessions

ABROAD = {"https://github.com/microsoft/amplifier", "https://docs.astral.sh/uv/"}
LANGUAGES = {"python", "sh", "yaml", "mermaid", "text"}
FROM = re.compile(r"<!-- from (\S+) -->")
LIBRARY = ROOT / "libs/openai_responses_common/openai_responses_common"
FORBIDDEN = re.compile(r"pypi\.org|(?<![\w.~])/(home|work|tmp|root|Users)/|#\d{2,}\b|\bissue \d", re.I)


def blocks(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


# Links


def broken(page: Page) -> list[str]:
    """The links of a page that lead nowhere."""
    found: list[str] = []
    for target in page.links:
        path, _, anchor = target.partition("#")
        if target in ABROAD:
            continue
        goal = (page.path.parent / path).resolve() if path else page.path
        inside = goal.is_relative_to(ROOT) and goal.exists()
        if not inside or (anchor and anchor not in Page.read(goal).anchors):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_resolves_within_the_repository(page: Page) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found() -> None:
    text = "[a](README.md) [b](README.md#try-it) [c](absent.md) [`d`](README.md#absent) ![e](../x.svg) [f](https://a.b)"
    wrong = ["absent.md", "README.md#absent", "../x.svg", "https://a.b"]
    assert broken(Page(ROOT / "page.md", text)) == wrong
    assert broken(Page(ROOT / "page.md", f"```text\n{text}\n```\n`{text}`")) == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        here = waiting.pop()
        if here in reached:
            continue
        reached.add(here)
        targets = (target.partition("#")[0] for target in Page.read(here).links)
        waiting += [
            goal for each in targets if (goal := (here.parent / each).resolve()).suffix == ".md" and goal.exists()
        ]
    bundles = {each.path for each in PAGES if "bundles" in each.path.parts}
    assert {each.path for each in PAGES} - bundles - reached == {ROOT / "libs/openai_responses_common/README.md"}
    listed = {(ROOT / target).resolve() for target in page("README.md").links}
    assert set((ROOT / "docs").glob("*.md")) <= listed, "those in docs by the readme itself"


# Words


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_is_short_and_names_no_machine(page: Page) -> None:
    assert FORBIDDEN.findall(page.text) == []
    # The changelog is read by sections and grows with each release. Two pages are tables, one is a package's only page.
    longest = {
        "docs/configuration.md": 310,
        "docs/events.md": 240,
        "docs/contract.md": 500,
        "libs/responses_emulator/README.md": 230,
        "CHANGELOG.md": 500,
    }
    assert len(page.text.splitlines()) <= longest.get(page.path.relative_to(ROOT).as_posix(), 200)


# Blocks


def test_every_block_says_what_it_is() -> None:
    assert [str(block) for block in BLOCKS if block.language not in LANGUAGES] == []


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """All services, and the variables that name an account of each."""
    with Emulator(surfaces=tuple(backend.surface() for backend in BACKENDS), responder=respond) as emulator:
        for backend, surface in zip(BACKENDS, emulator._surfaces, strict=True):
            for name, value in backend.environment(emulator.base_url_of(surface.name), backend.secret).items():
                monkeypatch.setenv(name, value)
        yield emulator


def run(block: Block) -> None:
    exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_block_of_python_runs(block: Block, services: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    """Against the emulator, as it stands; or it is a part of a file that other tests run."""
    if source := FROM.fullmatch(block.above):
        assert block.text in (ROOT / source[1]).read_text(encoding="utf-8")
        return
    ast.parse(block.text)
    if block.needs_account:
        return
    run(block)
    assert capsys.readouterr().out.strip()
    assert services.model_requests
    assert {each.status for each in services.model_requests} == {200}
    assert ".close()" in block.text, "what it opens, it closes"


def test_what_is_said_of_caching_comes_true(services: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = page("docs/caching-reasoning-cost.md").blocks[:1]
    run(block)
    first, second = re.findall(r"(\d+) tokens in, (\d+) of them cached, ([\d.]+) USD", capsys.readouterr().out)
    assert first[1] == "0"
    assert int(second[1]) > int(second[0]) * 0.8
    assert float(second[2]) < float(first[2]) / 2


# Settings in examples


def configured(block: Block) -> list[dict[str, Any]]:
    """The providers that a block of YAML sets up; one of a bundle's form sets up none."""
    document = yaml.safe_load(block.text)
    if set(document) == {"includes"}:
        return []
    assert set(document) == {"config"}, block
    return document["config"]["providers"]


def complaints(row: dict[str, Any]) -> list[str]:
    """What a module says of its settings in an example."""
    backend = next(backend for backend in BACKENDS if backend.module == row["module"])
    provider = importlib.import_module(backend.package).create(row["config"])
    lines = list_unknown_settings(row["config"], provider._backend.own_keys)
    return [*lines, *provider.find_problems(), *sorted(set(row) - {"module", "id", "config"})]


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_block_of_settings_can_be_read_by_its_module(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in re.findall(r"\$\{(\w+)\}", block.text):
        monkeypatch.setenv(name, "something")
    assert [line for row in configured(block) for line in complaints(row)] == []


def test_a_setting_that_is_none_is_found() -> None:
    config = {"module": "provider-openai-v2", "config": {"reasoning_efort": "low", "timeout": "soon"}}
    unknown, unreadable = complaints(config)
    assert "reasoning_effort" in unknown
    assert "timeout" in unreadable


# Tables that lead a reader to the code


def test_where_things_go_is_where_they_are() -> None:
    table = rows(page("CONTRIBUTING.md").sections["Where things go"])
    assert 8 <= len(table) <= 16
    for what, where, _ in table:
        assert_found(what, names(where))


def assert_found(what: str, pointers: list[str]) -> None:
    """Every name stands in one of the files, and every file is there."""
    files = [path for each in pointers if re.search(r"\.(py|yaml)$|/$", each) for path in find(each)]
    texts = [path.read_text(encoding="utf-8") for path in files if path.is_file()]
    for each in pointers:
        if re.search(r"\.(py|yaml)$|/$", each):
            assert find(each), f"{what}: no {each}"
        elif each.startswith("nox -s "):
            assert each.removeprefix("nox -s ") in sessions()
        else:
            assert any(re.search(rf"^class {each}\b|\b{each}\b\s*(:|=)", text, re.M) for text in texts), (
                f"{what}: no {each}"
            )


def find(name: str) -> list[Path]:
    """A file of the library, of the modules, or of the repository."""
    places = [LIBRARY, ROOT, *(backend.package_path for backend in BACKENDS)]
    return [place / name for place in places if (place / name).exists()]


def test_the_sessions_are_those_of_the_noxfile() -> None:
    listed = {names(row[0])[0] for row in rows(page("CONTRIBUTING.md").sections["Set up"])}
    assert listed == sessions()


def kernel_errors() -> set[str]:
    """The kernel's classes that the code imports, but for the one that all are."""
    files = [*LIBRARY.rglob("*.py"), *(path for backend in BACKENDS for path in backend.package_path.glob("*.py"))]
    found: set[str] = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "amplifier_core.llm_errors":
                found |= {each.name for each in node.names}
    return found - {"LLMError"}


def test_every_class_of_error_has_a_cure(backend: BackendUnderTest) -> None:
    from amplifier_core import llm_errors
    from openai_responses_common.failures import classify as errors

    told = {names(row[0])[0]: row for row in rows(page("docs/errors.md").sections["Errors, and what to do about them"])}
    assert all(issubclass(getattr(llm_errors, name), llm_errors.LLMError) for name in told)
    meanings = [value for value in vars(errors).values() if type(value).__name__ == "ErrorMeaning"]
    profile = importlib.import_module(backend.package).create({})._backend.profile
    raised = {each.error.__name__ for each in [*meanings, *(row.meaning for row in profile.errors)]}
    raised |= kernel_errors()
    assert raised <= set(told)
    for meaning in meanings:  # what is retried is said to be
        if meaning.retryable:
            assert told[meaning.error.__name__][2].startswith("yes")


def test_the_table_of_commands_has_each_command_of_each_module() -> None:
    table = rows(page("docs/routing.md").sections["Commands"])
    for column, backend in enumerate(BACKENDS, 1):
        commands = importlib.import_module(f"{backend.package}.__main__").COMMANDS
        listed = {name.split()[0] for row in table if row[column] for name in names(row[0])}
        assert listed == {command.name for command in commands}, backend.module


def test_the_public_names_of_the_library_are_real() -> None:
    import openai_responses_common as library

    for row in rows(page("docs/library.md").text):
        for name in names(row[0]):
            head, *rest = re.sub(r"\(.*", "", name).split(".")
            owner = library.ResponsesProvider if head == "provider" else library
            last = rest[-1] if rest else head
            assert hasattr(owner, last) or last in inspect.getsource(library.ResponsesProvider.__init__), name
