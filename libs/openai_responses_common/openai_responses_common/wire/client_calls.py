"""Client calls: each type of call item, the tool call that the host sees, and the call output that goes back.

The service itself runs every other item with `_call` in its type. Source: openai 3.52 item types and recorded exchanges
(function, custom, apply_patch, tool_search, mcp), seen 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from .json_values import as_object, as_objects, loads_or_none
from .types import EFFORT_UPDATE_TYPE, Item

OutputContent = str | list[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCall:
    """One type of client call.

    Attributes:
        output_type: the type of its call output.
        tool_name: the name of the tool for the host, if the item does not name one.
        read_input: returns the input of the tool, from the call item.
        build_output: returns fields of the call output, from the call item and the tool result.
        id_key: the field of the item that its call output refers to: `call_id`, or its own `id`.
        output_key: the field of the call output that holds this reference; `call_id` by default.
        id_prefix: the beginning of every id of the item. It is empty, the default, if the item may be sent without an
            id; else the service refuses it: "Missing required parameter: 'input[0].id'".
    """

    output_type: str
    tool_name: str = ""
    read_input: Callable[[Item], dict[str, Any]]
    build_output: Callable[[Item, OutputContent], Item]
    id_key: str = "call_id"
    output_key: str = "call_id"
    id_prefix: str = ""


def _build_plain_output(_call: Item, output: OutputContent) -> Item:
    return {"output": output}


def _build_shell_output(call: Item, output: OutputContent) -> Item:
    result = _parse_tool_result(output)
    code = str(result.get("exit_code", result.get("returncode", 0 if result.get("success", True) else 1)))[:20]
    chunk = {
        "stdout": str(result.get("stdout", result.get("text")) or ""),
        "stderr": str(result.get("stderr") or ""),
        "outcome": {"type": "exit", "exit_code": int(code) if re.fullmatch(r"-?[0-9]+", code) else 1},
    }
    return {"output": [chunk], **_copy_output_limit(call)}


def _copy_output_limit(call: Item) -> Item:
    limit = as_object(call.get("action")).get("max_output_length")
    return {"max_output_length": limit} if limit is not None else {}


def _build_patch_output(_call: Item, output: OutputContent) -> Item:
    result = _parse_tool_result(output)
    failed = result.get("success") is False or str(result.get("text", "")).startswith("Error")
    return {"status": "failed" if failed else "completed", "output": _join_text_parts(output)}


# The service accepts only an image here: one white pixel stands for a tool that returned none.
_BLANK_IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg=="
)


def _build_screenshot_output(call: Item, output: OutputContent) -> Item:
    images = [part for part in output if part["type"] == "input_image"] if isinstance(output, list) else []
    image = images[-1] if images else {"image_url": _BLANK_IMAGE}
    source = {key: image[key] for key in ("image_url", "file_id") if key in image}
    checks = _read_acknowledged_checks(call, output)
    return {"output": {"type": "computer_screenshot", **source}, **({_ACKNOWLEDGED: checks} if checks else {})}


_ACKNOWLEDGED = "acknowledged_safety_checks"


def _read_acknowledged_checks(call: Item, output: OutputContent) -> list[Item]:
    """Return the pending safety checks of a computer call that its tool result names, by their ids.

    Without them the service refuses the call output: "Computer tool has unacknowledged safety check for ['cu_sc_…']"
    (openai-agents-python#843, seen 2026-12-01). Only a user or a host can acknowledge them, and nobody else knows their
    ids, so that a page on the screen cannot.
    """
    texts = [output] if isinstance(output, str) else [str(part["text"]) for part in output if "text" in part]
    named_ids = {check_id for text in texts for check_id in _list_check_ids(as_object(loads_or_none(text)))}
    return [check for check in as_objects(call.get("pending_safety_checks")) if check.get("id") in named_ids]


def _list_check_ids(result: dict[str, Any]) -> list[str]:
    """Return the ids under `acknowledged_safety_checks`, in a result or in the `output` that a host wraps."""
    named: object = result.get(_ACKNOWLEDGED)
    entries = cast(list[object], named) if isinstance(named, list) else []
    ids = [entry if isinstance(entry, str) else as_object(entry).get("id") for entry in entries]
    nested = as_object(result.get("output"))
    return [str(check_id) for check_id in ids if check_id] + (_list_check_ids(nested) if nested else [])


def _build_tool_search_output(_call: Item, output: OutputContent) -> Item:
    result = _parse_tool_result(output)
    entries = as_objects(result.get("tools", result.get("list")))
    tools = [tool for tool in entries if "type" in tool and ("name" in tool or "server_label" in tool)]
    return {"execution": "client", "status": "completed", "tools": tools}


def _build_approval_output(_call: Item, output: OutputContent) -> Item:
    result = _parse_tool_result(output)
    verdict = str(result.get("approve", result.get("text", ""))).strip().lower()
    return {"approve": verdict in {"true", "yes", "approve", "approved"}}


CLIENT_CALLS: Mapping[str, ClientCall] = {
    "function_call": ClientCall(
        output_type="function_call_output", read_input=lambda _: {}, build_output=_build_plain_output
    ),
    "custom_tool_call": ClientCall(
        output_type="custom_tool_call_output",
        read_input=lambda item: {"input": item.get("input", "")},
        build_output=_build_plain_output,
    ),
    "shell_call": ClientCall(
        output_type="shell_call_output",
        tool_name="shell",
        read_input=lambda item: as_object(item.get("action")),
        build_output=_build_shell_output,
    ),
    "local_shell_call": ClientCall(
        output_type="local_shell_call_output",
        tool_name="local_shell",
        read_input=lambda item: as_object(item.get("action")),
        build_output=lambda _, output: {"output": _join_text_parts(output)},
        id_prefix="lsh",
    ),
    "apply_patch_call": ClientCall(
        output_type="apply_patch_call_output",
        tool_name="apply_patch",
        read_input=lambda item: as_object(item.get("operation")),
        build_output=_build_patch_output,
    ),
    "computer_call": ClientCall(
        output_type="computer_call_output",
        tool_name="computer",
        read_input=lambda item: {
            key: item[key] for key in ("action", "actions", "pending_safety_checks") if item.get(key)
        },
        build_output=_build_screenshot_output,
        id_prefix="cu",
    ),
    "tool_search_call": ClientCall(
        output_type="tool_search_output",
        tool_name="tool_search",
        read_input=lambda item: as_object(item.get("arguments")),
        build_output=_build_tool_search_output,
    ),
    "mcp_approval_request": ClientCall(
        output_type="mcp_approval_response",
        tool_name="mcp_approval",
        read_input=lambda item: {key: item.get(key) for key in ("server_label", "name", "arguments")},
        build_output=_build_approval_output,
        id_key="id",
        output_key="approval_request_id",
        id_prefix="mcpr",
    ),
}

OUTPUT_TYPES = frozenset(call.output_type for call in CLIENT_CALLS.values())


def find_client_call(item: Item) -> ClientCall | None:
    """Return the row of a client call; None for an item that the service ran itself."""
    item_type = item.get("type")
    if not isinstance(item_type, str) or (row := CLIENT_CALLS.get(item_type)) is None:
        return None
    if item_type == "tool_search_call" and item.get("execution") != "client":
        return None
    if item_type == "shell_call" and as_object(item.get("environment")).get("type") == "container_reference":
        return None
    return row


def has_tool_name(item: Item) -> bool:
    """Return whether a client call says which tool it asks for, by its name or by its type."""
    return bool(CLIENT_CALLS[item["type"]].tool_name or item.get("name"))


def read_call_key(item: Item) -> str:
    """Return the key by which a call output refers to this client call; empty if the call has neither id."""
    return _read_first_id(item, "call_id", "id")


def read_output_key(item: Item) -> str:
    """Return the key of the client call that this call output refers to; empty if it refers to none."""
    return _read_first_id(item, "approval_request_id", "call_id", "id")


def _read_first_id(item: Item, *keys: str) -> str:
    for key in keys:  # not a generator, which takes twice the time, and each request reads all ids of a history
        if (value := item.get(key)) is not None:
            return str(value)
    return ""


def call_output(call: Item, key: str, output: OutputContent) -> Item:
    """Return the item that carries the result of a client call back to the service."""
    row = CLIENT_CALLS[call["type"]]
    return {"type": row.output_type, row.output_key: key, **row.build_output(call, output)}


def _join_text_parts(output: OutputContent) -> str:
    if isinstance(output, str):
        return output
    return "\n".join(str(part.get("text", "")) for part in output if part["type"] == "input_text")


def _parse_tool_result(output: OutputContent) -> dict[str, Any]:
    """The fields of a tool result: its JSON without a host's `{"success", "output"}` around it, or `{"text": …}`."""
    text = _join_text_parts(output)
    value = loads_or_none(text)
    if isinstance(value, list):
        return {"list": value, "text": text}
    if not isinstance(value, dict):
        return {"text": text}
    fields = cast(dict[str, Any], value)
    inner: object = fields.get("output")
    if "success" in fields and isinstance(inner, dict):
        return {"success": fields["success"], **cast(dict[str, Any], inner)}
    if "success" in fields and isinstance(inner, list):
        return {"success": fields["success"], "list": inner, "text": text}
    return {"text": text if inner is None else str(inner), **fields}


def is_host_item(item: Item) -> bool:
    """Return whether the host made the item: a message of the user, system text, a tool result, or another effort."""
    is_result = item.get("type") in OUTPUT_TYPES and item.get("execution") != "server"
    is_message = item.get("role") in {"user", "system", "developer"}
    return is_result or is_message or item.get("type") == EFFORT_UPDATE_TYPE
