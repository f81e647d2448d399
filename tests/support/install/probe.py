"""Say, in the environment it runs in, what the entry points load and which files they come from."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import json

import openai_responses_common as library


def found(point: importlib.metadata.EntryPoint) -> dict[str, object]:
    loaded = point.load()
    package = importlib.import_module(point.module)
    distribution = importlib.metadata.distribution(point.module.replace("_", "-"))
    return {
        "value": point.value,
        "callable": callable(loaded),
        "file": package.__file__,
        "planted": hasattr(package, "PLANTED"),
        "version": package.__version__,
        "installed": distribution.version,
        "requires": distribution.requires,
        "data": [name for name in DATA if importlib.resources.files(point.module).joinpath(name).is_file()],
    }


DATA = ("py.typed", "routing.yaml")
answer = {
    "library": {
        "file": library.__file__,
        "planted": hasattr(library, "PLANTED"),
        "version": library.__version__,
        "symbol": callable(library.create_provider),
    },
    "modules": {point.name: found(point) for point in importlib.metadata.entry_points(group="amplifier.modules")},
    "scripts": {
        point.name: callable(point.load())
        for point in importlib.metadata.entry_points(group="console_scripts")
        if point.module.startswith("amplifier_module_provider")
    },
    "providers": {
        point.name: found(point) for point in importlib.metadata.entry_points(group="openai_responses_common.providers")
    },
}
print(json.dumps(answer))
