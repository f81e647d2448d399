"""The part of Azure Resource Manager that lists the deployments of an account, in pages.

Invariant: it takes tokens for itself alone; one for the data plane is refused in its own errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from responses_emulator.azure import resource_manager_errors as errors
from responses_emulator.entra.directory import Directory
from responses_emulator.entra.records import AccessToken
from responses_emulator.entra.requests import anonymous_caller, query_parameters, scripted_reply
from responses_emulator.facts import models
from responses_emulator.microsoft.error_bodies import RefusalWithBody, azure_error_body
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import Exchange, Route, Surface, json_reply
from responses_emulator.transport.server import Reply

MANAGEMENT_AUDIENCES = frozenset({"https://management.azure.com", "https://management.core.windows.net"})
READER_ROLES = frozenset({"Reader", "Contributor", "Owner", "Cognitive Services OpenAI User"})
# The newest of the versions that the vendor's specifications list (seen 2026-11-21) are taken with all older ones.
OLDEST_API_VERSION = "2021-10-01"


def arm_surface(
    directory: Directory,
    deployments: Mapping[str, str],
    *,
    subscription: str = "5ab00000-0000-4000-8000-000000000001",
    group: str = "rg",
    account: str = "contoso",
    page_size: int = 100,
    next_origin: str | None = None,
) -> Surface:
    """The list of one account; `deployments` maps names to model ids. `next_origin` forges where the next page is."""
    scope = (
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{account}"
    )
    rows = [_deployment_document(scope, name, model) for name, model in sorted(deployments.items())]
    path = "/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft.CognitiveServices/accounts"
    handler = partial(_list_deployments, directory, scope, rows, page_size, next_origin)
    return Surface(
        name="arm",
        prefix="/subscriptions",
        routes=(Route("GET", f"(?i:{path}/(?P<account>[^/]+)/deployments)", handler, is_public=True),),
        authenticate=anonymous_caller,
        error_body=azure_error_body,
        headers=lambda exchange: [("x-ms-request-id", exchange.request_id.removeprefix("req_"))],
    )


async def _list_deployments(
    directory: Directory,
    scope: str,
    rows: list[dict[str, Any]],
    page_size: int,
    next_origin: str | None,
    exchange: Exchange,
) -> Reply:
    query = query_parameters(exchange)
    directory.record_request("arm", None, query, exchange.request.headers)
    if (answer := await scripted_reply(directory, exchange, "arm")) is not None:
        return answer
    issued = _caller(directory, exchange.request)
    version = query.get("api-version")
    if version is None:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise RefusalWithBody(errors.arm_error(400, "MissingApiVersionParameter", message))
    if version < OLDEST_API_VERSION:
        message = f"The api-version '{version}' is invalid."
        raise RefusalWithBody(errors.arm_error(400, "InvalidApiVersionParameter", message))
    asked = exchange.request.path.removesuffix("/deployments")
    # A scope that one may not read and one that is not there look alike from outside; here the first is checked first.
    if not directory.roles & READER_ROLES:
        raise RefusalWithBody(errors.arm_forbidden(issued.object_id, asked))
    if asked.lower() != scope.lower():
        name = "/".join(asked.split("/")[-3:])
        message = f"The Resource '{name}' under resource group '{exchange.params['group']}' was not found."
        raise RefusalWithBody(errors.arm_error(404, "ResourceNotFound", message))
    start = int(query.get("$skipToken", "0"))
    page: dict[str, Any] = {"value": rows[start : start + page_size]}
    if start + page_size < len(rows):
        origin = next_origin or _origin(exchange)
        page["nextLink"] = (
            f"{origin}{quote(exchange.request.path)}?api-version={version}&$skipToken={start + page_size}"
        )
    return json_reply(page, headers=exchange.surface.headers(exchange))


def _origin(exchange: Exchange) -> str:
    return f"{urlsplit(exchange.state.origin).scheme}://{exchange.request.headers.get('host', '')}"


def _caller(directory: Directory, request: RecordedRequest) -> AccessToken:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        message = "Authentication failed. The 'Authorization' header is missing."
        raise RefusalWithBody(errors.arm_error(401, "AuthenticationFailed", message))
    issued = directory.find_access_token(token)
    if issued is None:
        raise RefusalWithBody(errors.arm_error(401, "InvalidAuthenticationToken", "The access token is invalid."))
    if issued.expired:
        raise RefusalWithBody(
            errors.arm_error(401, "ExpiredAuthenticationToken", "The access token expiry time is in the past.")
        )
    if issued.audience.rstrip("/") not in MANAGEMENT_AUDIENCES:
        raise RefusalWithBody(errors.arm_wrong_audience(issued.audience))
    return issued


def _deployment_document(scope: str, name: str, model_id: str) -> dict[str, Any]:
    model, version = models.name_and_version(model_id)
    return {
        "id": f"{scope}/deployments/{name}",
        "type": "Microsoft.CognitiveServices/accounts/deployments",
        "name": name,
        "sku": {"name": "GlobalStandard", "capacity": 100},
        "properties": {
            "model": {"format": "OpenAI", "name": model, "version": version},
            "versionUpgradeOption": "OnceNewDefaultVersionAvailable",
            "currentCapacity": 100,
            "capabilities": {"chatCompletion": "true", "responses": "true"},
            "raiPolicyName": "Microsoft.DefaultV2",
            "provisioningState": "Succeeded",
        },
        "etag": '"0"',
    }
