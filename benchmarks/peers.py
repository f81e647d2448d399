"""Provider modules from elsewhere, each in a separate environment, because its requirements may not fit ours."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

_MODULES = (
    "import json; from importlib.metadata import entry_points; "
    "print(json.dumps([e.name for e in entry_points(group='amplifier.modules') if e.name.startswith('provider-')]))"
)


def installed(requirements: Sequence[str], folder: Path) -> dict[str, str]:
    """Install each requirement or folder; gives the ids of the providers, and for each the Python that has it."""
    found: dict[str, str] = {}
    for number, requirement in enumerate(requirements):
        place = folder / f"peer-{number}"
        venv.create(place, with_pip=True, clear=True)
        python = str(place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
        words = ["-e", requirement] if Path(requirement).is_dir() else [requirement]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *words, "amplifier-core"], check=True)
        output = subprocess.run([python, "-c", _MODULES], check=True, capture_output=True, text=True).stdout
        modules = json.loads(output)
        if not modules:
            raise SystemExit(f"{requirement} installs no provider module: it has no entry point in amplifier.modules")
        found |= dict.fromkeys(modules, python)
    return found
