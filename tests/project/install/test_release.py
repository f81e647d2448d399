"""What `nox -s build` leaves in dist/ can be published: complete, of one version, of no machine, and installable."""

from __future__ import annotations

import email
import email.message
import os
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.install.checkout import DIST, LIBRARY, MODULES, ROOT, VERSION, Checkout, Environment, package_of, run

pytestmark = pytest.mark.install

MODULE_PACKAGES = [*map(package_of, MODULES)]
PACKAGES = ["openai_responses_common", "responses_emulator", *MODULE_PACKAGES]
FILES = [f"{package}-{VERSION}{ending}" for package in PACKAGES for ending in (".tar.gz", "-py3-none-any.whl")]
SECRET = re.compile(rb"sk-[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{20,}\.|-----BEGIN [A-Z ]*PRIVATE KEY-----")
MACHINE = re.compile(rb"file://[^ `\"'.]|" + b"|".join(re.escape(f"{path}/".encode()) for path in (ROOT, Path.home())))
EXPECTED = re.compile(  # what a package may hold beside its code
    r".+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE)"
    r"|PKG-INFO|pyproject\.toml|hatch_build\.py|README\.md|LICENSE|\.gitignore"
)


def contents(path: Path) -> dict[str, bytes]:
    """The files of a wheel or an sdist; those of an sdist without the folder that they are all in."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(path) as sdist:
        read = {member.name.partition("/")[2]: sdist.extractfile(member) for member in sdist.getmembers()}
        return {name: file.read() for name, file in read.items() if file}


def metadata(files: dict[str, bytes]) -> email.message.Message:
    (name,) = [name for name in files if name == "PKG-INFO" or name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(files[name])


def test_a_release_is_a_wheel_and_an_sdist_of_every_package() -> None:
    assert sorted(path.name for path in DIST.iterdir() if path.name != ".gitignore") == sorted(FILES)


@pytest.mark.promise("a release holds no key, path or stray file, and workflows few rights", area="security")
@pytest.mark.parametrize("name", FILES)
def test_a_package_is_complete_and_holds_nothing_else(name: str) -> None:
    package = name.partition("-")[0]
    files = contents(DIST / name)

    code = [path for path in files if path.startswith(f"{package}/")]
    assert {f"{package}/__init__.py", f"{package}/py.typed"} <= set(code)
    assert (f"{package}/routing.yaml" in code) is (package in MODULE_PACKAGES)
    assert [path for path in code if not path.endswith((".py", "/py.typed", "/routing.yaml"))] == []
    assert [path for path in code if re.search(r"(^|/)(tests?|conftest|test_.*)[./]", path)] == []
    assert [path for path in files if path not in code and not EXPECTED.fullmatch(path)] == []
    assert any(path.endswith("LICENSE") for path in files)
    for path, content in files.items():
        assert not SECRET.search(content), path
        assert not MACHINE.search(content), path


@pytest.mark.parametrize("name", FILES)
def test_a_package_says_what_it_is_and_needs(name: str) -> None:
    said = metadata(contents(DIST / name))
    requires = said.get_all("Requires-Dist", [])

    assert said["Version"] == VERSION
    assert said["Description-Content-Type"] == "text/markdown"
    assert str(said.get_payload()).startswith("# ")
    is_module = name.partition("-")[0] in MODULE_PACKAGES
    assert (f"openai-responses-common=={VERSION}" in requires) is is_module
    if not name.startswith("responses_emulator"):
        assert set(LIBRARY["dependencies"]) <= set(requires)
    assert not [each for each in requires if "emulator" in each]


def test_the_changelog_tells_what_the_version_brings() -> None:
    told = re.search(
        rf"^## {re.escape(VERSION)}\b.*?\n(.*?)(?=^## |\Z)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M | re.S
    )
    assert told, f"CHANGELOG.md has no section {VERSION}"
    assert re.search(r"^- \S", told[1], re.M), f"the section {VERSION} of CHANGELOG.md lists nothing"


def test_another_machine_would_build_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = Checkout.make(tmp_path / "elsewhere" / "checkout")
    for folder in (checkout.library.parent, checkout.emulator, *map(checkout.folder, MODULES)):
        built = run("uv", "build", "--quiet", "--out-dir", tmp_path / "dist", folder)
        assert built.returncode == 0, built.stderr
    for name in FILES:
        assert contents(tmp_path / "dist" / name) == contents(DIST / name), name
        assert (tmp_path / "dist" / name).read_bytes() == (DIST / name).read_bytes(), name


def test_a_folder_of_wheels_is_enough_to_install_from(tmp_path: Path) -> None:
    environment = Environment.make(tmp_path / "environment", "pip")
    folders = ("--find-links", DIST, "--find-links", os.environ["PIP_FIND_LINKS"])
    environment.install("--no-index", *folders, *(f"amplifier-module-{name}" for name in MODULES))

    assert [environment.refusal(name) for name in MODULES] == ["" for _ in MODULES]


def test_the_emulator_runs_from_its_wheel(tmp_path: Path) -> None:
    environment = Environment.make(tmp_path / "environment", "pip")
    folders = ("--find-links", DIST, "--find-links", os.environ["PIP_FIND_LINKS"])
    environment.install("--no-index", *folders, "responses-emulator")
    ended = run(environment.python, "-m", "responses_emulator", "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
