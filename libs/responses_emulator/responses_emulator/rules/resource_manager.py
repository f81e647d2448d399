"""What Azure Resource Manager refuses when a client lists deployments."""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, report

_SEEN = "2026-12-01"
_ALLOWED = "','".join(
    f"https://management.{host}{tail}" for host in ("core.windows.net", "azure.com") for tail in ("/", "")
)

NO_TOKEN = Rule(
    when="a request without a token",
    text="Authentication failed. The 'Authorization' header is missing.",
    source=report("hashicorp/terraform-provider-azurerm#3612", _SEEN),
    status=401,
    code="AuthenticationFailed",
)
INVALID_TOKEN = Rule(
    when="a token that is unknown or revoked",
    text="The access token is invalid.",
    source=report("Azure/azure-powershell#27882", _SEEN),
    status=401,
    code="InvalidAuthenticationToken",
)
EXPIRED_TOKEN = Rule(
    when="a token that has expired",
    text="The access token expiry UTC time '{expiry}' is earlier than current UTC time '{now}'.",
    source=report("hashicorp/terraform-provider-azurerm#20867", _SEEN),
    status=401,
    code="ExpiredAuthenticationToken",
)
WRONG_AUDIENCE = Rule(
    when="a token for another service, as that of the data plane",
    text=(
        "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with "
        f"one of the allowed audiences '{_ALLOWED}'."
    ),
    source=report("Azure-Samples/active-directory-dotnetcore-daemon-v2#145", "2026-11-21"),
    status=401,
    code="InvalidAuthenticationTokenAudience",
)
NO_VERSION = Rule(
    when="a request without an `api-version`",
    text="The api-version query parameter (?api-version=) is required for all requests.",
    source=report("Azure/azure-dev#3914", _SEEN),
    code="MissingApiVersionParameter",
)
INVALID_VERSION = Rule(
    when="an `api-version` that is too old",
    text="The api-version '{version}' is invalid.",
    source=UNSOURCED,
    ours="the oldest version; the text of the service goes on",
    code="InvalidApiVersionParameter",
)
FORBIDDEN = Rule(
    when="a principal without a role over the account",
    text=(
        "The client '{principal}' with object id '{principal}' does not have authorization to perform action "
        "'Microsoft.CognitiveServices/accounts/deployments/read' over scope '{scope}' or the scope is invalid. If "
        "access was recently granted, please refresh your credentials."
    ),
    source=report("microsoft/foundry-dev-tools#555", _SEEN),
    status=403,
    code="AuthorizationFailed",
)
NOT_FOUND = Rule(
    when="an account that does not exist",
    text=(
        "The Resource '{name}' under resource group '{group}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix"
    ),
    source=report("microsoft/foundry-dev-tools#512", _SEEN),
    status=404,
    code="ResourceNotFound",
)
