"""A setting is one row: its reader, its field, its meaning for users, its default and its environment variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amplifier_core.llm_errors import ConfigurationError

from .readers import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. The tables of settings map its key to this row, and the configuration reference is made of them.

    Attributes:
        meaning: what it does and which values are valid, for the reference.
        read: the reader of its values; plain text by default.
        field: the field that holds the value, if an object of options has one: of `Options` for settings of every
            module, of the module's own record for settings of one module. Empty by default.
        default: the default in words, if no field of `Options` holds it. Empty by default.
        variables: environment variables that set the same if the config does not, in order. None by default.
    """

    meaning: str
    read: Callable[[object], Any] = text
    field: str = ""
    default: str = ""
    variables: tuple[str, ...] = ()

    def parse(self, key: str, value: object) -> Any:
        """Return the typed value of the setting `key`.

        Raises:
            ConfigurationError: the value is not valid; the error names the setting and the valid values.
        """
        try:
            return self.read(value)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"setting {key!r} takes {error}, not {show_value(value)}") from None


def show_value(value: object) -> str:
    """Return a value as an error shows it; the name of its type if Python cannot write it."""
    try:
        return f"{value!r:.200}"
    except (ValueError, RecursionError):  # an integer of more than 4300 digits
        return f"this {type(value).__name__}"


def is_unset(value: object) -> bool:
    """Return whether a value counts as not set: wizards write an empty text if the user gave nothing."""
    return value is None or value == ""
