"""Build the backend of one Azure OpenAI resource from its settings.

Reading the settings calls nobody. A setting that is not valid becomes the `problem` that the first call raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import (
    ApiKey,
    Backend,
    Credential,
    Endpoint,
    HttpTransport,
    Options,
    setting,
)
from openai_responses_common.transport.switching_transport import SwitchingTransport
from openai_responses_common.transport.websocket_transport import WebSocketTransport

from .auth.choose import choose_credential
from .endpoint import AzureEndpoint, has_responses_api, resolve_endpoint
from .models import DeploymentModels, build_arm_resource, read_deployments
from .quirks import BILLING_BY_DEPLOYMENT_TYPE, IMAGE_DEPLOYMENT_HEADER, PROFILE, USER_AGENT, Billing
from .settings import DEFAULT_MODEL, SETTINGS, Settings
from .wizard import build_questions

NOT_SET_UP = (
    "Azure OpenAI is not set up: set azure_endpoint (AZURE_OPENAI_ENDPOINT), and either set api_key "
    "(AZURE_OPENAI_API_KEY) or use an Entra identity, for example with `az login`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSettings:
    """What the settings resolve to.

    Attributes:
        endpoint: the resource; an address that leads nowhere if none is set.
        credential: how calls identify themselves.
        billing: how the deployments are billed.
        deployments: the model of each deployment, by name.
        problem: what is not valid in the settings. None if nothing is.
    """

    endpoint: AzureEndpoint = field(default_factory=lambda: resolve_endpoint("https://localhost"))
    credential: Credential = field(default_factory=lambda: ApiKey(key=None, missing_message=NOT_SET_UP))
    billing: Billing = BILLING_BY_DEPLOYMENT_TYPE["global"]
    deployments: Mapping[str, str] = field(default_factory=dict[str, str])
    problem: str | None = None


def build_azure_backend(config: Mapping[str, Any]) -> Backend:
    """Build the backend of one resource."""
    settings = Settings.from_config(config)
    resolved = resolve_settings(settings)
    image_deployment = settings.image_generation_deployment
    endpoint = Endpoint(
        base_url=resolved.endpoint.base_url,
        credential=resolved.credential,
        headers={"User-Agent": USER_AGENT, **({IMAGE_DEPLOYMENT_HEADER: image_deployment} if image_deployment else {})},
        query=resolved.endpoint.query,
    )
    return Backend(
        profile=replace(
            PROFILE,
            priced=resolved.billing.priced,
            price_factor=resolved.billing.price_factor,
            price_factors=resolved.billing.price_factors,
        ),
        transport=SwitchingTransport(
            HttpTransport(endpoint), WebSocketTransport(_build_websocket_endpoint(endpoint, resolved.endpoint))
        ),
        models=DeploymentModels(
            resolved.deployments, build_arm_resource(resolved.endpoint, settings.resource_id, resolved.credential)
        ),
        defaults=Options(model=_choose_default_deployment(settings, resolved)),
        own_keys=tuple(SETTINGS),
        config_fields=build_questions(is_address_set=settings.azure_endpoint is not None),
        credential_env_vars=("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"),
        problem=resolved.problem,
    )


def _build_websocket_endpoint(endpoint: Endpoint, azure_endpoint: AzureEndpoint) -> Endpoint:
    """The endpoint of WebSockets. A key, too, goes there as a bearer token.

    Source: Microsoft's page on WebSocket mode, seen 2026-11-30.
    """
    credential = endpoint.credential
    if isinstance(credential, ApiKey):
        credential = replace(credential, header="Authorization")
    return replace(endpoint, base_url=azure_endpoint.websocket_base_url, credential=credential, query={})


def resolve_settings(settings: Settings) -> ResolvedSettings:
    """Resolve the endpoint, the credential and the deployments; never raises."""
    resolved = ResolvedSettings()
    try:
        resolved = replace(
            resolved, billing=_read_billing(settings), deployments=read_deployments(settings.deployments)
        )
        if settings.azure_endpoint:
            resolved = replace(resolved, endpoint=_read_endpoint(settings, settings.azure_endpoint))
            resolved = replace(resolved, credential=choose_credential(settings, resolved.endpoint))
    except ConfigurationError as error:
        return replace(resolved, problem=str(error))
    return resolved


def _read_endpoint(settings: Settings, address: str) -> AzureEndpoint:
    return resolve_endpoint(
        address,
        api_version=_read_api_version(settings),
        cloud=settings.cloud,
        authority_host=settings.authority_host,
        scope=settings.scope,
        allowed_hosts=settings.read_allowed_hosts(),
    )


def _read_api_version(settings: Settings) -> str | None:
    """The version of the config, which must be valid, else one of the environment.

    A version in the environment that has no Responses API is skipped, because it may be set for another program. None
    means the v1 route.
    """
    if settings.api_version:
        return settings.api_version
    ambient = setting({}, "", *SETTINGS["api_version"].variables)
    return ambient if ambient and has_responses_api(ambient) else None


def _choose_default_deployment(settings: Settings, resolved: ResolvedSettings) -> str:
    name = settings.deployment_name or settings.default_deployment or resolved.endpoint.deployment
    return name or next(iter(resolved.deployments), DEFAULT_MODEL)


def _read_billing(settings: Settings) -> Billing:
    name = (settings.deployment_type or "global").lower()
    if name not in BILLING_BY_DEPLOYMENT_TYPE:
        raise ConfigurationError(
            f"setting 'deployment_type' takes {', '.join(BILLING_BY_DEPLOYMENT_TYPE)}, not {name!r}"
        )
    return BILLING_BY_DEPLOYMENT_TYPE[name]
