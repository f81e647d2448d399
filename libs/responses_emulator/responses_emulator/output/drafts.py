"""From the parts of a turn to drafts of output items: ids, phases, ciphertext, and what the output limit cuts off.

Invariant: a draft is sealed last, so that its ciphertext fits the summary that the client receives.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from responses_emulator.accounting.tokens import count_tokens
from responses_emulator.conversation import ciphertext
from responses_emulator.conversation.calls import CALL_TYPES
from responses_emulator.facts.models import Model
from responses_emulator.output.item_events import Draft, Item
from responses_emulator.output.response_object import ResponseIds, new_call_id, sort_keys
from responses_emulator.output.turn_context import TurnContext
from responses_emulator.script.turn import (
    AUTO,
    Call,
    Chunks,
    Compaction,
    CustomCall,
    FromResponder,
    HostedItem,
    OutputPart,
    Refuse,
    Say,
    Think,
    WebSearch,
)

_BLOB_BYTES_PER_TOKEN = 7


def message_phase(content: list[OutputPart], number: int, model: Model) -> dict[str, str]:
    """Return the `phase` of a part as a dictionary; an empty one if the item has no phase."""
    part = content[number]
    if not isinstance(part, Say | Refuse | WebSearch):
        return {}
    asked = part.phase if isinstance(part, Say) else AUTO
    if asked is None or (asked == AUTO and not model.phase):
        return {}
    if asked != AUTO:
        return {"phase": asked}
    calls_follow = any(isinstance(each, Call | CustomCall | HostedItem) for each in content[number + 1 :])
    return {"phase": "commentary" if calls_follow else "final_answer"}


def make_drafts(part: OutputPart, phase: dict[str, str], context: TurnContext, ids: ResponseIds) -> Iterator[Draft]:
    """Yield the drafts of one part."""
    match part:
        case Say():
            text = {"type": "output_text", "annotations": [dict(a) for a in part.annotations], "logprobs": []}
            yield _message({**text, "text": part.text}, phase, ids, part.chunks)
        case Refuse():
            yield _message({"type": "refusal", "refusal": part.text}, phase, ids, part.chunks)
        case Think():
            yield _reasoning(part, context, ids)
        case Call():
            text = part.arguments
            if not isinstance(text, str):
                text = json.dumps(text, separators=(",", ":"))
            item = {
                "type": "function_call",
                "arguments": text,
                "call_id": new_call_id() if part.call_id is None else part.call_id,
                "name": part.name,
            }
            if part.namespace:
                item["namespace"] = part.namespace
            yield _item(item, ids, count_tokens(text) + 8, part.chunks)
        case CustomCall():
            named = {"call_id": new_call_id() if part.call_id is None else part.call_id, "name": part.name}
            item = {"type": "custom_tool_call", "input": part.input, **named}
            yield _item(item, ids, count_tokens(part.input) + 8, part.chunks)
        case WebSearch():
            yield from _search(part, phase, context, ids)
        case HostedItem():
            yield _hosted(part, ids)
        case Compaction():
            item = {"id": ids.of_kind("compaction"), "type": "compaction", "encrypted_content": ""}
            yield Draft(item=item, tokens=part.tokens, extra={"progress": part.progress})
        case FromResponder():
            raise TypeError("FromResponder() is replaced by the responder's output before it is played")


def _item(item: Item, ids: ResponseIds, tokens: int, chunks: Chunks = None) -> Draft:
    full = {"id": ids.of_kind(item["type"]), "status": "completed", **item}
    return Draft(item=sort_keys(full), tokens=tokens, chunks=chunks)


def _message(part: dict[str, Any], phase: dict[str, str], ids: ResponseIds, chunks: Chunks) -> Draft:
    text = part.get("text") or part.get("refusal") or ""
    item = {"type": "message", "content": [part], "role": "assistant", **phase}
    return _item(item, ids, count_tokens(text) + 4, chunks)


def _reasoning(part: Think, context: TurnContext, ids: ResponseIds) -> Draft:
    asked = (context.body.get("reasoning") or {}).get("summary")
    shown = part.summaries if asked or part.show_always else ()
    item: Item = {
        "id": ids.of_kind("reasoning"),
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in shown],
    }
    if part.raw is not None:
        item["content"] = [{"type": "reasoning_text", "text": part.raw}]
    elif context.model.cache_writes:
        # Recorded: an empty list from gpt-5.6 on, no key before.
        item["content"] = []
    return Draft(item=sort_keys(item), tokens=part.tokens)


def _search(part: WebSearch, phase: dict[str, str], context: TurnContext, ids: ResponseIds) -> Iterator[Draft]:
    action: dict[str, Any] = {"type": "search", "query": part.queries[0] if part.queries else ""}
    action["queries"] = list(part.queries)
    if "web_search_call.action.sources" in (context.body.get("include") or []):
        action["sources"] = [{"type": "url", "url": url} for url in part.sources]
    yield _item({"type": "web_search_call", "action": action}, ids, 16)
    if part.text is None:
        return
    text, notes = part.text, []
    for url in part.sources:
        mark = f" ([source]({url}))"
        start = len(text)
        text += mark
        notes.append(
            {
                "type": "url_citation",
                "end_index": start + len(mark),
                "start_index": start,
                "title": url.split("//")[-1],
                "url": f"{url}?utm_source=openai",
            }
        )
    yield _message({"type": "output_text", "annotations": notes, "logprobs": [], "text": text}, phase, ids, None)


def _hosted(part: HostedItem, ids: ResponseIds) -> Draft:
    raw = copy.deepcopy(dict(part.item))
    extra = {"partial_images": raw.pop("partial_images", ())}
    kind = str(raw["type"])
    raw.setdefault("id", ids.of_kind(kind))
    if kind in CALL_TYPES:
        raw.setdefault("call_id", new_call_id())
    if kind not in {"reasoning", "compaction", "mcp_list_tools", "mcp_approval_request"}:
        raw.setdefault("status", "completed")
    return Draft(item=sort_keys(raw), tokens=count_tokens(json.dumps(raw)) // 2, extra=extra)


def seal_draft(draft: Draft, position: int, context: TurnContext, ids: ResponseIds) -> Draft:
    """Return the draft with its ciphertext, if it is a reasoning or compaction item and the request asks for it."""
    kind = draft.item["type"]
    asked = "reasoning.encrypted_content" in (context.body.get("include") or [])
    if kind not in {"reasoning", "compaction"} or (kind == "reasoning" and not asked):
        return draft
    if draft.item.get("encrypted_content"):
        return draft
    claims = ciphertext.CiphertextClaims(
        account=context.account,
        endpoint=context.endpoint,
        response_id=ids.response,
        item_id=draft.item["id"],
        position=position,
        digest=ciphertext.summary_digest(draft.item),
        model=context.model.snapshot,
        prefix=context.prefix,
        end_user=context.body.get("safety_identifier") or "",
    )
    bulk = draft.tokens * _BLOB_BYTES_PER_TOKEN
    item = {**draft.item, "encrypted_content": ciphertext.seal(claims, bulk=bulk)}
    return replace(
        draft,
        item=sort_keys(item),
        ciphertext_in_added=ciphertext.seal(replace(claims, final=False), bulk=bulk // 2),
        ciphertext_in_completed=ciphertext.seal(claims, bulk=bulk),
    )


def fit_budget(drafts: list[Draft], budget: int | None) -> tuple[list[Draft], bool]:
    """Return the drafts that fit the output limit in tokens, and whether it cut something off. None has no limit."""
    if budget is None or sum(draft.tokens for draft in drafts) <= budget:
        return drafts, False
    complete: list[Draft] = []
    left = budget
    for draft in drafts:
        if draft.tokens <= left:
            complete.append(draft)
            left -= draft.tokens
            continue
        if left > 0:
            complete.append(replace(truncate_draft(draft, round(_size(draft) * left / draft.tokens)), tokens=left))
        break
    return complete, True


def _size(draft: Draft) -> int:
    item = draft.item
    match item["type"]:
        case "message":
            part = item["content"][-1]
            return len(part.get("text") or part.get("refusal") or "")
        case "function_call" | "mcp_call":
            return len(item["arguments"])
        case "custom_tool_call":
            return len(item["input"])
        case "reasoning":
            return sum(len(part["text"]) for part in item["summary"])
        case _:
            return 0


def truncate_draft(draft: Draft, keep: int | None) -> Draft:
    """Return the draft cut after `keep` characters. None cuts it in half."""
    size = _size(draft)
    keep = size // 2 if keep is None else min(keep, size)
    item = copy.deepcopy(draft.item)
    match item["type"]:
        case "message":
            part = item["content"][-1]
            key = "refusal" if part["type"] == "refusal" else "text"
            part[key] = part[key][:keep]
            part["annotations"] = [a for a in part.get("annotations", []) if a.get("end_index", 0) <= keep]
            if key == "refusal":
                part.pop("annotations")
        case "function_call" | "mcp_call":
            item["arguments"] = item["arguments"][:keep]
        case "custom_tool_call":
            item["input"] = item["input"][:keep]
        case "reasoning":
            item["summary"] = _cut_summary(item["summary"], keep)
        case _:
            pass
    if item["type"] != "reasoning":
        item["status"] = "incomplete"
    tokens = max(1, draft.tokens * keep // size) if size else draft.tokens
    return replace(draft, item=sort_keys(item), tokens=tokens, is_truncated=True, chunks=None)


def _cut_summary(parts: list[dict[str, Any]], keep: int) -> list[dict[str, Any]]:
    left, parts_before = keep, []
    for part in parts:
        if left <= 0:
            break
        parts_before.append({**part, "text": part["text"][:left]})
        left -= len(part["text"])
    return parts_before
