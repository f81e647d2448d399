"""Changes to requests that the engine learned from refusals, and how they are applied to a body.

Knows the JSON of a body, and neither messages nor the words of a refusal: `failures/learn.py` reads those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..wire.additional_tools import list_tools
from ..wire.client_calls import OUTPUT_TYPES
from ..wire.json_values import as_object, as_objects
from ..wire.request_body import SharedItem
from ..wire.tool_choice import fit_tool_choice, tool_name
from ..wire.types import Item
from .traits import SystemTextRole

_SYSTEM_ROLES = frozenset({"developer", "system"})
MEDIA_IN_RESULT_NOTE = "[an image or file of the tool is left out: the service accepts only text in tool results]"
_RESULT_ANSWER = "[tool results received]"
REFUSED_MEDIA_NOTE = "[an image or file is left out: the service could not read it]"
MEDIA_PART_TYPES = frozenset({"input_image", "input_file"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments:
    """Changes to all later requests to one model of one endpoint.

    Attributes:
        dropped_fields: paths of body fields that are left out, see `DROPPABLE_FIELDS`.
        dropped_include_values: values of `include` that are left out.
        dropped_tool_keys: tools that the service refused, see `tool_key`.
        max_tools: how many tools a request may have; the first ones are sent. None if the service named no limit.
        dropped_item_fields: fields of input items that are left out, as "message.phase", and of their content parts, as
            "message.content.logprobs".
        allowed_efforts: the efforts that the service listed in a refusal; None if it listed none.
        system_text_role: the role of system text after the start of the conversation; `user` wraps it in
            `<system-reminder>`. None leaves it to the profile.
        system_text_at_start: whether the conversation may start with system text; if not, that text is sent as user
            text, too.
        joins_user_messages: whether user messages that follow each other are sent as one.
        answers_results: whether a short assistant message stands between tool results and a message behind them.
        refused_item_keys: replayed items that the service refused, such as reasoning or a compaction, see `item_key`.
        refused_media_keys: images and files that the service could not read, see `media_key`.
        media_in_tool_results: whether tool results may hold images and files.
        message_status: whether each replayed assistant message has a `status`.
        effort_updates: whether an item of the input may change the effort.
        streams: whether the service may stream to this account; if not, the whole response comes as one JSON object.
    """

    dropped_fields: frozenset[str] = frozenset()
    dropped_include_values: frozenset[str] = frozenset()
    dropped_tool_keys: frozenset[str] = frozenset()
    max_tools: int | None = None
    dropped_item_fields: frozenset[str] = frozenset()
    allowed_efforts: tuple[str, ...] | None = None
    system_text_role: SystemTextRole | None = None
    system_text_at_start: bool = True
    joins_user_messages: bool = False
    answers_results: bool = False
    refused_item_keys: frozenset[str] = frozenset()
    refused_media_keys: frozenset[str] = frozenset()
    media_in_tool_results: bool = True
    message_status: bool = False
    effort_updates: bool = True
    streams: bool = True

    @property
    def item_changes(self) -> tuple[object, ...]:
        """What changes items one by one, whatever stands beside them."""
        return self.dropped_item_fields, self.message_status, self.media_in_tool_results, self.refused_media_keys

    def merge(self, other: Amendments) -> Amendments:
        """Return the amendments of both: what either of them changes is changed.

        Of two lists of efforts, those in both are allowed. If there are none, the list of `other` counts.
        """
        efforts = self.allowed_efforts
        if other.allowed_efforts is not None:
            common = tuple(effort for effort in efforts or () if effort in other.allowed_efforts)
            efforts = common or other.allowed_efforts
        roles = (self.system_text_role, other.system_text_role)
        return Amendments(
            dropped_fields=self.dropped_fields | other.dropped_fields,
            dropped_include_values=self.dropped_include_values | other.dropped_include_values,
            dropped_tool_keys=self.dropped_tool_keys | other.dropped_tool_keys,
            max_tools=min(limits) if (limits := [*filter(None, (self.max_tools, other.max_tools))]) else None,
            dropped_item_fields=self.dropped_item_fields | other.dropped_item_fields,
            allowed_efforts=efforts,
            system_text_role="user" if "user" in roles else self.system_text_role or other.system_text_role,
            system_text_at_start=self.system_text_at_start and other.system_text_at_start,
            joins_user_messages=self.joins_user_messages or other.joins_user_messages,
            answers_results=self.answers_results or other.answers_results,
            refused_item_keys=self.refused_item_keys | other.refused_item_keys,
            refused_media_keys=self.refused_media_keys | other.refused_media_keys,
            media_in_tool_results=self.media_in_tool_results and other.media_in_tool_results,
            message_status=self.message_status or other.message_status,
            effort_updates=self.effort_updates and other.effort_updates,
            streams=self.streams and other.streams,
        )


NO_AMENDMENTS = Amendments()
"""The amendments of a model that has refused nothing."""


def amend_body(body: Mapping[str, Any], amendments: Amendments) -> tuple[dict[str, Any], list[str]]:
    """Return the body with the amendments, and sentences about what it loses.

    Efforts, their updates and refused items are not applied here: the encoding of options and of messages reads them,
    because other parts of the body depend on them.

    Args:
        body: the encoded body with its `input`; it is not changed.
        amendments: what to change.
    """
    if amendments == NO_AMENDMENTS:
        return dict(body), []
    amended = dict(body)
    notes: dict[str, None] = {}
    if not amendments.streams:
        amended["stream"] = False
        notes["stream: the service refused it"] = None
    _drop_include_values(amended, amendments.dropped_include_values, notes)
    _drop_tools(amended, amendments, notes)
    _drop_fields(amended, amendments.dropped_fields, notes)
    items = [_amend_item(item, amendments, notes) for item in cast(list[Item], body["input"])]
    if amendments.system_text_role is not None:
        items = _amend_system_texts(items, amended, amendments)
    if amendments.answers_results:
        items = _answer_results(items)
    amended["input"] = _join_user_messages(items) if amendments.joins_user_messages else items
    return amended, list(notes)


def media_key(part: Mapping[str, Any]) -> str:
    """Return a digest that identifies the image of an `input_image` part, or the file of an `input_file` part."""
    sources = ("image_url", "file_data", "file_url", "file_id")
    source = str(next((part[key] for key in sources if part.get(key)), ""))
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def tool_key(tool: Mapping[str, Any]) -> str:
    """Return what identifies a definition of a tool, so that a corrected one with the same name is sent again."""
    parameters: object = tool.get("parameters")
    digest = hashlib.sha256(repr(parameters).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{tool_name(tool)} {digest}"


def _drop_include_values(body: dict[str, Any], dropped_values: frozenset[str], notes: dict[str, None]) -> None:
    values = cast(list[str], body.get("include") or [])
    notes.update((f"include {value}: the service refused it", None) for value in values if value in dropped_values)
    _set_or_remove(body, "include", [value for value in values if value not in dropped_values])


def _set_or_remove(body: dict[str, Any], key: str, value: Any) -> None:
    """A field keeps its place in the body, because prompt caches need equal prefixes."""
    if value:
        body[key] = value
    else:
        body.pop(key, None)


def _drop_fields(body: dict[str, Any], paths: frozenset[str], notes: dict[str, None]) -> None:
    """Remove these paths, and every field that becomes empty by that."""
    for path in sorted(paths):
        top, _, nested = path.partition(".")
        if not has_field(path, body):
            continue
        notes[f"{path}: the service refused it"] = None
        if top == "tools":
            body["tools"] = [{key: value for key, value in tool.items() if key != nested} for tool in body["tools"]]
        elif nested:
            _set_or_remove(body, top, {key: value for key, value in body[top].items() if key != nested})
        else:
            del body[top]


def has_field(path: str, body: Mapping[str, Any]) -> bool:
    """Return whether a body has a field; "tools.strict" means that any of its tools has it."""
    top, _, nested = path.partition(".")
    if top == "tools" and nested:
        return any(nested in tool for tool in list_tools(body))
    return nested in as_object(body.get(top)) if nested else top in body


def _drop_tools(body: dict[str, Any], amendments: Amendments, notes: dict[str, None]) -> None:
    """Remove tools, and what has no meaning without them; a choice of a removed tool becomes `auto`."""
    tools = as_objects(body.get("tools"))
    keys, max_tools = amendments.dropped_tool_keys, amendments.max_tools
    accepted = [tool for tool in tools if tool_key(tool) not in keys] if keys else tools
    remaining = accepted[:max_tools]
    if len(remaining) == len(tools):
        return
    notes.update((f"tool {tool_name(tool)}: the service refused it", None) for tool in tools if tool not in accepted)
    surplus = accepted[len(remaining) :]
    notes.update((f"tool {tool_name(tool)}: the service accepts only {max_tools} tools", None) for tool in surplus)
    _set_or_remove(body, "tools", remaining)
    if not remaining:
        body.pop("tool_choice", None)
        body.pop("parallel_tool_calls", None)
    elif "tool_choice" in body:
        body["tool_choice"] = fit_tool_choice(body["tool_choice"], remaining)


def _amend_item(item: Item, amendments: Amendments, notes: dict[str, None]) -> Item:
    if isinstance(item, SharedItem):
        amended, own_notes = item.derive(amendments.item_changes, lambda item: _change_shared_item(item, amendments))
        notes |= own_notes
        return amended
    return _change_item(item, amendments, notes)


def _change_shared_item(item: Item, amendments: Amendments) -> tuple[Item, dict[str, None]]:
    notes: dict[str, None] = {}
    changed = _change_item(item, amendments, notes)
    return item if changed == item else SharedItem(changed), notes


def _change_item(item: Item, amendments: Amendments, notes: dict[str, None]) -> Item:
    if amendments.dropped_item_fields:
        item = _drop_item_fields(item, amendments.dropped_item_fields)
    if amendments.message_status and item.get("role") == "assistant":
        item = _add_status(item)
    if not amendments.media_in_tool_results or amendments.refused_media_keys:
        item = _drop_media(item, amendments, notes)
    return item


def _drop_item_fields(item: Item, paths: frozenset[str]) -> Item:
    item_type = item.get("type", "message")
    fields = {key: value for key, value in item.items() if f"{item_type}.{key}" not in paths}
    for key in ("content", "output", "summary"):
        if any(path.startswith(f"{item_type}.{key}.") for path in paths) and (parts := as_objects(item.get(key))):
            fields[key] = [
                {name: value for name, value in part.items() if f"{item_type}.{key}.{name}" not in paths}
                for part in parts
            ]
    return fields


def _amend_system_texts(items: list[Item], body: dict[str, Any], amendments: Amendments) -> list[Item]:
    """Return the items with another role for their system text.

    A template that refuses system text in the middle of a conversation accepts one at its start, in `instructions` or
    as the first item. One that refuses it there, too, gets the instructions as user text.
    """
    if amendments.system_text_role != "user":
        role = amendments.system_text_role
        return [{**item, "role": role} if item.get("role") in _SYSTEM_ROLES else item for item in items]
    start = 0
    if not amendments.system_text_at_start:
        if instructions := body.pop("instructions", None):
            items = [_make_reminder({"type": "message", "content": str(instructions)}), *items]
    elif "instructions" not in body:
        start = 1
    return items[:start] + [
        _make_reminder(item) if item.get("role") in _SYSTEM_ROLES else item for item in items[start:]
    ]


def _make_reminder(item: Item) -> Item:
    """Return a system text as user text; the words around it say that the user did not write it."""
    parts = _list_parts(item)
    before, after = "<system-reminder>\n", "\n</system-reminder>"
    if len(parts) == 1 and "text" in parts[0]:
        parts = [{**parts[0], "text": f"{before}{parts[0]['text']}{after}"}]
    else:
        parts = [{"type": "input_text", "text": before}, *parts, {"type": "input_text", "text": after}]
    return {**item, "role": "user", "content": parts}


def _list_parts(message: Item) -> list[Item]:
    content: object = message.get("content")
    return [{"type": "input_text", "text": content}] if isinstance(content, str) else as_objects(content)


def _answer_results(items: list[Item]) -> list[Item]:
    answered: list[Item] = []
    for item in items:
        if answered and answered[-1].get("type") in OUTPUT_TYPES and item.get("role") in {"user", *_SYSTEM_ROLES}:
            answered.append({"type": "message", "role": "assistant", "content": _RESULT_ANSWER})
        answered.append(item)
    return answered


def _join_user_messages(items: list[Item]) -> list[Item]:
    joined: list[Item] = []
    for item in items:
        if joined and item.get("role") == "user" and joined[-1].get("role") == "user":
            joined[-1] = {**joined[-1], "content": [*_list_parts(joined[-1]), *_list_parts(item)]}
        else:
            joined.append(item)
    return joined


def _add_status(item: Item) -> Item:
    """Return an assistant message with its status; one without an id becomes the short form, which has none.

    Source: the item types that vLLM up to 0.19 validates, vllm#45273, seen 2026-11-30.
    """
    if "id" in item:
        return {**item, "status": item.get("status", "completed")}
    texts = [str(part.get("text", part.get("refusal", ""))) for part in as_objects(item.get("content"))]
    return {"type": "message", "role": "assistant", "content": "".join(texts)} if texts else item


def _drop_media(item: Item, amendments: Amendments, notes: dict[str, None]) -> Item:
    """Return the item with a note in place of each image and file that the service does not accept."""
    is_result = item.get("type") in OUTPUT_TYPES
    key = "output" if is_result else "content"
    parts = as_objects(item.get(key))
    if not any(part.get("type") in MEDIA_PART_TYPES for part in parts):
        return item
    amended: list[Item] = []
    for part in parts:
        if part.get("type") in MEDIA_PART_TYPES and is_result and not amendments.media_in_tool_results:
            note = MEDIA_IN_RESULT_NOTE
        elif part.get("type") in MEDIA_PART_TYPES and media_key(part) in amendments.refused_media_keys:
            note = REFUSED_MEDIA_NOTE
        else:
            amended.append(part)
            continue
        notes[note.strip("[]")] = None
        amended.append({"type": "input_text", "text": note})
    if is_result and all(part.get("type") == "input_text" for part in amended):
        return {**item, key: "\n".join(part["text"] for part in amended)}
    return {**item, key: amended}
