"""A setting is one row: its reader, its field, its meaning for users, its default and its environment variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amplifier_core.llm_errors import ConfigurationError

from .readers import text

# Python refuses to write an integer of more than 4300 digits.
_MAX_INTEGER_BITS = 1023


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
        is_structured: whether its value is an object or a list of objects, which may hold secrets. False by default.
    """

    meaning: str
    read: Callable[[object], Any] = text
    field: str = ""
    default: str = ""
    variables: tuple[str, ...] = ()
    is_structured: bool = False

    def parse(self, key: str, value: object) -> Any:
        """Return the typed value of the setting `key`.

        Raises:
            ConfigurationError: the value is not valid; the error names the setting and the valid values.
        """
        try:
            return self.read(value)
        except (ValueError, TypeError) as error:
            expected = str(error)
        # Raised here, because the error of the reader, or its context, may quote the value.
        raise ConfigurationError(
            f"setting {key!r} takes {describe_mismatch(expected, value, is_structured=self.is_structured)}"
        )


def describe_mismatch(expected: str, value: object, *, is_structured: bool) -> str:
    """Return what a setting takes and what it has instead, for an error.

    Args:
        expected: the valid values.
        value: the value that is not valid. Objects, lists and the text of structured settings may hold secrets, so the
            result names their type only.
        is_structured: see `Setting.is_structured`.
    """
    if isinstance(value, str) and not is_structured:
        return f"{expected}, not {value!r:.200}"
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= _MAX_INTEGER_BITS):
        return f"{expected}, not {value!r}"
    return f"{expected}, not this {type(value).__name__} (its value is not shown, because it may hold secrets)"


def is_unset(value: object) -> bool:
    """Return whether a value counts as not set: wizards write an empty text if the user gave nothing."""
    return value is None or value == ""
