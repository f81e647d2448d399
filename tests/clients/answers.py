"""What the model says to every coding agent: it calls the shell of the agent once, and then reports the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from responses_emulator import Call, CustomCall, OutputPart, Say, Think, TurnContext

QUESTION = "Say hello with the shell."
SHELL_OUTPUT = "from-the-shell"
ANSWER = "The shell says hello."
TITLE = "A greeting"
_COMMAND = f"echo {SHELL_OUTPUT}"
# How each client offers its shell.
_CALLS = {
    "exec": CustomCall("exec", f'const r = await tools.exec_command({{cmd: "{_COMMAND}"}}); text(r.output);'),
    "exec_command": Call("exec_command", {"cmd": _COMMAND}),
    "bash": Call("bash", {"command": _COMMAND, "description": "Say hello"}),
}
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})


def answer(context: TurnContext) -> list[OutputPart]:
    """Return the output for a request of a coding agent."""
    if any(item.get("type") in _OUTPUTS for item in context.items):
        return [Say(ANSWER)]
    for name in _tool_names(context):
        if name in _CALLS:
            return [Think(["**Looking around**"], show_always=True), _CALLS[name]]
    return [Say(TITLE)]


def _tool_names(context: TurnContext) -> Iterator[str]:
    tools: list[dict[str, Any]] = list(context.body.get("tools") or ())
    for item in context.items:
        if item.get("type") == "additional_tools":
            tools += item["tools"]
    yield from _names(tools)


def _names(tools: list[dict[str, Any]]) -> Iterator[str]:
    for tool in tools:
        if tool["type"] == "namespace":
            yield from _names(tool["tools"])
        elif "name" in tool:
            yield str(tool["name"])
