"""The surface of api.openai.com: bearer keys, its routes, its reply headers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from functools import partial

from responses_emulator.contract.accepted_differences import ITEM_METADATA
from responses_emulator.contract.create_request import RequestRules
from responses_emulator.contract.refusal import refuse
from responses_emulator.facts import models
from responses_emulator.rules import http, requests
from responses_emulator.service.compaction import compact_conversation, count_input_tokens
from responses_emulator.service.create_response import create_response
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.stored_responses import cancel_response, retrieve_response
from responses_emulator.service.surface import WEBSOCKET, Caller, Exchange, Route, Surface, json_reply
from responses_emulator.service.websocket import WebSocketRules, websocket_handler
from responses_emulator.transport.server import Headers, Reply

# Refused by default, so that a wrong key can be tried without configuration.
BAD_KEYS = frozenset({"sk-bad", "sk-wrong", "sk-revoked"})
WEBSOCKET_RULES = WebSocketRules()


def openai_surface(
    *,
    keys: Mapping[str, str] | None = None,
    bad_keys: frozenset[str] = BAD_KEYS,
    prefix: str = "/v1",
    any_model: bool = False,
    template_roles: frozenset[str] | None = None,
    vision: bool = True,
    shares_ciphertext: bool = True,
    model_list: object = None,
    websocket: WebSocketRules | None = WEBSOCKET_RULES,
) -> Surface:
    """The surface; `keys` maps accepted keys to accounts, None takes any key that begins with "sk-".

    `any_model` serves every model id, as local servers do, and `vision` says whether these see images. `model_list` is
    the whole reply to `GET /models`, such as one of `facts.server_model_lists`; None replies with the models of OpenAI.
    `template_roles` and `shares_ciphertext` are those of `Surface`. `websocket` None refuses every upgrade with 426.
    """

    def authenticate(request: RecordedRequest) -> Caller:
        return _caller(request, keys, bad_keys)

    async def list_server_models(exchange: Exchange) -> Reply:
        return json_reply(model_list)

    return Surface(
        name="openai",
        prefix=prefix,
        routes=(
            Route("POST", "/responses", create_response),
            *(
                []
                if websocket is None
                else [Route(WEBSOCKET, "/responses", websocket_handler(websocket, create_response))]
            ),
            Route("GET", "/responses/(?P<response>resp_[^/]+)", retrieve_response),
            Route("POST", "/responses/(?P<response>resp_[^/]+)/cancel", cancel_response),
            Route("POST", "/responses/input_tokens", count_input_tokens),
            Route("POST", "/responses/compact", compact_conversation),
            Route("GET", "/models", _list_models if model_list is None else list_server_models),
            Route("GET", "/models/(?P<model>.+)", _get_model),
        ),
        authenticate=authenticate,
        headers=_headers,
        rules=RequestRules(
            find_model=partial(models.any_model, vision=vision) if any_model else models.find_model,
            ignored_item_keys=frozenset({ITEM_METADATA}),
        ),
        endpoint="openai",
        template_roles=template_roles,
        shares_ciphertext=shares_ciphertext,
    )


def mask_key(key: str) -> str:
    """A key as the service quotes it."""
    return f"{key[:8]}{'*' * max(3, len(key) - 12)}{key[-4:]}" if len(key) > 12 else f"{key[:6]}***"


def _caller(request: RecordedRequest, keys: Mapping[str, str] | None, bad_keys: frozenset[str]) -> Caller:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise refuse(http.NO_KEY)
    known = key.startswith("sk-") if keys is None else key in keys
    if not known or key in bad_keys:
        raise refuse(http.WRONG_KEY, key=mask_key(key))
    organization = request.headers.get("openai-organization")
    project = request.headers.get("openai-project")
    account = (keys or {}).get(key) or organization or f"org-{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    return Caller(key=key, account=account, organization=organization, project=project)


def _headers(exchange: Exchange) -> Headers:
    headers = [
        ("x-request-id", exchange.request_id),
        ("openai-version", "2020-10-01"),
        ("openai-processing-ms", str(max(1, round((time.monotonic() - exchange.started_s) * 1000)))),
        ("server", "cloudflare"),
        ("x-content-type-options", "nosniff"),
    ]
    caller = exchange.caller
    if caller is not None:
        headers.append(("openai-organization", caller.organization or caller.account))
        headers.append(("openai-project", caller.project or "proj_emulator"))
        headers += exchange.state.limits.headers(caller.key)
    return headers


async def _list_models(exchange: Exchange) -> Reply:
    return json_reply({"object": "list", "data": models.model_list()}, headers=_headers(exchange))


async def _get_model(exchange: Exchange) -> Reply:
    wanted = exchange.params["model"]
    for row in models.model_list():
        if row["id"] == wanted:
            return json_reply(row, headers=_headers(exchange))
    raise refuse(requests.MODEL_NOT_LISTED, model=wanted)
