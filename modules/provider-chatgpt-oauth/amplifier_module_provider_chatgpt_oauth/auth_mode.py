"""The ways to sign in: `plan`, with Sign in with ChatGPT in a browser, and `device_code`, as OpenAI's own client.

A small file beside the tokens says which of them the newest sign-in used, so that `auto` need not open a keyring.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common.auth.store.file import FileStore
from openai_responses_common.auth.store.record import StoreError
from openai_responses_common.wire.json_values import loads_object_or_none

logger = logging.getLogger(__name__)

AuthMode: TypeAlias = Literal["plan", "device_code"]
AUTO = "auto"
AUTH_MODES: tuple[AuthMode, ...] = ("plan", "device_code")

_WORDS: Mapping[str, AuthMode | None] = {
    AUTO: None,
    "plan": "plan",
    "device_code": "device_code",
    # The words of Microsoft's module.
    "chatgpt_plan": "plan",
    "legacy_codex": "device_code",
}
EXPLANATIONS: Mapping[AuthMode, str] = {
    "plan": "You sign in with ChatGPT, as OpenAI offers it to programs. The\n"
    "other way, `login --device-code`, is not supported by OpenAI.",
    "device_code": "OpenAI does not support this way for other programs.\n"
    "The supported way is `login --plan`; it works here, too.",
}
"""What a user reads who has not chosen a way to sign in: for the way that is used now, two lines that name both."""


def parse_auth_mode(text: str) -> AuthMode | None:
    """Return the way that a setting names; None if it leaves the choice to us.

    Raises:
        ConfigurationError: the word is unknown.
    """
    if text.lower() not in _WORDS:
        raise ConfigurationError(f"setting 'auth_mode' takes plan, device_code or auto, not {text!r}")
    return _WORDS[text.lower()]


def read_auth_mode(value: object) -> AuthMode | None:
    """Return the way that a file of ours names. None if it names none."""
    return next((mode for mode in AUTH_MODES if mode == value), None)


_memory: dict[Path, AuthMode] = {}


def load_newest_mode(file: Path, *, in_memory: bool) -> AuthMode | None:
    """Return the way of the newest sign-in. None if nobody is signed in, or if no file says it."""
    if in_memory:
        return _memory.get(file)
    try:
        fields = loads_object_or_none(FileStore(file).load() or b"{}") or {}
    except (StoreError, ValueError):  # the store of the tokens reports what is wrong with the folder
        return None
    return read_auth_mode(fields.get("auth_mode"))


def save_newest_mode(file: Path, mode: AuthMode | None, *, in_memory: bool) -> None:
    """Save the way of the newest sign-in; None if it has ended."""
    if in_memory and mode is None:
        _memory.pop(file, None)
    elif in_memory and mode is not None:
        _memory[file] = mode
    else:
        try:
            FileStore(file).save(json.dumps({"auth_mode": mode}))
        except (StoreError, ValueError) as error:
            logger.warning("the setting 'auth_mode' has to say how you sign in, because it cannot be saved: %s", error)
