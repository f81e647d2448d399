"""Say, in the environment it runs in, what the entry points load and which files they come from."""

from __future__ import annotations

import importlib
import importlib.metadata
import json

import openai_responses_common as library


def found(point: importlib.metadata.EntryPoint) -> dict[str, object]:
    loaded = point.load()
    package = importlib.import_module(point.module)
    return {
        "value": point.value,
        "callable": callable(loaded),
        "file": package.__file__,
        "planted": hasattr(package, "PLANTED"),
        "version": importlib.metadata.version(point.module.replace("_", "-")),
        "requires": importlib.metadata.requires(point.module.replace("_", "-")),
    }


answer = {
    "library": {
        "file": library.__file__,
        "planted": hasattr(library, "PLANTED"),
        "version": library.__version__,
        "symbol": callable(library.require_version),
    },
    "modules": {point.name: found(point) for point in importlib.metadata.entry_points(group="amplifier.modules")},
    "providers": {
        point.name: found(point) for point in importlib.metadata.entry_points(group="openai_responses_common.providers")
    },
}
print(json.dumps(answer))
