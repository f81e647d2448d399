"""The surface of the ChatGPT Codex backend: subscription tokens, a body by allow-list, streams only, nothing stored.

Built on recordings of 2026-05-21 (the langchain-openai cassettes) where they show a thing, else on reports of its users
(seen 2026-11-21). Invariants: what stands before the API words its refusals under `detail`, the API behind it as
always; ciphertext is good for the account that got it and for this endpoint alone.
"""

from __future__ import annotations

import copy
import functools
import re
import secrets
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from responses_emulator.chatgpt.catalogue import Catalogue, default_catalogue, parse_version
from responses_emulator.chatgpt.errors import (
    cloudflare_challenge,
    detail_refusal,
    model_not_found_refusal,
    unauthorized_refusal,
    workspace_refusal,
)
from responses_emulator.chatgpt.plan_limits import PlanLimits
from responses_emulator.chatgpt.request_bodies import decode_request_body
from responses_emulator.chatgpt.workspaces import Workspaces
from responses_emulator.contract.accepted_differences import ITEM_METADATA
from responses_emulator.contract.create_request import RequestRules, validate
from responses_emulator.contract.input_items import item_type
from responses_emulator.contract.refusal import Refusal, refuse
from responses_emulator.conversation.ledger import Ledger
from responses_emulator.conversation.pairing_rules import check_conversation
from responses_emulator.facts.models import Model
from responses_emulator.openai_sign_in.records import InvalidAccessToken
from responses_emulator.openai_sign_in.service import SignInService
from responses_emulator.openai_sign_in.surface import issuer_surface
from responses_emulator.openai_sign_in.tokens import Account
from responses_emulator.rules import chatgpt as rules
from responses_emulator.rules import conversations
from responses_emulator.rules import websocket as websocket_rules
from responses_emulator.script.turn import ExtraEvent, Framing, NoTerminalOutput, Part, ResponseFields
from responses_emulator.service.create_response import create_response, http_reply
from responses_emulator.service.refusal_notes import note_rule
from responses_emulator.service.state import RecordedRequest
from responses_emulator.service.surface import (
    WEBSOCKET,
    AnyReply,
    Caller,
    Exchange,
    Frame,
    Handler,
    Route,
    Surface,
    json_reply,
)
from responses_emulator.service.websocket import WebSocketRules, websocket_handler
from responses_emulator.transport.server import Headers, Reply

# Sent by OpenAI's own client and by others with success (recordings of 2026-05-21; clients' sources, seen 2026-11-21).
# Whatever else the public API takes is refused by name.
ALLOWED_FIELDS = frozenset(
    {
        "client_metadata", "include", "input", "instructions", "model", "parallel_tool_calls", "prompt_cache_key",
        "reasoning", "service_tier", "store", "stream", "text", "tool_choice", "tools",
    }
)  # fmt: skip
# `fast`, `auto`, `flex` and `scale` are refused (probes of users, seen 2026-11-21).
_TIERS = frozenset({None, "default", "priority"})
_REFUSED_TOOLS = frozenset({"web_search_preview", "web_search_preview_2025_03_11"})
# What HTTP libraries call themselves: the edge takes them for scrapers (issue reports, seen 2026-11-21).
_LIBRARY_AGENT = re.compile(
    r"(python-|aiohttp|curl/|wget/|node|undici|axios|got|go-http-client|okhttp|java/|(async)?openai/|libwww)", re.I
)
_LITE_HEADER = "x-openai-internal-codex-responses-lite"
_LITE_METADATA = "ws_request_header_x_openai_internal_codex_responses_lite"
# The first is that of today's client, the second of an older one (its source, seen 2026-11-30).
_WEBSOCKET_VERSIONS = frozenset({"responses_websockets=2026-02-06", "responses_websockets=2026-02-04"})
WEBSOCKET_RULES = WebSocketRules(
    lanes=False,
    steering=False,
    headers_in_error=False,
    cache_per_connection=True,
    ignored_types=frozenset({"response.processed"}),
)
_EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatGptOptions:
    """How this backend behaves where it is known in more than one mood.

    Attributes:
        challenge: the edge answers requests without an `originator`, or with a library's User-Agent, with its page.
        needs_account: a request without an account id is refused, as team accounts' are.
        full_output: the last event carries the output, as recorded on 2026-05-21; users got an empty list before
            (2026-04) and since (2026-08).
        rate_limit_event: `codex.rate_limits` is the third event, as users report; no recording has it.
        content_type: whether streams say what they are; in the recordings none does.
        reasoning_ids: reasoning may come back with its id and its ciphertext, as OpenAI's own client and pi send it
            (captured 2026-11-30). Users reported 404 for it before.
        needs_version: a call without the header `version` does not find models that are for newer clients only. Users
            report it (agent-zero#1765, oh-my-pi#5108, seen 2026-11-30), and others get an answer without the header.
        served_model: a model that answers in place of the one asked for, which a header then names.
        websocket: how it speaks WebSocket. None refuses every upgrade with 426.
    """

    challenge: bool = True
    needs_account: bool = True
    full_output: bool = False
    rate_limit_event: bool = True
    content_type: bool = False
    reasoning_ids: bool = True
    needs_version: bool = False
    served_model: str | None = None
    websocket: WebSocketRules | None = WEBSOCKET_RULES


def chatgpt_surface(
    sign_in: SignInService | None = None,
    *,
    prefix: str = "/backend-api/codex",
    catalogue: Catalogue | None = None,
    limits: PlanLimits | None = None,
    workspaces: Workspaces | None = None,
    options: ChatGptOptions | None = None,
) -> Surface:
    """The surface; without `sign_in` it takes every well-formed access token (`make_token`) that is not expired."""
    service = _Backend(
        sign_in=sign_in or SignInService(known_only=False),
        catalogue=catalogue or default_catalogue(),
        limits=limits or PlanLimits(),
        workspaces=workspaces or Workspaces(),
        options=options or ChatGptOptions(),
    )
    return Surface(
        name="chatgpt",
        prefix=prefix,
        # The edge stands before authentication, so each handler checks both.
        routes=(
            Route("POST", "/responses", service.guard(service.respond), is_public=True),
            Route("GET", "/models", service.guard(service.list_models), is_public=True),
            *service.websocket_routes(),
        ),
        authenticate=service.caller,
        headers=service.headers,
        rules=RequestRules(
            check_first=service.check_body,
            find_model=service.find_model,
            unknown_model=model_not_found_refusal,
            ignored_item_keys=frozenset({ITEM_METADATA}),
        ),
        endpoint="chatgpt",
    )


def wham_surface(
    sign_in: SignInService | None = None,
    *,
    prefix: str = "/backend-api/wham",
    limits: PlanLimits | None = None,
    workspaces: Workspaces | None = None,
    options: ChatGptOptions | None = None,
) -> Surface:
    """Where a client asks how much of the plan is used, and where the workspace wants its requests."""
    service = _Backend(
        sign_in=sign_in or SignInService(known_only=False),
        catalogue=default_catalogue(),
        limits=limits or PlanLimits(),
        workspaces=workspaces or Workspaces(),
        options=options or ChatGptOptions(),
    )
    return Surface(
        name="wham",
        prefix=prefix,
        routes=(
            Route("GET", "/usage", service.guard(service.usage), is_public=True),
            Route("GET", "/accounts/check", service.guard(service.check_accounts), is_public=True),
        ),
        authenticate=service.caller,
        headers=service.plain_headers,
    )


def chatgpt_surfaces(
    sign_in: SignInService,
    *,
    catalogue: Catalogue | None = None,
    limits: PlanLimits | None = None,
    workspaces: Workspaces | None = None,
    options: ChatGptOptions | None = None,
) -> tuple[Surface, ...]:
    """Backend, usage and sign-in of one service, over the same people and limits; the backend first."""
    limits, workspaces = limits or PlanLimits(), workspaces or Workspaces()
    return (
        chatgpt_surface(sign_in, catalogue=catalogue, limits=limits, workspaces=workspaces, options=options),
        wham_surface(sign_in, limits=limits, workspaces=workspaces, options=options),
        *issuer_surface(sign_in),
    )


def refusal_message(body: dict[str, Any], *, catalogue: Catalogue | None = None) -> str | None:
    """What is wrong with a request by itself, None where nothing is; for requests that were recorded elsewhere."""
    surface = chatgpt_surface(catalogue=catalogue)
    try:
        validate(copied := copy.deepcopy(body), surface.rules)
        check_conversation(copied["input"], Ledger(), account="", endpoint=surface.endpoint)
    except Refusal as refusal:
        return refusal.message
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backend:
    sign_in: SignInService
    catalogue: Catalogue
    limits: PlanLimits
    workspaces: Workspaces
    options: ChatGptOptions = field(default_factory=ChatGptOptions)

    def guard(self, handler: Callable[[Exchange], Awaitable[AnyReply]]) -> Handler:
        """The edge first, then the caller, then the handler."""

        @functools.wraps(handler)
        async def handle(exchange: Exchange) -> AnyReply:
            if self.options.challenge and _is_library_client(exchange.request):
                page, kind = cloudflare_challenge().encode()
                extra = list(cloudflare_challenge().headers.items())
                note = note_rule(exchange.request, rules.CHALLENGE, rules.CHALLENGE.text, 403)
                headers = [("content-type", kind), ("server", "cloudflare"), *extra, *note]
                return Reply(status=403, body=page, headers=headers)
            account = self._account(exchange.request)
            exchange.caller = self._check_account(account, exchange.request)
            # Known from here on, also if the token is revoked while the answer is made.
            exchange.params |= {"plan": account.plan, "user_id": account.user_id, "email": account.email}
            return await handler(exchange)

        return handle

    def caller(self, request: RecordedRequest) -> Caller:
        return self._check_account(self._account(request), request)

    def _check_account(self, account: Account, request: RecordedRequest) -> Caller:
        given = request.headers.get("chatgpt-account-id")
        if given != account.account_id and (given is not None or self.options.needs_account):
            raise workspace_refusal()
        return Caller(key=account.account_id, account=account.account_id)

    def _account(self, request: RecordedRequest) -> Account:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized_refusal()
        try:
            return self.sign_in.account_of(token)
        except InvalidAccessToken as bad:
            raise unauthorized_refusal(bad.code) from None

    def plain_headers(self, exchange: Exchange) -> Headers:
        return [
            ("x-oai-request-id", exchange.request_id),
            ("cf-ray", f"{secrets.token_hex(8)}-FRA"),
            ("server", "cloudflare"),
            ("x-content-type-options", "nosniff"),
        ]

    def headers(self, exchange: Exchange) -> Headers:
        """A refused token learns nothing of limits (recorded)."""
        headers = self.plain_headers(exchange)
        if exchange.caller is None:
            return headers
        headers += [*self.limits.headers(exchange.params["plan"]), ("x-models-etag", self.catalogue.etag)]
        if self.options.served_model:
            headers.append(("openai-model", self.options.served_model))
        return headers

    async def list_models(self, exchange: Exchange) -> Reply:
        etag = self.catalogue.etag
        headers = [*self.plain_headers(exchange), ("etag", etag)]
        if exchange.request.headers.get("if-none-match") == etag:
            return Reply(status=304, headers=headers)
        version = parse_qs(exchange.request.query).get("client_version", [None])[0]
        return json_reply(self.catalogue.document(version), headers=headers)

    async def usage(self, exchange: Exchange) -> Reply:
        assert exchange.caller is not None
        found = self.limits.usage(**exchange.params, account_id=exchange.caller.account)
        return json_reply(found, headers=self.plain_headers(exchange))

    async def check_accounts(self, exchange: Exchange) -> AnyReply:
        assert exchange.caller is not None
        if self.workspaces.reply is not None:
            return await http_reply(self.workspaces.reply, exchange)
        document = self.workspaces.document(plan=exchange.params["plan"], account_id=exchange.caller.account)
        return json_reply(document, headers=self.plain_headers(exchange))

    def websocket_routes(self) -> tuple[Route, ...]:
        if self.options.websocket is None:
            return ()
        open_websocket = websocket_handler(self.options.websocket, self.respond)

        async def upgrade(exchange: Exchange) -> AnyReply:
            if exchange.request.headers.get("openai-beta") not in _WEBSOCKET_VERSIONS:
                raise detail_refusal(websocket_rules.NO_BETA_HEADER)
            return await open_websocket(exchange)

        return (Route(WEBSOCKET, "/responses", self.guard(upgrade), is_public=True),)

    async def respond(self, exchange: Exchange) -> AnyReply:
        request, frame = exchange.request, exchange.frame
        if frame is None:
            request.raw_body = decode_request_body(request.raw_body, request.headers.get("content-encoding", ""))
        find_model = functools.partial(self._find_for, exchange.request)
        check_first = functools.partial(self.check_body, frame=frame)
        exchange.surface = replace(
            exchange.surface,
            rules=replace(exchange.surface.rules, find_model=find_model, check_first=check_first),
            turn_parts=(*exchange.surface.turn_parts, *self._parts(exchange)),
        )
        return await create_response(exchange)

    def _parts(self, exchange: Exchange) -> tuple[Part, ...]:
        asked = exchange.request.body
        # Recorded: the user's id, and a cache key if the request names none. The tier in the response is always the
        # default one, whatever was asked for (users' probes, seen 2026-11-21).
        fields: dict[str, Any] = {"safety_identifier": exchange.params["user_id"]}
        if asked.get("prompt_cache_key") is None:
            fields["prompt_cache_key"] = str(uuid.uuid4())
        if asked.get("service_tier") == "priority":
            fields["service_tier"] = "default"
        if self.options.served_model:
            fields["model"] = self.options.served_model
        parts: list[Part] = [
            ResponseFields(fields),
            Framing(content_type=_EVENT_STREAM if self.options.content_type else None),
        ]
        if not self.options.full_output:
            parts.append(NoTerminalOutput())
        if self.options.rate_limit_event:
            parts.append(ExtraEvent(self.limits.event(exchange.params["plan"]), after_events=2))
        return tuple(parts)

    def check_body(self, body: dict[str, Any], *, frame: Frame | None = None) -> None:
        """What is looked at before the API sees the request, in the order of the refusals (users' probes)."""
        instructions = body.get("instructions")
        has_prompt = (isinstance(instructions, str) and instructions.strip()) or _has_prompt_of_codex(body)
        if frame is not None:
            # OpenAI's own client prepares without a prompt, and sends it once for a connection (captured 2026-11-30).
            has_prompt = has_prompt or not frame.generate or (frame.parent and _has_prompt(frame.parent.sent_items))
        if not has_prompt:
            raise detail_refusal(rules.NO_INSTRUCTIONS)
        if body.get("store") is not False:
            raise detail_refusal(rules.STORED)
        if body.get("stream") is not True:
            raise detail_refusal(rules.NOT_STREAMED)
        for name in body:
            if name not in ALLOWED_FIELDS and (frame is None or name != "previous_response_id"):
                raise detail_refusal(rules.FIELD_NOT_ALLOWED, name=name)
        if not isinstance(body.get("input"), list):
            raise detail_refusal(rules.INPUT_NOT_A_LIST)
        if body.get("service_tier") not in _TIERS:
            raise detail_refusal(rules.UNSUPPORTED_TIER, tier=body["service_tier"])
        self._check_items(body["input"])
        _check_tools(body.get("tools"))

    def _check_items(self, items: list[Any]) -> None:
        for item in (each for each in items if isinstance(each, dict)):
            if item.get("role") == "system":
                raise detail_refusal(rules.SYSTEM_MESSAGE)
            kind, item_id = item_type(item), item.get("id")
            if item_id and (kind == "item_reference" or (kind == "reasoning" and not self.options.reasoning_ids)):
                raise refuse(conversations.ITEM_NOT_FOUND, id=item_id)

    def find_model(self, slug: str) -> Model | None:
        """The model behind a slug, for any client."""
        if slug in self.catalogue.retired_models:
            raise detail_refusal(rules.MODEL_RETIRED, model=slug)
        return self.catalogue.model(slug)

    def _find_for(self, request: RecordedRequest, slug: str) -> Model | None:
        """The model behind a slug, for the client that a request comes from; one that does not say is let through."""
        entry = self.catalogue.find(slug)
        version = request.headers.get("version")
        if version is None and self.options.needs_version and entry is not None and entry.is_for_newer_clients:
            raise model_not_found_refusal(slug)
        if (
            entry is not None
            and version is not None
            and parse_version(version) < parse_version(entry.first_client_version)
        ):
            raise detail_refusal(rules.CLIENT_TOO_OLD, model=slug)
        if _is_lite(request) and not (entry and entry.lite):
            raise detail_refusal(rules.NOT_LITE)
        return self.find_model(slug)


def _has_prompt_of_codex(body: dict[str, Any]) -> bool:
    """Whether a developer message says of itself that it is the prompt.

    OpenAI's own client sends no instructions with any model (captured 2026-11-30); everybody else is asked for some.
    """
    items = body.get("input")
    return isinstance(items, list) and _has_prompt(items)


def _is_lite(request: RecordedRequest) -> bool:
    """Whether a request says that it is of Responses-Lite: in a header, or in the metadata of a frame."""
    metadata = request.body.get("client_metadata")
    in_frame = metadata.get(_LITE_METADATA) if isinstance(metadata, dict) else None
    return "true" in (request.headers.get(_LITE_HEADER), in_frame if request.transport == "websocket" else None)


def _has_prompt(items: list[Any]) -> bool:
    for item in items:
        metadata = item.get(ITEM_METADATA) if isinstance(item, dict) and item.get("role") == "developer" else None
        if isinstance(metadata, dict) and "model.base_instructions" in (metadata.get("content_item_kinds") or ()):
            return True
    return False


def _check_tools(tools: Any) -> None:
    for tool in tools if isinstance(tools, list) else []:
        if isinstance(tool, dict) and tool.get("type") in _REFUSED_TOOLS:
            raise detail_refusal(rules.UNSUPPORTED_TOOL, type=tool["type"])


def _is_library_client(request: RecordedRequest) -> bool:
    agent = request.headers.get("user-agent", "").strip()
    # OpenAI's own client names no originator when it asks for its workspaces (captured 2026-11-30).
    is_known = bool(request.headers.get("originator")) or request.path.endswith("/accounts/check")
    return not agent or _LIBRARY_AGENT.match(agent) is not None or not is_known
