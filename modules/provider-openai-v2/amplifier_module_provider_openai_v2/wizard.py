"""The questions of a setup wizard: the API key and the address.

An answer that is left empty changes nothing, so no question has a default: hosts would save it.
"""

from __future__ import annotations

from amplifier_core.models import ConfigField
from openai_responses_common.provider.backend import EFFORT_FIELD

WIZARD_QUESTIONS = [
    ConfigField(
        id="api_key",
        display_name="API key",
        field_type="secret",
        prompt="OpenAI API key (a server of another vendor may need none)",
        env_var="OPENAI_API_KEY",
        required=False,
    ),
    ConfigField(
        id="base_url",
        display_name="Base URL",
        prompt="Base URL of another server (leave it empty for OPENAI_BASE_URL or, without it, for OpenAI)",
        required=False,
    ),
    EFFORT_FIELD,
]
