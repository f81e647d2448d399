"""Removes secrets, and cuts images and what no hook takes, in the data of hook events.

A secret is recognised by its key, such as `authorization` or `X-GitHub-Token`, by its place, such as the headers of a
tool or the query of an address, or by its own form, such as `ghp_…`. In definitions of tools, and in the fields of
`extra_body`, a text that looks random is a secret, too. The text of a conversation is not searched: that would cost
more than all other work on a call, and it holds no setting.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, Literal, cast

from amplifier_core.utils import SENSITIVE_KEYS

from ..wire.json_values import SURROGATES

_HIDDEN = "[REDACTED]"

_SECRET_WORDS = frozenset(
    {
        *("secret", "secrets", "password", "passwd", "passphrase", "pwd", "credential", "credentials"),
        *("authorization", "apikey", "privatekey", "cookie", "cookies", "bearer", "jwt", "token"),
    }
)
# Before `key`, these words name a key of data: `prompt_cache_key`.
_PLAIN_KEY_WORDS = frozenset({"cache", "sort", "partition", "primary", "foreign", "routing", "group", "idempotency"})
# An object or a list under one of these words holds a secret under any name.
_SECRET_MAP_WORDS = frozenset({"headers", "header", "env", "vars"})
_KEY_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_MAX_KEY_CHARACTERS = 64
# A name of a tool or of a model may look random.
_PLAIN_TEXT_KEYS = frozenset({"name", "type", "model"})

# Forms of keys and tokens: OpenAI and Anthropic, GitHub, GitLab, Slack, AWS, Google, Hugging Face, npm, JWT, PEM.
# Source: the rules of gitleaks 8.30, seen 2026-12-01; the expressions are our own.
_SECRET_FORM = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|rk|pk)[-_](?=[A-Za-z_-]{0,60}[0-9])[A-Za-z0-9_-]{12,}|gh[pousr]_[A-Za-z0-9]{12,}|github_pat_\w{12,}"
    r"|glpat-[\w-]{12,}|xox[a-z]-[\w-]{10,}|A[KS]IA[A-Z0-9]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{12,}|hf_[A-Za-z0-9]{12,}"
    r"|npm_[A-Za-z0-9]{12,}|eyJ[\w-]{8,200}\.[\w-]{8,}[.\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
    r"|(?:Bearer|Basic) (?=[A-Za-z_.+/~-]{0,60}[0-9=])[\w.+/~=-]{8,})"
)
_MAX_SECRET_CHARACTERS = 8192
_WORD = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/]{24,}")
# Ids of files, stores, containers and connectors look random, too: `vs_68a1…`, `file-6F2k…`.
_ID = re.compile(r"[a-z]{2,9}[_-][A-Za-z0-9]+")
_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20}://)(?P<user>[^\s/?#\"'<>]*@)?(?P<place>[^\s?#\"'<>]*)"
    r"(?P<query>\?[^\s#\"'<>]*)?(?P<fragment>#[^\s\"'<>]*)?"
)
_SCHEME_CHARACTERS = 24

# Longer base64 text than any ciphertext of a reasoning item is an image or a file.
_MAX_BASE64_CHARACTERS = 65_536
_MAX_DATA_URL_CHARACTERS = 1024
# The hooks of amplifier-core read 127 levels, and no integer beyond the largest float (tried 2026-12-01 with 1.x). An
# event puts a few levels around the value.
_MAX_LEVELS = 120
_MAX_INTEGER_BITS = 1023
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{60,}\s*)+")


def redact(
    value: Any,
    *,
    scrub: Callable[[str], str] = str,
    max_characters: int | None = None,
    suspect_keys: Collection[str] = (),
) -> Any:
    """Return a copy in which secrets are hidden and images are cut to their first characters.

    Hooks take the copy: it holds no value that JSON does not have, and does not nest too deeply.

    Args:
        value: the data of an event.
        scrub: removes the credential from a text. The default changes nothing.
        max_characters: the length to which every other string is cut, too. None, by default, cuts no other string.
        suspect_keys: keys below which every text that looks like a secret is hidden, besides `tools`. None by default.
    """
    suspects = {"tools", *suspect_keys}

    def copy(value: Any, levels: int, is_suspect: bool) -> Any:
        match value:
            case str():
                return _clean_text(_shorten_text(_hide_secrets(scrub(value), is_suspect), max_characters))
            case None | bool():
                return value
            case int():
                bits = value.bit_length()
                return value if bits <= _MAX_INTEGER_BITS else f"… ({bits} bits)"
            case float():
                return value if math.isfinite(value) else None
            case Mapping() if levels:
                return {
                    key if isinstance(key, int) else _clean_text(str(key)): copy_entry(
                        key, entry, levels - 1, is_suspect
                    )
                    for key, entry in cast(Mapping[Any, Any], value).items()
                }
            case list() | tuple() if levels:
                return [copy(entry, levels - 1, is_suspect) for entry in cast(list[Any], value)]
            case _:
                return f"… ({type(value).__name__})"

    def copy_entry(key: Any, entry: Any, levels: int, is_suspect: bool) -> Any:
        match _classify_key(key) if isinstance(key, str) and len(key) <= _MAX_KEY_CHARACTERS else "plain":
            case "secret" if entry is not None:
                return _HIDDEN
            case "tokens" if isinstance(entry, str | list | tuple | Mapping):
                return _HIDDEN
            case "map" if isinstance(entry, Mapping):
                names = cast(Mapping[Any, Any], entry)
                return {_clean_text(str(name)): None if names[name] is None else _HIDDEN for name in names}
            case "map" if isinstance(entry, str | list | tuple):
                return _HIDDEN
            case _:
                return copy(entry, levels, key in suspects or (is_suspect and key not in _PLAIN_TEXT_KEYS))

    return copy(value, _MAX_LEVELS, False)


@lru_cache(maxsize=4096)
def _classify_key(key: str) -> Literal["secret", "tokens", "map", "plain"]:
    """Return what stands under a key: a `secret`, `tokens` unless it is their number, or a `map` of secrets."""
    if key.lower() in SENSITIVE_KEYS:
        return "secret"
    words = [word.lower() for word in _KEY_WORDS.findall(key)] or [""]
    if words[-1] in _SECRET_MAP_WORDS:
        return "map"
    if words[-1] == "tokens":
        return "tokens"
    is_key = words[-1] == "key" and len(words) > 1 and words[-2] not in _PLAIN_KEY_WORDS
    return "secret" if is_key or not _SECRET_WORDS.isdisjoint(words) else "plain"


def _hide_secrets(text: str, is_suspect: bool) -> str:
    """Return a text without its secrets. Only a suspect text is searched; others are secrets or addresses as a whole.

    An address loses its user, query and fragment, and each part of its path that looks like a secret.
    """
    if len(text) > _MAX_SECRET_CHARACTERS:
        return text
    if is_suspect:
        hidden = _ADDRESS.sub(_hide_parts_of_address, text) if "://" in text else text
        if _is_random(text) and not _ID.fullmatch(text):
            return _HIDDEN
        return _SECRET_FORM.sub(_HIDDEN, hidden)
    if "://" in text[:_SCHEME_CHARACTERS] and (address := _ADDRESS.fullmatch(text)):
        return _hide_parts_of_address(address)
    return _HIDDEN if _SECRET_FORM.fullmatch(text) else text


def _hide_parts_of_address(address: re.Match[str]) -> str:
    parts = [_HIDDEN if _looks_secret(part) else part for part in address["place"].split("/")]
    user = f"{_HIDDEN}@" if address["user"] else ""
    query = f"?{_HIDDEN}" if address["query"] else ""
    fragment = f"#{_HIDDEN}" if address["fragment"] else ""
    return f"{address['scheme']}{user}{'/'.join(parts)}{query}{fragment}"


def _looks_secret(text: str) -> bool:
    return _SECRET_FORM.fullmatch(text) is not None or _is_random(text)


def _is_random(text: str) -> bool:
    """Return whether a text is one word with a long run of letters and digits."""
    run = _LONG_RUN.search(text) if _WORD.fullmatch(text) else None
    return run is not None and not run[0].isdigit() and not run[0].isalpha()


def _shorten_text(text: str, max_characters: int | None) -> str:
    shortened = text
    is_image = text.startswith("data:") and len(text) > _MAX_DATA_URL_CHARACTERS
    if is_image or (len(text) > _MAX_BASE64_CHARACTERS and _BASE64.match(text, 0, 4096)):
        shortened = text[:64]
    if max_characters is not None:
        shortened = shortened[:max_characters]
    return text if shortened == text else f"{shortened}… ({len(text)} characters)"


def _clean_text(text: str) -> str:
    return text if text.isascii() else SURROGATES.sub("?", text)
