"""A sign-in in a file, on its way from a machine with a browser to one without."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.store.file import MAX_FILE_BYTES, SAFE_OPEN_FLAGS, check_private_file, open_safely
from openai_responses_common.auth.store.record import StoreError, dump_token_record, load_token_record
from openai_responses_common.transport.credential import is_header_value
from openai_responses_common.wire.json_values import loads_object_or_none

from ..auth_mode import AuthMode, read_auth_mode
from .account import Account
from .registration import check_subject, load_registration, save_registration
from .tokens import Tokens

T = TypeVar("T")

_KIND = "amplifier-chatgpt-sign-in"


def export_sign_in(account: Account, file: Path) -> Tokens | None:
    """Move the tokens of an account to a new file that only the user can read, in any folder; return them. Blocks.

    They do not stay in the store, because a refresh token can be used once: two machines with it would end the sign-in.

    Returns:
        None if nobody is signed in.

    Raises:
        AuthenticationError: there is such a file, it cannot be written, or the tokens cannot be deleted in the store.
    """

    def move() -> Tokens | None:
        with account.saved_tokens.lock():
            tokens = account.saved_tokens.load()
            if tokens is not None:
                fields = {
                    "kind": _KIND,
                    "auth_mode": account.settings.mode,
                    "record": dump_token_record(tokens.to_record()),
                }
                _convert(lambda: _write_new_file(file, json.dumps(fields).encode()), f"cannot write {file}")
                account.forget()
        return tokens

    return account.convert_store_errors(move)


def import_sign_in(account: Account, tokens: Tokens) -> None:
    """Save the tokens that another machine exported; blocks.

    Raises:
        LLMError: they are for another person than the earlier sign-ins here, or they cannot be saved.
    """

    def check() -> None:
        account.saved_tokens.probe()
        if account.settings.mode == "plan":
            registration = load_registration(account.settings)
            check_subject(registration, tokens)
            # The client id stays the one of this machine: that of the tokens belongs to the other one.
            save_registration(account.settings, replace(registration, subject=tokens.account))

    account.convert_store_errors(check)
    account.accept_sign_in(tokens)


def read_sign_in(file: Path) -> tuple[AuthMode, Tokens]:
    """Return the way of the sign-in and the tokens of an exported file.

    Raises:
        AuthenticationError: the file cannot be read, other users can read it, or it is another one.
    """
    fields = loads_object_or_none(_convert(lambda: _read_file(file), f"cannot read {file}")) or {}
    mode, record = read_auth_mode(fields.get("auth_mode")), fields.get("record")
    if fields.get("kind") != _KIND or mode is None or not isinstance(record, str):
        raise AuthenticationError(f"{file} does not hold a sign-in: write it with the command `export`")
    tokens = _convert(lambda: Tokens.from_record(load_token_record(record, str(file))), f"cannot read {file}")
    if not is_header_value(tokens.access_token) or not is_header_value(tokens.account):
        raise AuthenticationError(f"{file} is damaged: write it again with the command `export`")
    if not tokens.can_be_used:
        raise AuthenticationError(f"the sign-in in {file} has expired: sign in again and write it with `export`")
    return mode, tokens


def delete_sign_in(file: Path) -> None:
    """Delete the file; nothing happens if it is gone.

    Raises:
        AuthenticationError: it cannot be deleted.
    """
    _convert(lambda: file.unlink(missing_ok=True), f"cannot delete {file}")


def _write_new_file(file: Path, content: bytes) -> None:
    # Nobody can plant a file or a link at this path, also in a folder in which others may write.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFE_OPEN_FLAGS, 0o600)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _read_file(file: Path) -> bytes:
    descriptor = open_safely(file, os.O_RDONLY)
    with open(descriptor, "rb") as stream:
        check_private_file(os.fstat(descriptor), file)
        return stream.read(MAX_FILE_BYTES)


def _convert(action: Callable[[], T], problem: str) -> T:
    try:
        return action()
    except StoreError as error:
        raise AuthenticationError(str(error)) from error
    except (OSError, ValueError) as error:  # a path with a character that no path has is the second
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise AuthenticationError(f"{problem}: {reason}") from error
