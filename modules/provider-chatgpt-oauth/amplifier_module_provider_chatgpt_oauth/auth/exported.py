"""A sign-in in a file, on its way from a machine with a browser to one without."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amplifier_core.llm_errors import AuthenticationError
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.record import StoreError, dump_token_record, load_token_record
from openai_responses_common.wire.json_values import loads_object_or_none

from ..auth_mode import AuthMode
from .tokens import Tokens

_KIND = "amplifier-chatgpt-sign-in"
_MODES: Mapping[object, AuthMode] = {"plan": "plan", "device_code": "device_code"}


def export_sign_in(path: Path, tokens: Tokens, *, mode: AuthMode) -> None:
    """Write the tokens to a file that only the user can read.

    Raises:
        AuthenticationError: the file cannot be written.
    """
    fields = {"kind": _KIND, "auth_mode": mode, "record": dump_token_record(tokens.to_record())}
    _convert(lambda: FileStore(path).save(json.dumps(fields)))


def read_exported_sign_in(path: Path) -> tuple[AuthMode, Tokens]:
    """Return the way of the sign-in and the tokens of such a file.

    Raises:
        AuthenticationError: the file cannot be read, or it is another one.
    """
    fields: dict[str, Any] = loads_object_or_none(_convert(FileStore(path).load) or b"{}") or {}
    mode = _MODES.get(fields.get("auth_mode"))
    if fields.get("kind") != _KIND or mode is None:
        raise AuthenticationError(f"{path} does not hold a sign-in: write it with the command `export`")
    return mode, Tokens.from_record(_convert(lambda: load_token_record(str(fields.get("record")), str(path))))


def _convert(action: Any) -> Any:
    try:
        return action()
    except StoreError as error:
        raise AuthenticationError(str(error)) from error
