"""What a request adds to the response that the service remembers, however the host has stored the messages."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core.message_models import Message
from openai_responses_common.translate.decode import decode_response
from openai_responses_common.translate.messages import encode_messages
from openai_responses_common.wire.last_response import LastResponse, is_replay
from openai_responses_common.wire.request_body import RequestBody, SharedItem

from tests.support.round_trip import STORAGE_MODES, stored

Item = dict[str, Any]

QUESTION: Item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
NEXT: Item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "and now?"}]}
REASONING: Item = {
    "type": "reasoning",
    "id": "rs_1",
    "status": "completed",
    "summary": [{"type": "summary_text", "text": "plan"}],
    "encrypted_content": "c1",
}
CALL: Item = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "f",
    "arguments": '{"a": 1}',
    "status": "completed",
}
RESULT: Item = {"type": "function_call_output", "call_id": "call_1", "output": "ok"}


def text(value: str, **more: Any) -> Item:
    content = [{"type": "output_text", "text": value, "annotations": [], "logprobs": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content, **more}


def new_items(items: list[Item], *output: Item, **fields: Any) -> list[Item] | None:
    last = LastResponse(id="resp_1", body=RequestBody({"model": "m"}, [QUESTION]), output=list(output))
    return last.list_new_items(RequestBody({"model": "m", **fields}, items))


OUTPUTS = {
    "text": [text("hello")],
    "text of a phase": [text("hello", phase="final_answer")],
    "reasoning and a call": [REASONING, CALL],
    "reasoning without ciphertext": [{"type": "reasoning", "id": "rs_1", "summary": []}, text("hello")],
    "two texts and a refusal": [
        {**text("a"), "content": [*text("a")["content"], *text("b")["content"], {"type": "refusal", "refusal": "no"}]}
    ],
    "blank texts": [text(""), {**text("a"), "content": [*text("")["content"], *text("a")["content"]]}, text("\n")],
    "annotations": [
        {**text("a"), "content": [{"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}]}]}
    ],
    "a hosted tool": [REASONING, {"type": "web_search_call", "id": "ws_1", "status": "completed"}, text("a")],
}


@pytest.mark.parametrize("mode", STORAGE_MODES)
@pytest.mark.parametrize("with_ids", [True, False])
@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_what_a_host_stores_of_a_response_goes_on_from_it(output: list[Item], mode: str, with_ids: bool) -> None:
    response = decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
    tool = [Message(role="tool", tool_call_id="call_1", content="ok")] if CALL in output else []
    messages = [stored(response.content, mode), *tool, Message(role="user", content="and now?")]
    items = encode_messages(messages, origin="here", replay_reasoning_ids=with_ids).items
    new = new_items([QUESTION, *items], *output)
    assert new == [*([RESULT] if tool else []), NEXT]


@pytest.mark.parametrize(
    "items",
    [
        [QUESTION],
        [QUESTION, text("hello")],
        [{**QUESTION, "role": "developer"}, text("hello"), NEXT],
        [QUESTION, NEXT],
        [QUESTION, text("hallo"), NEXT],
        [QUESTION, text("hello", id="msg_2"), NEXT],
        [QUESTION, text("hello", phase="commentary"), NEXT],
        [QUESTION, {**text("hello"), "content": []}, NEXT],
        [QUESTION, {**text("hello"), "content": "hello"}, NEXT],
        [QUESTION, {**text("hello"), "content": [*text("hello")["content"], *text("!")["content"]]}, NEXT],
        [NEXT, text("hello")],
    ],
)
def test_other_items_do_not_go_on(items: list[Item]) -> None:
    assert new_items(items, text("hello")) is None


def test_other_fields_do_not_go_on() -> None:
    items = [QUESTION, text("hello"), NEXT]
    assert new_items(items, text("hello")) == [NEXT]
    assert new_items(items, text("hello"), model="n") is None
    assert new_items(items, text("hello"), tools=[]) is None


def test_call_with_other_arguments_or_without_reasoning_does_not_go_on() -> None:
    assert new_items([QUESTION, REASONING, CALL, RESULT], REASONING, CALL) == [RESULT]
    assert new_items([QUESTION, REASONING, {**CALL, "arguments": '{"a":1}'}, RESULT], REASONING, CALL) is None
    assert new_items([QUESTION, CALL, RESULT], REASONING, CALL) is None
    assert new_items([QUESTION, {**REASONING, "encrypted_content": None}, CALL, RESULT], REASONING, CALL) is None


def test_items_that_are_shared_are_items() -> None:
    assert new_items([SharedItem(QUESTION), SharedItem(text("hello")), SharedItem(NEXT)], text("hello")) == [NEXT]


def test_state_and_id_may_be_left_out() -> None:
    assert is_replay({"type": "x", "a": [1]}, {"type": "x", "a": [1], "id": "1", "status": "completed", "b": None})
    assert is_replay({"type": "x", "status": "incomplete"}, {"type": "x", "status": "completed"})
    assert not is_replay({"type": "x", "a": [1]}, {"type": "x", "a": [1, 2]})
    assert not is_replay({"type": "x", "a": 1}, {"type": "x"})


def test_odd_content_of_a_server_breaks_nothing() -> None:
    odd: Item = {"type": "message", "content": ["text", None, {"type": "output_image"}, {"text": None}]}
    assert is_replay(odd, odd)
    assert new_items([QUESTION, odd, NEXT], odd) == [NEXT]
    assert new_items([QUESTION, NEXT], {"type": "message", "content": None}) is None
