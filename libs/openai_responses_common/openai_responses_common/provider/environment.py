"""Settings of a module: from its config, else from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, cast

from amplifier_core.llm_errors import ConfigurationError

_VARIABLE_REFERENCE = re.compile(r"\$\{(\w+)\}")


# What a host's setup wizard passes where the user gave nothing.
_UNSET_VALUES = frozenset({"", "http://placeholder"})


def override_config(config: Mapping[str, Any] | None, **overrides: str | None) -> dict[str, Any]:
    """A config with what a constructor was given apart from it, which wins; a host's placeholders count as absent."""
    return {
        **(config or {}),
        **{key: value for key, value in overrides.items() if value and value not in _UNSET_VALUES},
    }


def setting(config: Mapping[str, Any], key: str, *variables: str) -> str | None:
    """A text setting: the config's value, else the first environment variable that is set; `""` counts as absent.

    `${NAME}` in a config value is the variable's value, also under hosts that do not expand it themselves.
    """
    for value in (config.get(key), *(os.environ.get(name) for name in variables)):
        text = _VARIABLE_REFERENCE.sub(lambda match: os.environ.get(match[1], ""), str(value or "")).strip()
        if text not in _UNSET_VALUES:
            return text
    return None


def word_list(config: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A setting that is a list, or words between commas.

    Raises:
        ConfigurationError: it is something else.
    """
    value: object = config.get(key) or ()
    if not isinstance(value, str | list | tuple):
        raise ConfigurationError(f"setting {key!r} takes a list of names")
    entries = value.split(",") if isinstance(value, str) else cast("list[object]", value)
    return tuple(str(entry).strip() for entry in entries if str(entry).strip())
