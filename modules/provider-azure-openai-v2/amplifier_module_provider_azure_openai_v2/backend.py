"""Where Azure is, who calls it, and what a setup wizard asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
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

from .deployments import Deployments, read_deployments, resource_of
from .endpoint import Place, find_place, serves_responses
from .identity import STATUS, choose
from .refusals import ASSIGN_ROLE, KNOWN_ERRORS
from .settings import KEYS, Settings
from .wizard import FIELDS

DEFAULT_MODEL = "gpt-5.6-sol"
NOT_SET_UP = (
    "Azure OpenAI is not set up: set azure_endpoint (AZURE_OPENAI_ENDPOINT) and either api_key (AZURE_OPENAI_API_KEY) "
    "or an Entra identity, for example with `az login`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Billing:
    """How a deployment is billed: the factor on the global list, that of single models, and whether by token at all."""

    factor: Decimal = Decimal(1)
    factors: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    priced: bool = True


# Source: litellm 1.109.1's azure/, azure/us/ and azure/eu/ entries, seen 2026-11-21. Provisioned throughput is paid by
# the hour; `PTU` is its name in Microsoft's module.
_BILLING: Mapping[str, _Billing] = {
    "global": _Billing(),
    "us": _Billing(factor=Decimal("1.1")),
    "eu": _Billing(factor=Decimal("1.1"), factors={"gpt-6-astra": Decimal("1.2")}),
    "provisioned": _Billing(priced=False),
    "ptu": _Billing(priced=False),
}

# Names the deployment that makes the pictures of the image generation tool. Source: Azure's Responses page, 2026-03-19.
_IMAGES = "x-ms-oai-image-generation-deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the settings come to; `problem` is what is wrong with them, told by the first call."""

    place: Place = field(default_factory=lambda: find_place("https://localhost"))
    credential: Credential = field(default_factory=lambda: ApiKey(key=None, missing=NOT_SET_UP))
    billing: _Billing = _BILLING["global"]
    deployments: Mapping[str, str] = field(default_factory=dict[str, str])
    problem: str | None = None


def find(settings: Settings) -> Found:
    """Read place, credential and deployments; never raises."""
    found = Found()
    try:
        found = replace(found, billing=_billing(settings), deployments=read_deployments(settings.value("deployments")))
        if address := settings.text("azure_endpoint"):
            found = replace(found, place=_place(settings, address))
            found = replace(found, credential=choose(settings, found.place))
    except ConfigurationError as error:
        return replace(found, problem=str(error))
    return found


def azure_backend(config: Mapping[str, Any]) -> Backend:
    """Everything about one resource that the library asks for."""
    settings = Settings(config)
    found = find(settings)
    billing = found.billing
    images = settings.text("image_generation_deployment")
    endpoint = Endpoint(
        base_url=found.place.base_url,
        credential=found.credential,
        headers={_IMAGES: images} if images else {},
        query=found.place.query,
    )
    return Backend(
        profile=BackendProfile(
            name="azure-openai-v2",
            display_name="Azure OpenAI (v2)",
            priced=billing.priced,
            price_factor=billing.factor,
            price_factors=billing.factors,
            auth_remedy=f"check api_key (AZURE_OPENAI_API_KEY), or the identity: {STATUS}",
            access_remedy=ASSIGN_ROLE,
            errors=KNOWN_ERRORS,
        ),
        transport=SdkTransport(endpoint),
        models=Deployments(found.deployments, resource_of(found.place, settings.text("resource_id"), found.credential)),
        defaults=Options(model=_deployment(settings, found.deployments)),
        own_keys=KEYS,
        config_fields=FIELDS,
        credential_env_vars=("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"),
        problem=found.problem,
    )


def _place(settings: Settings, address: str) -> Place:
    return find_place(
        address,
        api_version=_api_version(settings),
        cloud=settings.text("cloud"),
        authority_host=settings.text("authority_host"),
        scope=settings.text("scope"),
        allowed_hosts=settings.words("allowed_hosts"),
    )


def _api_version(settings: Settings) -> str | None:
    """The config's, which must do; else one of the environment, which other programs may have set for other APIs."""
    if chosen := settings.text("api_version"):
        return chosen
    ambient = setting({}, "", "AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION")
    return ambient if ambient and serves_responses(ambient) else None


def _deployment(settings: Settings, deployments: Mapping[str, str]) -> str:
    named = settings.text("deployment_name") or settings.text("default_deployment")
    return named or next(iter(deployments), DEFAULT_MODEL)


def _billing(settings: Settings) -> _Billing:
    name = (settings.text("deployment_type") or "global").lower()
    if name not in _BILLING:
        raise ConfigurationError(f"setting 'deployment_type' takes {', '.join(_BILLING)}, not {name!r}")
    return _BILLING[name]
