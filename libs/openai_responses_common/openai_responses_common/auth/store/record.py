"""What a sign-in leaves behind: a record of tokens, and its form as JSON.

No token appears in a `repr`, a message or an exception chain. The errors of `json` hold the whole document, so what
replaces one is raised after the `except` block that met it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from ...wire.json_values import loads_object_or_none

FORMAT_VERSION = 1

# Beyond any clock, and what JSON calls Infinity and NaN.
_MAX_TIME_S = 1e12


class StoreError(Exception):
    """Tokens cannot be kept, read or removed. The message names the place and the remedy, and no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """The tokens of one account.

    Args:
        account: whose they are, as the service calls it.
        saved_at: when they were got, in seconds since the epoch; of two copies the later counts.
        expires_at: when the access token ends, in seconds since the epoch, where that is known.
        tokens: plain JSON, in whatever form the service needs.
    """

    account: str
    saved_at: float
    expires_at: float | None = None
    tokens: Mapping[str, Any] = field(repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a record of tokens is not pickled or copied: its tokens would leave the store")


ImportRecord: TypeAlias = Callable[[Mapping[str, Any]], TokenRecord | None]
"""Reads the JSON of another program's file; None if it is none that can be taken over."""


def dump_token_record(token_record: TokenRecord) -> str:
    """A record as JSON in pure ASCII.

    Raises:
        StoreError: the tokens are not plain JSON, or a time is none.
    """
    document = {
        "v": FORMAT_VERSION,
        "account": token_record.account,
        "saved_at": token_record.saved_at,
        "expires_at": token_record.expires_at,
        "tokens": dict(token_record.tokens),
    }
    try:
        text = json.dumps(document, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = ""
    if not text or not _are_times(token_record.saved_at, token_record.expires_at):
        raise StoreError("a record whose tokens are not plain JSON, or whose times are not in seconds, cannot be kept")
    return text


def load_token_record(text: str | bytes, location: str, import_record: ImportRecord | None = None) -> TokenRecord:
    """The record that a text holds.

    Args:
        text: what the store gave.
        place: where that was, for the message.
        adopt: for a document without a version, which is another program's.

    Raises:
        StoreError: the text is damaged, of another version, or another program's.
    """
    document = loads_object_or_none(text)
    if document is None:
        raise StoreError(f"{location} is damaged: sign in again")
    if "v" not in document:
        record = _import_document(document, import_record)
        if record is None:
            raise StoreError(f"{location} was not written by this program: move it away and sign in again")
        return record
    if document["v"] != FORMAT_VERSION:
        raise StoreError(f"{location} was written by another version of this program: update it, or sign in again")
    match document:
        case {"account": str(account), "saved_at": saved_at, "expires_at": expires_at, "tokens": {**tokens}} if (
            _are_times(saved_at, expires_at)
        ):
            return TokenRecord(account=account, saved_at=saved_at, expires_at=expires_at, tokens=tokens)
        case _:
            raise StoreError(f"{location} is damaged: sign in again")


def _import_document(document: dict[str, Any], import_record: ImportRecord | None) -> TokenRecord | None:
    if import_record is None:
        return None
    try:
        return import_record(document)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ):  # whatever shape a stranger's file has
        return None


def _are_times(saved_at: Any, expires_at: Any) -> bool:
    return _is_time(saved_at) and (expires_at is None or _is_time(expires_at))


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MAX_TIME_S
