"""The settings with which a command runs, and where each of them comes from: a file, the environment or `--set`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from amplifier_core.llm_errors import ConfigurationError

from ..provider.environment import find_unset_variable, setting
from ..wire.json_values import as_object
from .host_settings import KEYS_FILE, HostConfig, find_foreign_address, load_host_keys, read_host_config

_COMMAND_LINE = "--set"
_SETTING_NAME = re.compile(r"setting '(\w+)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """The settings of one instance of a provider.

    Attributes:
        host_config: what the host's files say, without the settings that the command line replaces.
        overrides: the settings of the command line.
        saved_variables: the environment variables that the host's file of keys set.
    """

    host_config: HostConfig
    overrides: Mapping[str, str]
    saved_variables: frozenset[str]

    @property
    def config(self) -> dict[str, Any]:
        """The settings by name, whatever their origin."""
        return {**self.host_config.config, **self.overrides}

    def describe_instance(self) -> str:
        """Return which instance the settings belong to, and which others there are."""
        others = " or ".join(f"--instance {name}" for name in self.host_config.other_instances)
        name = self.host_config.instance or "none: Amplifier's settings do not have this provider"
        return f"{name} (use {others} for another one)" if others else name

    def describe_origins(self, variables: Mapping[str, Sequence[str]]) -> str:
        """Return a line for each setting that says where it comes from.

        Args:
            variables: the environment variables that can set a setting, by its name.
        """
        origins: dict[str, str] = {}
        for key, value in self.config.items():
            for name in as_object(value) if key == "credentials" else ():
                origins[f"{key}.{name}"] = self._find_origin(key, name)
            if key != "credentials" and value not in (None, ""):
                origins[str(key)] = self._find_origin(key) + _describe_reference(value)
        for key, names in variables.items():
            for name in names:
                if key not in origins and setting({}, key, name) is not None:
                    saved = f", which {KEYS_FILE} sets" if name in self.saved_variables else ""
                    origins[key] = f"{name} in the environment{saved}"
        width = max(map(len, origins), default=0)
        return "\n".join(f"{key.ljust(width)}  {origin}" for key, origin in origins.items()) or "none"

    def add_origin(self, problem: str) -> str:
        """Return the text of a problem, and where the setting comes from that it names."""
        name = next((name for name in _SETTING_NAME.findall(problem) if name in self.config), "")
        return f"{problem} (from {self._find_origin(name)})" if name else problem

    def _find_origin(self, *path: str) -> str:
        return _COMMAND_LINE if path[0] in self.overrides else self.host_config.find_file(*path)


def _describe_reference(value: object) -> str:
    """Return that a setting refers to an environment variable which is not set; empty if it does not."""
    variable = find_unset_variable(value)
    return f" (but {variable} is not set)" if variable else ""


def add_setting_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the settings; see `read_settings`."""
    parser.add_argument(
        "--instance", metavar="ID", help="use the settings of this instance; its id, or the module if it has none"
    )
    parser.add_argument(
        _COMMAND_LINE,
        metavar="KEY=VALUE",
        dest="overrides",
        type=_read_override,
        action="append",
        default=[],
        help="use this setting; may be repeated",
    )


def _read_override(text: str) -> tuple[str, str]:
    key, equals_sign, value = text.partition("=")
    if not key.strip() or not equals_sign:
        # The text is not shown, because it may be a secret.
        raise argparse.ArgumentTypeError("write --set KEY=VALUE, such as --set timeout=60")
    return key.strip(), value


def read_settings(
    arguments: argparse.Namespace,
    module: str,
    *,
    service_hosts: Mapping[str, Iterable[str]] | None = None,
    needs_choice: bool = False,
) -> CommandSettings:
    """Return the settings of a module: those of the host's files, replaced by those of `--set`.

    Args:
        arguments: the parsed command line.
        module: the module's id, such as `provider-openai-v2`.
        service_hosts: for a command that sends credentials, the service's own hosts by setting; see
            `find_foreign_address`. None, by default, for a command that sends none.
        needs_choice: whether the user has to choose one of several instances, because the command changes something.
            False, by default, takes the one that a session calls.

    Raises:
        ValueError: see `read_host_config`; no instance was chosen; or a project's file sends credentials to another
            host.
    """
    saved_variables = load_host_keys()
    host_config = read_host_config(module, arguments.instance)
    if needs_choice and arguments.instance is None and host_config.other_instances:
        names = " or ".join((host_config.instance, *host_config.other_instances))
        raise ValueError(f"{module} has several instances: choose one with --instance {names}")
    overrides = dict[str, str](arguments.overrides)
    layers = [
        (file, {key: value for key, value in layer.items() if key not in overrides})
        for file, layer in host_config.layers
    ]
    host_config = replace(host_config, layers=tuple(layers))
    if service_hosts is not None and (problem := find_foreign_address(host_config, service_hosts)):
        raise ConfigurationError(f"{problem}: if you trust that address, repeat the setting with --set")
    return CommandSettings(host_config=host_config, overrides=overrides, saved_variables=saved_variables)
