"""Build the backend of one OpenAI account, or of one server that speaks the Responses API, from its settings.

A setting that is not valid becomes the `problem` that the first call raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from openai_responses_common import (
    Backend,
    Endpoint,
    HttpTransport,
    Options,
)
from openai_responses_common.provider.server_models import ServerModels
from openai_responses_common.transport.switching_transport import SwitchingTransport
from openai_responses_common.transport.websocket_transport import WebSocketTransport

from .models import OpenaiModels
from .quirks import OTHER_SERVER_PROFILE, PROFILE, RESIDENCY_PRICE_FACTOR, USER_AGENT
from .settings import DEFAULT_MODEL, SETTINGS, read_custom_headers, resolve_settings
from .wizard import WIZARD_QUESTIONS


def build_openai_backend(config: Mapping[str, Any]) -> Backend:
    """Build the backend of one account or server."""
    resolved = resolve_settings(config)
    endpoint = Endpoint(
        base_url=resolved.base_url,
        credential=resolved.credential,
        headers={"User-Agent": USER_AGENT, **read_custom_headers(), **resolved.billing_headers},
    )
    profile = replace(PROFILE if resolved.is_openai else OTHER_SERVER_PROFILE, auth_remedy=resolved.auth_remedy)
    return Backend(
        profile=replace(profile, price_factor=RESIDENCY_PRICE_FACTOR) if resolved.has_data_residency else profile,
        transport=SwitchingTransport(
            HttpTransport(endpoint), WebSocketTransport(endpoint), prefers_websocket=resolved.is_openai
        ),
        models=OpenaiModels() if resolved.is_openai else ServerModels(endpoint.origin),
        # Only OpenAI has our default model; the list of another server may hold a single one.
        defaults=Options(model=DEFAULT_MODEL if resolved.is_openai else ""),
        own_keys=tuple(SETTINGS),
        config_fields=WIZARD_QUESTIONS,
        credential_env_vars=("OPENAI_API_KEY",),
        problem=resolved.problem,
    )
