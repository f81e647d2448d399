"""Calls that the client answers: what the loop is asked to run, and the item that carries the result back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.translate.repair import MISSING_RESULT
from openai_responses_common.wire.client_calls import (
    CLIENT_CALLS,
    OUTPUT_TYPES,
    call_output,
    find_client_call,
    read_call_key,
    read_output_key,
)

Item = dict[str, Any]

CALLS: dict[str, Item] = {
    "function_call": {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "bash", "arguments": "{}"},
    "custom_tool_call": {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "sql", "input": "select"},
    "shell_call": {"type": "shell_call", "id": "sh_1", "call_id": "c1", "action": {"commands": ["ls"]}},
    "local_shell_call": {"type": "local_shell_call", "id": "lsh_1", "call_id": "c1", "action": {"command": ["ls"]}},
    "apply_patch_call": {
        "type": "apply_patch_call",
        "id": "apc_1",
        "call_id": "c1",
        "operation": {"type": "delete_file", "path": "a"},
    },
    "computer_call": {
        "type": "computer_call",
        "id": "cu_1",
        "call_id": "c1",
        "action": {"type": "click"},
        "actions": None,
        "pending_safety_checks": [{"id": "s"}],
    },
    "tool_search_call": {
        "type": "tool_search_call",
        "id": "tsc_1",
        "call_id": "c1",
        "execution": "client",
        "arguments": {"query": "mail"},
    },
    "mcp_approval_request": {
        "type": "mcp_approval_request",
        "id": "mcpr_1",
        "server_label": "files",
        "name": "rm",
        "arguments": "{}",
    },
}
INPUTS: dict[str, Any] = {
    "function_call": {},
    "custom_tool_call": {"input": "select"},
    "shell_call": {"commands": ["ls"]},
    "local_shell_call": {"command": ["ls"]},
    "apply_patch_call": {"type": "delete_file", "path": "a"},
    "computer_call": {"action": {"type": "click"}, "pending_safety_checks": [{"id": "s"}]},
    "tool_search_call": {"query": "mail"},
    "mcp_approval_request": {"server_label": "files", "name": "rm", "arguments": "{}"},
}


def answered(kind: str, output: Any) -> Item:
    return call_output(CALLS[kind], read_call_key(CALLS[kind]), output)


def wrapped(output: Any, *, success: bool = True, error: Any = None) -> str:
    """As a streaming loop dumps every result."""
    return json.dumps({"error": error, "output": output, "success": success})


def test_every_kind_is_tested() -> None:
    assert set(CALLS) == set(CLIENT_CALLS)


@pytest.mark.parametrize("kind", CALLS)
def test_every_kind_of_call_is_paired_with_its_answer(kind: str) -> None:
    item = answered(kind, "ok")
    assert item["type"] in OUTPUT_TYPES
    assert read_output_key(item) == read_call_key(CALLS[kind])
    assert find_client_call(CALLS[kind]) is CLIENT_CALLS[kind]
    assert find_client_call(item) is None


@pytest.mark.parametrize("kind", CALLS)
def test_the_loop_sees_what_the_tool_needs(kind: str) -> None:
    assert CLIENT_CALLS[kind].read_input(CALLS[kind]) == INPUTS[kind]


@pytest.mark.parametrize("kind", ["shell_call", "local_shell_call", "apply_patch_call", "tool_search_call"])
def test_a_call_without_its_object_asks_for_nothing(kind: str) -> None:
    assert CLIENT_CALLS[kind].read_input({"type": kind}) == {}


def test_an_answer_refers_to_its_call_in_the_way_of_its_kind() -> None:
    assert answered("function_call", "ok") == {"type": "function_call_output", "call_id": "c1", "output": "ok"}
    assert answered("custom_tool_call", "ok") == {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"}
    assert answered("local_shell_call", "ok") == {"type": "local_shell_call_output", "call_id": "c1", "output": "ok"}
    assert answered("mcp_approval_request", "yes") == {
        "type": "mcp_approval_response",
        "approval_request_id": "mcpr_1",
        "approve": True,
    }


def test_parts_go_back_as_parts() -> None:
    parts = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://x.example/a.png"}]
    assert answered("function_call", parts)["output"] is parts
    assert answered("local_shell_call", parts)["output"] == "a", "this kind takes text only"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "tool_search_call", "execution": "server", "call_id": None},
        {"type": "tool_search_call"},
        {"type": "shell_call", "call_id": "c", "environment": {"type": "container_reference", "container_id": "x"}},
        {"type": "web_search_call", "id": "ws"},
        {"type": "mcp_call", "id": "mcp"},
        {"type": "function_call_output", "call_id": "c"},
        {"type": "message"},
        {"role": "user"},
        {},
    ],
)
def test_what_the_service_ran_itself_is_not_for_the_client(item: Item) -> None:
    assert find_client_call(item) is None


@pytest.mark.parametrize("environment", [None, {}, {"type": "local"}])
def test_a_shell_call_in_the_local_environment_is_for_the_client(environment: Any) -> None:
    assert find_client_call({**CALLS["shell_call"], "environment": environment}) is not None


def test_a_call_without_a_call_id_is_known_by_its_id() -> None:
    assert read_call_key({"type": "function_call", "id": "fc_1", "call_id": None}) == "fc_1"


@pytest.mark.parametrize(
    ("output", "stdout", "stderr", "exit_code"),
    [
        ("plain", "plain", "", 0),
        ("", "", "", 0),
        ("[1, 2]", "[1, 2]", "", 0),
        ("7", "7", "", 0),
        ('{"stdout": "a", "stderr": "b", "exit_code": 2}', "a", "b", 2),
        ('{"stdout": "a", "returncode": -9}', "a", "", -9),
        ('{"stdout": null, "stderr": null, "exit_code": null}', "", "", 1),
        ('{"stdout": "", "exit_code": "killed"}', "", "", 1),
        ('{"stdout": "a", "exit_code": "0"}', "a", "", 0),
        ('{"stdout": "a", "exit_code": "--1"}', "a", "", 1),
        ('{"stdout": "a", "exit_code": true}', "a", "", 1),
        ('{"stdout": "a", "exit_code": ' + "9" * 4300 + "}", "a", "", int("9" * 20)),
        ("[" * 100_000, "[" * 100_000, "", 0),
        (wrapped({"stdout": "a", "stderr": "", "returncode": 1}), "a", "", 1),
        (wrapped("text"), "text", "", 0),
        (wrapped("text", success=False), "text", "", 1),
        (wrapped(None, success=False, error={"message": "denied"}), None, "", 1),
    ],
)
def test_shell_results_of_every_shape(output: str, stdout: str | None, stderr: str, exit_code: int) -> None:
    item = answered("shell_call", output)
    [chunk] = item["output"]
    assert set(item) == {"type", "call_id", "output"}
    assert chunk["outcome"] == {"type": "exit", "exit_code": exit_code}
    assert chunk["stderr"] == stderr
    assert stdout is None or chunk["stdout"] == stdout


def test_a_failed_shell_call_says_why() -> None:
    item = answered("shell_call", wrapped(None, success=False, error={"message": "Denied by hook"}))
    assert "Denied by hook" in json.dumps(item["output"])


def test_the_limit_of_a_shell_call_goes_back_with_its_output() -> None:
    call = {**CALLS["shell_call"], "action": {"commands": ["ls"], "max_output_length": 100}}
    assert call_output(call, "c1", "ok")["max_output_length"] == 100


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ("M a.py", "completed"),
        ("Error: no such file", "failed"),
        (wrapped("done"), "completed"),
        (wrapped("no", success=False), "failed"),
        (wrapped({"files": 1}), "completed"),
        (wrapped({"files": 1}, success=False), "failed"),
        ('{"success": false}', "failed"),
    ],
)
def test_a_patch_is_reported_as_done_or_failed(output: str, status: str) -> None:
    item = answered("apply_patch_call", output)
    assert item == {"type": "apply_patch_call_output", "call_id": "c1", "status": status, "output": output}


def test_a_computer_call_is_answered_by_its_last_picture() -> None:
    parts = [
        {"type": "input_image", "image_url": "data:image/png;base64,old"},
        {"type": "input_text", "text": "clicked"},
        {"type": "input_image", "file_id": "file-1", "detail": "high"},
    ]
    assert answered("computer_call", parts)["output"] == {"type": "computer_screenshot", "file_id": "file-1"}


@pytest.mark.parametrize("output", ["boom", "", MISSING_RESULT, [{"type": "input_text", "text": "x"}]])
def test_a_computer_call_is_always_answered_by_a_picture(output: Any) -> None:
    shown = answered("computer_call", output)["output"]
    assert shown["type"] == "computer_screenshot"
    assert shown["image_url"].startswith(("data:image/", "https://"))


FOUND = [{"type": "function", "name": "send_mail"}]


@pytest.mark.parametrize(
    "output",
    [json.dumps(FOUND), json.dumps({"tools": FOUND}), wrapped(FOUND), wrapped({"tools": FOUND})],
)
def test_found_tools_come_from_every_shape_of_result(output: str) -> None:
    assert answered("tool_search_call", output) == {
        "type": "tool_search_output",
        "call_id": "c1",
        "execution": "client",
        "status": "completed",
        "tools": FOUND,
    }


@pytest.mark.parametrize(
    "output",
    [
        "nothing found",
        "{}",
        "[]",
        wrapped(None),
        MISSING_RESULT,
        "7",
        '["mail"]',
        '[{"type": "text", "text": "mail"}]',
        '[{"name": "mail"}]',
    ],
)
def test_a_search_that_found_nothing_lists_nothing(output: str) -> None:
    assert answered("tool_search_call", output)["tools"] == []


@pytest.mark.parametrize(
    ("output", "approve"),
    [
        ("yes", True),
        (" Approved ", True),
        ("true", True),
        ("no", False),
        ("", False),
        (MISSING_RESULT, False),
        ('{"approve": true}', True),
        ('{"approve": false}', False),
        ("[true]", False),
        (wrapped({"approve": True}), True),
        (wrapped("approve"), True),
        (wrapped("deny"), False),
        (wrapped(True), True),
    ],
)
def test_only_a_clear_yes_approves(output: str, approve: bool) -> None:
    assert answered("mcp_approval_request", output)["approve"] is approve


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["success", "output", "error", "stdout", "stderr", "exit_code", "tools", "approve", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(st.sampled_from(sorted(CALLS)), st.text() | JSON.map(json.dumps))
def test_no_result_breaks_an_answer(kind: str, output: str) -> None:
    item = answered(kind, output)
    assert item["type"] == CLIENT_CALLS[kind].output_type
    json.dumps(item)
