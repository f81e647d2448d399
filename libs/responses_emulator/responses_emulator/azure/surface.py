"""The surfaces of an Azure OpenAI resource: its keys and tokens, deployments for models, its words and its headers.

Invariants: all callers of a resource share its data, so ciphertext is bound to the resource and not to a key; a
request names a deployment, a response the model behind it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from responses_emulator.azure import errors
from responses_emulator.contract.create_request import RequestRules
from responses_emulator.contract.input_items import item_type
from responses_emulator.contract.refusal import refuse
from responses_emulator.entra.directory import Directory
from responses_emulator.facts import models
from responses_emulator.facts.models import Model
from responses_emulator.microsoft.error_bodies import REGION, azure_error_body, reply_refusal
from responses_emulator.rules import azure as rules
from responses_emulator.rules import websocket as websocket_rules
from responses_emulator.script.turn import ResponseFields, TerminalFields
from responses_emulator.service.compaction import compact_conversation
from responses_emulator.service.create_response import create_response, read_body
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.stored_responses import cancel_response, retrieve_response
from responses_emulator.service.surface import WEBSOCKET, AnyReply, Caller, Exchange, Route, Surface, json_reply
from responses_emulator.service.websocket import WebSocketRules, websocket_handler
from responses_emulator.transport.server import Headers, Reply

RESOURCE = "contoso"
KEY_PREFIX = "azure-key-"
# Refused by default, so that a wrong key can be tried without configuration.
BAD_KEYS = frozenset({"azure-key-bad", "azure-key-wrong", "azure-key-revoked"})
WEBSOCKET_RULES = WebSocketRules(lanes=False, steering=False)
IMAGE_HEADER = "x-ms-oai-image-generation-deployment"
# What the v1 path takes for a version while it takes one at all, and the first dated one that knows responses
# (vendor's page on the life of API versions, 2026-03).
UNDATED_VERSIONS = frozenset({"preview", "latest", "v1"})
OLDEST_DATED_VERSION = "2025-03-01-preview"
# The roles that may ask for responses (vendor's page on roles, seen 2026-11-21).
CALLER_ROLES = frozenset(
    {"Cognitive Services OpenAI User", "Cognitive Services OpenAI Contributor", "Cognitive Services User"}
)


def azure_surface(
    *,
    keys: Collection[str] | None = None,
    deployments: Mapping[str, str] | None = None,
    directory: Directory | None = None,
    audiences: Collection[str] = (errors.COGNITIVE_SERVICES_AUDIENCE,),
    prefix: str = "/openai/v1",
    resource: str = RESOURCE,
    takes_version: bool = True,
    cache_writes: bool = True,
    websocket: WebSocketRules | None = WEBSOCKET_RULES,
) -> Surface:
    """The v1 surface. `keys` None takes any key that begins with "azure-key-"; `deployments` maps names to model ids,
    None deploys every model under its own id; tokens of `directory` are taken for one of `audiences`.

    With `takes_version` false no api-version is allowed at all, as on newer resources; with `cache_writes` false usage
    does not tell of cache writes, as on older deployments. `websocket` None refuses every upgrade with 426.
    """
    check_token = _token_check(directory, audiences, resource)
    check_key = _key_check(keys, resource)

    def authenticate(request: RecordedRequest) -> Caller:
        version = _version(request)
        if version is not None and not takes_version:
            raise reply_refusal(errors.version_not_allowed())
        if version is not None and version not in UNDATED_VERSIONS:
            raise reply_refusal(errors.version_not_supported())
        if (key := request.headers.get("api-key")) is not None:
            return check_key(key)
        bearer = _bearer(request)
        return check_token(bearer, request) if bearer is None or _is_token(bearer) else check_key(bearer)

    async def upgrade(exchange: Exchange) -> AnyReply:
        if _version(exchange.request) is not None:
            raise reply_refusal(replace(errors.version_not_allowed(), rule=websocket_rules.NO_VERSION))
        if _bearer(exchange.request) is None:
            raise reply_refusal(replace(errors.missing_token(next(iter(audiences))), rule=websocket_rules.NO_BEARER))
        return await open_websocket(exchange)

    surface = _surface(authenticate, prefix=prefix, rules=_rules(deployments, cache_writes=cache_writes))
    if websocket is None:
        return surface
    open_websocket = websocket_handler(websocket, _create_response)
    return replace(surface, routes=(*surface.routes, Route(WEBSOCKET, "/responses", upgrade)))


def azure_classic_surface(
    *,
    keys: Collection[str] | None = None,
    deployments: Mapping[str, str] | None = None,
    directory: Directory | None = None,
    audiences: Collection[str] = (errors.COGNITIVE_SERVICES_AUDIENCE,),
    prefix: str = "/openai",
    resource: str = RESOURCE,
    cache_writes: bool = True,
) -> Surface:
    """The surface for a dated `api-version`. It accepts keys in the header `api-key` only. See `azure_surface`."""
    check_token = _token_check(directory, audiences, resource)
    check_key = _key_check(keys, resource)

    def authenticate(request: RecordedRequest) -> Caller:
        version = _version(request)
        if version is None or version in UNDATED_VERSIONS or not version.endswith("-preview"):
            raise reply_refusal(errors.resource_not_found())
        if version < OLDEST_DATED_VERSION:
            raise reply_refusal(errors.version_not_supported())
        if (key := request.headers.get("api-key")) is not None:
            return check_key(key)
        return check_token(_bearer(request), request)

    surface = _surface(authenticate, prefix=prefix, rules=_rules(deployments, cache_writes=cache_writes))
    return replace(surface, name="azure-classic")


def _surface(authenticate: Callable[[RecordedRequest], Caller], *, prefix: str, rules: RequestRules) -> Surface:
    return Surface(
        name="azure",
        prefix=prefix,
        routes=(
            Route("POST", "/responses", _create_response),
            # Microsoft's documentation and module say that it is there, users of inspect_ai that it is not; 2026-11-30.
            Route("POST", "/responses/compact", compact_conversation),
            Route("GET", "/responses/(?P<response>resp_[^/]+)", retrieve_response),
            Route("POST", "/responses/(?P<response>resp_[^/]+)/cancel", cancel_response),
            Route("POST", "/responses/input_tokens", _refuse_count),
            Route("GET", "/models", _list_models),
            Route("GET", "/models/(?P<model>.+)", _get_model),
        ),
        authenticate=authenticate,
        error_body=azure_error_body,
        headers=_headers,
        rules=rules,
        # Recorded: null while the response is under way, a list at its end.
        turn_parts=(
            ResponseFields({"content_filters": None}),
            TerminalFields({"content_filters": errors.content_filters()}),
        ),
        endpoint="azure",
    )


# Who calls.


def _key_check(keys: Collection[str] | None, resource: str) -> Callable[[str], Caller]:
    def check(key: str) -> Caller:
        known = key.startswith(KEY_PREFIX) if keys is None else key in keys
        if not known or key in BAD_KEYS:
            raise reply_refusal(errors.invalid_subscription_key())
        return Caller(key=resource, account=resource)

    return check


def _token_check(
    directory: Directory | None, audiences: Collection[str], resource: str
) -> Callable[[str | None, RecordedRequest], Caller]:
    allowed = {each.rstrip("/") for each in audiences}
    named = next(iter(audiences))

    def check(token: str | None, request: RecordedRequest) -> Caller:
        issued = directory.find_access_token(token) if directory is not None and token is not None else None
        if directory is None or issued is None or issued.expired or issued.audience.rstrip("/") not in allowed:
            raise reply_refusal(errors.missing_token(named))
        if not directory.roles & CALLER_ROLES:
            action = errors.RESPONSES_WRITE if request.method == "POST" else errors.MODELS_READ
            operation = f"{request.method} {request.path}"
            reply = errors.missing_role(issued.object_id, action=action, operation=operation)
            raise reply_refusal(reply)
        return Caller(key=resource, account=resource)

    return check


def _bearer(request: RecordedRequest) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" and value else None


def _is_token(bearer: str) -> bool:
    return bearer.count(".") == 2


def _version(request: RecordedRequest) -> str | None:
    return parse_qs(request.query).get("api-version", [None])[0]


# What may be asked.


def _rules(deployments: Mapping[str, str] | None, *, cache_writes: bool) -> RequestRules:
    def find_model(name: str) -> Model | None:
        found = models.find_model(name if deployments is None else deployments.get(name, ""))
        return found if found is None or cache_writes else replace(found, cache_writes=False)

    return RequestRules(
        find_model=find_model,
        unknown_model=lambda name: reply_refusal(errors.deployment_not_found()),
        check_first=_check_statuses,
    )


def _check_statuses(body: dict[str, Any]) -> None:
    """Answers may not be sent back with their status."""
    given = body.get("input")
    for index, item in enumerate(given if isinstance(given, list) else []):
        if isinstance(item, dict) and "status" in item and item_type(item) in {"reasoning", "message"}:
            raise refuse(rules.STATUS_IN_INPUT, path=f"input[{index}].status")


async def _refuse_count(exchange: Exchange) -> AnyReply:
    raise refuse(rules.NO_INPUT_COUNT, method=exchange.request.method, path="/v1/responses/input_tokens")


async def _create_response(exchange: Exchange) -> AnyReply:
    tools = read_body(exchange).get("tools")
    listed = tools if isinstance(tools, list) else []
    images = any(isinstance(tool, dict) and tool.get("type") == "image_generation" for tool in listed)
    if images and IMAGE_HEADER not in exchange.request.headers:
        raise reply_refusal(errors.missing_image_deployment())
    return await create_response(exchange)


# Headers and fields beside the response.


def _headers(exchange: Exchange) -> Headers:
    number = str(uuid.UUID(hex=exchange.request_id.removeprefix("req_")))
    headers = [
        ("apim-request-id", number),
        ("x-request-id", number),
        ("x-ms-region", REGION),
        ("x-content-type-options", "nosniff"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    ]
    if exchange.request.is_create:
        streams = exchange.request.body.get("stream") is True
        headers.append(("azureai-fe-is-streaming", "true" if streams else "false"))
    if exchange.caller is not None:
        headers += exchange.state.limits.headers(exchange.caller.key)
    return headers


def _model_list() -> list[dict[str, Any]]:
    """The base models of the region, whether deployed or not: the data plane lists no deployments (keys as in
    rijnb/chatty-server, recorded 2025; `owned_by` and `created` are those of the OpenAI specification)."""
    return [_model_document(row) for row in models.model_list()]


def _model_document(row: dict[str, Any]) -> dict[str, Any]:
    known = models.find_model(row["id"]) is not None
    capabilities = {
        "fine_tune": False,
        "inference": True,
        "completion": False,
        "chat_completion": known,
        "embeddings": "embedding" in row["id"],
    }
    return {
        "status": "succeeded",
        "capabilities": capabilities,
        "lifecycle_status": "generally-available",
        "deprecation": {"inference": row["created"] + 2 * 365 * 86400},
        "id": row["id"],
        "created_at": row["created"],
        "created": row["created"],
        "object": "model",
        "owned_by": "azure-openai",
    }


async def _list_models(exchange: Exchange) -> Reply:
    return json_reply({"data": _model_list(), "object": "list"}, headers=_headers(exchange))


async def _get_model(exchange: Exchange) -> Reply:
    wanted = exchange.params["model"]
    for row in _model_list():
        if row["id"] == wanted:
            return json_reply(row, headers=_headers(exchange))
    raise refuse(rules.MODEL_NOT_LISTED, model=wanted)
