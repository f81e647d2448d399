"""The API of OpenAI for an app that is bound to a person by Sign in with ChatGPT: `/responses` and `/models`, no more.

As documented on developers.openai.com/siwc and as live runs of users show it (seen 2026-11-30). Invariants: a reply
tells neither a limit nor a request id; ciphertext is good for the account that got it and for this endpoint alone.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from responses_emulator.chatgpt.catalogue import Catalogue, catalogue_entry, default_catalogue
from responses_emulator.chatgpt.errors import detail_refusal
from responses_emulator.chatgpt_plan.errors import expired_token_refusal, plan_error_body, plan_refusal
from responses_emulator.chatgpt_plan.issuer_surface import plan_issuer_surfaces
from responses_emulator.chatgpt_plan.sign_in import PLAN_SCOPE, RESOURCE, PlanSignIn
from responses_emulator.contract.create_request import RequestRules
from responses_emulator.contract.input_items import item_type
from responses_emulator.contract.refusal import Refusal, refuse
from responses_emulator.openai_sign_in.records import InvalidAccessToken
from responses_emulator.rules import chatgpt
from responses_emulator.rules import chatgpt_plan as rules
from responses_emulator.script.turn import NoTerminalOutput, ResponseFields
from responses_emulator.service.create_response import create_response
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import (
    WEBSOCKET,
    AnyReply,
    Caller,
    Exchange,
    Route,
    Surface,
    json_reply,
)
from responses_emulator.service.websocket import WebSocketRules, websocket_handler
from responses_emulator.transport.server import Headers, Reply

UNSUPPORTED_FIELDS = (
    *("background", "conversation", "max_output_tokens", "max_tool_calls", "metadata", "moderation", "multi_agent"),
    *("previous_response_id", "prompt", "prompt_cache_retention", "safety_identifier", "temperature", "top_logprobs"),
    *("top_p", "truncation", "user"),
    # Not documented; found by probes of a client (2026-09-30).
    *("prompt_cache_options", "prompt_cache_breakpoint"),
)
"""As documented; `previous_response_id` is refused over HTTP only, and continues on the connection of its response."""
WEBSOCKET_RULES = WebSocketRules()
_ITEMS = frozenset(
    {
        *("message", "item_reference", "additional_tools", "compaction", "reasoning", "web_search_call"),
        *("function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
        *("program", "program_output"),
    }
)
_FLAT_TOOLS = frozenset({"function", "custom"})
_TOOLS = frozenset({"namespace", "web_search", "web_search_2025_08_26"})
# Listed in live runs of 2026-09-30 and 2026-10-01, in this order, all with a window of 272,000 tokens.
_LISTED_MODELS = ("gpt-6-astra", "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.5")
# Listed only to clients that send a newer `client_version`, and served to all.
_NEWER_MODELS = ("gpt-6.1-sol", "gpt-6-sol", "gpt-6-luna")


@dataclass(slots=True, kw_only=True)
class PlanStatus:
    """How the API treats every app; a test may change it while the service runs.

    Attributes:
        refusal_code: the code with which every request is refused, of `PLAN_ERROR_CODES`. None refuses none.
    """

    refusal_code: str | None = None


def strict_plan_catalogue() -> Catalogue:
    """The models that live runs of 2026-10-01 report: five for every client, three more for newer ones."""
    entries = [catalogue_entry(slug, number) for number, slug in enumerate((*_LISTED_MODELS, *_NEWER_MODELS), 1)]
    listed = [replace(entry, first_client_version="0") for entry in entries if entry.slug in _LISTED_MODELS]
    return Catalogue(entries=(*listed, *entries[len(listed) :]))


def chatgpt_plan_surface(
    sign_in: PlanSignIn | None = None,
    *,
    prefix: str = "/v1",
    catalogue: Catalogue | None = None,
    status: PlanStatus | None = None,
    websocket: WebSocketRules | None = WEBSOCKET_RULES,
) -> Surface:
    """The surface; without `sign_in` it takes every well-formed token of `make_plan_token` that is not expired.

    `websocket` None refuses every upgrade with 426.
    """
    service = _Api(
        sign_in=sign_in or PlanSignIn(known_only=False),
        catalogue=catalogue or default_catalogue(),
        status=status or PlanStatus(),
        prefix=prefix,
    )
    others = tuple(Route(method, "/.*", service.refuse_route) for method in ("GET", "POST", "DELETE"))
    return Surface(
        name="chatgpt-plan",
        prefix=prefix,
        routes=(
            Route("POST", "/responses", _respond),
            *([] if websocket is None else [Route(WEBSOCKET, "/responses", websocket_handler(websocket, _respond))]),
            Route("GET", "/models", service.list_models),
            *others,
        ),
        authenticate=service.caller,
        headers=service.headers,
        error_body=plan_error_body,
        rules=RequestRules(check_first=check_body, find_model=service.catalogue.model),
        # Live runs of 2026-10-01: the last event has no output.
        turn_parts=(NoTerminalOutput(),),
        endpoint="chatgpt-plan",
    )


def chatgpt_plan_surfaces(
    sign_in: PlanSignIn,
    *,
    prefix: str = "/v1",
    catalogue: Catalogue | None = None,
    status: PlanStatus | None = None,
) -> tuple[Surface, ...]:
    """API and issuer over the same people; the API first."""
    return (
        chatgpt_plan_surface(sign_in, prefix=prefix, catalogue=catalogue, status=status),
        *plan_issuer_surfaces(sign_in, api=prefix),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    sign_in: PlanSignIn
    catalogue: Catalogue
    status: PlanStatus
    prefix: str

    def caller(self, request: RecordedRequest) -> Caller:
        """Check the token: the person, the resource, the scope; then whether the plan may be used now."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise plan_refusal("subscription_sharing_invalid_user")
        try:
            grant = self.sign_in.grant_of(token, resources=frozenset({RESOURCE}))
        except InvalidAccessToken as bad:
            raise _token_refusal(bad.code) from None
        if PLAN_SCOPE not in grant.scope.split():
            raise plan_refusal("chatpass_v2_scope_not_authorized")
        if self.status.refusal_code is not None:
            raise plan_refusal(self.status.refusal_code)
        return Caller(key=grant.client_id, account=grant.account.subject)

    def headers(self, exchange: Exchange) -> Headers:
        """Neither limits nor a request id (live runs, 2026-10-01)."""
        return [
            ("cf-ray", f"{secrets.token_hex(8)}-FRA"),
            ("server", "cloudflare"),
            ("x-content-type-options", "nosniff"),
        ]

    async def list_models(self, exchange: Exchange) -> Reply:
        """The catalogue in the shape of OpenAI's own client."""
        version = parse_qs(exchange.request.query).get("client_version", [None])[0]
        return json_reply(self.catalogue.document(version), headers=self.headers(exchange))

    async def refuse_route(self, exchange: Exchange) -> Reply:
        """Every other path of the API."""
        request = exchange.request
        raise refuse(rules.ROUTE_NOT_SUPPORTED, method=request.method, path=request.path)


async def _respond(exchange: Exchange) -> AnyReply:
    in_frame = exchange.frame is not None
    check_first = partial(check_body, in_frame=in_frame)
    # The tier in the response is the default one, also if the fast one was asked for (live runs, 2026-10-01).
    is_fast = exchange.request.body.get("service_tier") == "priority"
    parts = (ResponseFields({"service_tier": "default"}),) if is_fast else ()
    exchange.surface = replace(
        exchange.surface,
        rules=replace(exchange.surface.rules, check_first=check_first),
        turn_parts=(*exchange.surface.turn_parts, *parts),
    )
    return await create_response(exchange)


def check_body(body: dict[str, Any], *, in_frame: bool = False) -> None:
    """Refuse what the public API would take. The order is made up."""
    if body.get("store") is not False:
        raise detail_refusal(chatgpt.STORED)
    if body.get("stream") is not True:
        raise detail_refusal(chatgpt.NOT_STREAMED)
    for name in UNSUPPORTED_FIELDS:
        if body.get(name) is not None and not (in_frame and name == "previous_response_id"):
            raise detail_refusal(chatgpt.FIELD_NOT_ALLOWED, name=name)
    if not isinstance(body.get("input"), list):
        raise detail_refusal(chatgpt.INPUT_NOT_A_LIST)
    for item in _dicts(body["input"]):
        _check_item(item)
    for tool in _dicts(body.get("tools")):
        if tool.get("type") in _FLAT_TOOLS:
            raise refuse(rules.FLAT_TOOL)
        if tool.get("type") not in _TOOLS:
            raise refuse(rules.TOOL_NOT_SUPPORTED, type=tool.get("type"))


def _check_item(item: dict[str, Any]) -> None:
    if item.get("role") == "system":
        raise detail_refusal(chatgpt.SYSTEM_MESSAGE)
    if item_type(item) not in _ITEMS:
        raise refuse(rules.ITEM_NOT_SUPPORTED)
    if item_type(item) == "additional_tools":
        for tool in _dicts(item.get("tools")):
            if tool.get("type") not in {*_FLAT_TOOLS, "namespace"}:
                raise refuse(rules.TOOL_NOT_SUPPORTED, type=tool.get("type"))


def _token_refusal(code: str) -> Refusal:
    match code:
        case "token_expired":
            return expired_token_refusal()
        case "chatpass_v2_invalid_authorization_context":
            return plan_refusal(code)
        case _:
            return plan_refusal("subscription_sharing_invalid_user")


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
