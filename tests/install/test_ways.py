"""Every way of installing finds the library it should, live where the install is editable.

The ways are those of Amplifier (uv, editable, with and without `--no-sources`), those of a person with pip, and those
of a release. All modules go into one environment together, as they do in a host.
"""

from __future__ import annotations

import email
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.install.checkout import MODULES, ROOT, VERSION, Checkout, Environment, must, run

pytestmark = pytest.mark.install

DIST = ROOT / "dist"
PINNED = f"openai-responses-common=={VERSION}"
WAYS = [
    "uv editable --refresh",
    "uv editable --quiet --no-sources",
    "uv folder",
    "uv git",
    "uv wheels",
    "uv sdists",
    "pip editable",
    "pip folder",
    "pip git",
    "pip wheels",
    "pip sdists",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout.make(tmp_path / "checkout")


def words(what: str, checkout: Checkout) -> list[str | Path]:
    folders = [checkout.root / "modules" / name for name in MODULES]
    match what:
        case "editable":
            return [word for folder in folders for word in ("--editable", folder)]
        case "folder":
            return [*folders]
        case "git":
            return [f"git+{checkout.root.as_uri()}@main#subdirectory=modules/{name}" for name in MODULES]
        case "wheels":
            return sorted(DIST.glob("*.whl"))
        case "sdists":
            return sorted(DIST.glob("*.tar.gz"))
        case other:
            raise ValueError(other)


@pytest.mark.parametrize("way", WAYS)
def test_installed_modules_find_the_library(way: str, checkout: Checkout) -> None:
    installer, what, *flags = way.split()
    environment = Environment.make(checkout.root.parent / "environment", installer)
    environment.install(*flags, *words(what, checkout))
    checkout.plant()

    answer = environment.ask("probe.py")

    live = what == "editable"
    home = checkout.root if live else environment.folder
    assert sorted(answer["modules"]) == MODULES
    assert len(answer["providers"]) == len(MODULES)
    for package in (answer["library"], *answer["modules"].values(), *answer["providers"].values()):
        assert Path(package["file"]).resolve().is_relative_to(home.resolve())
        assert package["planted"] is live
        assert package["version"] == VERSION
    assert answer["library"]["symbol"]
    for module in answer["modules"].values():
        assert module["callable"]
        listed = [name for name in module["requires"] if name.startswith("openai-responses-common")]
        if live:
            assert listed == []
        elif what in {"wheels", "sdists"}:
            assert listed == [PINNED]
        else:
            assert listed[0].startswith("openai-responses-common @ file://")


def test_the_kernel_loads_the_modules_from_their_folders_twice(checkout: Checkout) -> None:
    environment = Environment.make(checkout.root.parent / "environment", "uv")
    environment.install("--no-sources", *words("editable", checkout))

    answer = environment.ask("load_twice.py", checkout.root / "modules", *MODULES)

    names = [name.removeprefix("provider-") for name in MODULES]
    assert answer["mounted"] == [names, names]
    assert {Path(file).is_relative_to(checkout.root) for file in answer["files"]} == {True}


@pytest.mark.parametrize("first", ["another module, editable", "the library alone, a copy"])
def test_a_module_refuses_the_library_of_another_version(first: str, checkout: Checkout, tmp_path: Path) -> None:
    name = MODULES[0]
    package = checkout.package(name).name
    other = Checkout.make(tmp_path / "other")
    other.rewrite(f'"{VERSION}"', '"9.9.9"')
    other.rewrite(package, "amplifier_module_aardvark")  # sorts first, so its checkout is the first on the path
    other.rewrite(name, "aardvark")
    other.package(name).rename(other.package(name).with_name("amplifier_module_aardvark"))
    environment = Environment.make(tmp_path / "environment", "uv")
    match first:
        case "another module, editable":
            environment.install("--editable", other.root / "modules" / name)
            must(environment.python, "-I", "-c", "import amplifier_module_aardvark")
        case _:
            environment.install(other.library.parent)
    environment.install("--editable", checkout.root / "modules" / name)

    refused = run(environment.python, "-I", "-c", f"import {package}")

    assert refused.returncode != 0
    last = refused.stderr.strip().splitlines()[-1]
    assert "ImportError" in last
    assert VERSION in last
    assert "9.9.9" in last
    assert "install" in last


def test_what_is_released_is_complete_and_names_no_machine() -> None:
    wheels = sorted(DIST.glob("*.whl"))
    sdists = sorted(DIST.glob("*.tar.gz"))
    assert len(wheels) == len(sdists) == len(MODULES) + 1
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            names = wheel.namelist()
            metadata = email.message_from_bytes(wheel.read(next(name for name in names if name.endswith("/METADATA"))))
        assert any(name.endswith("/py.typed") for name in names)
        assert any(name.endswith("/licenses/LICENSE") for name in names)
        assert metadata["Version"] == VERSION
        requires = metadata.get_all("Requires-Dist", [])
        assert not [requirement for requirement in requires if "file:" in requirement]
        assert (PINNED in requires) is path.name.startswith("amplifier_module_")
    for path in sdists:
        with tarfile.open(path) as sdist:
            assert {"pyproject.toml", "LICENSE", "README.md"} <= {Path(name).name for name in sdist.getnames()}
