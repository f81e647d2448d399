"""The questions of a setup wizard: when to sign in, and where to save the tokens."""

from __future__ import annotations

from amplifier_core.models import ConfigField
from openai_responses_common.auth.store.open import STORE_MODES
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
        display_name="Token store",
        field_type="choice",
        prompt="Where to save the tokens (auto: the system's keyring or, without a keyring, a file that only you can "
        "read)",
        choices=list(STORE_MODES),
        default="auto",
        required=False,
    ),
    EFFORT_FIELD,
]
