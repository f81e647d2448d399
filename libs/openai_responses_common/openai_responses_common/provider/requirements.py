"""Checks that a module meets the library and the packages that it was made for."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..version import __version__

_LIBRARY_DISTRIBUTION = "openai-responses-common"


def require_version(version: str, *, module: str, file: str) -> None:
    """Fail at import where a module met the library of another release or of another checkout.

    Args:
        version: the module's own.
        module: its distribution's name, for the message.
        file: its `__file__`. In a checkout the library stands beside the modules, and must be read from there.

    Raises:
        ImportError: with what to run.
    """
    sibling = (Path(file).resolve().parent / "../../../libs/openai_responses_common").resolve()
    elsewhere = sibling.is_dir() and sibling not in Path(__file__).resolve().parents
    copied_from = {_find_checkout(module), _find_checkout(_LIBRARY_DISTRIBUTION)} - {None}
    elsewhere = elsewhere or len(copied_from) > 1
    if version != __version__ or elsewhere:
        raise ImportError(
            f"{module} {version} ({file}) found {_LIBRARY_DISTRIBUTION} {__version__} ({__file__}). Both must come "
            f"from one release or one checkout: run `pip uninstall {_LIBRARY_DISTRIBUTION}`, then install every module "
            "of this family again from the same source."
        )


def _find_checkout(name: str) -> str | None:
    """The path of the checkout that a distribution was installed from, as its installer wrote it; None where that noted
    no folder (PEP 610)."""
    try:
        note: dict[str, Any] = json.loads(distribution(name).read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return None
    if "dir_info" not in note:
        return None
    return urlsplit(str(note["url"])).path.rstrip("/").rsplit("/", 2)[0]


def require_package(name: str, minimum_version: str, *, module: str) -> None:
    """Fail at import where a package is absent or too old: the next installation of another module may replace it.

    Hosts import a module to learn whether it is installed; a package that is slow to import is only asked for here.

    Args:
        name: of the package's distribution.
        floor: the oldest version that will do, as two numbers: `3.30`.
        module: the distribution's name of who needs it, for the message.

    Raises:
        ImportError: with what to run.
    """
    found = _read_version(name)
    if not found or _parse_version(found) < _parse_version(minimum_version):
        raise ImportError(
            f"{module} needs {name} {minimum_version} or newer, and {f'{name} {found}' if found else 'none'} is "
            f"installed: run `pip install '{name}>={minimum_version}'`. A module that demands an older one needs an "
            "environment of its own."
        )


def _read_version(name: str) -> str:
    """The version of a distribution, `""` where there is none. `importlib.metadata.version` takes four milliseconds for
    it, as it reads all of the description."""
    try:
        written = distribution(name).read_text("METADATA") or ""
    except PackageNotFoundError:
        return ""
    return match[1] if (match := re.search(r"^Version: *(\S+)", written, re.M)) else ""


def _parse_version(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:2]]
