"""From a turn to a complete response: its items, usage, ending, and all events in order.

Invariants: the output budget (`max_output_tokens`) binds scripted turns like any other; every item that appears in
`done` events is in the terminal response, unless the script says otherwise.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from responses_emulator.output.drafts import (
    fit_budget,
    make_drafts,
    message_phase,
    seal_draft,
    truncate_draft,
)
from responses_emulator.output.item_events import Draft, Event, Item, item_events
from responses_emulator.output.reshape_events import reshape_events
from responses_emulator.output.response_object import ResponseIds, initial_response, reported_tier, sort_keys
from responses_emulator.output.turn_context import TurnContext
from responses_emulator.script.stream_shapes import StreamShape
from responses_emulator.script.turn import (
    EndingPart,
    ErrorEvent,
    NoTerminalOutput,
    NoUsage,
    ResponseFailed,
    ResponseFields,
    ResponseIncomplete,
    RotateIds,
    TerminalFields,
    Turn,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedResponse:
    """A response with its events. `complete_response` has its output even if the terminal event leaves that out."""

    events: list[Event]
    response: dict[str, Any]
    complete_response: dict[str, Any]
    output: list[Item]
    output_tokens: int


def generate(turn: Turn, context: TurnContext) -> GeneratedResponse:
    """Return the response of one turn."""
    ids = ResponseIds()
    base = initial_response(context.body, context.model, ids)
    if context.transformations:
        base["input_transformations"] = list(context.transformations)
    for override in turn.parts_of_type(ResponseFields):
        base |= override.fields
    drafts = [
        draft
        for number, part in enumerate(turn.content)
        for draft in make_drafts(part, message_phase(turn.content, number, context.model), context, ids)
    ]
    ending = turn.ending
    drafts, over = fit_budget(drafts, context.body.get("max_output_tokens"))
    if over:
        ending = ResponseIncomplete("max_output_tokens")
    elif isinstance(ending, ResponseIncomplete) and drafts:
        drafts = [*drafts[:-1], truncate_draft(drafts[-1], ending.characters)]
    drafts = [seal_draft(draft, position, context, ids) for position, draft in enumerate(drafts)]
    final = _final_response(base, drafts, ending, turn, context)
    built = _all_events(base, final, drafts, ending, turn, context)
    for shape in turn.parts_of_type(StreamShape):
        built = reshape_events(built, shape)
    events = list(_number_events(built))
    return GeneratedResponse(
        events=events,
        response=final,
        complete_response={**final, "output": [_final_item(draft) for draft in drafts]}
        if turn.parts_of_type(NoTerminalOutput)
        else final,
        output=[draft.item for draft in drafts],
        output_tokens=sum(draft.tokens for draft in drafts),
    )


def usage_block(drafts: list[Draft], context: TurnContext) -> dict[str, Any]:
    """Return the usage, with its keys as recorded."""
    thought = sum(draft.tokens for draft in drafts if draft.item["type"] == "reasoning")
    out = sum(draft.tokens for draft in drafts)
    details: dict[str, Any] = {"cached_tokens": context.prompt.cached_tokens}
    if context.model.cache_writes:
        written = context.prompt.written_tokens
        half_day = (context.body.get("prompt_cache_options") or {}).get("ttl") == "12h"
        details = {"cache_write_tokens": written, **details}
        if written:
            details["cache_write_tokens_details"] = {
                "ttl_12h_tokens": written if half_day else 0,
                "ttl_30m_tokens": 0 if half_day else written,
            }
    return {
        "input_tokens": context.prompt.tokens,
        "input_tokens_details": details,
        "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": context.prompt.tokens + out,
    }


def _final_response(
    base: dict[str, Any], drafts: list[Draft], ending: EndingPart | None, turn: Turn, context: TurnContext
) -> dict[str, Any]:
    final = copy.deepcopy(base)
    usage = usage_block(drafts, context)
    overridden = {key for each in turn.parts_of_type(ResponseFields) for key in each.fields}
    fields: dict[str, Any] = {
        "status": "completed",
        "completed_at": int(time.time()),
        "service_tier": reported_tier(str(base["service_tier"])),
        "output": [] if turn.parts_of_type(NoTerminalOutput) else [_final_item(draft) for draft in drafts],
        "usage": usage,
    }
    searches = sum(1 for draft in drafts if draft.item["type"] == "web_search_call")
    if searches:
        fields["tool_usage"] = {**final["tool_usage"], "web_search": {"num_requests": searches}}
    if context.cache_diagnostics is not None:
        fields["prompt_cache_diagnostics"] = context.cache_diagnostics
    for missing in turn.parts_of_type(NoUsage):
        totals = {key: value for key, value in usage.items() if not key.endswith("_details")}
        fields["usage"] = totals if missing.details_only else None
    match ending:
        case ResponseIncomplete():
            fields |= {"status": "incomplete", "completed_at": None, "incomplete_details": {"reason": ending.reason}}
        case ResponseFailed() | ErrorEvent():
            failure = {"code": ending.code, "message": ending.message}
            fields |= {"status": "failed", "completed_at": None, "error": failure, "usage": None}
        case None:
            pass
    final |= {key: value for key, value in fields.items() if key not in overridden}
    # The parts of the script come before those of the surface, and win.
    for each in reversed(turn.parts_of_type(TerminalFields)):
        final |= each.fields
    return final


def _final_item(draft: Draft) -> Item:
    item = copy.deepcopy(draft.item)
    if draft.ciphertext_in_completed is not None:
        item["encrypted_content"] = draft.ciphertext_in_completed
    return item


def _all_events(
    base: dict[str, Any],
    final: dict[str, Any],
    drafts: list[Draft],
    ending: EndingPart | None,
    turn: Turn,
    context: TurnContext,
) -> Iterator[Event]:
    obfuscate = (context.body.get("stream_options") or {}).get("include_obfuscation") is not False
    runs = [item_events(draft, index, obfuscate=obfuscate) for index, draft in enumerate(drafts)]
    if turn.parts_of_type(RotateIds):
        runs = [_rotate_ids(run) for run in runs]
    opening = [{"type": kind, "response": base} for kind in ("response.created", "response.in_progress")]
    stop = ending.after_events if isinstance(ending, ResponseFailed | ErrorEvent) else None
    yield from itertools.islice(itertools.chain(opening, *runs), stop)
    match ending:
        case ErrorEvent():
            yield _error_event(ending)
            if ending.then_failed:
                yield {"type": "response.failed", "response": final}
        case ResponseFailed(then_error=True):
            yield {"type": "response.failed", "response": {**final, "error": None}}
            yield _error_event(ErrorEvent(ending.code, ending.message, error_type=ending.code))
        case _:
            yield {"type": f"response.{final['status']}", "response": final}


def _error_event(ending: ErrorEvent) -> Event:
    if ending.nested:
        inner = {"type": ending.error_type, "code": ending.code, "message": ending.message, "param": None}
        return {"type": "error", "error": inner}
    return {"type": "error", "code": ending.code, "message": ending.message, "param": None}


def _rotate_ids(run: Iterator[Event]) -> Iterator[Event]:
    """A new id in every event of the item."""
    for event in run:
        if "item" in event and "id" in event["item"]:
            item = event["item"]
            kind = ResponseIds().of_kind(item["type"])
            yield {**event, "item": item if event["type"].endswith("done") else {**item, "id": kind}}
        elif "item_id" in event:
            yield {**event, "item_id": ResponseIds().item(str(event["item_id"]).split("_")[0])}
        else:
            yield event


def _number_events(events: Iterator[Event]) -> Iterator[Event]:
    for number, event in enumerate(events):
        # `sequence_number` stands where its name sorts, as all keys but the type do.
        yield sort_keys({**event, "sequence_number": number}, ("type",))
