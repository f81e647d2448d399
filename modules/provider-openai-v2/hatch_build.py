"""Build backend of a module: hatchling, with a library that depends on how the module is installed.

The library stands beside the modules in the checkout and is released with them, under the same version. The
dependencies of the library are always listed. The library itself comes in one of three ways:
- with an editable install, `dev-mode-dirs` in pyproject.toml puts its folder on the path;
- a wheel built in a checkout carries its files, in a folder of the module that a .pth file puts on the path. So no
  module loses it when another one is uninstalled;
- an sdist, and every wheel while OPENAI_RESPONSES_COMMON_BUILD=release, lists that version from the package index.

The file is the same in every module, and a test compares them. What differs is in the module's pyproject.toml.
The functions `prepare_metadata_for_build_*` are left out: without them a frontend reads the dependencies from the wheel
that it installs, and cannot mix up those of two kinds.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from pathlib import Path
from typing import Any, cast

from hatchling import build as hatchling
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

NAME = "openai-responses-common"
BUILD = "OPENAI_RESPONSES_COMMON_BUILD"

build_wheel = hatchling.build_wheel
get_requires_for_build_wheel = hatchling.get_requires_for_build_wheel
get_requires_for_build_sdist = hatchling.get_requires_for_build_sdist
get_requires_for_build_editable = hatchling.get_requires_for_build_editable


# Passed through the environment, because hatchling loads the hooks below from this file again, with separate globals.
def build_editable(*args: Any, **kwargs: Any) -> str:
    os.environ[BUILD] = "editable"
    return hatchling.build_editable(*args, **kwargs)


def build_sdist(*args: Any, **kwargs: Any) -> str:
    os.environ[BUILD] = "release"
    return hatchling.build_sdist(*args, **kwargs)


def find_library(root: str) -> Path:
    return Path(root).resolve().parents[1] / "libs" / "openai_responses_common"


class Dependencies(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        if "dependencies" in metadata:  # in an unpacked sdist, hatchling has read them from PKG-INFO
            return
        folder = find_library(self.root)
        library = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if library["version"] != metadata["version"]:
            raise ValueError(
                f"{folder} and {self.root} have different versions in pyproject.toml: set the same version in both"
            )
        match os.environ.get(BUILD, ""):
            case "release":
                itself = [f"{NAME}=={library['version']}"]
            case "" | "editable":
                itself = []
            case other:
                raise ValueError(f"{BUILD} is {other!r}; set it to 'release' or leave it unset")
        # hatchling types its config as a bare dict
        own = cast(dict[str, Any], self.config)["dependencies"]  # pyright: ignore[reportUnknownMemberType]
        metadata["dependencies"] = [*itself, *library["dependencies"], *own]


class CarriedLibrary(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        library = find_library(self.root) / "openai_responses_common"
        if os.environ.get(BUILD) or not library.is_dir():  # it is not there beside an unpacked sdist
            return
        package = self.metadata.name.replace("-", "_")
        carried = f"{package}/_library"
        self.folder = tempfile.TemporaryDirectory()  # until the wheel is written
        path_file = Path(self.folder.name) / f"{package}.pth"
        path_file.write_text(f"{carried}\n", encoding="utf-8")
        build_data["force_include"] |= {str(library): f"{carried}/{library.name}", str(path_file): path_file.name}
