"""`POST …/responses`: validate, look up the conversation, take the next scripted turn or ask the responder, and reply.

Invariant: a request is validated and paired whatever is scripted for it; a refused request uses up no behaviour.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from responses_emulator.accounting.prompt_cache import PromptUsage
from responses_emulator.accounting.rate_limits import LimitExceeded
from responses_emulator.accounting.tokens import count_tokens, prompt_text
from responses_emulator.contract.create_request import effective_effort, validate
from responses_emulator.contract.refusal import Refusal
from responses_emulator.conversation import preserved_reasoning as preserved
from responses_emulator.conversation.pairing_rules import check_conversation
from responses_emulator.facts.models import Model
from responses_emulator.output.drafts import TurnContext
from responses_emulator.output.generate import GeneratedResponse, generate
from responses_emulator.responder import expand_responder
from responses_emulator.script import turn as b
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.service.surface import Caller, Exchange, json_reply
from responses_emulator.transport import sse as wire
from responses_emulator.transport.server import CloseConnection, Headers, Reply, StreamReply

_BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
    "figuring out how to fix this, please contact us through our help center at help.openai.com.)"
)


async def create_response(exchange: Exchange) -> Reply | StreamReply:
    """Answer one create request."""
    body = parse_body(exchange.request.raw_body)
    if (refusal := _rejected_parameter_reply(exchange, body)) is not None:
        return await http_reply(refusal, exchange)
    caller = exchange.caller
    assert caller is not None
    model = validate(body, exchange.surface.rules)
    given = full_conversation(exchange, body)
    lenient = preserved.drops_stale_reasoning(model)
    check_conversation(
        given,
        exchange.state.state.ledger,
        account=caller.account,
        endpoint=exchange.surface.endpoint,
        any_account=lenient,
    )
    items, told = preserved.drop_stale_reasoning(body, given, model, caller.account) if lenient else (given, [])
    prompt = _charge_request(exchange, body, items, model, caller)
    scripted = exchange.state.next_scripted_reply(exchange.request)
    match scripted:
        case HttpReply():
            return await http_reply(scripted, exchange)
        case Disconnect():
            raise CloseConnection(reset=scripted.reset, words=scripted.raw_bytes, open_s=scripted.open_s)
        case b.Turn():
            turn = scripted
        case None:
            turn = b.Turn(b.FromResponder())
        case _:
            turn = b.Turn(scripted)
    turn = b.Turn(*turn.parts, *exchange.surface.turn_parts)
    scene = TurnContext(
        body=body,
        model=model,
        effort=effective_effort(body, model),
        account=caller.account,
        endpoint=exchange.surface.endpoint,
        prompt=prompt,
        prefix=preserved.conversation_digest(body, given),
        transformations=tuple(told),
    )
    thinking = any(isinstance(part, b.FromResponder) for part in turn.parts)
    turn = expand_responder(turn, scene, items, exchange.state.state.responder)
    played = generate(turn, scene)
    _store_response(exchange, caller, body, items, played)
    return await _reply(exchange, body, turn, played, paced=thinking)


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object of a request."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refusal(_BAD_JSON) from None
    if not isinstance(body, dict):
        raise Refusal(_BAD_JSON)
    return body


def _rejected_parameter_reply(exchange: Exchange, body: dict[str, Any]) -> HttpReply | None:
    refusals = (rule.refusal(body) for rule in exchange.state.state.rejected_parameters)
    return next((refusal for refusal in refusals if refusal is not None), None)


def full_conversation(exchange: Exchange, body: dict[str, Any]) -> list[dict[str, Any]]:
    """All items the model would see: those of a stored predecessor, then the input."""
    given = body.get("input") or []
    items = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else list(given)
    previous = body.get("previous_response_id")
    if previous is None:
        return items
    stored = exchange.state.state.stored_conversations.get(previous)
    if stored is None:
        raise Refusal(
            f"Previous response with id '{previous}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    return [*stored, *items]


def _charge_request(
    exchange: Exchange, body: dict[str, Any], items: list[dict[str, Any]], model: Model, caller: Caller
) -> PromptUsage:
    """Take the request off the limits, check the window, and look the prompt up in the cache."""
    state = exchange.state.state
    text = prompt_text(body, items, model.snapshot)
    tokens = count_tokens(text)
    if tokens > model.window:
        raise Refusal(
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            param="input",
            code="context_length_exceeded",
        )
    over = state.limits.reserve(caller.key, tokens)
    if over is not None:
        raise _rate_limit_refusal(over, model, caller, tokens)
    key = body.get("prompt_cache_key") or ""
    return state.cache.look_up(text, account=caller.account, key=key, writes=model.cache_writes)


def _rate_limit_refusal(over: LimitExceeded, model: Model, caller: Caller, tokens: int) -> Refusal:
    unit, asked = ("TPM", tokens) if over.limit_name == "tokens" else ("RPM", 1)
    return Refusal(
        f"Rate limit reached for {model.id} in organization {caller.account} on {over.limit_name} per min ({unit}): "
        f"Limit {over.limit}, Used {over.used}, Requested {asked}. Please try again in {over.wait_s:.3f}s. "
        "Visit https://platform.openai.com/account/rate-limits to learn more.",
        status=429,
        kind=over.limit_name,
        code="rate_limit_exceeded",
        headers=(("retry-after-ms", str(max(1, round(over.wait_s * 1000)))),),
    )


def _store_response(
    exchange: Exchange, caller: Caller, body: dict[str, Any], items: list[dict[str, Any]], played: GeneratedResponse
) -> None:
    state = exchange.state.state
    stored = body.get("store") is not False
    state.ledger.record(played.response["id"], played.output, account=caller.account, stored=stored)
    if stored:
        state.stored_conversations[played.response["id"]] = [*items, *played.output]
    exchange.request.response = played.complete_response


async def http_reply(status: HttpReply, exchange: Exchange) -> Reply:
    """A scripted reply, after its delay, with the surface's own headers where it names none."""
    if status.delay_s:
        await asyncio.sleep(status.delay_s)
    content, kind = status.encode()
    headers = _merge_headers([("content-type", kind), *exchange.surface.headers(exchange)], dict(status.headers))
    return Reply(status=status.status, body=content, headers=headers)


async def _reply(
    exchange: Exchange, body: dict[str, Any], turn: b.Turn, played: GeneratedResponse, *, paced: bool
) -> Reply | StreamReply:
    for silent in turn.parts_of_type(b.Silence):
        if silent.before_event < 0:
            await asyncio.sleep(silent.seconds)
    headers = exchange.surface.headers(exchange)
    for extra in turn.parts_of_type(b.ReplyHeaders):
        headers = _merge_headers(headers, dict(extra.headers))
    if not body.get("stream"):
        return _json_response(turn, played, headers)
    kind = next(iter(turn.parts_of_type(b.Framing)), b.Framing()).content_type
    if kind is not None:
        headers = [("content-type", kind), ("cache-control", "no-cache"), *headers]
    pace_s = exchange.state.state.pace_s if paced else 0.0
    return StreamReply(status=200, pieces=wire.sse_stream(turn, played.events, pace_s=pace_s), headers=headers)


def _json_response(turn: b.Turn, played: GeneratedResponse, headers: Headers) -> Reply:
    """The same response without a stream."""
    match turn.ending:
        case b.ErrorEvent() as ending:
            error = {"message": ending.message, "type": ending.error_type, "param": None, "code": ending.code}
            return json_reply({"error": error}, status=500, headers=headers)
        case _:
            # Recorded: only whole responses name the payer.
            response = dict(played.response)
            ordered = {}
            for key, value in response.items():
                ordered[key] = value
                if key == "background":
                    ordered["billing"] = {"payer": "developer"}
            return json_reply(ordered, headers=headers)


def _merge_headers(headers: Headers, extra: dict[str, str]) -> Headers:
    names = {name.lower() for name in extra}
    return [pair for pair in headers if pair[0] not in names] + [(k.lower(), v) for k, v in extra.items()]
