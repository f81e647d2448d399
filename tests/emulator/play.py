"""From a turn to a finished response: its items, usage, the ending, and all events in order.

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

from tests.emulator import behaviours as b
from tests.emulator.drafts import Scene, cut, drafts_of, phase_of, sealed, within_budget
from tests.emulator.events import Draft, Event, Item, run_of
from tests.emulator.response import Ids, skeleton, tidy, tier_used


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A response, played to its end; `whole` is it with its output, also where the last event leaves that out."""

    events: list[Event]
    response: dict[str, Any]
    whole: dict[str, Any]
    output: list[Item]
    output_tokens: int


def play(turn: b.Turn, scene: Scene) -> Played:
    """Play one turn."""
    ids = Ids()
    base = skeleton(scene.body, scene.model, ids)
    if scene.transformations:
        base["input_transformations"] = list(scene.transformations)
    for override in turn.all(b.ResponseFields):
        base |= override.fields
    drafts = [
        draft
        for number, part in enumerate(turn.content)
        for draft in drafts_of(part, phase_of(turn.content, number, scene.model), scene, ids)
    ]
    ending = turn.ending
    drafts, over = within_budget(drafts, scene.body.get("max_output_tokens"))
    if over:
        ending = b.Incomplete("max_output_tokens")
    elif isinstance(ending, b.Incomplete) and drafts:
        drafts = [*drafts[:-1], cut(drafts[-1], ending.keep)]
    drafts = [sealed(draft, position, scene, ids) for position, draft in enumerate(drafts)]
    final = _finished(base, drafts, ending, turn, scene)
    events = list(_numbered(_all_events(base, final, drafts, ending, turn, scene)))
    return Played(
        events=events,
        response=final,
        whole={**final, "output": [_late(draft) for draft in drafts]} if turn.all(b.EmptyTerminal) else final,
        output=[draft.item for draft in drafts],
        output_tokens=sum(draft.tokens for draft in drafts),
    )


def usage_of(drafts: list[Draft], scene: Scene) -> dict[str, Any]:
    """The usage block, its keys as recorded."""
    thought = sum(draft.tokens for draft in drafts if draft.item["type"] == "reasoning")
    out = sum(draft.tokens for draft in drafts)
    details: dict[str, Any] = {"cached_tokens": scene.prompt.cached}
    if scene.model.cache_writes:
        written = scene.prompt.written
        half_day = (scene.body.get("prompt_cache_options") or {}).get("ttl") == "12h"
        details = {"cache_write_tokens": written, **details}
        if written:
            details["cache_write_tokens_details"] = {
                "ttl_12h_tokens": written if half_day else 0,
                "ttl_30m_tokens": 0 if half_day else written,
            }
    return {
        "input_tokens": scene.prompt.tokens,
        "input_tokens_details": details,
        "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": scene.prompt.tokens + out,
    }


def _finished(
    base: dict[str, Any], drafts: list[Draft], ending: b.Ending | None, turn: b.Turn, scene: Scene
) -> dict[str, Any]:
    final = copy.deepcopy(base)
    usage = usage_of(drafts, scene)
    overridden = {key for each in turn.all(b.ResponseFields) for key in each.fields}
    fields: dict[str, Any] = {
        "status": "completed",
        "completed_at": int(time.time()),
        "service_tier": tier_used(str(base["service_tier"])),
        "output": [] if turn.all(b.EmptyTerminal) else [_late(draft) for draft in drafts],
        "usage": usage,
    }
    searches = sum(1 for draft in drafts if draft.item["type"] == "web_search_call")
    if searches:
        fields["tool_usage"] = {**final["tool_usage"], "web_search": {"num_requests": searches}}
    for missing in turn.all(b.NoUsage):
        totals = {key: value for key, value in usage.items() if not key.endswith("_details")}
        fields["usage"] = totals if missing.details_only else None
    match ending:
        case b.Incomplete():
            fields |= {"status": "incomplete", "completed_at": None, "incomplete_details": {"reason": ending.reason}}
        case b.Failed() | b.ErrorEvent():
            failure = {"code": ending.code, "message": ending.message}
            fields |= {"status": "failed", "completed_at": None, "error": failure, "usage": None}
        case None:
            pass
    final |= {key: value for key, value in fields.items() if key not in overridden}
    # What a test says stands before what the surface adds, and wins.
    for each in reversed(turn.all(b.TerminalFields)):
        final |= each.fields
    return final


def _late(draft: Draft) -> Item:
    item = copy.deepcopy(draft.item)
    if draft.late_blob is not None:
        item["encrypted_content"] = draft.late_blob
    return item


def _all_events(
    base: dict[str, Any],
    final: dict[str, Any],
    drafts: list[Draft],
    ending: b.Ending | None,
    turn: b.Turn,
    scene: Scene,
) -> Iterator[Event]:
    obfuscate = (scene.body.get("stream_options") or {}).get("include_obfuscation") is not False
    runs = [run_of(draft, index, obfuscate=obfuscate) for index, draft in enumerate(drafts)]
    if turn.all(b.RotateIds):
        runs = [_rotated(run) for run in runs]
    opening = [{"type": kind, "response": base} for kind in ("response.created", "response.in_progress")]
    stop = ending.after if isinstance(ending, b.Failed | b.ErrorEvent) else None
    yield from itertools.islice(itertools.chain(opening, *runs), stop)
    match ending:
        case b.ErrorEvent():
            yield _error_event(ending)
            if ending.then_failed:
                yield {"type": "response.failed", "response": final}
        case _:
            yield {"type": f"response.{final['status']}", "response": final}


def _error_event(ending: b.ErrorEvent) -> Event:
    if ending.nested:
        inner = {"type": ending.kind, "code": ending.code, "message": ending.message, "param": None}
        return {"type": "error", "error": inner}
    return {"type": "error", "code": ending.code, "message": ending.message, "param": None}


def _rotated(run: Iterator[Event]) -> Iterator[Event]:
    """A new id in every event of the item."""
    for event in run:
        if "item" in event and "id" in event["item"]:
            item = event["item"]
            kind = Ids().of_kind(item["type"])
            yield {**event, "item": item if event["type"].endswith("done") else {**item, "id": kind}}
        elif "item_id" in event:
            yield {**event, "item_id": Ids().item(str(event["item_id"]).split("_")[0])}
        else:
            yield event


def _numbered(events: Iterator[Event]) -> Iterator[Event]:
    for number, event in enumerate(events):
        # `sequence_number` stands where its name sorts, as all keys but the type do.
        yield tidy({**event, "sequence_number": number}, ("type",))
