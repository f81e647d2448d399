"""Where Azure is, who calls it, and what a setup wizard asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from amplifier_core.llm_errors import ConfigurationError
from openai_responses_common import (
    ApiKey,
    Backend,
    BackendProfile,
    Credential,
    Endpoint,
    Options,
    SdkTransport,
    setting,
)

from .auth.choose import choose_credential
from .endpoint import AzureEndpoint, has_responses_api, resolve_endpoint
from .models import DeploymentModels, build_arm_resource, read_deployments
from .quirks import ASSIGN_ROLE_REMEDY, BILLING_BY_DEPLOYMENT_TYPE, IMAGE_DEPLOYMENT_HEADER, SERVICE_ERRORS, Billing
from .settings import DEFAULT_MODEL, SETTING_KEYS, STATUS_HINT, Settings
from .wizard import WIZARD_QUESTIONS

NOT_SET_UP = (
    "Azure OpenAI is not set up: set azure_endpoint (AZURE_OPENAI_ENDPOINT) and either api_key (AZURE_OPENAI_API_KEY) "
    "or an Entra identity, for example with `az login`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSettings:
    """What the settings come to; `problem` is what is wrong with them, told by the first call."""

    endpoint: AzureEndpoint = field(default_factory=lambda: resolve_endpoint("https://localhost"))
    credential: Credential = field(default_factory=lambda: ApiKey(key=None, missing_message=NOT_SET_UP))
    billing: Billing = BILLING_BY_DEPLOYMENT_TYPE["global"]
    deployments: Mapping[str, str] = field(default_factory=dict[str, str])
    problem: str | None = None


def resolve_settings(settings: Settings) -> ResolvedSettings:
    """Read place, credential and deployments; never raises."""
    found = ResolvedSettings()
    try:
        found = replace(
            found, billing=_read_billing(settings), deployments=read_deployments(settings.config_value("deployments"))
        )
        if address := settings.text("azure_endpoint"):
            found = replace(found, endpoint=_read_endpoint(settings, address))
            found = replace(found, credential=choose_credential(settings, found.endpoint))
    except ConfigurationError as error:
        return replace(found, problem=str(error))
    return found


def build_azure_backend(config: Mapping[str, Any]) -> Backend:
    """Everything about one resource that the library asks for."""
    settings = Settings(config)
    found = resolve_settings(settings)
    billing = found.billing
    images = settings.text("image_generation_deployment")
    endpoint = Endpoint(
        base_url=found.endpoint.base_url,
        credential=found.credential,
        headers={IMAGE_DEPLOYMENT_HEADER: images} if images else {},
        query=found.endpoint.query,
    )
    return Backend(
        profile=BackendProfile(
            name="azure-openai-v2",
            display_name="Azure OpenAI (v2)",
            priced=billing.priced,
            price_factor=billing.price_factor,
            price_factors=billing.price_factors,
            auth_remedy=f"check api_key (AZURE_OPENAI_API_KEY), or the identity: {STATUS_HINT}",
            access_remedy=ASSIGN_ROLE_REMEDY,
            errors=SERVICE_ERRORS,
        ),
        transport=SdkTransport(endpoint),
        models=DeploymentModels(
            found.deployments, build_arm_resource(found.endpoint, settings.text("resource_id"), found.credential)
        ),
        defaults=Options(model=_choose_default_deployment(settings, found.deployments)),
        own_keys=SETTING_KEYS,
        config_fields=WIZARD_QUESTIONS,
        credential_env_vars=("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"),
        problem=found.problem,
    )


def _read_endpoint(settings: Settings, address: str) -> AzureEndpoint:
    return resolve_endpoint(
        address,
        api_version=_read_api_version(settings),
        cloud=settings.text("cloud"),
        authority_host=settings.text("authority_host"),
        scope=settings.text("scope"),
        allowed_hosts=settings.word_list("allowed_hosts"),
    )


def _read_api_version(settings: Settings) -> str | None:
    """The config's, which must do; else one of the environment, which other programs may have set for other APIs."""
    if chosen := settings.text("api_version"):
        return chosen
    ambient = setting({}, "", "AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION")
    return ambient if ambient and has_responses_api(ambient) else None


def _choose_default_deployment(settings: Settings, deployments: Mapping[str, str]) -> str:
    named = settings.text("deployment_name") or settings.text("default_deployment")
    return named or next(iter(deployments), DEFAULT_MODEL)


def _read_billing(settings: Settings) -> Billing:
    name = (settings.text("deployment_type") or "global").lower()
    if name not in BILLING_BY_DEPLOYMENT_TYPE:
        raise ConfigurationError(
            f"setting 'deployment_type' takes {', '.join(BILLING_BY_DEPLOYMENT_TYPE)}, not {name!r}"
        )
    return BILLING_BY_DEPLOYMENT_TYPE[name]
