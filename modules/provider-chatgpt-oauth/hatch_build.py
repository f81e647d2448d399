"""Build backend of a module: hatchling, with dependencies that follow from how the module is installed.

The library stands beside the modules in the checkout and is released with them, under the same version. What it needs
itself is always listed; the library is listed by what is being built:
- an editable install: not at all, `dev-mode-dirs` in pyproject.toml puts the folder of the same checkout on the path;
- a wheel built in a checkout: as a direct reference to that folder;
- an sdist, and any wheel while OPENAI_RESPONSES_COMMON_BUILD=release: as that version from the package index.

The file is the same in every module; what differs is in the module's pyproject.toml.
`prepare_metadata_for_build_*` are left out: without them a frontend reads the dependencies from the very wheel that it
installs, and cannot take those of one kind for those of another.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, cast

from hatchling import build as hatchling
from hatchling.metadata.plugin.interface import MetadataHookInterface

NAME = "openai-responses-common"
BUILD = "OPENAI_RESPONSES_COMMON_BUILD"

build_wheel = hatchling.build_wheel
get_requires_for_build_wheel = hatchling.get_requires_for_build_wheel
get_requires_for_build_sdist = hatchling.get_requires_for_build_sdist
get_requires_for_build_editable = hatchling.get_requires_for_build_editable


# Told through the environment because hatchling loads the hook below from this file anew, with globals of its own.
def build_editable(*args: Any, **kwargs: Any) -> str:
    os.environ[BUILD] = "editable"
    return hatchling.build_editable(*args, **kwargs)


def build_sdist(*args: Any, **kwargs: Any) -> str:
    os.environ[BUILD] = "release"
    return hatchling.build_sdist(*args, **kwargs)


class Dependencies(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        if "dependencies" in metadata:  # this is an unpacked sdist, and hatchling has read them from its PKG-INFO
            return
        folder = Path(self.root).resolve().parents[1] / "libs" / "openai_responses_common"
        library = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if library["version"] != metadata["version"]:
            raise ValueError(f"{folder} and {self.root} have different versions in pyproject.toml: give them one")
        match os.environ.get(BUILD, ""):
            case "editable":
                itself = []
            case "release":
                itself = [f"{NAME}=={library['version']}"]
            case "":
                itself = [f"{NAME} @ {folder.as_uri()}"]
            case other:
                raise ValueError(f"{BUILD} is {other!r}; set it to 'release' or leave it unset")
        # hatchling types its config as a bare dict
        own = cast(dict[str, Any], self.config)["dependencies"]  # pyright: ignore[reportUnknownMemberType]
        metadata["dependencies"] = [*itself, *library["dependencies"], *own]
