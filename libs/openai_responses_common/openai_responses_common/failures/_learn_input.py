"""What a refusal teaches of the input items: replayed items and their fields, and system text.

Each function returns the amendments that avoid the refusal, with a sentence for the user. It returns None if the
refusal teaches nothing new of its subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..wire.client_calls import find_client_call, is_host_item
from ..wire.types import EFFORT_UPDATE_TYPE, Item, item_key
from ._refusal import Lesson, Refusal

_REASONING_REFUSAL_CODES = frozenset({"invalid_encrypted_content"})
# Sources: the API's own texts (recorded, and issue threads named in the tests); "Encrypted content is not supported"
# is vLLM 0.32 and "item['content'] is empty" llama.cpp's server (both run 2026-11-30).
_REASONING_REFUSAL_PATTERN = re.compile(
    r"encrypted content .*could not be|provided without its required|Items are not persisted when"
    r"|item with id '(rs|msg|fc)_[^']*' not found|Reasoning input items can only be provided"
    r"|encrypted content is not supported|item\['content'\] is empty",
    re.I | re.S,
)
_UNKNOWN_ID_PATTERN = re.compile(r"item with id '\w+' not found", re.I)
_UNKNOWN_FIELD_PATTERN = re.compile(
    r"unknown|unrecognized|unexpected|extra (inputs|fields)|not permitted|not allowed|not supported", re.I
)
_REQUIRED_ITEM_FIELDS = frozenset(
    {"type", "role", "content", "call_id", "name", "arguments", "output", "input", "action", "operation", "summary"}
    | {"text", "image_url", "file_id", "file_data", "file_url", "refusal", "encrypted_content"}
)
"""Fields of items and content parts without which an item says something else, or nothing."""


_NO_STATUS_PATTERN = re.compile(
    r"status\W+(?:\w+\W+){0,3}?field required|missing required parameter\W+input\S*status"
    r"|field required\W+status|list\[union\[EasyInputMessage|ResponseOutputMessage",
    re.I,
)

_DEVELOPER_ROLE_PATTERN = re.compile(r"developer\W.*\brole|\brole\b.*\bdeveloper|unexpected message role", re.I | re.S)
# The words of chat templates: Qwen 3.5 and later, Mistral, Gemma, Llama. Sources: litellm#39852, vllm#18769,
# opencode#5034, sglang#892, seen 2026-11-30.
_SYSTEM_POSITION_PATTERN = re.compile(
    r"system (message|role|prompt)s?\b[^.]*\b(must|should|can|may|has to|only)\b[^.]*\b(beginning|start|first)\b"
    r"|(must|should) (start|begin) with (a |the )?system|unexpected role ['\"]system['\"]"
    r"|only the first message can be a system|expected last role .* but got system",
    re.I,
)
_NO_SYSTEM_ROLE_PATTERN = re.compile(
    r"system (role|message)s? (is |are )?not (supported|allowed)|roles are supported, got system"
    r"|does ?n.t support (a |the )?system (role|message|prompt)",
    re.I,
)
# Mistral's templates (hermes-agent#20154, zed#37021), seen 2026-12-01.
_ROLE_AFTER_RESULT_PATTERN = re.compile(r"unexpected role ['\"]?(user|system)['\"]? after role ['\"]?tool", re.I)
_ALTERNATION_PATTERN = re.compile(r"roles must alternate", re.I)


# Replayed items


def learn_refused_reasoning(refusal: Refusal) -> Lesson | None:
    """Leave out the reasoning that was sent, because the service cannot read it."""
    failure = refusal.failure
    if failure.code not in _REASONING_REFUSAL_CODES and not _REASONING_REFUSAL_PATTERN.search(failure.message):
        return None
    if any(path.startswith("include") for path in refusal.paths):
        return None
    return _refuse_items(
        refusal,
        [item for item in refusal.items if item.get("type") == "reasoning"],
        f"the service refused replayed reasoning ({refusal.reason}); sending the request without it",
    )


def learn_unknown_ids(refusal: Refusal) -> Lesson | None:
    """Leave out the ids of messages and calls, if the service looks for items that it does not keep."""
    if not _UNKNOWN_ID_PATTERN.search(refusal.message):
        return None
    types = {item.get("type", "message") for item in refusal.items if "id" in item}
    fields = {f"{item_type}.id" for item_type in types & {"message", "function_call", "custom_tool_call"}}
    return _drop_item_fields(refusal, fields)


def learn_refused_items(refusal: Refusal) -> Lesson | None:
    """Leave out replayed items of a type that the service does not know, such as a compaction.

    The service names the item by its path or its type: "Invalid value: 'compaction'. Supported values are: …".
    """
    types = {entry[0].get("type") for path in refusal.paths if (entry := refusal.find_item(path)) and len(entry[1]) < 2}
    refused_part = re.split(r"supported values|supported types|should be", refusal.message, maxsplit=1, flags=re.I)[0]
    items = [
        item
        for item in _list_opaque_items(refusal)
        if item["type"] in types or re.search(rf"""\b(value|type|item):? ['"`]?{item["type"]}(?![\w.])""", refused_part)
    ]
    if not items or _read_unknown_fields(refusal):
        return None
    names = ", ".join(sorted({item["type"] for item in items}))
    return _refuse_items(
        refusal,
        items,
        f"the service does not accept {names} items ({refusal.reason}); sending the request without them",
    )


def learn_without_replay(refusal: Refusal) -> Lesson | None:
    """Leave out all reasoning, hosted items and compactions, for a refusal that names nothing else.

    Nobody knows whether that helps, so this lesson counts only if the service accepts the amended request.
    """
    for path in refusal.paths:
        entry = refusal.find_item(path)
        if path != "input" and (entry is None or is_host_item(entry[0])):
            return None
    return _refuse_items(
        refusal,
        list(_list_opaque_items(refusal)),
        f"the service refused the request ({refusal.reason}); it accepts the request without the reasoning and the "
        "hosted items of earlier turns",
    )


def _refuse_items(refusal: Refusal, items: Iterable[Item], sentence: str) -> Lesson | None:
    keys = frozenset(map(item_key, items)) - refusal.amendments.refused_item_keys
    if not keys:
        return None
    known = refusal.amendments
    return replace(known, refused_item_keys=known.refused_item_keys | keys), sentence


def _list_opaque_items(refusal: Refusal) -> Iterator[Item]:
    """Yield the replayed items that the service made for itself: reasoning, hosted items, compactions."""
    for item in refusal.items:
        if item.get("type", "message") != "message" and not find_client_call(item) and not is_host_item(item):
            yield item


def learn_no_effort_updates(refusal: Refusal) -> Lesson | None:
    """Change the effort in the field of the request, if the service refuses the item that changes it.

    The API's words are "The 'configuration_update' item type is not supported with this model." Source:
    openai/codex#44751, seen 2026-12-01.
    """
    has_updates = any(item.get("type") == EFFORT_UPDATE_TYPE for item in refusal.items)
    named_items = [entry[0] for path in refusal.paths if (entry := refusal.find_item(path))]
    is_named = any(item.get("type") == EFFORT_UPDATE_TYPE for item in named_items)
    if not has_updates or not (is_named or EFFORT_UPDATE_TYPE in refusal.message):
        return None
    sentence = (
        f"the service refused a change of the effort in the input ({refusal.reason}); the next requests make none"
    )
    return replace(refusal.amendments, effort_updates=False), sentence


# Fields of items


def learn_item_fields(refusal: Refusal) -> Lesson | None:
    """Leave out fields of items that the service does not know, such as a namespace."""
    return _drop_item_fields(refusal, _read_unknown_fields(refusal))


def _read_unknown_fields(refusal: Refusal) -> set[str]:
    """Return the unknown fields that the refusal names, as "message.phase" or "message.content.logprobs"."""
    if refusal.failure.code != "unknown_parameter" and not _UNKNOWN_FIELD_PATTERN.search(refusal.message):
        return set()
    fields: set[str] = set()
    for path in refusal.paths:
        item, steps = refusal.find_item(path) or ({}, [])
        names = [step for step in steps if not step.isdecimal()]
        if item and names and names[-1] not in _REQUIRED_ITEM_FIELDS and (len(names) > 1 or names[0] in item):
            fields.add(".".join([item.get("type", "message"), *names]))
    return fields


def _drop_item_fields(refusal: Refusal, fields: set[str]) -> Lesson | None:
    known = refusal.amendments
    new_fields = fields - known.dropped_item_fields
    if not new_fields:
        return None
    sentence = (
        f"the service does not accept {', '.join(sorted(new_fields))} ({refusal.reason}); sending items without it"
    )
    return replace(known, dropped_item_fields=known.dropped_item_fields | new_fields), sentence


def learn_message_status(refusal: Refusal) -> Lesson | None:
    """Send the status of replayed messages, which vLLM up to 0.19 requires.

    Its validation errors are thousands of characters long, so the type that it tried has to do as a sign.
    """
    is_missing = any(message.get("role") == "assistant" and "status" not in message for message in refusal.items)
    if refusal.amendments.message_status or not is_missing or not _NO_STATUS_PATTERN.search(refusal.message):
        return None
    return (
        replace(refusal.amendments, message_status=True),
        "the service requires the status of earlier messages; sending them with it",
    )


# System text


def learn_system_text(refusal: Refusal) -> Lesson | None:
    """Send system text with the role `system`, or as user text if a template does not accept that either."""
    return _learn_answered_results(refusal) or _learn_user_text(refusal) or _learn_system_role(refusal)


def _learn_answered_results(refusal: Refusal) -> Lesson | None:
    """Put an assistant message between tool results and a message, if a template refuses one right after them."""
    match = _ROLE_AFTER_RESULT_PATTERN.search(refusal.message)
    if match is None or refusal.amendments.answers_results:
        return None
    amended = replace(refusal.amendments, answers_results=True)
    if match[1].lower() == "system":
        amended = replace(amended, system_text_role="user")
    return (
        amended,
        f"the model's chat template refuses a message after tool results ({refusal.reason}); an answer is sent between",
    )


def _names_role(refusal: Refusal, role: str) -> bool:
    """Return whether the refusal names the role of an item with this role by its path."""
    entries = [entry for path in refusal.paths if (entry := refusal.find_item(path))]
    return any(item.get("role") == role and steps == ["role"] for item, steps in entries)


def _learn_system_role(refusal: Refusal) -> Lesson | None:
    is_named = _names_role(refusal, "developer") or _DEVELOPER_ROLE_PATTERN.search(refusal.message)
    if not refusal.system_role or not is_named:
        return None
    has_developer_role = any(item.get("role") == "developer" for item in refusal.items)
    if not has_developer_role or refusal.amendments.system_text_role is not None:
        return None
    return (
        replace(refusal.amendments, system_text_role="system"),
        "the service does not accept the role developer; sending the role system instead",
    )


def _learn_user_text(refusal: Refusal) -> Lesson | None:
    known, message = refusal.amendments, refusal.message
    has_no_system_role = bool(_NO_SYSTEM_ROLE_PATTERN.search(message)) or _names_role(refusal, "system")
    must_alternate = _ALTERNATION_PATTERN.search(message) is not None
    if not has_no_system_role and not must_alternate and not _SYSTEM_POSITION_PATTERN.search(message):
        return None
    start = 0 if "instructions" in refusal.body else 1
    amended = replace(known, joins_user_messages=known.joins_user_messages or must_alternate)
    if any(item.get("role") in {"system", "developer"} for item in refusal.items[start:]):
        amended = replace(amended, system_text_role="user")
    elif (has_no_system_role or amended == known) and "instructions" not in refusal.required_fields:
        amended = replace(amended, system_text_role="user", system_text_at_start=False)
    if amended == known:
        return None
    return amended, f"the model's chat template refuses system text there ({refusal.reason}); sending it as user text"
