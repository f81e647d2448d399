"""Every way of installing finds the library it should, live where the install is editable.

The ways are those of Amplifier (uv, editable, with and without `--no-sources`), those of a person with pip, and those
of a release: its files, and its names looked up in a folder. Each module goes into an environment of its own, and all
of them into one, as they do in a host.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.project.install.conftest import COLUMNS, TOGETHER
from tests.support.install.checkout import DIST, LIBRARY, MODULES, VERSION, Checkout, Environment, must, package_of

pytestmark = pytest.mark.install

PINNED = f"openai-responses-common=={VERSION}"
WAYS = [
    "uv editable --refresh",
    "uv editable --quiet --no-sources",
    "uv folder",
    "uv git",
    "uv wheels",
    "uv sdists",
    "uv names",
    "pip editable",
    "pip folder",
    "pip git",
    "pip wheels",
    "pip sdists",
    "pip names",
]
LIVE = [way for way in WAYS if "editable" in way]
RELEASED = {"wheels", "sdists", "names"}


def chosen(which: str) -> list[str]:
    return [name for name in MODULES if which in {TOGETHER, name.removeprefix("provider-")}]


def released(names: list[str], ending: str) -> list[Path]:
    return [next(DIST.glob(f"{name}-*{ending}")) for name in ("openai_responses_common", *map(package_of, names))]


def words(what: str, checkout: Checkout, names: list[str]) -> list[str | Path]:
    match what:
        case "editable":
            return [word for name in names for word in ("--editable", checkout.folder(name))]
        case "folder":
            return [checkout.folder(name) for name in names]
        case "git":
            return [f"git+{checkout.root.as_uri()}@main#subdirectory=modules/{name}" for name in names]
        case "wheels":
            return [*released(names, ".whl")]
        case "sdists":
            return [*released(names, ".tar.gz")]
        case "names":
            folders = ("--find-links", DIST, "--find-links", os.environ["PIP_FIND_LINKS"])
            return ["--no-index", *folders, *(f"amplifier-module-{name}" for name in names)]
        case other:
            raise ValueError(other)


def installed(way: str, checkout: Checkout, folder: Path, names: list[str], *, empty: bool = False) -> Environment:
    """An environment with the modules in it. Where it need not be empty before, pip finds there what a host has: pip
    takes seconds for what uv does in none."""
    installer, what, *flags = way.split()
    environment = Environment.make(folder, installer)
    if installer == "pip" and not empty:
        must("uv", "pip", "install", "--python", environment.python, *LIBRARY["dependencies"])
    sources = words(what, checkout, names)
    # pip clones once for each module; in one command it takes the library of each clone for another one, and stops.
    for command in [[source] for source in sources] if way == "pip git" else [sources]:
        environment.install(*flags, *command)
    return environment


@pytest.mark.parametrize("which", COLUMNS)
@pytest.mark.parametrize("way", WAYS)
def test_way(way: str, which: str, checkout: Checkout, tmp_path: Path) -> None:
    names = chosen(which)
    what = way.split()[1]

    environment = installed(way, checkout, tmp_path / "environment", names, empty=which == TOGETHER)

    answer = environment.ask("probe.py")

    home = checkout.root if way in LIVE else environment.folder
    assert sorted(answer["modules"]) == names
    assert len(answer["providers"]) == len(names)
    assert list(answer["scripts"].values()) == [True] * len(names)
    for package in (answer["library"], *answer["modules"].values(), *answer["providers"].values()):
        assert Path(package["file"]).resolve().is_relative_to(home.resolve())
        assert package["version"] == VERSION
    assert answer["library"]["symbol"]
    for module in answer["modules"].values():
        assert module["callable"]
        assert module["data"] == ["py.typed", "routing.yaml"]
        listed = [name for name in module["requires"] if name.startswith("openai-responses-common")]
        if way in LIVE:
            assert listed == []
        elif what in RELEASED:
            assert listed == [PINNED]
        else:
            assert listed[0].startswith("openai-responses-common @ file://")


@pytest.mark.parametrize("which", COLUMNS)
def test_loaded_twice_by_the_kernel_from_folders(which: str, checkout: Checkout, tmp_path: Path) -> None:
    environment = installed(LIVE[1], checkout, tmp_path / "environment", chosen(which))

    answer = environment.ask("load_twice.py", checkout.root / "modules", *chosen(which))

    names = [name.removeprefix("provider-") for name in chosen(which)]
    assert answer["mounted"] == [names, names]
    assert {Path(file).is_relative_to(checkout.root) for file in answer["files"]} == {True}


@pytest.mark.parametrize("update", ["pulled", "cloned again"])
@pytest.mark.parametrize("way", LIVE)
def test_an_update_runs_without_a_new_install(way: str, update: str, tmp_path: Path) -> None:
    origin = Checkout.make(tmp_path / "origin")
    clone = origin.clone(tmp_path / "clone")
    environment = installed(way, clone, tmp_path / "environment", MODULES)
    before = environment.ask("probe.py")
    origin.plant()
    origin.rewrite(f'"{VERSION}"', '"9.9.9"')
    origin.commit()

    match update:
        case "pulled":
            must("git", "-C", clone.root, "pull", "--quiet", "--ff-only")
        case _:
            shutil.rmtree(clone.root)
            origin.clone(clone.root)

    after = environment.ask("probe.py")
    for name in ("library", *MODULES):
        old, new = (answer["modules"].get(name, answer["library"]) for answer in (before, after))
        assert (old["planted"], old["version"]) == (False, VERSION)
        assert (new["planted"], new["version"]) == (True, "9.9.9")


@pytest.mark.parametrize("way", [*LIVE[1:], "uv names", "uv folder"])
def test_uninstalling_one_leaves_the_others(way: str, checkout: Checkout, tmp_path: Path) -> None:
    environment = installed(way, checkout, tmp_path / "environment", MODULES)
    left = [*MODULES]
    while len(left) > 1:
        environment.uninstall(f"amplifier-module-{left.pop()}")

        answer = environment.ask("probe.py")

        assert sorted(answer["modules"]) == left
        assert len(answer["providers"]) == len(left)


def test_the_extra_azure_identity(checkout: Checkout, tmp_path: Path) -> None:
    environment = Environment.make(tmp_path / "environment", "uv")
    environment.install(f"{checkout.folder('provider-azure-openai-v2')}[azure-identity]")
    must(environment.python, "-I", "-c", "import azure.identity, amplifier_module_provider_azure_openai_v2")
