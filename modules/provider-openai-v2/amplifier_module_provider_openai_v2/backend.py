"""Where OpenAI is, who calls it, and what a setup wizard asks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from openai_responses_common import (
    Backend,
    BackendProfile,
    Endpoint,
    Options,
    SdkTransport,
)

from .quirks import RESIDENCY_PRICE_FACTOR
from .settings import API_KEY_REMEDY, DEFAULT_MODEL, SETTING_KEYS, read_custom_headers, resolve_settings
from .wizard import WIZARD_QUESTIONS


def build_openai_backend(config: Mapping[str, Any]) -> Backend:
    """Everything about one account that the library asks for."""
    found = resolve_settings(config)
    endpoint = Endpoint(
        base_url=found.base_url, credential=found.credential, headers={**read_custom_headers(), **found.billing_headers}
    )
    return Backend(
        profile=BackendProfile(
            name="openai-v2",
            display_name="OpenAI (v2)",
            price_factor=RESIDENCY_PRICE_FACTOR if found.has_data_residency else Decimal(1),
            auth_remedy=API_KEY_REMEDY,
        ),
        transport=SdkTransport(endpoint),
        defaults=Options(model=DEFAULT_MODEL),
        own_keys=SETTING_KEYS,
        config_fields=WIZARD_QUESTIONS,
        credential_env_vars=("OPENAI_API_KEY",),
        problem=found.problem,
    )
