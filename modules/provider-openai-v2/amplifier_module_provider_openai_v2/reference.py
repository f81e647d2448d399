"""What this module's own settings mean, for the configuration reference."""

from __future__ import annotations

from collections.abc import Mapping

from openai_responses_common.options.reference import Setting

from .settings import DEFAULT_MODEL

SETTINGS: Mapping[str, Setting] = {
    "api_key": Setting(
        meaning="the key; a server of your own may need none", variables=("OPENAI_API_KEY",), default="none"
    ),
    "base_url": Setting(
        meaning="where the service is, with its `/v1`", variables=("OPENAI_BASE_URL",), default="OpenAI's own"
    ),
    "default_model": Setting(meaning="model of calls that name none", default=f"`{DEFAULT_MODEL}`"),
    "organization": Setting(meaning="the organization that is billed", variables=("OPENAI_ORG_ID",)),
    "project": Setting(meaning="the project that is billed", variables=("OPENAI_PROJECT_ID",)),
}

ENVIRONMENT_VARIABLES: Mapping[str, str] = {
    "OPENAI_CUSTOM_HEADERS": "headers for a gateway, one `Name: value` a line",
}
