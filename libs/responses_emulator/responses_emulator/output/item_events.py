"""From one finished output item to the exact run of events that the service streams for it.

Invariants: keys stand in the service's order (type first, then by name; items id, type, status first); numbers and
framing are put on later. An event run starts with `output_item.added` and ends with `output_item.done`.
"""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from responses_emulator.output.response_object import sort_keys
from responses_emulator.script.turn import Chunks

Event = dict[str, Any]
Item = dict[str, Any]

# Hosted calls that report their progress in events without content, between `added` and `done`.
PROGRESS = {
    "web_search_call": ("in_progress", "searching", "completed"),
    "file_search_call": ("in_progress", "searching", "completed"),
    "image_generation_call": ("in_progress", "generating", "completed"),
    "mcp_list_tools": ("in_progress", "completed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One complete output item, with what its events need besides.

    Attributes:
        ciphertext_in_added: what `output_item.added` carries in place of the ciphertext of the item.
        ciphertext_in_completed: a second sealing of the same claims, for the terminal event.
        is_truncated: the item was cut off.
    """

    item: Item
    tokens: int
    chunks: Chunks = None
    ciphertext_in_added: str | None = None
    ciphertext_in_completed: str | None = None
    is_truncated: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


def split_text(text: str, chunks: Chunks) -> list[str]:
    """Return a text split into deltas, which together are the text."""
    match chunks:
        case None:
            return re.findall(r"\s*\S+|\s+$", text) or ([text] if text else [])
        case int():
            size = max(1, -(-len(text) // chunks))
            return [text[at : at + size] for at in range(0, len(text), size)]
        case _:
            return list(chunks)


def item_events(draft: Draft, index: int, *, obfuscate: bool) -> Iterator[Event]:
    """Yield all events of one item."""
    yield _event("response.output_item.added", item=_item_at_start(draft), output_index=index)
    for event in _content_events(draft, index):
        if obfuscate and event["type"].endswith(".delta"):
            event["obfuscation"] = _padding(str(event.get("delta", "")))
        yield sort_keys(event, ("type",))
    yield _event("response.output_item.done", item=draft.item, output_index=index)


def _event(kind: str, **fields: Any) -> Event:
    return sort_keys({"type": kind, **fields}, ("type",))


def _padding(delta: str) -> str:
    # Recorded: delta and padding together fill a multiple of 16.
    return secrets.token_urlsafe(16)[: 16 - len(delta.encode()) % 16]


def _item_at_start(draft: Draft) -> Item:
    """Return the item as `output_item.added` carries it."""
    item = copy.deepcopy(draft.item)
    if "status" in item and item["type"] != "mcp_list_tools":
        item["status"] = "in_progress"
    match item["type"]:
        case "message":
            item["content"] = []
        case "reasoning":
            item["summary"] = []
            if "content" in item:
                item["content"] = []
            if draft.ciphertext_in_added is not None:
                item["encrypted_content"] = draft.ciphertext_in_added
        case "function_call" | "mcp_call":
            item["arguments"] = ""
            item.pop("output", None)
            item.pop("error", None)
        case "custom_tool_call":
            item["input"] = ""
        case "apply_patch_call":
            item["operation"] = {key: "" if key == "diff" else each for key, each in item["operation"].items()}
        case "code_interpreter_call":
            item["code"] = ""
        case "shell_call":
            item["action"] = {**item.get("action", {}), "commands": []}
        case "web_search_call":
            item["action"] = {"type": item.get("action", {}).get("type", "search")}
        case "image_generation_call":
            item = {key: item[key] for key in ("id", "type", "status") if key in item}
        case "compaction":
            if draft.ciphertext_in_added is not None:
                item["encrypted_content"] = draft.ciphertext_in_added
        case _:
            pass
    return item


def _content_events(draft: Draft, index: int) -> Iterator[Event]:
    item = draft.item
    at = {"item_id": item.get("id"), "output_index": index}
    match item["type"]:
        case "message":
            yield from _message(draft, at)
        case "reasoning":
            yield from _reasoning(draft, at)
        case "function_call":
            yield from _text(draft, at, "response.function_call_arguments", "arguments", item["arguments"])
        case "custom_tool_call":
            yield from _text(draft, at, "response.custom_tool_call_input", "input", item["input"])
        case "apply_patch_call":
            if "diff" in item["operation"]:
                diff = item["operation"]["diff"]
                yield from _text(draft, at, "response.apply_patch_call_operation_diff", "diff", diff)
        case "mcp_call":
            yield {"type": "response.mcp_call.in_progress", **at}
            yield from _text(draft, at, "response.mcp_call_arguments", "arguments", item["arguments"])
            state = "failed" if item.get("error") else "completed"
            yield {"type": f"response.mcp_call.{state}", **at}
        case "code_interpreter_call":
            yield {"type": "response.code_interpreter_call.in_progress", **at}
            yield from _text(draft, at, "response.code_interpreter_call_code", "code", item.get("code") or "")
            yield {"type": "response.code_interpreter_call.interpreting", **at}
            yield {"type": "response.code_interpreter_call.completed", **at}
        case "shell_call":
            yield from _shell(draft, index)
        case "compaction":
            if draft.extra.get("progress"):
                yield {"type": "response.compaction.compacting", **at}
        case kind:
            yield from _progress(kind, draft, at)


def _progress(kind: str, draft: Draft, at: dict[str, Any]) -> Iterator[Event]:
    for state in PROGRESS.get(kind, ()):
        yield {"type": f"response.{kind}.{state}", **at}
        if state == "generating":
            for number, image in enumerate(draft.extra.get("partial_images", ())):
                yield {
                    "type": "response.image_generation_call.partial_image",
                    **at,
                    "partial_image_b64": image,
                    "partial_image_index": number,
                    "size": draft.item.get("size", "1024x1024"),
                    "quality": draft.item.get("quality", "low"),
                    "background": draft.item.get("background", "opaque"),
                    "output_format": draft.item.get("output_format", "png"),
                }


def _text(draft: Draft, at: dict[str, Any], stem: str, key: str, text: str) -> Iterator[Event]:
    for piece in split_text(text, draft.chunks if draft.chunks is not None else _argument_pieces(text)):
        yield {"type": f"{stem}.delta", "delta": piece, **at}
    yield {"type": f"{stem}.done", key: text, **at}


def _argument_pieces(text: str) -> list[str]:
    # Recorded argument deltas are tokens: a word, or a run of punctuation.
    return re.findall(r"\w{1,8}|[^\w\s]+|\s+", text)


def _message(draft: Draft, at: dict[str, Any]) -> Iterator[Event]:
    for number, part in enumerate(draft.item["content"]):
        here = {**at, "content_index": number}
        refusal = part["type"] == "refusal"
        empty = {**part, "refusal": ""} if refusal else {**part, "text": "", "annotations": []}
        yield {"type": "response.content_part.added", **here, "part": empty}
        text = part["refusal"] if refusal else part["text"]
        stem = "response.refusal" if refusal else "response.output_text"
        logprobs = {} if refusal else {"logprobs": []}
        notes = [] if refusal else list(enumerate(part["annotations"]))
        sent = 0
        for piece in split_text(text, draft.chunks):
            yield {"type": f"{stem}.delta", **here, "delta": piece, **logprobs}
            sent += len(piece)
            while notes and sent >= notes[0][1].get("end_index", 0):
                yield _annotation(here, *notes.pop(0))
        for note in notes:
            yield _annotation(here, *note)
        yield {"type": f"{stem}.done", **here, "refusal" if refusal else "text": text, **logprobs}
        yield {"type": "response.content_part.done", **here, "part": part}


def _annotation(here: dict[str, Any], number: int, annotation: dict[str, Any]) -> Event:
    return {
        "type": "response.output_text.annotation.added",
        **here,
        "annotation": annotation,
        "annotation_index": number,
    }


def _reasoning(draft: Draft, at: dict[str, Any]) -> Iterator[Event]:
    for number, part in enumerate(draft.item["summary"]):
        here = {**at, "summary_index": number}
        yield {"type": "response.reasoning_summary_part.added", **here, "part": {**part, "text": ""}}
        for piece in split_text(part["text"], draft.chunks):
            yield {"type": "response.reasoning_summary_text.delta", **here, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **here, "text": part["text"]}
        last = draft.is_truncated and number == len(draft.item["summary"]) - 1
        yield {
            "type": "response.reasoning_summary_part.done",
            **here,
            "part": part,
            **({"status": "incomplete"} if last else {}),
        }
    for number, part in enumerate(draft.item.get("content") or []):
        here = {**at, "content_index": number}
        yield {"type": "response.content_part.added", **here, "part": {**part, "text": ""}}
        for piece in split_text(part["text"], draft.chunks):
            yield {"type": "response.reasoning_text.delta", **here, "delta": piece}
        yield {"type": "response.reasoning_text.done", **here, "text": part["text"]}
        yield {"type": "response.content_part.done", **here, "part": part}


def _shell(draft: Draft, index: int) -> Iterator[Event]:
    for number, command in enumerate(draft.item.get("action", {}).get("commands") or []):
        here = {"output_index": index, "command_index": number}
        yield {"type": "response.shell_call_command.added", **here, "command": ""}
        for piece in split_text(command, draft.chunks):
            yield {"type": "response.shell_call_command.delta", **here, "delta": piece}
        yield {"type": "response.shell_call_command.done", **here, "command": command}
