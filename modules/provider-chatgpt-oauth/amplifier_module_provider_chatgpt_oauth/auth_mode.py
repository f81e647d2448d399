"""The ways to sign in: `plan`, with Sign in with ChatGPT in a browser, and `device_code`, as OpenAI's own client."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Literal, TypeAlias

from amplifier_core.llm_errors import ConfigurationError

AuthMode: TypeAlias = Literal["plan", "device_code"]
AUTO = "auto"

_WORDS: Mapping[str, AuthMode | None] = {
    AUTO: None,
    "plan": "plan",
    "device_code": "device_code",
    # The words of Microsoft's module.
    "chatgpt_plan": "plan",
    "legacy_codex": "device_code",
}


def parse_auth_mode(text: str) -> AuthMode | None:
    """Return the way that a setting names; None if it leaves the choice to us.

    Raises:
        ConfigurationError: the word is unknown.
    """
    if text.lower() not in _WORDS:
        raise ConfigurationError(f"setting 'auth_mode' takes plan, device_code or auto, not {text!r}")
    return _WORDS[text.lower()]


def may_have_browser() -> bool:
    """Return whether a user probably sits in front of a browser; starts no program."""
    if os.environ.get("BROWSER"):
        return True
    if os.environ.get("SSH_CONNECTION"):
        return False
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return not sys.platform.startswith("linux") or has_display
