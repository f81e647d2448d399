"""What does not belong together says what to do, and that helps: two checkouts, two versions, an older `openai`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.install.checkout import DIST, LIBRARY, MODULES, VERSION, Checkout, Environment, must

pytestmark = pytest.mark.install

FIRST, *_, LAST = MODULES
FLOOR = next(name for name in LIBRARY["dependencies"] if name.startswith("openai>="))
STUB = """
[project]
name = "{name}"
version = "1"
dependencies = ["{pin}"]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment.make(tmp_path / "environment", "uv")


@pytest.fixture
def other(tmp_path: Path) -> Checkout:
    return Checkout.make(tmp_path / "other")


def stock(folder: Path, pin: str) -> Path:
    """A module that demands what one of the modules that come with Amplifier demands of `openai`."""
    package = folder / "amplifier_module_provider_stock"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    text = STUB.format(name="amplifier-module-provider-stock", package=package.name, pin=pin)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def check_remedy(environment: Environment, names: list[str], *reasons: str) -> None:
    """One of the modules does not run with the library of another one, and what it says makes all of them run.

    Which of them it is depends on the order of their names.
    """
    refusals = {name: environment.refusal(name) for name in names}
    (refused,) = [text for text in refusals.values() if text]
    assert "ConfigurationError: openai-responses-common " in refused
    assert "does not belong to" in refused
    for reason in reasons:
        assert reason in refused
    environment.follow(refused)
    assert [environment.refusal(name) for name in names] == [""] * len(names)
    must("uv", "pip", "check", "--python", environment.python)


@pytest.mark.parametrize("names", [f"{FIRST} then {LAST}", f"{LAST} then {FIRST}"])
def test_two_checkouts_editable(names: str, checkout: Checkout, other: Checkout, environment: Environment) -> None:
    one, two = both = names.split(" then ")
    environment.install("--editable", checkout.folder(one))
    environment.install("--editable", other.folder(two))
    assert [environment.refusal(name) for name in both] == ["", ""], "their libraries are equal"

    other.plant()

    check_remedy(environment, both, f"{other.root}", f"{checkout.root}")


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_two_checkouts_in_one_command(
    installer: str, checkout: Checkout, other: Checkout, environment: Environment
) -> None:
    other.plant()
    Environment(environment.folder, installer).install(checkout.folder(FIRST), other.folder(LAST))

    check_remedy(environment, [FIRST, LAST])


@pytest.mark.parametrize("copy", ["a release", "a copy of another checkout"])
def test_an_editable_module_beside(copy: str, checkout: Checkout, other: Checkout, environment: Environment) -> None:
    match copy:
        case "a release":
            wheels = [*DIST.glob("openai_responses_common-*.whl"), *DIST.glob(f"*{FIRST.replace('-', '_')}-*.whl")]
            environment.install(*wheels)
        case _:
            environment.install(checkout.folder(FIRST))
    environment.install("--editable", other.folder(LAST))
    assert [environment.refusal(name) for name in (FIRST, LAST)] == ["", ""], "their libraries are equal"

    other.plant()

    check_remedy(environment, [FIRST, LAST])


@pytest.mark.parametrize("first", ["another module, editable", "the library alone, a copy"])
def test_a_library_of_another_version(
    first: str, checkout: Checkout, other: Checkout, environment: Environment
) -> None:
    package = checkout.package(FIRST).name
    other.rewrite(f'"{VERSION}"', '"9.9.9"')
    other.rewrite(package, "amplifier_module_aardvark")  # sorts first, so its checkout is the first on the path
    other.rewrite(FIRST, "aardvark")
    other.package(FIRST).rename(other.package(FIRST).with_name("amplifier_module_aardvark"))
    match first:
        case "another module, editable":
            environment.install("--editable", other.folder(FIRST))
            assert environment.refusal("aardvark") == ""
        case _:
            environment.install(other.library.parent)
    environment.install("--editable", checkout.folder(FIRST))

    refused = environment.refusal(FIRST)

    assert "ConfigurationError: openai-responses-common 9.9.9 in " in refused
    assert VERSION in refused
    assert "install" in refused


def test_copies_of_two_versions(checkout: Checkout, other: Checkout, environment: Environment) -> None:
    other.rewrite(f'"{VERSION}"', '"9.9.9"')
    environment.install(checkout.folder(FIRST))
    environment.install(other.folder(LAST))

    check_remedy(environment, [FIRST, LAST], VERSION, "9.9.9")


def test_beside_a_module_that_takes_any_openai(checkout: Checkout, environment: Environment, tmp_path: Path) -> None:
    editable = [word for name in MODULES for word in ("--editable", checkout.folder(name))]
    environment.install(*editable, stock(tmp_path / "stock", "openai>=1"))

    assert [environment.refusal(name) for name in MODULES] == ["", "", ""]


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_module_that_demands_an_older_openai(
    installer: str, checkout: Checkout, environment: Environment, tmp_path: Path
) -> None:
    older = stock(tmp_path / "stock", "openai>=2.15,<3")

    done = Environment(environment.folder, installer).command("install", checkout.folder(FIRST), older)

    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert FLOOR in said
    assert re.search("openai.*<3", said)


def test_an_older_openai_by_force(checkout: Checkout, environment: Environment, tmp_path: Path) -> None:
    """A second command may put an older `openai` beneath the modules; those that use it say so, the others work."""
    environment.install(*(checkout.folder(name) for name in MODULES))
    forced = environment.command("install", stock(tmp_path / "stock", "openai>=2.15,<3"))
    assert forced.returncode == 0
    assert FLOOR in environment.command("check").stderr

    for name in MODULES:
        if name == "provider-chatgpt-oauth":  # has a client of its own
            assert environment.refusal(name) == ""
    refused = environment.refusal(FIRST)
    assert "ConfigurationError: openai 2." in refused
    assert f"'{FLOOR}'" in refused
    environment.follow(refused)
    assert [environment.refusal(name) for name in MODULES] == [""] * len(MODULES)
