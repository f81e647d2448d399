"""Reads a provider's settings from the host's files, for commands that run outside a session.

Source: amplifier-app-cli reads the user's settings.yaml, then the project's, then the project's local one, and takes
the keys that its wizard asked for from keys.env (seen 2026-11-21).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from ..auth.urls import is_loopback, is_within
from ..provider.environment import setting
from ..wire.json_values import as_object, as_objects

_SETTINGS_FILES = ("~/.amplifier/settings.yaml", ".amplifier/settings.yaml", ".amplifier/settings.local.yaml")
_KEYS_FILE = "~/.amplifier/keys.env"
_KEY_LINE = re.compile(r"\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """The config of a provider, merged from the host's files.

    Attributes:
        config: the settings; empty if no file has the provider.
        files: for each setting the last file that has it.
    """

    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    files: Mapping[str, str] = field(default_factory=dict[str, str])


def read_host_config(module: str, instance: str | None = None) -> HostConfig:
    """Return the config of a provider, merged from the host's files as the host does it.

    A provider has the same entry in two files if both have the same `id` or, without an `id`, the same module. The
    nearer file wins for each setting. Source: amplifier-app-cli's AppSettings.get_provider_overrides, seen 2026-12-01.

    Args:
        module: the module's id.
        instance: the `id` of the instance to read, or the module's id for the one without an `id`. None, by default,
            reads the only one.

    Raises:
        ValueError: a file cannot be read, no file has the instance, or there are several instances and none was chosen.
    """
    configs: dict[str, HostConfig] = {}
    for name in _SETTINGS_FILES:
        for row in _read_provider_rows(name):
            if row.get("module") == module:
                key = str(row.get("id") or module)
                configs[key] = _merge_config(configs.get(key, HostConfig()), as_object(row.get("config")), name)
    if instance is not None:
        if instance not in configs:
            others = f"; there is {' and '.join(configs)}" if configs else ""
            raise ValueError(f"no settings file of Amplifier has an instance {instance!r} of {module}{others}")
        return configs[instance]
    if len(configs) > 1:
        raise ValueError(f"{module} has several instances: choose one with --instance {' or '.join(configs)}")
    return next(iter(configs.values()), HostConfig())


def _read_provider_rows(name: str) -> list[dict[str, Any]]:
    import yaml

    text = _read_file(name)
    try:
        document = as_object(yaml.safe_load(text))
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None  # its text may show a secret
        location = f" near line {mark.line + 1}" if mark else ""
        raise ValueError(f"{Path(name).expanduser()} is not valid YAML{location}: correct it") from None
    return as_objects(as_object(document.get("config")).get("providers"))


def _merge_config(base: HostConfig, config: Mapping[str, Any], file: str) -> HostConfig:
    return HostConfig(config=_merge_objects(base.config, config), files={**base.files, **dict.fromkeys(config, file)})


def _merge_objects(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the fields of both; the overlay wins, and objects in both are merged in the same way."""
    merged = dict(base)
    for key, value in overlay.items():
        earlier: object = merged.get(key)
        if isinstance(earlier, dict) and isinstance(value, dict):
            value = _merge_objects(cast("dict[str, Any]", earlier), cast("dict[str, Any]", value))  # noqa: PLW2901
        merged[key] = value
    return merged


def _read_file(name: str) -> str:
    """Return the text of a file; empty if there is none, or no home in which it could be.

    Raises:
        ValueError: the file cannot be read. The error names it.
    """
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # a user without a home
        return ""
    if not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text in UTF-8") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None


def find_foreign_address(host_config: HostConfig, service_hosts: Mapping[str, Iterable[str]]) -> str | None:
    """Return why credentials must not go to the address in a config: a project's file sends them to a foreign host.

    The author of a project does not own the credentials of this machine. A user may run commands before deciding to
    trust a project. In a session there is nothing left to protect, because a project's files may load code there.
    Returns None if no address is foreign.

    Args:
        host_config: the settings and their files.
        service_hosts: the service's own hosts, for each setting that is an address. Hosts below them count as its own.
    """
    rows = [(key, value, host_config.files.get(key, "")) for key, value in host_config.config.items()]
    rows += [
        (key, value, host_config.files.get("credentials", ""))
        for key, value in as_object(host_config.config.get("credentials")).items()
    ]
    for key, value, file in rows:
        if not file or file.startswith("~") or key not in service_hosts:
            continue
        if re.fullmatch(r"\$\{\w+\}", str(value or "").strip()):
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
    """Set the environment variables of keys.env, which a setup wizard wrote; a variable that is set keeps its value.

    Raises:
        ValueError: the file cannot be read.
    """
    for line in _read_file(_KEYS_FILE).splitlines():
        if match := _KEY_LINE.fullmatch(line):
            value = match[2]
            is_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
            os.environ.setdefault(match[1], value[1:-1] if is_quoted else value)
