"""Client calls that the output token limit cut off: no tool runs them, and the model learns of it.

A cut call stays in the history as an item of our own type. It is sent as a call without arguments, with a call output
that says what happened, so that the model writes less at once instead of the same again. Knows one response at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..wire.client_calls import call_output, find_client_call, read_call_key
from ..wire.json_values import as_object, loads_object_or_none
from ..wire.types import Item, Response
from .output_items import copy_without, read_incomplete_reason

CUT_CALL_TYPE = "cut_call"
"""The type of the item that stands for a cut call. No service has it."""

# The field with what the model wrote, and what is sent in its place. Calls of other types are an action of many fields,
# which no service takes without its required ones.
_WRITTEN_FIELDS = {"function_call": ("arguments", "{}"), "custom_tool_call": ("input", "")}


def replace_cut_calls(response: Response, *, is_at_limit: bool = False) -> list[Item]:
    """Return the items of a response, with an item of our own in place of each client call that was cut off.

    Args:
        response: the response of the service.
        is_at_limit: whether it has as many output tokens as the request allowed; false by default. Some servers call
            such a response completed, so that only the arguments of its calls show the cut.
    """
    is_incomplete = response.get("status") == "incomplete"
    if not is_incomplete and not is_at_limit:
        return response["output"]
    reason = "max_output_tokens" if is_at_limit else read_incomplete_reason(response)
    is_cut = _is_cut_call if is_incomplete else _has_broken_arguments
    return [_replace_call(item, reason) if is_cut(item) else item for item in response["output"]]


def find_cut_calls(items: Sequence[Item]) -> list[Item]:
    """Return the items that stand for cut calls."""
    return [item for item in items if item.get("type") == CUT_CALL_TYPE]


def encode_cut_call(item: Item) -> list[Item]:
    """Return the call and the call output that tell the model of a cut call. Empty if its type cannot be sent so."""
    call = as_object(item.get("call"))
    if call.get("type") not in _WRITTEN_FIELDS:
        return []
    field, substitute = _WRITTEN_FIELDS[call["type"]]
    call = {**call, field: substitute}
    return [call, call_output(call, read_call_key(call), _describe_cut(item))]


def _describe_cut(item: Item) -> str:
    if item.get("reason") != "max_output_tokens":
        return "[not run: the response ended before the call was complete]"
    return (
        f"[not run: the call was cut off at the output token limit, {item.get('characters')} characters after its "
        "beginning. Do not write the same again: use less text at once, for example in several calls]"
    )


def _is_cut_call(item: Item) -> bool:
    if find_client_call(item) is None:
        return False
    if item.get("status") == "incomplete":
        return True
    return _has_broken_arguments(item) or (item["type"] == "function_call" and not item.get("arguments"))


def _has_broken_arguments(item: Item) -> bool:
    """Return whether an item is a function call whose arguments began and are not a JSON object."""
    arguments = item.get("arguments") if item.get("type") == "function_call" else None
    return bool(arguments) and loads_object_or_none(str(arguments)) is None


def _replace_call(item: Item, reason: str) -> Item:
    field, _ = _WRITTEN_FIELDS.get(item["type"], ("", ""))
    written = str(item.get(field) or "")
    call_id = read_call_key(item) or str(item.get("id") or "")
    call = copy_without(item, "id", "status", "arguments", "input", "action", "actions", "operation")
    return {
        "type": CUT_CALL_TYPE,
        "call": {**call, "call_id": call_id},
        "characters": len(written),
        "reason": reason,
    }
