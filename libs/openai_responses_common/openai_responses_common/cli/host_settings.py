"""Reads a provider's settings from the host's files, for commands that run outside a session.

Source: amplifier-app-cli reads the user's settings.yaml, then the project's, then the project's local one, and takes
the keys that its wizard asked for from keys.env (seen 2026-11-21).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from ..auth.urls import is_loopback, is_within
from ..installation import importing
from ..provider.environment import setting
from ..wire.json_values import as_object

KEYS_FILE = "~/.amplifier/keys.env"
"""The file in which the host's setup wizard saves keys, as environment variables."""

_SETTINGS_FILES = ("~/.amplifier/settings.yaml", ".amplifier/settings.yaml", ".amplifier/settings.local.yaml")
_DEFAULT_PRIORITY = 100  # the loops' own, seen 2026-12-01
_KEY_LINE = re.compile(r"\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """The config of one instance of a provider, merged from the host's files.

    Attributes:
        instance: its `id`, or the module's id if it has none; empty if no file has the provider.
        other_instances: the other instances of the module, in the order of the files.
        layers: the files that have it, each with the config in it; nearer files, which win, come later.
    """

    instance: str = ""
    other_instances: tuple[str, ...] = ()
    layers: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    @property
    def config(self) -> dict[str, Any]:
        """The settings; empty if no file has the provider."""
        config: dict[str, Any] = {}
        for _, layer in self.layers:
            config = _merge_objects(config, layer)
        return config

    def find_file(self, *path: str) -> str:
        """Return the file that a setting comes from, or a key within it; empty if no file has it."""
        return next((file for file, layer in reversed(self.layers) if _has_path(layer, path)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One entry of `config.providers`, merged from the files that were read so far."""

    module: object = None
    layers: tuple[tuple[str, Mapping[str, Any]], ...] = ()


def read_host_config(module: str, instance: str | None = None) -> HostConfig:
    """Return the config of one instance of a provider, merged from the host's files as the host does it.

    Entries of two files are the same if both have the same `id` or, without an `id`, the same module. The nearer file
    wins for each setting. Source: amplifier-app-cli's AppSettings.get_provider_overrides, seen 2026-12-01.

    Args:
        module: the module's id.
        instance: the `id` of the instance to read, or the module's id for the one without an `id`. None, by default,
            reads the one that a session calls: the first of those with the lowest `priority`.

    Raises:
        ValueError: a file cannot be read or is not a settings file, or no file has the instance.
    """
    entries: dict[str, _Entry] = {}
    for file in _SETTINGS_FILES:
        for row in _read_provider_rows(file):
            key = str(row.get("id") or row.get("module"))
            entries[key] = _merge_entry(entries.get(key, _Entry()), row, file)
    instances = {key: HostConfig(layers=entry.layers) for key, entry in entries.items() if entry.module == module}
    if instance is not None and instance not in instances:
        others = f"there is {' and '.join(instances)}" if instances else "it has none"
        raise ValueError(f"Amplifier's settings have no instance {instance!r} of {module}: {others}")
    if not instances:
        return HostConfig()
    name = instance or min(instances, key=lambda key: _read_priority(instances[key]))
    others = tuple(key for key in instances if key != name)
    return HostConfig(instance=name, other_instances=others, layers=instances[name].layers)


def _read_priority(host_config: HostConfig) -> int:
    try:
        return int(str(host_config.config["priority"]))
    except (KeyError, ValueError):
        return _DEFAULT_PRIORITY


def _read_provider_rows(file: str) -> list[dict[str, Any]]:
    """Return the entries of `config.providers`; none if there is no such file.

    Raises:
        ValueError: it is not a settings file. The host ignores such a file without a word.
    """
    with importing():
        import yaml

    text = _read_file(file)
    try:
        document: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None  # its text may show a secret
        raise _bad_file(file, f"is not valid YAML{f' near line {mark.line + 1}' if mark else ''}") from None
    settings = _require_shape(dict, document, file, "must begin with `config:`")
    config = _require_shape(dict, settings.get("config"), file, "must have `providers:` below `config:`")
    rows = _require_shape(list, config.get("providers"), file, "must have a list of `- module: NAME` as its providers")
    for row in rows:
        fields = _require_shape(dict, row, file, "must have `- module: NAME` in each entry of its providers")
        _require_shape(dict, fields.get("config"), file, "must have `name: value` below `config:` of a provider")
    return [row for row in rows if row]


def _require_shape(shape: type, value: object, file: str, rule: str) -> Any:
    """Return a part of a settings file; an empty one if it is not there.

    Raises:
        ValueError: it has another shape.
    """
    if value is not None and not isinstance(value, shape):
        raise _bad_file(file, rule)
    return shape() if value is None else value


def _bad_file(file: str, problem: str) -> ValueError:
    return ValueError(f"{Path(file).expanduser()} {problem}: correct it, because Amplifier ignores the whole file")


def _merge_entry(entry: _Entry, row: Mapping[str, Any], file: str) -> _Entry:
    """Return an entry with what one more file says of it; `config: null` takes back what the others say."""
    earlier_layers = () if "config" in row and row["config"] is None else entry.layers
    return _Entry(
        module=row.get("module", entry.module), layers=(*earlier_layers, (file, as_object(row.get("config"))))
    )


def _merge_objects(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the fields of both; the overlay wins, and objects in both are merged in the same way."""
    merged = dict(base)
    for key, value in overlay.items():
        earlier: object = merged.get(key)
        if isinstance(earlier, dict) and isinstance(value, dict):
            value = _merge_objects(cast("dict[str, Any]", earlier), cast("dict[str, Any]", value))  # noqa: PLW2901
        merged[key] = value
    return merged


def _has_path(config: object, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(config, dict) or key not in config:
            return False
        config = cast("dict[str, object]", config)[key]
    return True


def _read_file(name: str) -> str:
    """Return the text of a file; empty if there is none, or no home in which it could be.

    Raises:
        ValueError: the file cannot be read. The error names it.
    """
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # a user without a home
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except UnicodeDecodeError:
        raise _bad_file(name, "is not a text in UTF-8") from None
    except OSError as error:
        raise _bad_file(name, f"cannot be read ({error.strerror})") from None


def find_foreign_address(host_config: HostConfig, service_hosts: Mapping[str, Iterable[str]]) -> str | None:
    """Return why credentials must not go to the address in a config: a project's file sends them to a foreign host.

    The author of a project does not own the credentials of this machine. A user may run commands before deciding to
    trust a project. In a session there is nothing left to protect, because a project's files may load code there.
    Returns None if no address is foreign.

    Args:
        host_config: the settings and their files. Those that the command line replaces are not among them.
        service_hosts: the service's own hosts, for each setting that is an address. Hosts below them count as its own.
    """
    config = host_config.config
    rows = [(key, value, host_config.find_file(key)) for key, value in config.items()]
    rows += [
        (key, value, host_config.find_file("credentials", key))
        for key, value in as_object(config.get("credentials")).items()
    ]
    for key, value, file in rows:
        if file.startswith("~") or key not in service_hosts:
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


def load_host_keys() -> frozenset[str]:
    """Set the environment variables of keys.env, which a setup wizard wrote; a variable that is set keeps its value.

    Returns:
        The names of the variables that it set.

    Raises:
        ValueError: the file cannot be read.
    """
    names: set[str] = set()
    for line in _read_file(KEYS_FILE).splitlines():
        match = _KEY_LINE.fullmatch(line)
        if match is None or match[1] in os.environ:
            continue
        value = match[2]
        is_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
        os.environ[match[1]] = value[1:-1] if is_quoted else value
        names.add(match[1])
    return frozenset(names)
