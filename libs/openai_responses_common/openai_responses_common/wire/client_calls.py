"""Calls that the client must answer: each kind of call item, the tool call that the loop sees, the item that answers.

Everything else with `_call` in its name is run by the service. Source: openai 3.52 item types and recorded exchanges
(function, custom, apply_patch, tool_search, mcp), seen 2026-11-21.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from .json_values import record, records
from .types import Item

Output = str | list[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCall:
    """One kind of call.

    Attributes:
        answer: type of the item that carries the result.
        tool: tool name for the loop where the item names none.
        to_input: the tool's input, from the call item.
        to_answer: fields of the answering item, from the call item and the result.
        id_key: what the answer refers to: `call_id`, or the item's own id.
    """

    answer: str
    tool: str = ""
    to_input: Callable[[Item], dict[str, Any]]
    to_answer: Callable[[Item, Output], Item]
    id_key: str = "call_id"


def _same(_call: Item, output: Output) -> Item:
    return {"output": output}


def _shell(call: Item, output: Output) -> Item:
    result = _result(output)
    code = str(result.get("exit_code", result.get("returncode", 0 if result.get("success", True) else 1)))[:20]
    chunk = {
        "stdout": str(result.get("stdout", result.get("text")) or ""),
        "stderr": str(result.get("stderr") or ""),
        "outcome": {"type": "exit", "exit_code": int(code) if re.fullmatch(r"-?[0-9]+", code) else 1},
    }
    return {"output": [chunk], **_limit(call)}


def _limit(call: Item) -> Item:
    limit = record(call.get("action")).get("max_output_length")
    return {"max_output_length": limit} if limit is not None else {}


def _apply_patch(_call: Item, output: Output) -> Item:
    result = _result(output)
    failed = result.get("success") is False or str(result.get("text", "")).startswith("Error")
    return {"status": "failed" if failed else "completed", "output": _text(output)}


# The service takes nothing but a picture here: one white pixel stands for a tool that gave none.
_NO_PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg=="
)


def _computer(_call: Item, output: Output) -> Item:
    images = [part for part in output if part["type"] == "input_image"] if isinstance(output, list) else []
    picture = images[-1] if images else {"image_url": _NO_PICTURE}
    shown = {key: picture[key] for key in ("image_url", "file_id") if key in picture}
    return {"output": {"type": "computer_screenshot", **shown}}


def _tool_search(_call: Item, output: Output) -> Item:
    result = _result(output)
    found = records(result.get("tools", result.get("list")))
    tools = [tool for tool in found if "type" in tool and ("name" in tool or "server_label" in tool)]
    return {"execution": "client", "status": "completed", "tools": tools}


def _approval(_call: Item, output: Output) -> Item:
    result = _result(output)
    verdict = str(result.get("approve", result.get("text", ""))).strip().lower()
    return {"approve": verdict in {"true", "yes", "approve", "approved"}}


CLIENT_CALLS: Mapping[str, ClientCall] = {
    "function_call": ClientCall(answer="function_call_output", to_input=lambda _: {}, to_answer=_same),
    "custom_tool_call": ClientCall(
        answer="custom_tool_call_output", to_input=lambda item: {"input": item.get("input", "")}, to_answer=_same
    ),
    "shell_call": ClientCall(
        answer="shell_call_output", tool="shell", to_input=lambda item: record(item.get("action")), to_answer=_shell
    ),
    "local_shell_call": ClientCall(
        answer="local_shell_call_output",
        tool="local_shell",
        to_input=lambda item: record(item.get("action")),
        to_answer=lambda _, output: {"output": _text(output)},
    ),
    "apply_patch_call": ClientCall(
        answer="apply_patch_call_output",
        tool="apply_patch",
        to_input=lambda item: record(item.get("operation")),
        to_answer=_apply_patch,
    ),
    "computer_call": ClientCall(
        answer="computer_call_output",
        tool="computer",
        to_input=lambda item: {
            key: item[key] for key in ("action", "actions", "pending_safety_checks") if item.get(key)
        },
        to_answer=_computer,
    ),
    "tool_search_call": ClientCall(
        answer="tool_search_output",
        tool="tool_search",
        to_input=lambda item: record(item.get("arguments")),
        to_answer=_tool_search,
    ),
    "mcp_approval_request": ClientCall(
        answer="mcp_approval_response",
        tool="mcp_approval",
        to_input=lambda item: {key: item.get(key) for key in ("server_label", "name", "arguments")},
        to_answer=_approval,
        id_key="id",
    ),
}

ANSWERS = frozenset(call.answer for call in CLIENT_CALLS.values())


def client_call(item: Item) -> ClientCall | None:
    """The row for an item that the client must answer; None for items that the service ran itself."""
    row = CLIENT_CALLS.get(str(item.get("type", "")))
    if row is None:
        return None
    if item["type"] == "tool_search_call" and item.get("execution") != "client":
        return None
    hosted_shell = item["type"] == "shell_call" and record(item.get("environment")).get("type") == "container_reference"
    return None if hosted_shell else row


def call_key(item: Item) -> str:
    """What a client call is answered by."""
    return str(item.get("call_id") or item.get("id"))


def answer_key(item: Item) -> str:
    """Which call an answering item answers."""
    return str(item.get("approval_request_id") or item.get("call_id") or item.get("id"))


def answer(call: Item, key: str, output: Output) -> Item:
    """The item that carries the result of a call."""
    row = CLIENT_CALLS[call["type"]]
    match row.answer:
        case "mcp_approval_response":
            reference = {"approval_request_id": key}
        case "local_shell_call_output":
            reference = {"id": key}
        case _:
            reference = {"call_id": key}
    return {"type": row.answer, **reference, **row.to_answer(call, output)}


def _text(output: Output) -> str:
    if isinstance(output, str):
        return output
    return "\n".join(str(part["text"]) for part in output if part["type"] == "input_text")


def _result(output: Output) -> dict[str, Any]:
    """A tool's result as fields: its JSON, a loop's `{"success", "output"}` wrapper taken off, or `{"text": …}`."""
    text = _text(output)
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return {"text": text}
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
