"""What this module's own settings mean, for the configuration reference."""

from __future__ import annotations

from collections.abc import Mapping

from openai_responses_common.options.reference import Explained

from .backend import DEFAULT_MODEL

SETTINGS: Mapping[str, Explained] = {
    "api_key": Explained(
        meaning="the key; a server of your own may need none", variables=("OPENAI_API_KEY",), default="none"
    ),
    "base_url": Explained(
        meaning="where the service is, with its `/v1`", variables=("OPENAI_BASE_URL",), default="OpenAI's own"
    ),
    "default_model": Explained(meaning="model of calls that name none", default=f"`{DEFAULT_MODEL}`"),
    "organization": Explained(meaning="the organization that is billed", variables=("OPENAI_ORG_ID",)),
    "project": Explained(meaning="the project that is billed", variables=("OPENAI_PROJECT_ID",)),
}

ENVIRONMENT: Mapping[str, str] = {
    "OPENAI_CUSTOM_HEADERS": "headers for a gateway, one `Name: value` a line",
}
