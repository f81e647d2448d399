"""Readers of a module's settings: the config, and the environment if the config has no value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, cast

from amplifier_core.llm_errors import ConfigurationError

from ..options import readers

_VARIABLE_REFERENCE = re.compile(r"\$\{(\w+)\}")

# Python refuses to write longer integers in decimal.
_MAX_DECIMAL_BITS = 10_000

# What a host's setup wizard passes if the user entered nothing.
_UNSET_VALUES = frozenset({"", "http://placeholder"})


def override_config(config: Mapping[str, Any] | None, **overrides: str | None) -> dict[str, Any]:
    """Return a config in which other values replace those of the same key.

    Args:
        config: the settings; None counts as empty.
        overrides: the values by key. None, `""` and a host's placeholder replace nothing.
    """
    return {
        **(config or {}),
        **{key: value for key, value in overrides.items() if value and value not in _UNSET_VALUES},
    }


def setting(config: Mapping[str, Any], key: str, *variables: str) -> str | None:
    """Return a text setting: the config's value, else that of the first environment variable that has one.

    `${NAME}` in a value stands for the environment variable `NAME`, because some hosts do not expand it. None and `""`
    count as absent; False and 0 are values, as "false" and "0". Returns None if the config and the environment have no
    value.

    Args:
        config: the settings.
        key: the name of the setting.
        variables: the names of the environment variables, in the order of precedence.
    """
    for value in (config.get(key), *(os.environ.get(name) for name in variables)):
        text = _VARIABLE_REFERENCE.sub(lambda match: os.environ.get(match[1], ""), _write_value(value)).strip()
        if text not in _UNSET_VALUES:
            return text
    return None


def find_unset_variable(value: object) -> str | None:
    """Return the environment variable that a value refers to as `${NAME}`; None if it is set, or if there is none."""
    reference = _VARIABLE_REFERENCE.fullmatch(_write_value(value).strip())
    return reference[1] if reference and not os.environ.get(reference[1]) else None


def exact_setting(config: Mapping[str, Any], key: str, *variables: str) -> str | None:
    """Return a text setting whose blanks and `${…}` belong to it, such as a password; else like `setting`.

    Only a value that is one reference as a whole stands for a variable.
    """
    for value in (config.get(key), *(os.environ.get(name) for name in variables)):
        text = _write_value(value)
        if reference := _VARIABLE_REFERENCE.fullmatch(text.strip()):
            text = os.environ.get(reference[1], "")
        if text.strip() not in _UNSET_VALUES:
            return text
    return None


def describe_source(config: Mapping[str, Any], key: str, *variables: str) -> str:
    """Return where the value of a text setting comes from: "the variable OPENAI_API_KEY", or "the setting api_key".

    Hosts replace the references to variables before they pass a config. So a variable is also named if it is the only
    one that has the value, as the variable of a second instance has.

    Args:
        config: the settings.
        key: the name of a setting that has a value; see `setting`.
        variables: the names of the environment variables, in the order of precedence.
    """
    value = setting(config, key)
    if value is None:
        names = [name for name in variables if setting({}, key, name)][:1]
    elif reference := _VARIABLE_REFERENCE.fullmatch(_write_value(config.get(key)).strip()):
        names = [reference[1]]
    else:
        names = [name for name, text in os.environ.items() if text.strip() == value]
    return f"the variable {names[0]}" if len(names) == 1 else f"the setting {key}"


def _write_value(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int():
            return hex(value) if value.bit_length() > _MAX_DECIMAL_BITS else str(value)
        case Mapping() | list() | tuple() | set():
            # It may hold secrets, and what reads the text quotes it in an error.
            return f"a {type(cast(object, value)).__name__} in place of a text"
        case _:
            return str(value)


def word_list(config: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return the entries of a setting that is a list, or a text with commas between the entries.

    Raises:
        ConfigurationError: the value is neither.
    """
    try:
        return readers.word_list(config.get(key) or ())
    except ValueError:
        raise ConfigurationError(f"setting {key!r} must be a list of names, or a text such as 'a, b'") from None
