"""Reads a provider's settings from the host's files, for commands that run outside a session.

Source: amplifier-app-cli reads the user's settings.yaml, then the project's, then the project's local one, and takes
the keys that its wizard asked for from keys.env (seen 2026-11-21).
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
    """Return the config of a provider and the name of the file that holds it; both are empty if no file does.

    Args:
        module: the module's id.
        instance: the id of the instance to read, if several are configured. None, by default, reads the first one.

    Raises:
        ValueError: a file is not valid YAML, or no file has the instance.
    """
    import yaml

    config: Mapping[str, Any] | None = None
    file = ""
    for name in _SETTINGS_FILES:
        path = Path(name).expanduser()
        if not path.is_file():
            continue
        try:
            document = as_object(yaml.safe_load(path.read_text(encoding="utf-8")))
        except yaml.YAMLError:
            raise ValueError(f"{path} is not valid YAML") from None
        for row in as_objects(as_object(document.get("config")).get("providers")):
            if row.get("module") == module and instance in (None, row.get("id")):
                config, file = as_object(row.get("config")), name
                break
    if config is None and instance is not None:
        raise ValueError(f"no settings file of Amplifier has an instance {instance!r} of {module}")
    return dict(config or {}), file


def find_foreign_address(
    config: Mapping[str, Any], file: str, service_hosts: Mapping[str, Iterable[str]]
) -> str | None:
    """Return why credentials must not go to the address in a config: a project's file sends them to a foreign host.

    The author of a project does not own the credentials of this machine. A user may run commands before deciding to
    trust a project. In a session there is nothing left to protect, because a project's files may load code there.
    Returns None if no address is foreign.

    Args:
        config: the settings of a file.
        file: its name.
        service_hosts: the service's own hosts, for each setting that is an address. Hosts below them count as its own.
    """
    if not file or file.startswith("~"):
        return None
    nested = as_object(config.get("credentials"))
    for key, value in [*config.items(), *nested.items()]:
        if key not in service_hosts or re.fullmatch(r"\$\{\w+\}", str(value or "").strip()):
            continue
        address = setting({key: value}, key)
        if address and not _is_service_host(address, service_hosts[key]):
            return f"{file} in this folder sets {key!r} to an address that does not belong to the service"
    return None


def _is_service_host(address: str, service_hosts: Iterable[str]) -> bool:
    try:
        host = urlsplit(address if "://" in address else f"https://{address}").hostname or ""
    except ValueError:
        return False
    return is_loopback(host) or is_within(host, service_hosts)


def load_host_keys() -> None:
    """Set the environment variables of keys.env, which a setup wizard wrote; a variable that is set keeps its value."""
    path = Path(_KEYS_FILE).expanduser()
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := _KEY_LINE.fullmatch(line):
            value = match[2]
            is_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
            os.environ.setdefault(match[1], value[1:-1] if is_quoted else value)
