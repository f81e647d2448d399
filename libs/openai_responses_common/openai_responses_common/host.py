"""A provider's settings as the host's own files hold them, for commands that run outside a session.

Sources: the files and their order in amplifier-app-cli (settings.yaml of the user, then of the project, then its local
one; keys.env for what a wizard asked), seen 2026-11-21.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .wire import record, records

_FILES = ("~/.amplifier/settings.yaml", ".amplifier/settings.yaml", ".amplifier/settings.local.yaml")
_KEYS = "~/.amplifier/keys.env"
_LINE = re.compile(r"\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*")


def host_config(module: str, instance: str | None = None) -> dict[str, Any]:
    """The config of a provider; empty where no file names it.

    Args:
        module: its module id.
        instance: the id of one instance, where several are configured.

    Raises:
        ValueError: a file is no YAML, or none of them has the instance.
    """
    import yaml

    found: Mapping[str, Any] | None = None
    for name in _FILES:
        path = Path(name).expanduser()
        if not path.is_file():
            continue
        try:
            document = record(yaml.safe_load(path.read_text(encoding="utf-8")))
        except yaml.YAMLError:
            raise ValueError(f"{path} is no YAML") from None
        for row in records(record(document.get("config")).get("providers")):
            if row.get("module") == module and instance in (None, row.get("id")):
                found = record(row.get("config"))
                break
    if found is None and instance is not None:
        raise ValueError(f"no settings file of Amplifier has an instance {instance!r} of {module}")
    return dict(found or {})


def load_host_keys() -> None:
    """Put what a setup wizard kept in keys.env into the environment, where it is not set."""
    path = Path(_KEYS).expanduser()
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := _LINE.fullmatch(line):
            value = match[2]
            quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
            os.environ.setdefault(match[1], value[1:-1] if quoted else value)
