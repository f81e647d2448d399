"""Build the backend of one OpenAI account, or of one server that speaks the Responses API, from its settings.

A setting that is not valid becomes the `problem` that the first call raises.
"""

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
from .settings import API_KEY_REMEDY, DEFAULT_MODEL, SETTINGS, read_custom_headers, resolve_settings
from .wizard import WIZARD_QUESTIONS


def build_openai_backend(config: Mapping[str, Any]) -> Backend:
    """Build the backend of one account or server."""
    resolved = resolve_settings(config)
    endpoint = Endpoint(
        base_url=resolved.base_url,
        credential=resolved.credential,
        headers={**read_custom_headers(), **resolved.billing_headers},
    )
    return Backend(
        profile=BackendProfile(
            name="openai-v2",
            display_name="OpenAI (v2)",
            price_factor=RESIDENCY_PRICE_FACTOR if resolved.has_data_residency else Decimal(1),
            auth_remedy=API_KEY_REMEDY,
        ),
        transport=SdkTransport(endpoint),
        defaults=Options(model=DEFAULT_MODEL),
        own_keys=tuple(SETTINGS),
        config_fields=WIZARD_QUESTIONS,
        credential_env_vars=("OPENAI_API_KEY",),
        problem=resolved.problem,
    )
