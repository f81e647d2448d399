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
    "uv names --refresh",  # uv keeps the wheels of a folder by name, and dist/ has had others of this version
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
    environment.install(*flags, *words(what, checkout, names))
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
        assert listed == ([PINNED] if what in RELEASED else [])


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


@pytest.mark.parametrize("way", [*LIVE[1:], "uv names --refresh", "uv folder", "pip git"])
def test_uninstalling_one_leaves_the_others(way: str, checkout: Checkout, tmp_path: Path) -> None:
    environment = installed(way, checkout, tmp_path / "environment", MODULES)
    left = [*MODULES]
    while len(left) > 1:
        environment.uninstall(f"amplifier-module-{left.pop(0)}")

        answer = environment.ask("probe.py")

        assert sorted(answer["modules"]) == left
        assert len(answer["providers"]) == len(left)
        assert [environment.refusal(name) for name in left] == [""] * len(left)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_upgrading_one_of_several_clones(installer: str, tmp_path: Path) -> None:
    """The modules run together as long as the library of their commits is the same; if not, one says what to run."""
    origin = Checkout.make(tmp_path / "origin")
    environment = Environment.make(tmp_path / "environment", installer)
    sources = dict(zip(MODULES, words("git", origin, MODULES), strict=True))
    for name in MODULES:
        environment.install(sources[name])
    (origin.package(MODULES[0]) / "planted.py").touch()
    origin.commit()
    environment.install("--force-reinstall", "--no-deps", sources[MODULES[0]])
    assert [environment.refusal(name) for name in MODULES] == ["", "", ""]

    (origin.library / "planted.py").touch()
    origin.commit()
    environment.install("--force-reinstall", "--no-deps", sources[MODULES[0]])

    refusals = [environment.refusal(name) for name in MODULES]
    assert refusals[0] == "", "its library is the first on the path"
    assert all("does not belong to" in text for text in refusals[1:])
    environment.follow(refusals[1])
    assert [environment.refusal(name) for name in MODULES] == ["", "", ""]


def test_a_folder_that_no_path_file_reaches(checkout: Checkout, tmp_path: Path) -> None:
    environment = installed("uv folder", checkout, tmp_path / "environment", MODULES[:1])
    environment.install("--target", tmp_path / "target", "--no-deps", checkout.folder(MODULES[-1]))
    environment.uninstall(f"amplifier-module-{MODULES[0]}")
    program = f"import sys; sys.path.append({str(tmp_path / 'target')!r}); import {package_of(MODULES[-1])} as module"
    must(environment.python, "-I", "-c", f"{program}; module.create({{}})")


@pytest.mark.parametrize("way", ["uv editable", "uv folder", "uv git", "pip git"])
def test_an_extra_added_later(way: str, checkout: Checkout, tmp_path: Path) -> None:
    """Both by the command that the module says to run, and by the name of the extra."""
    environment = installed(way, checkout, tmp_path / "environment", ["provider-azure-openai-v2"])
    program = "import amplifier_module_provider_azure_openai_v2 as module, azure.identity; module.create({})"
    for requirement in ("azure-identity", "amplifier-module-provider-azure-openai-v2[azure-identity]"):
        environment.install(requirement)
        must(environment.python, "-I", "-c", program)
        environment.uninstall("azure-identity")


def test_a_changed_library_is_built_again(tmp_path: Path) -> None:
    """uv keeps the wheels that it has built; the library's files are part of them."""
    checkout = Checkout.make(tmp_path / "checkout")
    environment = installed("uv folder", checkout, tmp_path / "environment", MODULES[:1])
    assert not environment.ask("probe.py")["library"]["planted"]
    checkout.plant()
    environment.install(checkout.folder(MODULES[0]))
    assert environment.ask("probe.py")["library"]["planted"]
