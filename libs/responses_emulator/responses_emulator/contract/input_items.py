"""Strict checks of the `input` list: item types, keys, roles, content parts and the form of ids.

Invariant: nothing here looks at more than one item; what items require of each other is in `conversation`.
"""

from __future__ import annotations

import re
from typing import Any

from openai.types.responses import (
    EasyInputMessageParam,
    ResponseInputFileParam,
    ResponseInputImageParam,
    ResponseInputItemParam,
    ResponseInputTextParam,
    ResponseOutputMessageParam,
    ResponseOutputRefusalParam,
    ResponseOutputTextParam,
)
from openai.types.responses.response_input_item_param import Message

from responses_emulator.contract.json_shapes import (
    ObjectShape,
    check_object,
    literal_values,
    merge_shapes,
    shape_of,
    union_members,
)
from responses_emulator.contract.media_parts import check_file, check_image
from responses_emulator.contract.refusal import (
    empty_string,
    invalid_value,
    missing_parameter,
    pattern_mismatch,
    refuse,
    too_long,
    wrong_type,
)
from responses_emulator.contract.tools import check_name, check_tools
from responses_emulator.rules import requests as rules

MAX_ID_LENGTH = 64
_MESSAGE = merge_shapes(EasyInputMessageParam, Message, ResponseOutputMessageParam)
_ITEMS: dict[str, ObjectShape] = {
    name: shape_of(member)
    for member in union_members(ResponseInputItemParam)
    for name in literal_values(member)
    if name != "message"
}
_INPUT_PARTS = {
    "input_text": ResponseInputTextParam,
    "input_image": ResponseInputImageParam,
    "input_file": ResponseInputFileParam,
}
_OUTPUT_PARTS = {"output_text": ResponseOutputTextParam, "refusal": ResponseOutputRefusalParam}
_PART_TYPES = (
    "input_text",
    "input_image",
    "output_text",
    "refusal",
    "input_file",
    "computer_screenshot",
    "summary_text",
)

# Ids carry their kind; a wrong prefix is refused (reported for fc, ctc, rs and msg; the others seen in recordings).
ID_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fc",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctc",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "computer_call": "cu",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
    "local_shell_call": "lsh",
    "shell_call": "sh",
    "apply_patch_call": "apc",
    "tool_search_call": "tsc",
    "tool_search_output": "tso",
    "compaction": "cmp",
}


def item_type(item: dict[str, Any]) -> str:
    """The type of an input item; a bare role makes it a message, a bare id a reference."""
    if "type" in item:
        return str(item["type"])
    return "message" if "role" in item else "item_reference"


def check_item(item: Any, path: str) -> None:
    """Raise the API's error for one input item."""
    if not isinstance(item, dict):
        raise wrong_type(item, path, "an object")
    kind = item.get("type", item_type(item))
    if kind == "message":
        _check_message(item, path)
    elif kind in _ITEMS:
        check_object(item, _ITEMS[kind], path)
    else:
        raise invalid_value(kind, path, ["message", *sorted(_ITEMS)])
    _check_ids(item, str(kind), path)
    if kind in {"function_call", "custom_tool_call"}:
        check_name(item["name"], f"{path}.name")
    if kind in {"tool_search_output", "additional_tools"}:
        check_tools(item["tools"], f"{path}.tools")
    if kind == "function_call_output" and not item.get("call_id") and not item.get("name"):
        raise missing_parameter(f"{path}.call_id")
    if kind == "reasoning" and not item.get("id") and not item.get("encrypted_content"):
        raise missing_parameter(f"{path}.id")


def _check_message(item: dict[str, Any], path: str) -> None:
    role = item.get("role")
    if role is not None and role not in {"user", "assistant", "system", "developer"}:
        raise invalid_value(role, path, ["assistant", "system", "developer", "user"])
    content = item.get("content")
    check_object({**item, "content": ""} if isinstance(content, list) else item, _MESSAGE, path)
    if isinstance(content, list):
        for index, part in enumerate(content):
            _check_part(part, str(role), f"{path}.content[{index}]")
    if item.get("phase") is not None and role != "assistant":
        raise refuse(rules.PHASE_OF_ANOTHER_ROLE, path=f"{path}.phase")


def _check_part(part: Any, role: str, path: str) -> None:
    if not isinstance(part, dict):
        raise wrong_type(part, path, "an object")
    if "type" not in part:
        raise missing_parameter(f"{path}.type")
    kind = part["type"]
    allowed = _OUTPUT_PARTS if role == "assistant" else _INPUT_PARTS
    if kind not in allowed:
        raise invalid_value(kind, path, list(allowed) if kind in _PART_TYPES else _PART_TYPES)
    check_object(part, shape_of(allowed[kind]), path)
    _check_media(part, path)


def _check_media(part: dict[str, Any], path: str) -> None:
    match part.get("type"):
        case "input_image":
            check_image(part, path)
        case "input_file":
            check_file(part, path)
        case _:
            pass


def check_output_parts(item: dict[str, Any], path: str) -> None:
    """Images and files inside tool results obey the same rules as those in messages."""
    output = item.get("output")
    if isinstance(output, list):
        for index, part in enumerate(output):
            if isinstance(part, dict):
                _check_media(part, f"{path}.output[{index}]")


def _check_ids(item: dict[str, Any], kind: str, path: str) -> None:
    for key in ("id", "call_id"):
        value = item.get(key)
        if value is None:
            continue
        if not value:
            raise empty_string(f"{path}.{key}")
        if len(value) > MAX_ID_LENGTH:
            raise too_long(f"{path}.{key}", MAX_ID_LENGTH, len(value))
    item_id = item.get("id")
    prefix = ID_PREFIXES.get(kind)
    if item_id is None or prefix is None:
        return
    if not item_id.startswith(prefix):
        raise refuse(rules.INVALID_ID_PREFIX, path=f"{path}.id", value=item_id, prefix=prefix)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", item_id):
        raise pattern_mismatch(f"{path}.id", "^[a-zA-Z0-9_-]+$")


def check_input(value: Any) -> None:
    """The whole `input` parameter."""
    if not isinstance(value, (str, list)):
        raise wrong_type(value, "input", "one of an array of objects or string")
    if isinstance(value, str):
        return
    for index, item in enumerate(value):
        check_item(item, f"input[{index}]")
        check_output_parts(item, f"input[{index}]")
