"""Says why a module cannot be used in this Python environment, and which command repairs that.

The file is the same in the library and in every module, and a test compares them. It imports nothing of the library,
which may be absent, broken or of another release.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import Distribution, PackageNotFoundError, distribution, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

_LIBRARY = "openai_responses_common"
# Where a wheel that was built in a checkout carries the library.
_CARRIED = "_library"
_MODULE_PREFIX = "amplifier_module_provider_"
# The distributions of packages that have another name. Parts of a package are repaired by installing all of it.
_DISTRIBUTIONS = {"pydantic_core": "pydantic", "yaml": "pyyaml"}
_MAX_REASON = 200


class NotUsable(ImportError):
    """A module cannot be used. The text says why, and what the user can run."""


def check_installation(package: str, version: str, *, needs: Mapping[str, str]) -> None:
    """Check, while a module is imported, that it has its own library and that other packages are new enough.

    Imports no package, because hosts import a module only to learn whether it is installed, and packages are slow to
    import.

    Args:
        package: the module's `__name__`. With hyphens in place of underscores it is the name of its distribution.
        version: the module's `__version__`.
        needs: the distributions to check, each with its oldest valid version, such as `3.30`.

    Raises:
        NotUsable: something does not fit.
    """
    folder = Path(str(sys.modules[package].__file__)).resolve().parent
    _check_library(package, version, folder)
    for name, minimum_version in needs.items():
        installed_version = _read_version(name)
        if not installed_version:
            raise NotUsable(_describe_missing(f"{name}>={minimum_version}"))
        if _parse_version(installed_version) < _parse_version(minimum_version):
            raise NotUsable(_describe_old(name, installed_version, minimum_version))


def _check_library(package: str, version: str, folder: Path) -> None:
    """Check that Python finds the library of the module's version, with the files of the module's own source.

    The library of another folder is as good if its files are equal.
    """
    carried = folder / _CARRIED / _LIBRARY
    own = carried if carried.is_dir() else (folder / "../../../libs" / _LIBRARY / _LIBRARY).resolve()
    library = _find_library()
    if library is None and own == carried:  # a folder of `pip install --target`, where Python reads no .pth files
        sys.path.append(str(carried.parent))
        library = carried
    if library is None:
        raise NotUsable(f"the package {_name(_LIBRARY)} is not installed: {_describe_reinstallation(package)}")
    match = re.search(r'^__version__ = "(.*)"', _read_text(library / "version.py"), re.M)
    library_version = match[1] if match else "of an unknown version"
    if library_version != version or (own.is_dir() and own != library and _read_files(own) != _read_files(library)):
        repair = _describe_removal(library) if library != own else ""
        raise NotUsable(
            f"{_name(_LIBRARY)} {library_version} in {library} does not belong to {_name(package)} {version} in "
            f"{folder}: {repair or _describe_reinstallation(package)}"
        )


def _find_library() -> Path | None:
    spec = find_spec(_LIBRARY)
    return Path(spec.origin).resolve().parent if spec and spec.origin else None


def _read_files(folder: Path) -> dict[str, bytes]:
    return {path[len(str(folder)) :]: content for path, content in _walk(str(folder))}


def _walk(folder: str) -> Iterator[tuple[str, bytes]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                with open(entry.path, "rb") as file:
                    yield entry.path, file.read()
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _walk(entry.path)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


@contextmanager
def importing(requirement: str = "") -> Generator[None]:
    """Let the imports inside this context fail with what the user can run.

    Args:
        requirement: what to install, if the packages have another name than their distribution. By default it follows
            from the error, and from what the installed modules require.

    Raises:
        ConfigurationError: a package is absent or cannot be imported.
    """
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # some broken packages exit, and a panic of Rust is not an `Exception`
        from amplifier_core.llm_errors import ConfigurationError

        raise ConfigurationError(describe_failure(error, requirement=requirement)) from error


def describe_failure(error: BaseException, package: str = "", *, requirement: str = "") -> str:
    """Return why an import failed, and what the user can run.

    Errors other than those of Python's import appear by class name only, because their texts may hold secrets.

    Args:
        error: what the import raised.
        package: the module that was imported; empty, by default, if it is not known.
        requirement: see `importing`.
    """
    if isinstance(error, NotUsable):
        return str(error)
    missing = str(error.name) if isinstance(error, ModuleNotFoundError) else ""
    top = missing.partition(".")[0]
    importer = _find_culprit(error)
    if top and not _is_ours(top) and _is_absent(top) and not _read_version(_name(top)):
        requirement = requirement or _find_requirement(top) or _find_requirement(importer) or _name(top)
        return _describe_missing(requirement, _name(top))
    culprit = importer if isinstance(error, SyntaxError) else _read_import_name(error) or importer
    reason = type(error).__name__
    if isinstance(error, ImportError | SyntaxError):
        reason = " ".join(f"{reason}: {error}".split())[:_MAX_REASON]
    if not requirement and (not culprit or _is_ours(culprit)):
        return f"the files of this module or of its library are damaged ({reason}): {_describe_reinstallation(package)}"
    requirement = requirement or _find_requirement(culprit) or _name(culprit)
    name = _read_name(requirement)
    version, minimum_version = _read_version(name), requirement.partition(">=")[2].partition(",")[0]
    if version and minimum_version and _parse_version(version) < _parse_version(minimum_version):
        return _describe_old(name, version, minimum_version)
    command = install_command("--force-reinstall", "--no-deps", requirement)
    return f"the package {name} cannot be imported ({reason}): run `{command}`"


def _describe_missing(requirement: str, name: str = "") -> str:
    return f"the package {name or _read_name(requirement)} is not installed: run `{install_command(requirement)}`"


def _describe_old(name: str, version: str, minimum_version: str) -> str:
    return (
        f"{name} {version} is too old: run `{install_command(f'{name}>={minimum_version}')}`. A module that requires "
        "an older version must be installed in another environment."
    )


def _find_culprit(error: BaseException) -> str:
    """Return the package, not one of ours if possible, in whose code an error was raised; empty if there is none."""
    if isinstance(error, SyntaxError) and error.filename:
        path = Path(error.filename)
        folders = [folder for folder in sys.path if folder and path.is_relative_to(folder)]
        return path.relative_to(max(folders, key=len)).parts[0].removesuffix(".py") if folders else ""
    packages = [name for name in _walk_packages(error.__traceback__) if name not in sys.stdlib_module_names]
    return next((name for name in reversed(packages) if not _is_ours(name)), packages[-1] if packages else "")


def _walk_packages(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        yield str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        traceback = traceback.tb_next


def _read_import_name(error: BaseException) -> str:
    """Return the package from which a name could not be imported; empty if the error is another one."""
    return str(error.name).partition(".")[0] if isinstance(error, ImportError) and error.name else ""


def _is_ours(package: str) -> bool:
    return package == _LIBRARY or package.startswith(_MODULE_PREFIX)


def _is_absent(package: str) -> bool:
    try:
        return find_spec(package) is None
    except (ImportError, ValueError):  # a test, or a program, put something else in its place
        return True


def _name(package: str) -> str:
    """Return the name of the distribution of a package."""
    return _DISTRIBUTIONS.get(package, package.replace("_", "-"))


def _find_requirement(package: str) -> str | None:
    """Return what an installed module of this family requires of a package, such as `openai>=3.30`."""
    for each in _list_family():
        for requirement in each.requires or ():
            if _normalize(_read_name(requirement)) == _name(package):
                return requirement.partition(";")[0].strip()
    return None


def _read_name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0]


def _list_family() -> list[Distribution]:
    points = entry_points(group=f"{_LIBRARY}.providers")
    found = {point.dist.name: point.dist for point in points if point.dist is not None}
    return [found[name] for name in sorted(found)]


def _read_version(name: str) -> str:
    """Return the version of an installed distribution, or `""` if it is not installed.

    `importlib.metadata.version` takes four milliseconds, because it also parses the description.
    """
    try:
        metadata = distribution(name).read_text("METADATA") or ""
    except PackageNotFoundError:
        return ""
    return match[1] if (match := re.search(r"^Version: *(\S+)", metadata, re.M)) else ""


def _parse_version(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def install_command(*words: str) -> str:
    """Return the line that installs into the environment of this process, quoted for a shell.

    Args:
        words: requirements, and options that pip and uv share.
    """
    return _build_command("install", *words)


def _build_command(verb: str, *words: str) -> str:
    """Return a command of pip, or of uv if the environment has no pip, as uv makes it."""
    python = sys.executable or "python"
    start = [python, "-m", "pip", verb] if find_spec("pip") else ["uv", "pip", verb, "--python", python]
    return quote_command([*start, *words])


def quote_command(words: list[str]) -> str:
    """Return a line that a shell of this system reads as these words."""
    is_windows = os.name == "nt"
    if not is_windows:
        return shlex.join(words)
    return " ".join(f'"{word}"' if re.search(r"[<>&|^,;]", word) else subprocess.list2cmdline([word]) for word in words)


def _describe_removal(library: Path) -> str:
    """Return how to get rid of a library that no installer put where it is; empty if an installer repairs it."""
    entry = next((each for each in sys.path if Path(each).resolve() == library.parent), None)
    if entry is None or _is_installed(library):
        return ""
    if any(library.parent.glob("*.dist-info")):  # other packages are installed in that folder
        return f"delete {library}, which no installer owns"
    return f"take {entry or library.parent} off Python's path (such as PYTHONPATH): no installer owns the library there"


def _is_installed(library: Path) -> bool:
    """Return whether the library is part of a distribution, of a module or of a checkout that is installed."""
    if library.parent.name == _CARRIED:
        return True
    found = _list_family()
    with suppress(PackageNotFoundError):
        itself = distribution(_name(_LIBRARY))
        if Path(str(itself.locate_file(_LIBRARY))).resolve() == library:
            return True
        found.append(itself)
    for each in found:
        note, path = _read_source(each)
        folders = (path / _LIBRARY, path / "../../libs" / _LIBRARY / _LIBRARY)
        if note.get("dir_info", {}).get("editable") and library in [folder.resolve() for folder in folders]:
            return True
    return False


def _read_source(installed: Distribution) -> tuple[dict[str, Any], Path]:
    """Return the note of an installer about the source of a distribution, and the path in its address.

    The note is empty for a release of an index. Source of the format: PEP 610, seen 2026-12-01.
    """
    import json
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    note: dict[str, Any] = json.loads(installed.read_text("direct_url.json") or "{}")
    return note, Path(url2pathname(urlsplit(str(note.get("url", ""))).path))


def _describe_reinstallation(package: str) -> str:
    """Return what installs all modules of this family again, from the source of one."""
    family = {_normalize(each.name) for each in _list_family()}
    first = _name(package) if package else min(family, default="")
    names = sorted({first, *family} - {""})
    words, has_library = _list_sources(first, names)
    install = f"`{install_command('--force-reinstall', '--no-deps', *words)}`"
    if has_library or not _read_version(_name(_LIBRARY)):
        return f"run {install}"
    return f"run `{_build_command('uninstall', _name(_LIBRARY))}`, then {install}"


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _list_sources(first: str, names: list[str]) -> tuple[list[str], bool]:
    """Return the words that make an installer install modules from the source of the first one.

    Also returns whether the library is among them, as a separate distribution.
    """
    note: dict[str, Any] = {}
    path, requires_library, version = Path(), False, _read_version(first)
    with suppress(PackageNotFoundError):
        installed = distribution(first)
        note, path = _read_source(installed)
        requires_library = _name(_LIBRARY) in [_normalize(_read_name(each)) for each in installed.requires or ()]
    url, folders = str(note.get("url", "")), [name.removeprefix("amplifier-module-") for name in names]
    if "vcs_info" in note:
        clone: dict[str, str] = note["vcs_info"]
        revision = clone.get("requested_revision") or clone["commit_id"]
        parent = str(note.get("subdirectory", "")).rpartition("/")[0]
        return [f"{clone['vcs']}+{url}@{revision}#subdirectory={parent}/{folder}" for folder in folders], False
    if "dir_info" in note:
        option = ["--editable"] if note["dir_info"].get("editable") else []
        paths = [str(each) for folder in folders if (each := path.parent / folder).is_dir()]
        return [word for each in paths for word in (*option, each)], False
    local = ["--find-links", str(path.parent)] if url.startswith("file:") else []
    pin = f"=={version}" if version else ""
    library = [_name(_LIBRARY)] if requires_library else []  # else the wheel carries it
    return [*local, *(f"{name}{pin}" for name in (*library, *names))], requires_library
