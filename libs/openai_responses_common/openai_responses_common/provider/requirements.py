"""Checks that a module runs with the library and the packages that it was made for.

A module checks this before it imports anything else of the library, whose names may differ in another release. So this
file imports nothing of the library but its version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..version import __version__

_LIBRARY_DISTRIBUTION = "openai-responses-common"


def check_installation(package: str, *, version: str, file: str, needs: Mapping[str, str]) -> None:
    """Fail while a module is imported if its library or one of its packages does not fit.

    Args:
        package: the module's `__name__`. With hyphens in place of underscores it is the name of its distribution.
        version: the module's `__version__`.
        file: the module's `__file__`.
        needs: the distributions that the module needs, each with its oldest valid version, such as `3.30`.

    Raises:
        ImportError: something does not fit; the message names the command that repairs it.
    """
    module = package.replace("_", "-")
    require_version(version, module=module, file=file)
    for name, minimum_version in needs.items():
        require_package(name, minimum_version, module=module)


def require_version(version: str, *, module: str, file: str) -> None:
    """Fail if a module meets the library of another release or of another checkout.

    Args:
        version: the module's version.
        module: the name of the module's distribution, for the message.
        file: the module's `__file__`. In a checkout the library is a folder beside the modules, and Python must import
            it from there.

    Raises:
        ImportError: the message names the command that repairs the installation.
    """
    sibling = (Path(file).resolve().parent / "../../../libs/openai_responses_common").resolve()
    is_elsewhere = sibling.is_dir() and sibling not in Path(__file__).resolve().parents
    checkouts = {_find_checkout(module), _find_checkout(_LIBRARY_DISTRIBUTION)} - {None}
    if version != __version__ or is_elsewhere or len(checkouts) > 1:
        raise ImportError(
            f"{module} {version} ({file}) found {_LIBRARY_DISTRIBUTION} {__version__} ({__file__}). Both must come "
            f"from one release or one checkout: run `pip uninstall {_LIBRARY_DISTRIBUTION}`, then install every module "
            "of this family again from the same source."
        )


def _find_checkout(name: str) -> str | None:
    """Return the path of the checkout that a distribution was installed from, as its installer noted it (PEP 610).

    Returns None if the installer noted no folder.
    """
    try:
        note: dict[str, Any] = json.loads(distribution(name).read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return None
    if "dir_info" not in note:
        return None
    return urlsplit(str(note["url"])).path.rstrip("/").rsplit("/", 2)[0]


def require_package(name: str, minimum_version: str, *, module: str) -> None:
    """Fail if a package is absent or too old, which happens if another module was installed later and replaced it.

    Does not import the package: hosts import a module only to learn whether it is installed, and packages are slow to
    import.

    Args:
        name: the package's distribution.
        minimum_version: the oldest valid version, as two numbers: `3.30`.
        module: the distribution that needs the package, for the message.

    Raises:
        ImportError: the message names the command that installs the package.
    """
    installed_version = _read_version(name)
    if not installed_version or _parse_version(installed_version) < _parse_version(minimum_version):
        installed = f"{name} {installed_version} is installed" if installed_version else "it is not installed"
        raise ImportError(
            f"{module} needs {name} {minimum_version} or newer, and {installed}: run `pip install "
            f"'{name}>={minimum_version}'`. A module that requires an older version must be installed in another "
            "environment."
        )


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
