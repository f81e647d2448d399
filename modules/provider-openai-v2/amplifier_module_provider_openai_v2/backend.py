"""Where OpenAI is, who calls it, and what a setup wizard asks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from amplifier_core.llm_errors import ConfigurationError
from amplifier_core.models import ConfigField
from openai_responses_common import (
    ApiKey,
    Backend,
    BackendProfile,
    Endpoint,
    Options,
    SdkTransport,
    is_within,
    read_url,
    setting,
)

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-5.6-sol"

# Data residency costs a tenth more. Source: OpenAI's pricing page as read in litellm 1.109.1, seen 2026-11-21.
_RESIDENCY_FACTOR = Decimal("1.1")

_OWN_KEYS = ("api_key", "base_url", "organization", "project")

_FIELDS = [
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
        prompt="Base URL (leave it for OpenAI itself)",
        required=False,
        default=DEFAULT_BASE_URL,
    ),
    ConfigField(
        id="reasoning_effort",
        display_name="Reasoning effort",
        field_type="choice",
        prompt="How long the model thinks (default: the model's own choice)",
        choices=["default", "none", "minimal", "low", "medium", "high", "xhigh", "max"],
        default="default",
        required=False,
        requires_model=True,
    ),
]


def openai_backend(config: Mapping[str, Any]) -> Backend:
    """Read credentials and place from the config, else from the SDK's own environment variables."""
    base_url = setting(config, "base_url", "OPENAI_BASE_URL") or DEFAULT_BASE_URL
    api_key = setting(config, "api_key", "OPENAI_API_KEY")
    problem = _key_problem(api_key)
    host = ""
    try:
        host = read_url("base_url", base_url, example=DEFAULT_BASE_URL).hostname or ""
    except ConfigurationError as error:
        problem = str(error)
    official = is_within(host, ["api.openai.com"])
    paying = {
        "OpenAI-Organization": setting(config, "organization", "OPENAI_ORG_ID"),
        "OpenAI-Project": setting(config, "project", "OPENAI_PROJECT_ID"),
    }
    remedy = "set api_key in the provider's config, or OPENAI_API_KEY in the environment"
    key = ApiKey(
        key=api_key,
        required=official or problem is not None,
        missing=f"no API key is set: {remedy}",
        account="\0".join([api_key or "", *(name or "" for name in paying.values())]),
    )
    headers = {**_custom_headers(), **{name: value for name, value in paying.items() if value}}
    profile = BackendProfile(
        name="openai-v2",
        display_name="OpenAI (v2)",
        price_factor=_RESIDENCY_FACTOR if official and host != "api.openai.com" else Decimal(1),
        auth_remedy=remedy,
    )
    return Backend(
        profile=profile,
        transport=SdkTransport(Endpoint(base_url=base_url, credential=key, headers=headers)),
        defaults=Options(model=DEFAULT_MODEL),
        own_keys=_OWN_KEYS,
        config_fields=_FIELDS,
        credential_env_vars=("OPENAI_API_KEY",),
        problem=problem,
    )


def _key_problem(api_key: str | None) -> str | None:
    """A line break from a copied key would end up, key and all, in the text of a connection error."""
    if api_key and not re.fullmatch(r"[!-~]+", api_key):
        return "setting 'api_key' (or OPENAI_API_KEY) holds a space, a line break or a character that no key has"
    return None


def _custom_headers() -> dict[str, str]:
    """Headers for a gateway, one `Name: value` a line, as the SDK reads them."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}
