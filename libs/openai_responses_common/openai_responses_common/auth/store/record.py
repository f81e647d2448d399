"""The record of tokens that a sign-in saves, and its form as JSON.

No token appears in a `repr`, a message or an exception chain. The errors of `json` hold the whole document, so our
error is raised after the `except` block that caught one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

from ...wire.json_values import loads_object_or_none

FORMAT_VERSION = 1

# Excludes Infinity and NaN, which JSON can carry, and times that no clock has.
_MAX_TIME_S = 1e12


class StoreError(Exception):
    """Tokens cannot be saved, read or removed. The message names the location and the remedy, and no secret."""


class StoreBusy(StoreError):
    """Another process or thread holds the lock of the store. It may release it, so a later attempt can succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """The tokens of one account.

    Args:
        account: the id of the account at the service.
        saved_at: when they were saved, in seconds since the epoch; of two copies the later is valid.
        expires_at: when the access token expires, in seconds since the epoch. None, the default, if that is unknown.
        tokens: plain JSON, in the form that the service needs.
    """

    account: str
    saved_at: float
    expires_at: float | None = None
    tokens: Mapping[str, Any] = field(repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a record of tokens is not pickled or copied: its tokens would leave the store")


ImportRecord: TypeAlias = Callable[[Mapping[str, Any]], TokenRecord | None]
"""Converts the JSON of another program's file. None if it cannot be converted."""


def dump_token_record(token_record: TokenRecord) -> str:
    """Return a record as JSON in pure ASCII.

    Raises:
        StoreError: the tokens are not plain JSON, or a time is not valid.
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
        raise StoreError("a record whose tokens are not plain JSON, or whose times are not in seconds, cannot be saved")
    return text


def load_token_record(text: str | bytes, location: str, import_record: ImportRecord | None = None) -> TokenRecord:
    """Return the record that a text holds.

    Args:
        text: the content of the store.
        location: of the store, for the message.
        import_record: converts a document without a version, which is another program's. The default is no conversion.

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
    ):  # for any shape of another program's file
        return None


def _are_times(saved_at: Any, expires_at: Any) -> bool:
    return _is_time(saved_at) and (expires_at is None or _is_time(expires_at))


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MAX_TIME_S
