"""Which output item belongs to which call item, and which items a model makes."""

from __future__ import annotations

from typing import Any

from responses_emulator.contract.input_items import item_type

Item = dict[str, Any]
# call type -> (output type, the service's name for the call)
CALL_TYPES = {
    "function_call": ("function_call_output", "function call"),
    "custom_tool_call": ("custom_tool_call_output", "custom tool call"),
    "computer_call": ("computer_call_output", "computer call"),
    "local_shell_call": ("local_shell_call_output", "local shell call"),
    "shell_call": ("shell_call_output", "shell call"),
    "apply_patch_call": ("apply_patch_call_output", "apply patch call"),
    "tool_search_call": ("tool_search_output", "tool search call"),
}
OUTPUT_TYPES = {output: (call, name) for call, (output, name) in CALL_TYPES.items()}


def is_model_output(item: Item) -> bool:
    """Return whether the model made this item."""
    kind = item_type(item)
    if kind == "message":
        return item.get("role") == "assistant"
    return kind not in OUTPUT_TYPES and kind not in {
        "item_reference",
        "mcp_approval_response",
        "configuration_update",
        "additional_tools",
        "compaction_trigger",
    }
