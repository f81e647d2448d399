"""The questions of a setup wizard: the API key and the address."""

from __future__ import annotations

from amplifier_core.models import ConfigField
from openai_responses_common.provider.backend import EFFORT_FIELD

WIZARD_QUESTIONS = [
    ConfigField(
        id="api_key",
        display_name="API key",
        field_type="secret",
        prompt="OpenAI API key",
        env_var="OPENAI_API_KEY",
        required=False,
    ),
    ConfigField(
        id="base_url",
        display_name="Base URL",
        # No default: it would be saved, and win over OPENAI_BASE_URL.
        prompt="Base URL of another server (leave it empty for OpenAI)",
        required=False,
    ),
    EFFORT_FIELD,
]
