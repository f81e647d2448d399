"""The error replies of Azure Resource Manager."""

from __future__ import annotations

from responses_emulator.microsoft.error_bodies import gateway_error
from responses_emulator.script.replies import HttpReply


def arm_error(status: int, code: str, message: str) -> HttpReply:
    """An error of Azure Resource Manager."""
    return HttpReply(status, gateway_error(code, message), {"x-ms-failure-cause": "gateway"})


def arm_forbidden(principal: str, scope: str) -> HttpReply:
    """403 AuthorizationFailed: no role over the resource."""
    message = (
        f"The client '{principal}' with object id '{principal}' does not have authorization to perform action "
        f"'Microsoft.CognitiveServices/accounts/deployments/read' over scope '{scope}' or the scope is invalid. If "
        "access was recently granted, please refresh your credentials."
    )
    return arm_error(403, "AuthorizationFailed", message)


def arm_wrong_audience(audience: str) -> HttpReply:
    """401: a token of somebody else (Azure-Samples/active-directory-dotnetcore-daemon-v2 issue 145, 2022-11)."""
    allowed = "','".join(
        f"https://management.{host}{tail}" for host in ("core.windows.net", "azure.com") for tail in ("/", "")
    )
    message = (
        f"The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with "
        f"one of the allowed audiences '{allowed}'."
    )
    return arm_error(401, "InvalidAuthenticationTokenAudience", message)
