"""What Azure says when it refuses, and what a person does then: one row per refusal.

Sources: Microsoft's pages on troubleshooting, network rules and roles, and issue threads of its SDKs; seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from amplifier_core.llm_errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    LLMError,
    NotFoundError,
)
from openai_responses_common import (
    ErrorMeaning,
    KnownError,
)

# "Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired."
WRONG_AUDIENCE_PATTERN = re.compile(r"audience is incorrect", re.I)


# Comes with the same status, and no other token would mend it.
MISSING_ROLE_PATTERN = re.compile(r"lacks the required data action", re.I)


REQUIRED_ROLE = "Cognitive Services OpenAI User"

ASSIGN_ROLE_REMEDY = (
    f"assign the role '{REQUIRED_ROLE}' on the resource to the identity that calls; it counts after about 5 minutes"
)

_NETWORK_REMEDY = (
    "the network rules of the resource keep this machine out: allow its address, or use the private endpoint"
)
_DEPLOYMENT_REMEDY = (
    "default_model takes a deployment's name, not a model's; one younger than 5 minutes may not be there yet"
)
_AUDIENCE_REMEDY = "the setting 'scope' says whom the token is for, and 'tenant_id' whose it is"
_KEY_REMEDY = "the key belongs to another resource than azure_endpoint, or was regenerated"
_KEYS_DISABLED_REMEDY = "this resource takes no keys: remove api_key and sign in with Entra"
_ROUTE_REMEDY = "azure_endpoint leads to no Responses API: check address, region, and api_version if you set it"
_API_VERSION_REMEDY = "remove the setting 'api_version' (AZURE_OPENAI_API_VERSION, OPENAI_API_VERSION)"


def _build_error_row(
    error: type[LLMError], remedy: str, code_or_status: int | str, text: str | None = None
) -> KnownError:
    """A refusal that is known by its code, or by its status and its text."""
    return KnownError(
        code=code_or_status if isinstance(code_or_status, str) else None,
        status=code_or_status if isinstance(code_or_status, int) else None,
        text=re.compile(text, re.I) if text else None,
        meaning=ErrorMeaning(error=error, remedy=remedy),
    )


SERVICE_ERRORS = (
    _build_error_row(AccessDeniedError, ASSIGN_ROLE_REMEDY, 401, MISSING_ROLE_PATTERN.pattern),
    _build_error_row(AuthenticationError, _AUDIENCE_REMEDY, 401, r"audience is incorrect"),
    _build_error_row(AuthenticationError, _KEY_REMEDY, 401, r"invalid subscription key"),
    _build_error_row(AccessDeniedError, ASSIGN_ROLE_REMEDY, "permissiondenied"),
    _build_error_row(AuthenticationError, _KEYS_DISABLED_REMEDY, "authenticationtypedisabled"),
    _build_error_row(AccessDeniedError, _NETWORK_REMEDY, 403, r"virtual network|firewall|public access is disabled"),
    _build_error_row(NotFoundError, _DEPLOYMENT_REMEDY, "deploymentnotfound"),
    _build_error_row(NotFoundError, _DEPLOYMENT_REMEDY, 404, r"deployment\b.*does not exist"),
    _build_error_row(NotFoundError, _ROUTE_REMEDY, 404, r"resource not found"),
    _build_error_row(
        ConfigurationError,
        _API_VERSION_REMEDY,
        400,
        r"api[- ]version.* not (supported|allowed)|unsupported api[- ]version",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """How a deployment is billed: the factor on the global list, that of single models, and whether by token at all."""

    price_factor: Decimal = Decimal(1)
    price_factors: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    priced: bool = True


# Source: litellm 1.109.1's azure/, azure/us/ and azure/eu/ entries, seen 2026-11-21. Provisioned throughput is paid by
# the hour; `PTU` is its name in Microsoft's module.
BILLING_BY_DEPLOYMENT_TYPE: Mapping[str, Billing] = {
    "global": Billing(),
    "us": Billing(price_factor=Decimal("1.1")),
    "eu": Billing(price_factor=Decimal("1.1"), price_factors={"gpt-6-astra": Decimal("1.2")}),
    "provisioned": Billing(priced=False),
    "ptu": Billing(priced=False),
}


# Names the deployment that makes the pictures of the image generation tool. Source: Azure's Responses page, 2026-03-19.
IMAGE_DEPLOYMENT_HEADER = "x-ms-oai-image-generation-deployment"
