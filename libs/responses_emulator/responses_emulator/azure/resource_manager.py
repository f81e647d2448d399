"""The part of Azure Resource Manager that lists the deployments of an account, in pages.

Invariant: it takes tokens for itself alone; one for the data plane is refused in its own errors.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from responses_emulator.azure.resource_manager_errors import arm_refusal
from responses_emulator.entra.directory import Directory
from responses_emulator.entra.records import AccessToken
from responses_emulator.entra.requests import anonymous_caller, query_parameters, scripted_reply
from responses_emulator.facts import models
from responses_emulator.microsoft.error_bodies import azure_error_body, reply_refusal
from responses_emulator.rules import resource_manager as rules
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import Exchange, Route, Surface, json_reply
from responses_emulator.transport.server import Reply

MANAGEMENT_AUDIENCES = frozenset({"https://management.azure.com", "https://management.core.windows.net"})
READER_ROLES = frozenset({"Reader", "Contributor", "Owner", "Cognitive Services OpenAI User"})
# The newest of the versions that the vendor's specifications list (seen 2026-11-21) are taken with all older ones.
OLDEST_API_VERSION = "2021-10-01"
_TIME = "%m/%d/%Y %I:%M:%S %p"


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
        raise reply_refusal(arm_refusal(rules.NO_VERSION))
    if version < OLDEST_API_VERSION:
        raise reply_refusal(arm_refusal(rules.INVALID_VERSION, version=version))
    asked = exchange.request.path.removesuffix("/deployments")
    # A scope that one may not read and one that is not there look alike from outside; here the first is checked first.
    if not directory.roles & READER_ROLES:
        raise reply_refusal(arm_refusal(rules.FORBIDDEN, principal=issued.object_id, scope=asked))
    if asked.lower() != scope.lower():
        name = "/".join(asked.split("/")[-3:])
        raise reply_refusal(arm_refusal(rules.NOT_FOUND, name=name, group=exchange.params["group"]))
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
        raise reply_refusal(arm_refusal(rules.NO_TOKEN))
    issued = directory.find_access_token(token)
    if issued is None:
        raise reply_refusal(arm_refusal(rules.INVALID_TOKEN))
    if issued.expired:
        expiry, now = (datetime.fromtimestamp(each, UTC).strftime(_TIME) for each in (issued.expires_s, time.time()))
        raise reply_refusal(arm_refusal(rules.EXPIRED_TOKEN, expiry=expiry, now=now))
    if issued.audience.rstrip("/") not in MANAGEMENT_AUDIENCES:
        raise reply_refusal(arm_refusal(rules.WRONG_AUDIENCE, audience=issued.audience))
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
