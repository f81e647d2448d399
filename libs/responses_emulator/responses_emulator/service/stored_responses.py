"""Responses that the service keeps: to retrieve, to resume the stream of one in the background, to cancel that.

Invariants: a background response goes on without its client; a caller sees those of its account only.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from responses_emulator.contract.refusal import refuse
from responses_emulator.rules import background as rules
from responses_emulator.script.turn import Turn
from responses_emulator.service.stored_state import StoredResponse
from responses_emulator.service.surface import AnyReply, EventReply, Exchange, json_reply


def queue_response(response: dict[str, Any]) -> dict[str, Any]:
    """Return a response as it is before it began."""
    return {**response, "status": "queued", "completed_at": None, "output": [], "usage": None, "error": None}


async def retrieve_response(exchange: Exchange) -> AnyReply:
    """Return a stored response, or the rest of its stream."""
    query = {key: values[-1] for key, values in parse_qs(exchange.request.query).items()}
    stored = _find(exchange)
    if "reasoning.encrypted_content" in exchange.request.query:
        raise refuse(rules.NO_CIPHERTEXT)
    if query.get("stream") == "true":
        return _resume(exchange, stored, query)
    if "starting_after" in query:
        raise refuse(rules.CURSOR_WITHOUT_STREAM)
    if stored.polls_left > 0:
        stored.polls_left -= 1
        return json_reply(queue_response(stored.response), headers=exchange.surface.headers(exchange))
    return json_reply(stored.response, headers=exchange.surface.headers(exchange))


async def cancel_response(exchange: Exchange) -> AnyReply:
    """Cancel a background response that is under way."""
    stored = _find(exchange)
    if not stored.is_background:
        raise refuse(rules.NOT_CANCELLABLE)
    stored.response = {**stored.response, "status": "cancelled", "completed_at": None, "output": [], "usage": None}
    stored.polls_left = 0
    return json_reply(stored.response, headers=exchange.surface.headers(exchange))


def _find(exchange: Exchange) -> StoredResponse:
    response_id = exchange.params["response"]
    stored = exchange.state.stored.by_id.get(response_id)
    if stored is None or exchange.caller is None or stored.account != exchange.caller.account:
        raise refuse(rules.RESPONSE_NOT_FOUND, id=response_id)
    return stored


def _resume(exchange: Exchange, stored: StoredResponse, query: dict[str, str]) -> EventReply:
    cursor = query.get("starting_after", "-1")
    if not (stored.is_background and stored.is_streamed):
        raise refuse(rules.NOT_RESUMABLE)
    if not cursor.removeprefix("-").isdecimal():
        raise refuse(rules.CURSOR_WITHOUT_STREAM)
    events = [event for event in stored.events if event["sequence_number"] > int(cursor)]
    return EventReply(turn=Turn(), events=events, headers=exchange.surface.headers(exchange))
