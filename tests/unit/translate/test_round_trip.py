"""There and back: a response is sent again as the items that it had, and each request extends the one before.

The fuzz tests try the same with generated histories.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from amplifier_core.message_models import ChatRequest, Message
from openai_responses_common.facts.amendments import Amendments
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.facts.model_traits import find_traits
from openai_responses_common.options.options import Options
from openai_responses_common.translate.decode import decode_response
from openai_responses_common.translate.encode import encode_request
from openai_responses_common.translate.messages import encode_messages
from openai_responses_common.wire.json_values import dump_body, dumps

from tests.support.round_trip import STORAGE_MODES, expected, replayed, stored, without_nulls

Item = dict[str, Any]

CITATION = {"type": "url_citation", "url": "https://x.example", "title": "X", "start_index": 0, "end_index": 1}
OUTPUT: list[Item] = [
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": ""}],
        "encrypted_content": "sealed-1",
        "status": None,
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": None, "sources": []}},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "phase": "commentary",
        "content": [
            {"type": "output_text", "text": "a \u2028\U0001f600", "annotations": [CITATION]},
            {"type": "output_text", "text": "", "annotations": []},
            {"type": "refusal", "refusal": "no"},
        ],
    },
    {"type": "message", "id": "msg_2", "role": "assistant", "status": "completed", "phase": None, "content": []},
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": "read",
        "arguments": '{"a": 1.0, "b": [null]}',
    },
    {"type": "function_call", "id": "fc_2", "call_id": "call_2", "name": "b", "arguments": "{}", "namespace": "crm"},
    {"type": "custom_tool_call", "id": "ctc_1", "call_id": "cu", "name": "sql", "input": "", "status": "completed"},
    {"type": "shell_call", "id": "sh_1", "call_id": "sh", "action": {"commands": ["ls"], "timeout_ms": None}},
    {"type": "tool_search_call", "id": "tsc_1", "call_id": "ts", "execution": "client", "arguments": {"q": "x"}},
    {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "n", "arguments": "{}"},
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "AAAA", "size": None},
    {"type": "compaction_of_tomorrow", "id": "ct_1", "results": [1, None]},
    {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "sealed-2"},
]


@pytest.mark.parametrize("mode", STORAGE_MODES)
def test_response_comes_back_as_the_items_that_it_had(mode: str) -> None:
    before = json.dumps(OUTPUT)
    items = replayed(OUTPUT, mode)
    assert json.dumps(OUTPUT) == before
    assert without_nulls(items) == without_nulls(expected(OUTPUT))
    arguments = [item["arguments"] for item in OUTPUT if item["type"] == "function_call"]
    assert [item["arguments"] for item in items if item["type"] == "function_call"] == arguments, "byte for byte"


def test_storage_does_not_change_a_byte() -> None:
    assert len({dumps(replayed(without_nulls(OUTPUT), mode)) for mode in STORAGE_MODES}) == 1


@pytest.mark.parametrize("mode", STORAGE_MODES)
def test_ciphertext_and_ids_stay_with_their_origin(mode: str) -> None:
    items = replayed(OUTPUT, mode, origin="there")
    assert "sealed-" not in dumps(items)
    assert [item["type"] for item in items if "id" in item] == ["mcp_approval_request"]
    parts = [part for item in expected(OUTPUT) if item["type"] == "message" for part in item["content"]]
    plain = [
        {"type": "output_text", "text": part.get("text", part.get("refusal")), "annotations": []} for part in parts
    ]
    assert [part for item in items if item["type"] == "message" for part in item["content"]] == plain


@pytest.mark.parametrize("mode", STORAGE_MODES)
@pytest.mark.parametrize("arguments", ['{"a":null}', '{"a":{"b":null}}', '{"a":[1,null]}', '{"null":1}'])
def test_nulls_in_arguments_stay(mode: str, arguments: str) -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n", "arguments": arguments}
    assert replayed([call], mode) == [call]


def test_the_argument_string_is_kept_only_where_dumping_would_differ() -> None:
    """It would double every call in the transcript."""
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n"}
    for arguments, kept in (('{"a":1}', False), ('{"a": 1}', True), ('{"a":1.50}', True)):
        output = [{**call, "arguments": arguments}]
        answer = decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
        [block] = answer.content
        assert ("arguments" in (block.model_extra or {})["openai"]["item"]) is kept


@pytest.mark.parametrize("mode", STORAGE_MODES)
def test_each_request_begins_with_the_one_before(mode: str) -> None:
    """Prompt caches depend on it: the bytes of a request are a prefix of those of the next one."""
    responses = [
        decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
        for output in (OUTPUT[:5], [OUTPUT[0] | {"id": "rs_3"}, OUTPUT[2] | {"id": "msg_3"}])
    ]
    history = [Message(role="system", content="be kind"), Message(role="user", content="hi")]
    bodies = [encode_body(history)]
    history += [stored(responses[0].content, mode), Message(role="tool", tool_call_id="call_1", content="done")]
    bodies.append(encode_body(history))
    history += [stored(responses[1].content, mode), Message(role="developer", content="by the way")]
    bodies.append(encode_body([*history, Message(role="user", content="go on")]))
    for before, after in pairwise(bodies):
        assert after.startswith(before.removesuffix(b"]}") + b",")


def encode_body(history: list[Message]) -> bytes:
    encoded = encode_request(
        ChatRequest(messages=history),
        Options(model="gpt-6-sol", prompt_cache_key="k"),
        profile=BackendProfile(name="p", display_name="P"),
        traits=find_traits("gpt-6-sol"),
        amendments=Amendments(),
        origin="here",
    )
    assert encoded.repairs == []
    return dump_body(encoded.body)


def test_a_call_is_answered_in_the_next_request_and_everything_before_stays() -> None:
    output: list[Item] = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed", "status": None},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "phase": "commentary",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Let me look.", "annotations": [], "logprobs": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "read", "arguments": '{"path": "a"}'},
        {"type": "function_call", "id": "fc_2", "call_id": "b", "name": "read", "arguments": '{"path": "b"}'},
    ]
    answer = decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
    history = [
        Message(role="user", content="Compare a and b."),
        stored(answer.content, "without nulls"),
        Message(role="tool", tool_call_id="b", content="B"),
        Message(role="tool", tool_call_id="a", content="A"),
    ]
    assert encode_messages(history, origin="here").items == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Compare a and b."}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "Let me look.", "annotations": []}],
        },
        {"type": "function_call", "call_id": "a", "name": "read", "arguments": '{"path": "a"}', "id": "fc_1"},
        {"type": "function_call", "call_id": "b", "name": "read", "arguments": '{"path": "b"}', "id": "fc_2"},
        {"type": "function_call_output", "call_id": "b", "output": "B"},
        {"type": "function_call_output", "call_id": "a", "output": "A"},
    ]
