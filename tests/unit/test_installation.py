"""What a user is told to run suits the environment, the shell and the way in which the modules were installed."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import installation
from openai_responses_common.installation import describe_failure, importing, install_command, quote_command

LIBRARY = "openai_responses_common"
NAMES = ("amplifier-module-provider-one", "amplifier-module-provider-two")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, and the only one; this process goes on with what it has imported."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder)])
    return folder


def install(
    site: Path, name: str, *requirements: str, source: dict[str, Any] | None = None, version: str = "1.2.3"
) -> None:
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {each}" for each in requirements)]
    (info / "METADATA").write_text("\n".join(lines), encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[openai_responses_common.providers]\n{name} = x:y\n", encoding="utf-8")
    if source is not None:
        (info / "direct_url.json").write_text(json.dumps(source), encoding="utf-8")


def words_of(text: str) -> list[list[str]]:
    """The commands in a text, as a shell reads them, without those that are only quoted."""
    return [shlex.split(command) for command in text.split("`")[1::2]]


def test_an_environment_with_pip_uses_it_and_another_one_uses_uv(site: Path) -> None:
    (site / "pip").mkdir()
    (site / "pip" / "__init__.py").touch()
    assert words_of(f"`{install_command('a>=1')}`") == [[sys.executable, "-m", "pip", "install", "a>=1"]]
    (site / "pip" / "__init__.py").unlink()
    (site / "pip").rmdir()
    assert words_of(f"`{install_command('a>=1')}`") == [["uv", "pip", "install", "--python", sys.executable, "a>=1"]]


def test_a_shell_reads_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shlex.split(quote_command(["a b", "c>=1", "d"])) == ["a b", "c>=1", "d"]
    monkeypatch.setattr(os, "name", "nt")
    assert quote_command(["C:\\a b\\python.exe", "c>=1,<2", "d"]) == '"C:\\a b\\python.exe" "c>=1,<2" d'


RELEASE = None
WHEEL = {"url": "file:///w%20w/two.whl", "archive_info": {}}
CLONE = {
    "url": "https://example.com/a/b",
    "subdirectory": "modules/provider-two",
    "vcs_info": {"vcs": "git", "commit_id": "c0ffee", "requested_revision": "main"},
}
SOURCES = {
    "a release": (RELEASE, ["openai-responses-common==1.2.3", *(f"{name}==1.2.3" for name in NAMES)]),
    "git": (
        CLONE,
        [f"git+https://example.com/a/b@main#subdirectory=modules/provider-{name}" for name in ("one", "two")],
    ),
    "a wheel": (
        WHEEL,
        ["--find-links", "/w w", "openai-responses-common==1.2.3", *(f"{name}==1.2.3" for name in NAMES)],
    ),
    "a wheel that carries the library": (WHEEL, ["--find-links", "/w w", *(f"{name}==1.2.3" for name in NAMES)]),
}


@pytest.mark.skipif(os.name == "nt", reason="the paths are those of another system")
@pytest.mark.parametrize("source", SOURCES)
def test_all_modules_are_installed_again_from_the_source_of_the_one_that_fails(site: Path, source: str) -> None:
    note, expected = SOURCES[source]
    requirements = ["openai-responses-common==1.2.3"] if "openai-responses-common==1.2.3" in expected else []
    for name in NAMES:
        install(site, name, *requirements, source=note if name == NAMES[1] else CLONE)
    error = ImportError("x", name="openai_responses_common.gone")
    (command,) = words_of(describe_failure(error, NAMES[1].replace("-", "_")))
    assert command[-len(expected) - 2 :] == ["--force-reinstall", "--no-deps", *expected]


@pytest.mark.parametrize("editable", [True, False])
def test_a_checkout_installs_what_it_has(site: Path, tmp_path: Path, editable: bool) -> None:
    folder = tmp_path / "modules" / "provider-two"
    folder.mkdir(parents=True)
    install(site, NAMES[0])
    install(site, NAMES[1], source={"url": folder.as_uri(), "dir_info": {"editable": True} if editable else {}})
    (command,) = words_of(describe_failure(ImportError("x", name="openai_responses_common"), NAMES[1]))
    assert command[-2 if editable else -1 :] == [*(["--editable"] if editable else []), str(folder)]
    assert not any("provider-one" in word for word in command)


@pytest.mark.parametrize("source", [CLONE, WHEEL])
def test_a_released_library_is_removed_before_a_module_that_carries_its_own(site: Path, source: dict[str, Any]) -> None:
    install(site, "openai-responses-common")
    install(site, NAMES[1], source=source)
    removal, _ = words_of(describe_failure(ImportError("x", name="openai_responses_common"), NAMES[1]))
    assert removal[-1] == "openai-responses-common"
    assert "uninstall" in removal


def write_library(folder: Path) -> Path:
    (folder / LIBRARY).mkdir(parents=True)
    (folder / LIBRARY / "__init__.py").touch()
    (folder / LIBRARY / "version.py").write_text('__version__ = "9.9.9"\n', encoding="utf-8")
    return folder / LIBRARY


@pytest.fixture
def check(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """A function that returns why a module, installed from a wheel that carries the library, does not fit it."""
    package = NAMES[1].replace("-", "_")
    install(site, NAMES[1], source=WHEEL)
    (site / package / "_library" / LIBRARY).mkdir(parents=True)
    (site / package / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, LIBRARY)

    def check() -> str:
        with pytest.raises(installation.NotUsable) as caught:
            installation.check_installation(__import__(package).__name__, "1.2.3", needs={})
        return str(caught.value)

    yield check
    sys.modules.pop(package, None)


def test_a_library_that_no_installer_owns_is_taken_off_the_path(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[], str]
) -> None:
    folder = write_library(tmp_path / "foreign").parent
    monkeypatch.setattr(sys, "path", [str(folder), str(site)])
    assert f": take {folder} off Python's path" in check()
    monkeypatch.chdir(folder)  # as `python` without a program has it
    sys.path[0] = ""
    assert f": take {folder} off Python's path" in check()


def test_files_that_no_installer_owns_beside_installed_packages_are_deleted(
    site: Path, check: Callable[[], str]
) -> None:
    library = write_library(site)
    assert f": delete {library}" in check()


@pytest.mark.parametrize("owner", ["itself", "itself, editable", "a module, editable", "a module"])
def test_a_library_that_an_installer_owns_is_installed_again(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[], str], owner: str
) -> None:
    checkout = tmp_path / "checkout"
    match owner:
        case "itself":
            folder = write_library(site).parent
            install(site, "openai-responses-common", version="9.9.9")
        case "itself, editable":
            folder = write_library(checkout / "libs" / LIBRARY).parent
            source = {"url": folder.as_uri(), "dir_info": {"editable": True}}
            install(site, "openai-responses-common", source=source)
        case "a module, editable":
            folder = write_library(checkout / "libs" / LIBRARY).parent
            source = {"url": (checkout / "modules/provider-one").as_uri(), "dir_info": {"editable": True}}
            install(site, NAMES[0], source=source)
            (checkout / "modules/provider-one").mkdir(parents=True)
        case _:
            folder = write_library(site / NAMES[0].replace("-", "_") / "_library").parent
            install(site, NAMES[0], source=WHEEL)
    monkeypatch.setattr(sys, "path", [str(folder), str(site)])
    text = check()
    assert "delete" not in text
    assert f"{NAMES[1]}==1.2.3" in words_of(text)[-1]


def test_a_library_that_python_finds_without_its_path_is_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[], str]
) -> None:
    """Some editable installs add a finder in place of a folder."""
    library = write_library(tmp_path / "foreign")
    spec = importlib.util.spec_from_file_location(LIBRARY, library / "__init__.py")
    monkeypatch.setattr(installation, "find_spec", lambda name: spec if name == LIBRARY else None)
    assert words_of(check())[-1][-1] == f"{NAMES[1]}==1.2.3"


def fail(site: Path, text: str, package: str = "fragile") -> str:
    (site / f"{package}.py").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught, importing():
        __import__(package)
    assert caught.value.__cause__ is not None
    return str(caught.value)


def test_what_an_import_raises_becomes_a_sentence_with_a_command(site: Path) -> None:
    install(site, NAMES[0], 'fragile>=2.1; python_version >= "3"', "other")
    text = fail(site, "raise ImportError('one\\ntwo')")
    assert text.startswith("the package fragile cannot be imported (ImportError: one two): run `")
    assert words_of(text)[0][-3:] == ["--force-reinstall", "--no-deps", "fragile>=2.1"]


@pytest.mark.parametrize("kind", ["RuntimeError", "SystemExit", "BaseException"])
def test_another_error_appears_by_name_only(site: Path, kind: str) -> None:
    """Its text may hold a secret. A broken package that exits, or panics in Rust, does not end the host."""
    text = fail(site, f"raise {kind}('the key sk-123')")
    assert text.startswith(f"the package fragile cannot be imported ({kind}): run `")


def test_an_import_can_be_interrupted(site: Path) -> None:
    (site / "fragile.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt), importing():
        __import__("fragile")


def test_a_package_that_another_one_lacks_comes_with_the_other(site: Path) -> None:
    install(site, NAMES[0], "fragile>=2.1")
    text = fail(site, "import a_part_of_it")
    assert text.startswith("the package a-part-of-it is not installed: run `")
    assert words_of(text)[0][-1] == "fragile>=2.1"


def test_files_that_are_gone_are_installed_again(site: Path) -> None:
    """An installer would say that the package is there."""
    install(site, "a-part-of-it")
    text = fail(site, "import a_part_of_it")
    assert words_of(text)[0][-3:] == ["--force-reinstall", "--no-deps", "a-part-of-it"]


def test_a_name_that_only_a_newer_release_has(site: Path) -> None:
    install(site, NAMES[0], "fragile>=2.1")
    install(site, "fragile", version="2.0.9")
    text = fail(site, "from fragile import soon")
    assert text.startswith("fragile 2.0.9 is too old: run `")
    assert words_of(text)[0][-1] == "fragile>=2.1"


def test_a_requirement_for_packages_of_another_name(site: Path) -> None:
    for text in ("raise OSError", "import a_part_of_it"):
        (site / "fragile.py").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError, match="'fragile-things>=1'"), importing("fragile-things>=1"):
            __import__("fragile")


def test_a_folder_without_its_path_file_lends_its_library(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install --target` makes such a folder: Python reads no .pth file there."""
    package = site / "amplifier_module_provider_one"
    library = package / "_library/openai_responses_common"
    library.mkdir(parents=True)
    (package / "__init__.py").touch()
    (library / "__init__.py").touch()
    (library / "version.py").write_text('__version__ = "1.2.3"\n', encoding="utf-8")
    module = __import__(package.name)
    monkeypatch.delitem(sys.modules, "openai_responses_common")
    installation.check_installation(module.__name__, "1.2.3", needs={})
    assert sys.path[-1] == str(library.parent)
    del sys.modules[package.name]


def test_the_file_is_the_same_in_the_library_and_in_every_module() -> None:
    root = Path(__file__).parents[2]
    for name, count in (("installation.py", 4), ("stand_in.py", 3)):
        copies = [path for path in root.glob(f"[lm]*/*/*/{name}") if "emulator" not in str(path)]
        assert len(copies) == count
        assert len({copy.read_bytes() for copy in copies}) == 1
