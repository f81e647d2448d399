"""`POST …/responses`: validate, look up the conversation, take the next scripted turn or ask the responder, and reply.

Invariants: every request is validated and its calls are paired with their outputs, whatever the script holds; a refused
request takes nothing off the script.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from responses_emulator.accounting.prompt_cache import PromptUsage
from responses_emulator.accounting.rate_limits import LimitExceeded
from responses_emulator.accounting.tokens import count_tokens, prompt_text
from responses_emulator.contract.create_request import effective_effort, validate
from responses_emulator.contract.refusal import Refusal, refuse
from responses_emulator.conversation.pairing_rules import check_conversation
from responses_emulator.conversation.preserved_reasoning import (
    conversation_digest,
    drop_stale_reasoning,
    drops_stale_reasoning,
)
from responses_emulator.facts.models import Model
from responses_emulator.output.compaction import asks_for_compaction_only, find_compaction
from responses_emulator.output.generate import GeneratedResponse, generate
from responses_emulator.output.turn_context import TurnContext
from responses_emulator.responders.responder import expand_responder
from responses_emulator.rules import conversations, http, requests
from responses_emulator.script.replies import Disconnect, Frames, HttpReply
from responses_emulator.script.turn import Compaction, ErrorEvent, FromResponder, ReplyHeaders, Silence, Turn
from responses_emulator.service.connection_memory import RememberedResponse
from responses_emulator.service.refusal_notes import note_rule
from responses_emulator.service.stored_responses import queue_response
from responses_emulator.service.surface import Caller, EventReply, Exchange, json_reply
from responses_emulator.transport.hang_up import CloseConnection
from responses_emulator.transport.server import Headers, Reply


async def create_response(exchange: Exchange) -> Reply | EventReply | Frames:
    """Return the reply to one create request.

    Raises:
        CloseConnection: the script ends the connection.
    """
    body = read_body(exchange)
    if (rejection := _find_rejection(exchange, body)) is not None:
        return await http_reply(rejection, exchange)
    caller = exchange.caller
    assert caller is not None
    context = _turn_context(exchange, body, caller)
    if _prepares(exchange):
        return await _make_response(exchange, body, Turn(), context)
    scripted = exchange.state.next_scripted_reply(exchange.request)
    match scripted:
        case HttpReply():
            return await http_reply(scripted, exchange)
        case Disconnect():
            raise end_of(scripted)
        case Frames():
            return scripted
        case Turn():
            turn = scripted
        case None:
            turn = Turn(FromResponder())
        case _:
            turn = Turn(scripted)
    return await _make_response(exchange, body, turn, context)


async def _make_response(
    exchange: Exchange, body: dict[str, Any], turn: Turn, context: TurnContext
) -> Reply | EventReply:
    turn = Turn(*turn.parts, *exchange.surface.turn_parts)
    delay_s = exchange.state.word_delay_s if turn.parts_of_type(FromResponder) else 0.0
    turn = expand_responder(_add_compaction(turn, context), context, exchange.state.responder)
    generated = generate(turn, context)
    _store_response(exchange, context, generated)
    return await _reply(exchange, body, turn, generated, delay_s=delay_s)


def _add_compaction(turn: Turn, context: TurnContext) -> Turn:
    """Return the turn with the compaction that the request asks for, unless the script has one."""
    compaction = find_compaction(context.body, context.model, context.prompt.tokens)
    if compaction is None or turn.parts_of_type(Compaction):
        return turn
    if asks_for_compaction_only(context.body):
        return Turn(compaction, *(part for part in turn.parts if not isinstance(part, FromResponder)))
    return Turn(compaction, *turn.parts)


def end_of(scripted: Disconnect) -> CloseConnection:
    """Return the end of the connection that a script asks for."""
    return CloseConnection(
        reset=scripted.reset,
        raw_bytes=scripted.raw_bytes,
        open_s=scripted.open_s,
        close_code=scripted.close_code,
        reason=scripted.reason,
    )


def _turn_context(exchange: Exchange, body: dict[str, Any], caller: Caller) -> TurnContext:
    # OpenAI's own client prepares a prompt without any item (captured 2026-11-30).
    model = validate(body, exchange.surface.rules, needs_input=not _prepares(exchange))
    return build_turn_context(exchange, body, model, caller)


def build_turn_context(exchange: Exchange, body: dict[str, Any], model: Model, caller: Caller) -> TurnContext:
    """Check the conversation of a request that is valid by itself, and charge the caller for the prompt."""
    conversation = full_conversation(exchange, body)
    lenient = drops_stale_reasoning(model)
    endpoint = exchange.surface.endpoint
    check_conversation(
        conversation,
        exchange.state.ledger,
        account=caller.account,
        endpoint=endpoint,
        any_account=lenient,
        kept=frozenset() if (parent := _parent(exchange)) is None else frozenset(map(id, parent.items)),
        model=None if exchange.surface.shares_ciphertext else model.snapshot,
    )
    items, transformations = conversation, []
    if lenient:
        items, transformations = drop_stale_reasoning(body, conversation, model, caller.account)
    items = _render_roles(items, exchange.surface.template_roles)
    return TurnContext(
        body=body,
        items=items,
        model=model,
        effort=effective_effort(body, model),
        account=caller.account,
        endpoint=endpoint,
        prompt=_charge_request(exchange, body, items, model, caller),
        cache_diagnostics=exchange.state.cache_diagnostics.compare(
            body, items, account=caller.account, model=model.snapshot, is_supported=model.cache_diagnostics
        ),
        prefix=conversation_digest(body, conversation),
        transformations=tuple(transformations),
    )


def _render_roles(items: list[dict[str, Any]], roles: frozenset[str] | None) -> list[dict[str, Any]]:
    """Return the items without messages whose role the chat template does not know.

    Templates in the manner of Qwen3 render system, user, assistant and tool, and skip a developer message in silence
    (transformers serve 5.24: 15 input tokens with and without it; recorded 2026-11-30).
    """
    return [item for item in items if roles is None or "role" not in item or item["role"] in roles]


def read_body(exchange: Exchange) -> dict[str, Any]:
    """Return the JSON object of a request, or raise the refusal of the service."""
    return parse_body(exchange.request.raw_body) if exchange.frame is None else exchange.frame.body


def parse_body(raw: bytes) -> dict[str, Any]:
    """Return bytes as a JSON object, or raise the refusal of the service."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):  # RecursionError: it is nested too deeply for the parser
        raise refuse(requests.NOT_JSON) from None
    if not isinstance(body, dict):
        raise refuse(requests.NOT_JSON)
    return body


def _find_rejection(exchange: Exchange, body: dict[str, Any]) -> HttpReply | None:
    whole = exchange.request.whole_body or body
    refusals = (rule.refusal(whole) for rule in exchange.state.standing_rules)
    return next((refusal for refusal in refusals if refusal is not None), None)


def full_conversation(exchange: Exchange, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all items that the model would see: those of a predecessor, then the input."""
    value = body.get("input") or []
    items = [{"type": "message", "role": "user", "content": value}] if isinstance(value, str) else list(value)
    previous = body.get("previous_response_id")
    if previous is None:
        return items
    parent = _parent(exchange)
    stored = exchange.state.stored_conversations.get(previous) if parent is None else parent.items
    if stored is None:
        raise refuse(conversations.PREVIOUS_RESPONSE_NOT_FOUND, id=previous)
    return [*stored, *items]


def _prepares(exchange: Exchange) -> bool:
    """Whether a request only prepares its prompt, for a later one of the same WebSocket."""
    return exchange.frame is not None and not exchange.frame.generate


def _parent(exchange: Exchange) -> RememberedResponse | None:
    return None if exchange.frame is None else exchange.frame.parent


def _charge_request(
    exchange: Exchange, body: dict[str, Any], items: list[dict[str, Any]], model: Model, caller: Caller
) -> PromptUsage:
    """Take the request off the limits, check the window, and look the prompt up in the cache."""
    state = exchange.state
    text = prompt_text(body, items, model.snapshot)
    tokens = count_tokens(text)
    if tokens > model.window:
        raise refuse(requests.CONTEXT_LENGTH)
    over = state.limits.reserve(caller.key, tokens)
    if over is not None:
        raise _rate_limit_refusal(over, model, caller, tokens)
    key = body.get("prompt_cache_key") or ""
    if exchange.frame is not None and exchange.frame.memory.cache_key is not None:
        key = exchange.frame.memory.cache_key
    return state.cache.look_up(text, account=caller.account, key=key, writes=model.cache_writes)


def _rate_limit_refusal(over: LimitExceeded, model: Model, caller: Caller, tokens: int) -> Refusal:
    unit, requested = ("TPM", tokens) if over.limit_name == "tokens" else ("RPM", 1)
    return refuse(
        http.RATE_LIMIT,
        headers=(("retry-after-ms", str(max(1, round(over.wait_s * 1000)))),),
        model=model.id,
        account=caller.account,
        limit_name=over.limit_name,
        unit=unit,
        limit=over.limit,
        used=over.used,
        requested=requested,
        wait_s=f"{over.wait_s:.3f}",
    )


def _store_response(exchange: Exchange, context: TurnContext, generated: GeneratedResponse) -> None:
    state, response_id = exchange.state, generated.response["id"]
    stored = context.body.get("store") is not False
    items = [*context.items, *generated.output]
    state.cache_diagnostics.add(
        response_id, context.body, context.items, account=context.account, model=context.model.snapshot
    )
    state.ledger.record(response_id, generated.output, account=context.account, stored=stored)
    if stored:
        state.stored_conversations[response_id] = items
    if exchange.frame is not None:
        sent = exchange.request.body.get("input") or []
        sent_items = [{"type": "message", "role": "user", "content": sent}] if isinstance(sent, str) else sent
        exchange.frame.made = RememberedResponse(
            id=response_id, items=items, sent_items=[*sent_items, *generated.output]
        )
    state.stored.add(context.account, context.body, generated.complete_response, generated.events)
    exchange.request.response = generated.complete_response


async def http_reply(scripted: HttpReply, exchange: Exchange) -> Reply:
    """Return a scripted reply after its delay; its headers replace those of the surface."""
    if scripted.delay_s:
        await asyncio.sleep(scripted.delay_s)
    content, kind = scripted.encode()
    headers = merge_headers([("content-type", kind), *exchange.surface.headers(exchange)], dict(scripted.headers))
    if scripted.rule is not None:
        headers += note_rule(exchange.request, scripted.rule, scripted.rule.text, scripted.status)
    return Reply(status=scripted.status, body=content, headers=headers)


async def _reply(
    exchange: Exchange, body: dict[str, Any], turn: Turn, generated: GeneratedResponse, *, delay_s: float
) -> Reply | EventReply:
    for silent in turn.parts_of_type(Silence):
        if silent.before_event < 0:
            await asyncio.sleep(silent.seconds)
    headers = exchange.surface.headers(exchange)
    for extra in turn.parts_of_type(ReplyHeaders):
        headers = merge_headers(headers, dict(extra.headers))
    if body.get("background") and not body.get("stream"):
        return json_reply(queue_response(generated.response), headers=headers)
    if not body.get("stream"):
        return _json_response(turn, generated, headers)
    events = generated.events
    if _prepares(exchange):
        events = [event for event in events if event["type"] != "response.in_progress"]
    return EventReply(turn=turn, events=events, headers=headers, word_delay_s=delay_s)


def _json_response(turn: Turn, generated: GeneratedResponse, headers: Headers) -> Reply:
    """The same response without a stream."""
    match turn.ending:
        case ErrorEvent() as ending:
            error = {"message": ending.message, "type": ending.error_type, "param": None, "code": ending.code}
            return json_reply({"error": error}, status=500, headers=headers)
        case _:
            # Recorded: only whole responses name the payer.
            response = dict(generated.response)
            ordered = {}
            for key, value in response.items():
                ordered[key] = value
                if key == "background":
                    ordered["billing"] = {"payer": "developer"}
            return json_reply(ordered, headers=headers)


def merge_headers(headers: Headers, extra: dict[str, str]) -> Headers:
    """Return headers with others that replace those of the same names."""
    names = {name.lower() for name in extra}
    return [pair for pair in headers if pair[0] not in names] + [(k.lower(), v) for k, v in extra.items()]
