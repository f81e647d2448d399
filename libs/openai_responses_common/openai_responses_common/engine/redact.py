"""Removes secrets, and cuts images and what no hook takes, in the data of hook events."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from amplifier_core.utils import SENSITIVE_KEYS

from ..wire.json_values import SURROGATES

_SECRET_KEYS = SENSITIVE_KEYS | {
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "x-api-key",
    "proxy-authorization",
    "cookie",
    "set-cookie",
}
# Longer base64 text than any ciphertext of a reasoning item is an image or a file.
_MAX_BASE64_CHARACTERS = 65_536
_MAX_DATA_URL_CHARACTERS = 1024
# The hooks of amplifier-core read 127 levels, and no integer beyond the largest float (tried 2026-12-01 with 1.x). An
# event puts a few levels around the value.
_MAX_LEVELS = 120
_MAX_INTEGER_BITS = 1023
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{60,}\s*)+")


def redact(value: Any, *, scrub: Callable[[str], str] = str, max_characters: int | None = None) -> Any:
    """Return a copy in which the values of secret keys are hidden and images are cut to their first characters.

    Hooks take the copy: it holds no value that JSON does not have, and does not nest too deeply.

    Args:
        value: the data of an event.
        scrub: removes the credential from a text. The default changes nothing.
        max_characters: the length to which every other string is cut, too. None, by default, cuts no other string.
    """

    def copy(value: Any, levels: int) -> Any:
        match value:
            case str():
                return SURROGATES.sub("?", _shorten_text(scrub(value), max_characters))
            case None | bool():
                return value
            case int():
                bits = value.bit_length()
                return value if bits <= _MAX_INTEGER_BITS else f"… ({bits} bits)"
            case float():
                return value if math.isfinite(value) else None
            case Mapping() if levels:
                return {
                    key if isinstance(key, int) else SURROGATES.sub("?", str(key)): "[REDACTED]"
                    if _is_secret(key, entry)
                    else copy(entry, levels - 1)
                    for key, entry in cast(Mapping[Any, Any], value).items()
                }
            case list() | tuple() if levels:
                return [copy(entry, levels - 1) for entry in cast(list[Any], value)]
            case _:
                return f"… ({type(value).__name__})"

    return copy(value, _MAX_LEVELS)


def _shorten_text(text: str, max_characters: int | None) -> str:
    shortened = text
    is_image = text.startswith("data:") and len(text) > _MAX_DATA_URL_CHARACTERS
    if is_image or (len(text) > _MAX_BASE64_CHARACTERS and _BASE64.match(text, 0, 4096)):
        shortened = text[:64]
    if max_characters is not None:
        shortened = shortened[:max_characters]
    return text if shortened == text else f"{shortened}… ({len(text)} characters)"


def _is_secret(key: object, value: object) -> bool:
    return isinstance(key, str) and key.lower() in _SECRET_KEYS and value is not None
