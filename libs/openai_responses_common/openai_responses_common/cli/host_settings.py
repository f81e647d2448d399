"""A provider's settings as the host's own files hold them, for commands that run outside a session.

Sources: the files and their order in amplifier-app-cli (settings.yaml of the user, then of the project, then its local
one; keys.env for what a wizard asked), seen 2026-11-21.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..auth.urls import is_loopback, is_within
from ..provider.environment import setting
from ..wire.json_values import as_object, as_objects

_SETTINGS_FILES = ("~/.amplifier/settings.yaml", ".amplifier/settings.yaml", ".amplifier/settings.local.yaml")
_KEYS_FILE = "~/.amplifier/keys.env"
_KEY_LINE = re.compile(r"\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*")


def read_host_config(module: str, instance: str | None = None) -> tuple[dict[str, Any], str]:
    """The config of a provider, and the file that it is from; both are empty where no file names it.

    Args:
        module: its module id.
        instance: the id of one instance, where several are configured.

    Raises:
        ValueError: a file is no YAML, or none of them has the instance.
    """
    import yaml

    found: Mapping[str, Any] | None = None
    file = ""
    for name in _SETTINGS_FILES:
        path = Path(name).expanduser()
        if not path.is_file():
            continue
        try:
            document = as_object(yaml.safe_load(path.read_text(encoding="utf-8")))
        except yaml.YAMLError:
            raise ValueError(f"{path} is no YAML") from None
        for row in as_objects(as_object(document.get("config")).get("providers")):
            if row.get("module") == module and instance in (None, row.get("id")):
                found, file = as_object(row.get("config")), name
                break
    if found is None and instance is not None:
        raise ValueError(f"no settings file of Amplifier has an instance {instance!r} of {module}")
    return dict(found or {}), file


def find_foreign_address(
    config: Mapping[str, Any], file: str, service_hosts: Mapping[str, Iterable[str]]
) -> str | None:
    """Why credentials must not go where a config says: a project's file sends them to a stranger.

    Whoever wrote a project is not who owns the credentials of this machine. Commands run where nobody has decided yet
    to trust a project; in a session its files may name code to be loaded, and there is nothing left to protect.

    Args:
        config: what a file gives.
        file: its name.
        own_hosts: for each setting that is an address the service's own hosts; what lies below them is theirs, too.
    """
    if not file or file.startswith("~"):
        return None
    nested = as_object(config.get("credentials"))
    for key, given in [*config.items(), *nested.items()]:
        if key not in service_hosts or re.fullmatch(r"\$\{\w+\}", str(given or "").strip()):
            continue
        address = setting({key: given}, key)
        if address and not _is_service_host(address, service_hosts[key]):
            return f"{file} in this folder sets {key!r} to an address that is not the service's own"
    return None


def _is_service_host(address: str, service_hosts: Iterable[str]) -> bool:
    try:
        host = urlsplit(address if "://" in address else f"https://{address}").hostname or ""
    except ValueError:
        return False
    return is_loopback(host) or is_within(host, service_hosts)


def load_host_keys() -> None:
    """Put what a setup wizard kept in keys.env into the environment, where it is not set."""
    path = Path(_KEYS_FILE).expanduser()
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := _KEY_LINE.fullmatch(line):
            value = match[2]
            quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
            os.environ.setdefault(match[1], value[1:-1] if quoted else value)
