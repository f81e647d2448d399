"""Rows: calls of tools that nobody can run, or only half of one."""

from __future__ import annotations

from typing import Any

from responses_emulator import Call, CustomCall, ResponseFailed, ResponseIncomplete, Say, Turn

from tests.generated.faults.fault import CALL, Group, answer, event, final, passing, response, row, stream
from tests.support.session import tool

_TOOLS: dict[str, Any] = {"request_fields": {"tools": [tool("look", "at"), tool("list"), tool("run", type="custom")]}}
_ONE = "request start end response"
_TAKEN_BACK = "request start end aborted response"


def _spoiled(arguments: str):
    """A call with these arguments, which was paid for."""
    return final("InvalidToolCallError", events=_TAKEN_BACK, paid=1, says="look"), Call("look", arguments)


def _arguments(name: str, arguments: str):
    outcome, call = _spoiled(arguments)
    return row(name, call, then=outcome, **_TOOLS)


def _raw_call(**fields: Any):
    """A call as it stands, in a response that is complete."""
    item = {**CALL, **fields}
    done = event("response.output_item.done", output_index=0, item=item)
    return stream(done, event("response.completed", response=response("completed", item)))


_CALLS = (
    _arguments("half an object", '{"at": "Os'),
    _arguments("words", "at Oslo"),
    _arguments("a list", '["Oslo"]'),
    _arguments("a string", '"Oslo"'),
    _arguments("a number", "7"),
    _arguments("`null`", "null"),
    _arguments("two objects", '{"at": "x"}{"at": "y"}'),
    _arguments("an object, and more behind it", '{"at": "x"} and so on'),
    _arguments("lists 100,000 deep", "[" * 100_000),
    row(
        "an object as it stands, no text of one",
        _raw_call(arguments={"at": "x"}),
        then=answer("", events=_ONE, finish="tool_calls", calls=({"at": "x"},)),
        **_TOOLS,
    ),
    row(
        "no arguments at all, which is an empty object",
        Call("list", ""),
        then=answer("", events=_ONE, finish="tool_calls", calls=({},)),
        **_TOOLS,
    ),
    row(
        "arguments that are null",
        _raw_call(name="list", arguments=None),
        then=answer("", events=_ONE, finish="tool_calls", calls=({},)),
        **_TOOLS,
    ),
    row(
        "no arguments at all, though the tool requires some",
        Call("look", ""),
        then=final("InvalidToolCallError", events=_TAKEN_BACK, paid=1, says="look"),
        **_TOOLS,
    ),
    row(
        "a call without a name",
        _raw_call(name=None),
        then=answer("", events=_ONE, finish="tool_calls", calls=({"at": "x"},)),
        **_TOOLS,
    ),
    row(
        "a call without an id to answer to",
        _raw_call(call_id=None),
        then=answer("", events=_ONE, finish="tool_calls", calls=({"at": "x"},)),
        **_TOOLS,
    ),
    row(
        "a call whose arguments are a list",
        _raw_call(arguments=["x"]),
        then=final("InvalidToolCallError", events=_TAKEN_BACK, paid=1),
        **_TOOLS,
    ),
    row(
        "a call beside one that cannot be read: neither is run",
        Turn(Call("look", {"at": "x"}), Call("look", '{"at"')),
        then=final("InvalidToolCallError", events="request start end start end aborted response", paid=1),
        **_TOOLS,
    ),
    row(
        "arguments that nobody finished, in a response that failed",
        Turn(Call("look", '{"at": "x'), ResponseFailed(after_events=5)),
        then=passing("ProviderUnavailableError", events="request start aborted retry start aborted response"),
        **_TOOLS,
    ),
    row(
        "cut off by the output limit: not run, which the model reads",
        Turn(Say("I look."), Call("look", {"at": "the whole wide world"}), ResponseIncomplete()),
        Call("look", {"at": "x"}),
        then=answer(
            "I look.",
            events="request start delta end start end aborted continuation start delta end start end response",
            requests=2,
            paid=2,
            finish="tool_calls",
            calls=({"at": "x"},),
        ),
        **_TOOLS,
    ),
    row(
        "cut off by the output limit, though what came is an object",
        Turn(Call("look", '{"at": "x"}'), ResponseIncomplete(characters=11)),
        Say("never mind"),
        then=answer(
            "never mind", events="request start end aborted continuation start delta end response", requests=2, paid=2
        ),
        **_TOOLS,
    ),
    row(
        "cut off, marked complete",
        Turn(Call("look", '{"at": "x'), ResponseIncomplete(characters=99)),
        Say("never mind"),
        then=answer(
            "never mind", events="request start end aborted continuation start delta end response", requests=2, paid=2
        ),
        **_TOOLS,
    ),
    row(
        "half the input of a custom tool",
        Turn(Say("I run.", phase=None), CustomCall("run", "rm -r build/tmp"), ResponseIncomplete()),
        Say("no", phase=None),
        then=answer(
            "I run.\n\nno",
            events="request start delta end start end aborted continuation start delta end start delta end response",
            requests=2,
            paid=2,
        ),
        **_TOOLS,
    ),
    row(
        "finished, before the cut",
        Turn(Call("look", {"at": "x"}), Say("and then I will tell"), ResponseIncomplete(characters=8)),
        then=answer(
            "and then", events="request start end start delta end response", finish="tool_calls", calls=({"at": "x"},)
        ),
        **_TOOLS,
    ),
    row(
        "stopped by the content filter in mid-arguments",
        Turn(Call("look", {"at": "the whole wide world"}), ResponseIncomplete("content_filter")),
        then=answer(
            "(The service's content filter withheld the answer.)",
            events="request start end aborted start delta end response",
            finish="content_filter",
        ),
        **_TOOLS,
    ),
)
GROUPS = (Group(title="A tool is called", about="the call or its arguments are", rows=_CALLS),)
