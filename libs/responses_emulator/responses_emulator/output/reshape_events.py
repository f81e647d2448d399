"""From the events of OpenAI to those of another server, as a `StreamShape` says."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from responses_emulator.script.stream_shapes import StreamShape

Event = dict[str, Any]
Item = dict[str, Any]

_START, _END = "response.output_item.added", "response.output_item.done"
_TEXT_ENDS = (
    "response.output_text.done",
    "response.refusal.done",
    "response.reasoning_text.done",
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.done",
    "response.content_part.done",
    "response.function_call_arguments.done",
    "response.custom_tool_call_input.done",
    "response.mcp_call_arguments.done",
    "response.code_interpreter_call_code.done",
    "response.apply_patch_call_operation_diff.done",
    "response.shell_call_command.done",
)
_EMPTY_FIELDS: dict[str, Any] = {"arguments": "", "input": "", "code": "", "content": [], "summary": []}
_TERMINAL = ("response.completed", "response.incomplete")


def reshape_events(events: Iterable[Event], shape: StreamShape) -> Iterator[Event]:
    """Yield the events of one response as a server of this shape sends them."""
    late_ends: list[Event] = []
    newest_index = 0
    for event in events:
        newest_index = event.get("output_index", newest_index)
        if event["type"] in _TERMINAL:
            closing = _closing_message(newest_index) if shape.closing_message else []
            yield from (_place_event(each, shape) for each in [*late_ends, *closing])
            items = [each["item"] for each in closing if each["type"] == _END]
            yield _reshape_response(event, items, shape)
        elif not _is_sent(event, shape):
            continue
        elif event["type"] == _END and shape.ends == "last":
            late_ends.append(_remove_texts(event, shape))
        else:
            yield _place_event(_remove_texts(event, shape) if event["type"] == _END else event, shape)


def _is_sent(event: Event, shape: StreamShape) -> bool:
    match event["type"]:
        case "response.output_item.added":
            return shape.starts
        case "response.output_item.done":
            return shape.ends != "never" and event["item"]["type"] not in shape.unfinished_types
        case kind if kind in _TEXT_ENDS:
            return shape.text_ends
        case kind:
            return shape.deltas or not kind.endswith(".delta")


def _place_event(event: Event, shape: StreamShape) -> Event:
    if "output_index" in event and shape.indices == "shared":
        event = {**event, "output_index": 0}
    hidden = {"output_index": shape.indices == "missing", "item_id": not shape.item_ids}
    return {key: value for key, value in event.items() if not hidden.get(key)}


def _remove_texts(event: Event, shape: StreamShape) -> Event:
    return event if shape.item_texts else {**event, "item": _empty_item(event["item"])}


def _empty_item(item: Item) -> Item:
    return {key: _EMPTY_FIELDS.get(key, value) for key, value in item.items()}


def _reshape_response(event: Event, first_items: list[Item], shape: StreamShape) -> Event:
    output = event["response"]["output"] if shape.terminal_output else []
    output = output if shape.item_texts else [_empty_item(item) for item in output]
    return {**event, "response": {**event["response"], "output": [*first_items, *output]}}


def _closing_message(index: int) -> list[Event]:
    """Return the events of an empty message."""
    part: Item = {"type": "output_text", "text": "", "annotations": []}
    item: Item = {"id": f"msg_{secrets.token_hex(8)}", "type": "message", "status": "completed", "role": "assistant"}
    here = {"output_index": index, "item_id": item["id"], "content_index": 0}
    return [
        {"type": _START, "output_index": index, "item": {**item, "status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **here, "part": part},
        {"type": "response.output_text.done", **here, "text": "", "logprobs": []},
        {"type": "response.content_part.done", **here, "part": part},
        {"type": _END, "output_index": index, "item": {**item, "content": [part]}},
    ]
