"""Calls that were cut off are run by nobody, and the model learns of them."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core.message_models import Message, TextBlock
from openai_responses_common.translate.cut_calls import CUT_CALL_TYPE, encode_cut_call, replace_cut_calls
from openai_responses_common.translate.decode import decode_response
from openai_responses_common.translate.repair import repair_calls

from tests.support.builders import encode

Item = dict[str, Any]
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I write."}]}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "secret"}


def call(arguments: Any, **fields: Any) -> Item:
    return {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "write", "arguments": arguments, **fields}


def cut(*items: Item, reason: str = "max_output_tokens") -> Item:
    return {"status": "incomplete", "incomplete_details": {"reason": reason}, "output": list(items)}


@pytest.mark.parametrize(("arguments", "is_cut"), [('{"a', True), ('{"a": 1}', False), ("", False)])
def test_a_server_that_calls_a_cut_response_completed_shows_it_by_half_arguments(arguments: str, is_cut: bool) -> None:
    complete = {"status": "completed", "output": [MESSAGE, call(arguments)]}
    items = replace_cut_calls(complete, is_at_limit=True)
    assert [item["type"] == CUT_CALL_TYPE for item in items] == [False, is_cut]
    if is_cut:
        assert "output token limit" in encode_cut_call(items[1])[1]["output"]


CUSTOM = {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "sel"}
SHELL = {"type": "shell_call", "call_id": "c", "action": {"commands": ["l"]}}


@pytest.mark.parametrize(
    ("item", "is_cut"),
    [
        (call('{"a'), True),
        (call(""), True),
        (call("[1]"), True),
        (call({"a": 1}), True),
        (call("{}", status="incomplete"), True),
        (call("{}", status="completed"), False),
        (call('{"a":1}'), False),
        ({**CUSTOM, "status": "incomplete"}, True),
        (CUSTOM, False),
        ({**SHELL, "status": "incomplete"}, True),
        (SHELL, False),
        ({**MESSAGE, "status": "incomplete"}, False),
        (REASONING, False),
        ({"type": "web_search_call", "id": "ws_1", "status": "incomplete"}, False),
    ],
)
def test_a_call_is_cut_if_an_incomplete_response_does_not_hold_all_of_it(item: Item, is_cut: bool) -> None:
    assert (replace_cut_calls(cut(MESSAGE, item))[1]["type"] == CUT_CALL_TYPE) is is_cut
    whole = {"status": "completed", "output": [MESSAGE, item]}
    assert replace_cut_calls(whole) == [MESSAGE, item], "only if the response was cut off"


@pytest.mark.parametrize(
    ("item", "field", "value", "characters"),
    [
        (call('{"path": "a.txt", "text": "' + "x" * 5000, namespace="files"), "arguments", "{}", 5027),
        ({**CUSTOM, "status": "incomplete"}, "input", "", 3),
    ],
)
def test_the_model_reads_a_call_without_arguments_and_what_became_of_it(
    item: Item, field: str, value: str, characters: int
) -> None:
    replaced = replace_cut_calls(cut(item))
    sent_call, output = encode_cut_call(replaced[0])
    kept = {key: item[key] for key in ("type", "call_id", "name", "namespace") if key in item}
    assert sent_call == {**kept, field: value}
    assert (output["type"], output["call_id"]) == (f"{item['type']}_output", "c")
    assert f"{characters} characters" in output["output"]
    assert repair_calls([sent_call, output]) == ([sent_call, output], [])


def test_only_the_limit_of_output_tokens_asks_for_less_text() -> None:
    limited, filtered = (
        encode_cut_call(replace_cut_calls(cut(call("{"), reason=reason))[0])[1]["output"]
        for reason in ("max_output_tokens", "content_filter")
    )
    assert "less text" in limited
    assert "less text" not in filtered


def test_a_cut_call_of_a_type_that_cannot_be_sent_is_reported() -> None:
    answer = decode_response(
        [{**cut(), "output": replace_cut_calls(cut(MESSAGE, {**SHELL, "status": "incomplete"}))}],
        origin="here",
        usage=None,
    )
    encoded = encode(Message(role="assistant", content=answer.content))
    assert [item["type"] for item in encoded.items] == ["message"]
    assert encoded.dropped_content == ["shell_call that was cut off"]


@pytest.mark.parametrize("origin", ["here", "elsewhere"])
def test_a_host_runs_no_cut_call_and_sends_it_back_to_every_service(origin: str) -> None:
    usable = {**cut(), "output": replace_cut_calls(cut(MESSAGE, call('{"a')))}
    answer = decode_response([usable], origin="here", usage=None)
    assert (answer.tool_calls, answer.finish_reason) == (None, "length")
    assert [block.type for block in answer.content] == ["text", "reasoning"]
    stored = Message.model_validate(Message(role="assistant", content=answer.content).model_dump())
    assert [item["type"] for item in encode(stored, origin=origin).items] == [
        "message",
        "function_call",
        "function_call_output",
    ]


def test_a_notice_says_which_call_was_cut_off() -> None:
    usable = {**cut(), "output": replace_cut_calls(cut(REASONING, call('{"a')))}
    answer = decode_response([usable], origin="here", usage=None)
    notice = answer.content[-1]
    assert isinstance(notice, TextBlock)
    assert "call of write" in notice.text
    assert "reasoning" not in notice.text.replace("reasoning_effort", "")
