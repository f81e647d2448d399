"""From the records of a turn to drafts of output items: ids, phases, ciphertext, and what is cut off.

Invariant: a draft is sealed last, so that its ciphertext fits the summary that was really sent.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from responses_emulator.accounting.prompt_cache import PromptUsage
from responses_emulator.accounting.tokens import count_tokens
from responses_emulator.conversation import ciphertext as vault
from responses_emulator.conversation.calls import CALL_TYPES
from responses_emulator.facts.models import Model
from responses_emulator.output.item_events import Draft, Item
from responses_emulator.output.response_object import ResponseIds, new_call_id, sort_keys
from responses_emulator.script import turn as b

_BLOB_BYTES_PER_TOKEN = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnContext:
    """What the play of one turn depends on."""

    body: dict[str, Any]
    model: Model
    effort: str | None
    account: str
    endpoint: str
    prompt: PromptUsage
    prefix: str = ""
    transformations: tuple[dict[str, Any], ...] = ()


def message_phase(content: list[b.OutputPart], number: int, model: Model) -> dict[str, str]:
    part = content[number]
    if not isinstance(part, b.Say | b.Refuse | b.WebSearch):
        return {}
    asked = part.phase if isinstance(part, b.Say) else b.AUTO
    if asked is None or (asked == b.AUTO and not model.phase):
        return {}
    if asked != b.AUTO:
        return {"phase": asked}
    calls_follow = any(isinstance(each, b.Call | b.CustomCall | b.HostedItem) for each in content[number + 1 :])
    return {"phase": "commentary" if calls_follow else "final_answer"}


def make_drafts(part: b.OutputPart, phase: dict[str, str], scene: TurnContext, ids: ResponseIds) -> Iterator[Draft]:
    match part:
        case b.Say():
            text = {"type": "output_text", "annotations": [dict(a) for a in part.annotations], "logprobs": []}
            yield _message({**text, "text": part.text}, phase, ids, part.chunks)
        case b.Refuse():
            yield _message({"type": "refusal", "refusal": part.text}, phase, ids, part.chunks)
        case b.Think():
            yield _reasoning(part, scene, ids)
        case b.Call():
            text = part.arguments
            if not isinstance(text, str):
                text = json.dumps(text, separators=(",", ":"))
            item = {
                "type": "function_call",
                "arguments": text,
                "call_id": part.call_id or new_call_id(),
                "name": part.name,
            }
            if part.namespace:
                item["namespace"] = part.namespace
            yield _item(item, ids, count_tokens(text) + 8, part.chunks)
        case b.CustomCall():
            named = {"call_id": part.call_id or new_call_id(), "name": part.name}
            item = {"type": "custom_tool_call", "input": part.input, **named}
            yield _item(item, ids, count_tokens(part.input) + 8, part.chunks)
        case b.WebSearch():
            yield from _search(part, phase, scene, ids)
        case b.HostedItem():
            yield _hosted(part, ids)
        case b.Compaction():
            item = {"id": ids.of_kind("compaction"), "type": "compaction", "encrypted_content": ""}
            yield Draft(item=item, tokens=part.tokens, extra={"progress": part.progress})
        case b.FromResponder():
            raise TypeError("FromResponder() is replaced by the responder's output before it is played")


def _item(item: Item, ids: ResponseIds, tokens: int, chunks: b.Chunks = None) -> Draft:
    full = {"id": ids.of_kind(item["type"]), "status": "completed", **item}
    return Draft(item=sort_keys(full), tokens=tokens, chunks=chunks)


def _message(part: dict[str, Any], phase: dict[str, str], ids: ResponseIds, chunks: b.Chunks) -> Draft:
    text = part.get("text") or part.get("refusal") or ""
    item = {"type": "message", "content": [part], "role": "assistant", **phase}
    return _item(item, ids, count_tokens(text) + 4, chunks)


def _reasoning(part: b.Think, scene: TurnContext, ids: ResponseIds) -> Draft:
    asked = (scene.body.get("reasoning") or {}).get("summary")
    shown = part.summaries if asked or part.show_always else ()
    item: Item = {
        "id": ids.of_kind("reasoning"),
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in shown],
    }
    if part.raw is not None:
        item["content"] = [{"type": "reasoning_text", "text": part.raw}]
    elif scene.model.cache_writes:
        # Recorded: an empty list from gpt-5.6 on, no key before.
        item["content"] = []
    return Draft(item=sort_keys(item), tokens=part.tokens)


def _search(part: b.WebSearch, phase: dict[str, str], scene: TurnContext, ids: ResponseIds) -> Iterator[Draft]:
    action: dict[str, Any] = {"type": "search", "query": part.queries[0] if part.queries else ""}
    action["queries"] = list(part.queries)
    if "web_search_call.action.sources" in (scene.body.get("include") or []):
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


def _hosted(part: b.HostedItem, ids: ResponseIds) -> Draft:
    raw = copy.deepcopy(dict(part.item))
    extra = {"partial_images": raw.pop("partial_images", ())}
    kind = str(raw["type"])
    raw.setdefault("id", ids.of_kind(kind))
    if kind in CALL_TYPES:
        raw.setdefault("call_id", new_call_id())
    if kind not in {"reasoning", "compaction", "mcp_list_tools", "mcp_approval_request"}:
        raw.setdefault("status", "completed")
    return Draft(item=sort_keys(raw), tokens=count_tokens(json.dumps(raw)) // 2, extra=extra)


def seal_draft(draft: Draft, position: int, scene: TurnContext, ids: ResponseIds) -> Draft:
    """Put the ciphertext on reasoning and compaction items."""
    kind = draft.item["type"]
    asked = "reasoning.encrypted_content" in (scene.body.get("include") or [])
    if kind not in {"reasoning", "compaction"} or (kind == "reasoning" and not asked):
        return draft
    if draft.item.get("encrypted_content"):
        return draft
    ticket = vault.CiphertextClaims(
        account=scene.account,
        endpoint=scene.endpoint,
        response_id=ids.response,
        item_id=draft.item["id"],
        position=position,
        digest=vault.summary_digest(draft.item),
        model=scene.model.snapshot,
        prefix=scene.prefix,
        end_user=scene.body.get("safety_identifier") or "",
    )
    bulk = draft.tokens * _BLOB_BYTES_PER_TOKEN
    item = {**draft.item, "encrypted_content": vault.seal(ticket, bulk=bulk)}
    return replace(
        draft,
        item=sort_keys(item),
        ciphertext_in_added=vault.seal(replace(ticket, final=False), bulk=bulk // 2),
        ciphertext_in_completed=vault.seal(ticket, bulk=bulk),
    )


def fit_budget(drafts: list[Draft], budget: int | None) -> tuple[list[Draft], bool]:
    if budget is None or sum(draft.tokens for draft in drafts) <= budget:
        return drafts, False
    kept: list[Draft] = []
    left = budget
    for draft in drafts:
        if draft.tokens <= left:
            kept.append(draft)
            left -= draft.tokens
            continue
        if left > 0:
            kept.append(replace(truncate_draft(draft, round(_size(draft) * left / draft.tokens)), tokens=left))
        break
    return kept, True


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
    """The draft as far as it was made when the response stopped."""
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
    left, kept = keep, []
    for part in parts:
        if left <= 0:
            break
        kept.append({**part, "text": part["text"][:left]})
        left -= len(part["text"])
    return kept
