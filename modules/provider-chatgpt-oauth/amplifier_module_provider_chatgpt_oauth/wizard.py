"""What a setup wizard asks."""

from __future__ import annotations

from amplifier_core.models import ConfigField
from openai_responses_common.provider.backend import EFFORT_FIELD

WIZARD_QUESTIONS = [
    ConfigField(
        id="login_on_mount",
        display_name="Sign in at the start",
        field_type="choice",
        prompt="Offer the sign-in when a session starts and nobody is signed in (auto: only in a terminal)",
        choices=["auto", "true", "false"],
        default="auto",
        required=False,
    ),
    ConfigField(
        id="token_store",
        display_name="Where tokens are kept",
        field_type="choice",
        prompt="Where the tokens are kept (auto: the system's keyring, else a file that only you can read)",
        choices=["auto", "keyring", "file", "memory"],
        default="auto",
        required=False,
    ),
    EFFORT_FIELD,
]
