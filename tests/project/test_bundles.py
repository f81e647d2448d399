"""Bundles and behaviors: Amplifier can read them, and their providers load, know every key, and work.

Sources: amplifier-foundation's bundle format and its rule for relative sources (against the folder of the file), seen
2026-11-26.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from responses_emulator import Emulator

from tests.support.backends import BACKENDS, ROOT, BackendUnderTest
from tests.support.kernels import Start
from tests.support.pages import page

FOLDER = ROOT / "bundles"
BUNDLES = sorted(FOLDER.glob("*.md"))
BEHAVIORS = sorted((ROOT / "behaviors").glob("*.yaml"))
SECTIONS = {"bundle", "includes", "session", "providers", "tools", "hooks", "agents", "context"}
ABROAD = re.compile(r"git\+https://github\.com/microsoft/[\w-]+@main(#subdirectory=[\w./-]+)?")


def parts(path: Path) -> tuple[dict[str, Any], str]:
    """Front matter and body."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        return yaml.safe_load(text), ""
    _, front, body = re.split(r"^---$", text, maxsplit=2, flags=re.M)
    return yaml.safe_load(front), body.strip()


def provider_of(path: Path) -> dict[str, Any]:
    """The only provider, with its source as the host resolves it."""
    (row,) = parts(path)[0]["providers"]
    return {**row, "source": (path.parent / row["source"]).resolve()}


def bundle_of(backend: BackendUnderTest) -> Path:
    return next(path for path in BUNDLES if provider_of(path)["module"] == backend.module)


def test_there_is_one_of_each_for_each_module() -> None:
    modules = sorted(backend.module for backend in BACKENDS)
    assert sorted(provider_of(path)["module"] for path in BUNDLES) == modules
    assert sorted(provider_of(path)["module"] for path in BEHAVIORS) == modules


@pytest.mark.parametrize("path", [*BUNDLES, *BEHAVIORS], ids=lambda path: path.stem)
def test_amplifier_can_read_it(path: Path) -> None:
    front, _ = parts(path)
    assert set(front) <= SECTIONS
    assert front["bundle"]["name"] in {path.stem, f"behavior-{path.stem}"}
    assert front["bundle"]["description"]
    rows = [*front.get("tools", []), *front.get("hooks", []), *front.get("session", {}).values()]
    for row in rows:
        assert set(row) <= {"module", "source", "config"}
        assert ABROAD.fullmatch(row["source"]), row
    for include in front.get("includes", []):
        assert ABROAD.fullmatch(include["bundle"]), include
    provider = provider_of(path)
    assert set(provider) <= {"module", "source", "config"}
    assert provider["source"] == ROOT / "modules" / provider["module"]
    assert (provider["source"] / "pyproject.toml").is_file()


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.stem)
def test_a_bundle_has_a_short_prompt(path: Path) -> None:
    front, body = parts(path)
    assert front["session"]["orchestrator"]
    assert front["session"]["context"]
    texts = [body, *((FOLDER / name).read_text(encoding="utf-8") for name in front["context"]["include"])]
    assert all(texts)
    assert len(" ".join(texts).split()) < 650
    assert not re.search(r"\bgpt|claude|gemini", " ".join(texts), re.I), "a prompt outlives the name of a model"


def test_the_page_names_the_model_of_a_bundle_and_that_of_its_module() -> None:
    (sentence,) = re.findall(r"^- \*\*The model\*\*.*?(?=^- )", page("docs/routing.md").text, re.M | re.S)
    models: set[str] = set()
    for backend in BACKENDS:
        if model := provider_of(bundle_of(backend))["config"].get("default_model"):
            models |= {model, backend.provider_class(base_url=None, config={}).default_model}
    assert set(re.findall(r"`(gpt-[^`]+)`", sentence)) == models


def test_the_bundles_differ_in_their_provider_alone() -> None:
    found = [parts(path) for path in BUNDLES]
    rest = [({**front, "bundle": None, "providers": None}, body) for front, body in found]
    assert all(each == rest[0] for each in rest)


async def test_the_provider_of_a_bundle_works_with_its_config(
    start: Start, backend: BackendUnderTest, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    config = provider_of(bundle_of(backend))["config"]
    account = backend.config(emulator.base_url, backend.secret)
    with caplog.at_level(logging.WARNING):
        kernel = await start({"module": backend.module, "config": {**config, **account}})
        assert "84" in await kernel.session.execute("What is 12 * 7?")
    assert [each.message for each in caplog.records] == []
    assert set(kernel.providers) == {backend.name}
    body = emulator.request_bodies[0]
    assert body["reasoning"]["effort"] == config["reasoning_effort"]
    assert body["text"]["verbosity"] == config["verbosity"]
    assert body["parallel_tool_calls"] is config["parallel_tool_calls"]
    assert body["model"] == kernel.providers[backend.name].default_model
    assert body["model"] in {each.id for each in await kernel.providers[backend.name].list_models()}


async def test_a_bundle_says_what_is_missing(start: Start, backend: BackendUnderTest) -> None:
    """With no account at all, as on a new machine."""
    kernel = await start({"module": backend.module, "config": provider_of(bundle_of(backend))["config"]})
    with pytest.raises(RuntimeError, match="AuthenticationError"):
        await kernel.session.execute("hello")
