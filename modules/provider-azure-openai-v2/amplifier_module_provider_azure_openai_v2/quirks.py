"""The differences between Azure OpenAI and the API as documented: its errors, its price lists, its own header.

Each error is one row with its remedy. This file is data; it knows no credential and no HTTP. Sources, if a
row names none: Microsoft's pages on troubleshooting, network rules and roles, and issue threads of its SDKs; seen
2026-11-21.
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
    NotFoundError,
)
from openai_responses_common import BackendProfile, ErrorMeaning, KnownError
from openai_responses_common.version import __version__

USER_AGENT = f"amplifier-module-provider-azure-openai-v2/{__version__}"

REQUIRED_ROLE = "Cognitive Services OpenAI User"

ASSIGN_ROLE_REMEDY = (
    f"assign the role '{REQUIRED_ROLE}' on the resource to the identity that is used; it takes effect after about "
    "5 minutes"
)
_NETWORK_REMEDY = (
    "the network rules of the resource do not allow this machine: allow its address, or use the private endpoint"
)
_DEPLOYMENT_REMEDY = (
    "set default_model to the name of a deployment, not of a model; a new deployment can take 5 minutes to appear"
)
_AUDIENCE_REMEDY = "check the setting 'scope', and that 'tenant_id' is the tenant of the resource"
_KEY_REMEDY = "the key belongs to another resource than azure_endpoint, or it was regenerated"
_KEYS_DISABLED_REMEDY = "this resource does not accept keys: remove api_key and sign in with Entra"
_ROUTE_REMEDY = (
    "azure_endpoint does not lead to a Responses API: check the address, the region, and api_version if you set it"
)
_API_VERSION_REMEDY = "remove the setting 'api_version' (AZURE_OPENAI_API_VERSION, OPENAI_API_VERSION)"

# "Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired."
WRONG_AUDIENCE_PATTERN = re.compile(r"audience is incorrect", re.I)
# It has the same status, but another token cannot help.
MISSING_ROLE_PATTERN = re.compile(r"lacks the required data action", re.I)

# "Token tenant X does not match resource tenant." Sources: Azure-Samples/ai-rag-chat-evaluator#94, vscode-openai#321,
# seen 2026-11-30.
_TENANT_REMEDY = (
    "set tenant_id to the tenant of the resource; with the Azure CLI, you can also run `az login --tenant TENANT`"
)

SERVICE_ERRORS = (
    KnownError(
        status=400,
        text=re.compile(r"token tenant\b.*does not match", re.I),
        meaning=ErrorMeaning(error=AuthenticationError, remedy=_TENANT_REMEDY),
    ),
    KnownError(
        status=401,
        text=MISSING_ROLE_PATTERN,
        meaning=ErrorMeaning(error=AccessDeniedError, remedy=ASSIGN_ROLE_REMEDY),
    ),
    KnownError(
        status=401,
        text=WRONG_AUDIENCE_PATTERN,
        meaning=ErrorMeaning(error=AuthenticationError, remedy=_AUDIENCE_REMEDY),
    ),
    KnownError(
        status=401,
        text=re.compile(r"invalid subscription key", re.I),
        meaning=ErrorMeaning(error=AuthenticationError, remedy=_KEY_REMEDY),
    ),
    KnownError(
        code="permissiondenied",
        meaning=ErrorMeaning(error=AccessDeniedError, remedy=ASSIGN_ROLE_REMEDY),
    ),
    KnownError(
        code="authenticationtypedisabled",
        meaning=ErrorMeaning(error=AuthenticationError, remedy=_KEYS_DISABLED_REMEDY),
    ),
    KnownError(
        status=403,
        text=re.compile(r"virtual network|firewall|public access is disabled|private endpoint", re.I),
        meaning=ErrorMeaning(error=AccessDeniedError, remedy=_NETWORK_REMEDY),
    ),
    KnownError(
        code="deploymentnotfound",
        meaning=ErrorMeaning(error=NotFoundError, remedy=_DEPLOYMENT_REMEDY),
    ),
    KnownError(
        status=404,
        text=re.compile(r"deployment\b.*does not exist", re.I),
        meaning=ErrorMeaning(error=NotFoundError, remedy=_DEPLOYMENT_REMEDY),
    ),
    KnownError(
        status=404,
        text=re.compile(r"resource not found", re.I),
        meaning=ErrorMeaning(error=NotFoundError, remedy=_ROUTE_REMEDY),
    ),
    KnownError(
        status=400,
        text=re.compile(r"api[- ]version.* not (supported|allowed)|unsupported api[- ]version", re.I),
        meaning=ErrorMeaning(error=ConfigurationError, remedy=_API_VERSION_REMEDY),
    ),
)

PROFILE = BackendProfile(
    name="azure-openai-v2",
    display_name="Azure OpenAI (v2)",
    # No page of Microsoft's names it, seen 2026-12-01.
    refused_fields={"background_options": "Azure is not known to have completion windows"},
    trace_name="azure.ai.openai",
    auth_remedy="check the key or the identity",
    access_remedy=ASSIGN_ROLE_REMEDY,
    address_remedy=_ROUTE_REMEDY,
    errors=SERVICE_ERRORS,
    # Documented, and an option of Microsoft's own module; a user of inspect_ai found it missing. Nobody saw that
    # the service counts (inspect_ai#3371, openai-dotnet#1165). Seen 2026-11-30.
    compaction="endpoint",
)

# Names the deployment that makes the images of the image generation tool. Source: Azure's Responses page, 2026-03-19.
IMAGE_DEPLOYMENT_HEADER = "x-ms-oai-image-generation-deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """How deployments of one type are billed.

    Attributes:
        price_factor: the factor on the global price list; 1 by default.
        price_factors: other factors, by model.
        priced: False if the deployment is not paid by the token.
    """

    price_factor: Decimal = Decimal(1)
    price_factors: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    priced: bool = True


# A fifth more than the global price, where other models cost a tenth more.
_EU_FACTORS: Mapping[str, Decimal] = {
    model: Decimal("1.2") for model in ("gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-astra", "gpt-6-sol", "gpt-6-luna")
}

# Source: the entries azure/, azure/us/, azure/eu/ and azure/apac/ (two models, both 1.2) of litellm 1.110.2, seen
# 2026-11-30. Provisioned throughput is paid by the hour; `PTU` is its name in Microsoft's module.
BILLING_BY_DEPLOYMENT_TYPE: Mapping[str, Billing] = {
    "global": Billing(),
    "us": Billing(price_factor=Decimal("1.1")),
    "eu": Billing(price_factor=Decimal("1.1"), price_factors=_EU_FACTORS),
    "apac": Billing(price_factor=Decimal("1.2")),
    "provisioned": Billing(priced=False),
    "ptu": Billing(priced=False),
}
