"""`POST …/responses/compact` and `POST …/responses/input_tokens`: what is asked of a whole conversation.

Invariants: a request is validated as one for a response is, with fewer fields; nothing is taken off the script.
"""

from __future__ import annotations

import time
from typing import Any

from openai.types.responses.input_token_count_params import InputTokenCountParams
from openai.types.responses.response_compact_params import ResponseCompactParams

from responses_emulator.accounting.tokens import count_tokens, prompt_text
from responses_emulator.contract.create_request import validate
from responses_emulator.contract.input_items import item_type
from responses_emulator.contract.json_shapes import shape_of
from responses_emulator.conversation.pairing_rules import check_conversation
from responses_emulator.output.generate import generate
from responses_emulator.output.response_object import ResponseIds
from responses_emulator.script.turn import Compaction, Turn
from responses_emulator.service.create_response import build_turn_context, full_conversation, read_body
from responses_emulator.service.surface import Exchange, json_reply
from responses_emulator.transport.server import Reply

_COUNT_SHAPE = shape_of(InputTokenCountParams)
_COMPACT_SHAPE = shape_of(ResponseCompactParams)

Item = dict[str, Any]


async def count_input_tokens(exchange: Exchange) -> Reply:
    """Return how many input tokens a request has, also if they are more than the window of the model."""
    body = read_body(exchange)
    model = validate(body, exchange.surface.rules, shape=_COUNT_SHAPE)
    assert exchange.caller is not None
    items = full_conversation(exchange, body)
    check_conversation(
        items, exchange.state.ledger, account=exchange.caller.account, endpoint=exchange.surface.endpoint
    )
    tokens = count_tokens(prompt_text(body, items, model.snapshot))
    document = {"object": "response.input_tokens", "input_tokens": tokens}
    return json_reply(document, headers=exchange.surface.headers(exchange))


async def compact_conversation(exchange: Exchange) -> Reply:
    """Return the window that stands for a conversation: the messages of the user, and one compaction item.

    Recorded by pydantic-ai with gpt-4o and gpt-4.1: system and developer messages, answers and calls are not in it, and
    the document has no model. `state.compaction_keeps` adds calls, which the guide calls possible.
    """
    body = read_body(exchange)
    model = validate(body, exchange.surface.rules, shape=_COMPACT_SHAPE)
    assert exchange.caller is not None
    context = build_turn_context(exchange, body, model, exchange.caller)
    compacted = generate(Turn(Compaction()), context)
    ids = ResponseIds()
    output = [*_keep_items(context.items, exchange.state.compaction_keeps, ids), *compacted.output]
    exchange.state.ledger.record(compacted.response["id"], compacted.output, account=context.account, stored=False)
    document = {
        "id": compacted.response["id"],
        "created_at": int(time.time()),
        "object": "response.compaction",
        "output": output,
        "usage": compacted.response["usage"],
    }
    return json_reply(document, headers=exchange.surface.headers(exchange))


def _keep_items(items: list[Item], kept_types: frozenset[str], ids: ResponseIds) -> list[Item]:
    window: list[Item] = []
    for item in items:
        if item_type(item) == "message" and item.get("role") == "user":
            content = item["content"]
            parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
            window.append(
                {
                    "id": ids.item("msg"),
                    "type": "message",
                    "status": "completed",
                    "content": parts,
                    "role": "user",
                }
            )
        elif item_type(item) in kept_types:
            window.append(item)
    return window
