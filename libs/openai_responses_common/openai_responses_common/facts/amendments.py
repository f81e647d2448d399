"""Changes to requests that the engine learned from refusals, and how they are applied to a body.

Knows the JSON of a body, and neither messages nor the words of a refusal: `failures/learn.py` reads those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from ..wire.client_calls import OUTPUT_TYPES
from ..wire.json_values import as_object, as_objects
from ..wire.types import Item

SystemTextRole = Literal["developer", "system", "user"]

_SYSTEM_ROLES = frozenset({"developer", "system"})
IMAGE_IN_RESULT_NOTE = "[an image of the tool is left out: the service does not accept images in tool results]"
REFUSED_IMAGE_NOTE = "[an image is left out: the service could not read it]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments:
    """Changes to all later requests to one model of one endpoint.

    Attributes:
        dropped_fields: paths of body fields that are left out, see `DROPPABLE_FIELDS`.
        dropped_include_values: values of `include` that are left out.
        dropped_tool_names: tools that the service refused, by their names on the wire.
        dropped_item_fields: fields of input items that are left out, as "message.phase".
        allowed_efforts: the efforts that the service listed in a refusal; None if it listed none.
        system_text_role: the role of system text after the start of the conversation; `user` wraps it in
            `<system-reminder>`. None leaves it to the profile.
        refused_item_keys: replayed items that the service refused, such as reasoning or a compaction, see `item_key`.
        refused_image_keys: images that the service could not read, see `image_key`.
        images_in_tool_results: whether tool results may hold images.
        message_status: whether each replayed assistant message has a `status`.
        streams: whether the service may stream to this account; if not, the whole response comes as one JSON object.
    """

    dropped_fields: frozenset[str] = frozenset()
    dropped_include_values: frozenset[str] = frozenset()
    dropped_tool_names: frozenset[str] = frozenset()
    dropped_item_fields: frozenset[str] = frozenset()
    allowed_efforts: tuple[str, ...] | None = None
    system_text_role: SystemTextRole | None = None
    refused_item_keys: frozenset[str] = frozenset()
    refused_image_keys: frozenset[str] = frozenset()
    images_in_tool_results: bool = True
    message_status: bool = False
    streams: bool = True


def amend_body(body: Mapping[str, Any], amendments: Amendments) -> tuple[dict[str, Any], list[str]]:
    """Return the body with the amendments, and sentences about the tools and images that it loses.

    Efforts and refused items are not applied here: the encoding of options and of messages reads them, because other
    parts of the body depend on them.

    Args:
        body: the encoded body with its `input`; it is not changed.
        amendments: what to change.
    """
    if amendments == Amendments():
        return dict(body), []
    amended = dict(body)
    notes: dict[str, None] = {}
    if not amendments.streams:
        amended["stream"] = False
    if amendments.dropped_include_values and "include" in amended:
        values = [value for value in amended["include"] if value not in amendments.dropped_include_values]
        _set_or_remove(amended, "include", values)
    _drop_tools(amended, amendments.dropped_tool_names, notes)
    _drop_fields(amended, amendments.dropped_fields)
    amended["input"] = _amend_items(amended, amendments, notes)
    return amended, list(notes)


def image_key(part: Mapping[str, Any]) -> str:
    """Return a digest that identifies the image of an `input_image` part."""
    source = str(part.get("image_url") or part.get("file_id"))
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def tool_name(tool: Mapping[str, Any]) -> str:
    """Return what identifies a tool on the wire: its name, the label of its server, or its type."""
    return str(tool.get("name") or tool.get("server_label") or tool.get("type"))


def _set_or_remove(body: dict[str, Any], key: str, value: Any) -> None:
    if value:
        body[key] = value
    else:
        body.pop(key, None)


def _drop_fields(body: dict[str, Any], paths: frozenset[str]) -> None:
    """Remove these paths, and every field that becomes empty by that."""
    for path in paths:
        top, _, nested = path.partition(".")
        if path == "tools.strict":
            body["tools"] = [
                {key: value for key, value in tool.items() if key != "strict"} for tool in body.get("tools") or ()
            ]
        elif nested and top in body:
            body[top] = {key: value for key, value in body[top].items() if key != nested}
        else:
            body.pop(top, None)
        if not body.get(top, True):
            del body[top]


def _drop_tools(body: dict[str, Any], names: frozenset[str], notes: dict[str, None]) -> None:
    """Remove tools, and what has no meaning without them; a choice of a removed tool becomes `auto`."""
    tools = as_objects(body.get("tools"))
    dropped_names = names.intersection(map(tool_name, tools))
    if not dropped_names:
        return
    notes.update((f"tool {name}: the service refused it", None) for name in sorted(dropped_names))
    _set_or_remove(body, "tools", [tool for tool in tools if tool_name(tool) not in dropped_names])
    if "tools" not in body:
        body.pop("tool_choice", None)
        body.pop("parallel_tool_calls", None)
    elif tool_name(as_object(body.get("tool_choice"))) in dropped_names:
        body["tool_choice"] = "auto"


def _amend_items(body: Mapping[str, Any], amendments: Amendments, notes: dict[str, None]) -> list[Item]:
    items = cast(list[Item], body["input"])
    has_instructions = "instructions" in body
    return [
        _amend_item(item, amendments, notes, is_first=index == 0 and not has_instructions)
        for index, item in enumerate(items)
    ]


def _amend_item(item: Item, amendments: Amendments, notes: dict[str, None], *, is_first: bool) -> Item:
    if amendments.dropped_item_fields:
        item = _drop_item_fields(item, amendments.dropped_item_fields)
    if amendments.system_text_role and item.get("role") in _SYSTEM_ROLES:
        item = _amend_system_text(item, amendments.system_text_role, is_first=is_first)
    if amendments.message_status and item.get("role") == "assistant":
        item = _add_status(item)
    if not amendments.images_in_tool_results or amendments.refused_image_keys:
        item = _drop_images(item, amendments, notes)
    return item


def _drop_item_fields(item: Item, paths: frozenset[str]) -> Item:
    item_type = item.get("type", "message")
    return {key: value for key, value in item.items() if f"{item_type}.{key}" not in paths}


def _amend_system_text(item: Item, role: SystemTextRole, *, is_first: bool) -> Item:
    """Return a system text with another role.

    A template that refuses system text in the middle of a conversation accepts one at its start.
    """
    if role != "user":
        return {**item, "role": role}
    if is_first:
        return item
    content = item["content"]
    parts = as_objects(content) or [{"type": "input_text", "text": str(content)}]
    marks = [{"type": "input_text", "text": text} for text in ("<system-reminder>\n", "\n</system-reminder>")]
    if len(parts) == 1 and "text" in parts[0]:
        wrapped = [{**parts[0], "text": f"{marks[0]['text']}{parts[0]['text']}{marks[1]['text']}"}]
    else:
        wrapped = [marks[0], *parts, marks[1]]
    return {**item, "role": "user", "content": wrapped}


def _add_status(item: Item) -> Item:
    """Return an assistant message with its status; one without an id becomes the short form, which has none.

    Source: the item types that vLLM up to 0.19 validates, vllm#45273, seen 2026-11-30.
    """
    if "id" in item:
        return {**item, "status": item.get("status", "completed")}
    texts = [str(part.get("text", part.get("refusal", ""))) for part in as_objects(item.get("content"))]
    return {"type": "message", "role": "assistant", "content": "".join(texts)} if texts else item


def _drop_images(item: Item, amendments: Amendments, notes: dict[str, None]) -> Item:
    """Return the item with a note in place of each image that the service does not accept."""
    is_result = item.get("type") in OUTPUT_TYPES
    key = "output" if is_result else "content"
    parts = as_objects(item.get(key))
    if not any(part.get("type") == "input_image" for part in parts):
        return item
    amended: list[Item] = []
    for part in parts:
        if part.get("type") == "input_image" and is_result and not amendments.images_in_tool_results:
            note = IMAGE_IN_RESULT_NOTE
        elif part.get("type") == "input_image" and image_key(part) in amendments.refused_image_keys:
            note = REFUSED_IMAGE_NOTE
        else:
            amended.append(part)
            continue
        notes[note.strip("[]")] = None
        amended.append({"type": "input_text", "text": note})
    if is_result and all(part.get("type") == "input_text" for part in amended):
        return {**item, key: "\n".join(part["text"] for part in amended)}
    return {**item, key: amended}
