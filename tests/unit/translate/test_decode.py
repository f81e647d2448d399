"""A response to a `ChatResponse`: blocks, calls, why it ended, and nothing lost that was paid for."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from amplifier_core.content_models import TextContent, ThinkingContent, ToolCallContent
from amplifier_core.llm_errors import InvalidToolCallError
from amplifier_core.message_models import (
    ChatResponse,
    ImageBlock,
    Message,
    ReasoningBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    Usage,
)
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.translate.decode import (
    DecodedResponse,
    decode_response,
)
from openai_responses_common.translate.messages import encode_messages
from openai_responses_common.translate.replay_state import read_replay_state

Item = dict[str, Any]


def response(*items: Item, status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "model": "m-1", "status": status, "output": list(items), **more}


def cut(*items: Item, reason: str = "max_output_tokens") -> dict[str, Any]:
    return response(*items, status="incomplete", incomplete_details={"reason": reason})


def used(output_tokens: int, reasoning_tokens: int) -> dict[str, Any]:
    details = {"reasoning_tokens": reasoning_tokens}
    return {"usage": {"output_tokens": output_tokens, "output_tokens_details": details}}


def decode(*responses: dict[str, Any]) -> DecodedResponse:
    return decode_response(responses, origin="here", usage=None)


def message(*parts: Any, **more: Any) -> Item:
    content = [
        {"type": "output_text", "text": part, "annotations": []} if isinstance(part, str) else part for part in parts
    ]
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content, **more}


def call(arguments: Any = "{}", **more: Any) -> Item:
    return {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "bash", "arguments": arguments, **more}


REFUSAL = {"type": "refusal", "refusal": "I cannot help with that."}
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}],
    "encrypted_content": "sealed",
}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}


def test_a_plain_answer() -> None:
    answer = decode(response(message("Hello", phase="final_answer")))
    assert isinstance(answer, ChatResponse)
    [block] = answer.content
    assert isinstance(block, TextBlock)
    assert block.text == "Hello"
    assert read_replay_state(block) == {
        "origin": "here",
        "model": "m-1",
        "item": {"type": "message", "id": "msg_1", "role": "assistant", "phase": "final_answer"},
    }
    assert answer.text == "Hello"
    assert answer.content_blocks == [TextContent(text="Hello")]
    assert answer.tool_calls is None
    assert answer.finish_reason == "stop"
    assert answer.usage is None
    assert answer.metadata == {"openai:response_id": "resp_1", "openai:model": "m-1", "openai:status": "completed"}


def test_usage_is_passed_on() -> None:
    usage = Usage(input_tokens=1, output_tokens=2, total_tokens=3, cost_usd=Decimal("0.1"))
    assert decode_response([response(message("x"))], origin="o", usage=usage).usage == usage


def test_a_call() -> None:
    answer = decode(response(REASONING, message("Let me see."), call('{"command":"ls"}')))
    [thinking, text, block] = answer.content
    assert isinstance(thinking, ThinkingBlock)
    assert (thinking.thinking, thinking.visibility) == ("One\n\nTwo", "internal")
    assert isinstance(text, TextBlock)
    assert isinstance(block, ToolCallBlock)
    assert (block.id, block.name, block.input) == ("c", "bash", {"command": "ls"})
    assert answer.tool_calls is not None
    [asked] = answer.tool_calls
    assert (asked.id, asked.name, asked.arguments) == ("c", "bash", {"command": "ls"})
    assert answer.finish_reason == "tool_calls"
    assert answer.content_blocks == [
        ThinkingContent(text="One\n\nTwo"),
        TextContent(text="Let me see."),
        ToolCallContent(id="c", name="bash", arguments={"command": "ls"}),
    ]


@pytest.mark.parametrize("arguments", ["", None, "{}"])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    answer = decode(response(call(arguments)))
    assert answer.tool_calls is not None
    assert answer.tool_calls[0].arguments == {}


@pytest.mark.parametrize("arguments", ['{"a', "[1]", '"text"', "null", "7", "nonsense", '{"a": 1} trailing', "{" * 5])
def test_arguments_that_are_no_json_object_are_never_run(arguments: str) -> None:
    with pytest.raises(InvalidToolCallError) as raised:
        decode(response(message("ok"), call(arguments)))
    assert raised.value.tool_name == "bash"
    assert raised.value.raw_arguments == arguments
    assert "bash" in str(raised.value)


def test_arguments_that_nest_too_deep_are_no_crash() -> None:
    with pytest.raises(InvalidToolCallError):
        decode(response(call('{"a":' + "[" * 100_000 + "]" * 100_000 + "}")))


@pytest.mark.parametrize(
    ("item", "name", "arguments"),
    [
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select 1"},
            "sql",
            {"input": "select 1"},
        ),
        ({"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}}, "shell", {"commands": ["ls"]}),
        (
            {"type": "mcp_approval_request", "id": "c", "name": "rm", "server_label": "s", "arguments": "{}"},
            "mcp_approval",
            {"server_label": "s", "name": "rm", "arguments": "{}"},
        ),
    ],
)
def test_every_call_of_the_client_is_a_tool_call(item: Item, name: str, arguments: dict[str, Any]) -> None:
    answer = decode(response(item))
    assert answer.tool_calls is not None
    assert [(each.id, each.name, each.arguments) for each in answer.tool_calls] == [("c", name, arguments)]
    assert read_replay_state(answer.content[0]).get("item") == item


@pytest.mark.parametrize(
    "item",
    [
        SEARCH,
        {"type": "tool_search_call", "id": "t", "execution": "server"},
        {"type": "compaction", "id": "cmp", "encrypted_content": "x"},
        {"type": "mcp_list_tools", "id": "m", "tools": [], "server_label": "s"},
        {"type": "image_generation_call", "id": "ig", "result": None, "status": "failed"},
        {"type": "never_heard_of", "id": "n", "deep": {"er": [1]}},
    ],
)
def test_what_cannot_be_shown_is_kept_for_replay(item: Item) -> None:
    answer = decode(response(item, message("x")))
    [kept, _] = answer.content
    assert isinstance(kept, ReasoningBlock)
    assert kept.content == [item]
    assert kept.visibility == "internal"
    assert answer.content_blocks == [TextContent(text="x")]
    assert answer.tool_calls is None


@pytest.mark.parametrize(("output_format", "media_type"), [(None, "image/png"), ("webp", "image/webp")])
def test_a_generated_picture_is_an_image(output_format: str | None, media_type: str) -> None:
    item = {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "AAAA"}
    answer = decode(response({**item, "output_format": output_format} if output_format else item))
    [block] = answer.content
    assert isinstance(block, ImageBlock)
    assert block.source == {"type": "base64", "media_type": media_type, "data": "AAAA"}
    assert "AAAA" not in json.dumps(read_replay_state(block))
    assert answer.finish_reason == "stop"


def test_reasoning_without_a_summary_is_kept_and_not_shown() -> None:
    item = {**REASONING, "summary": []}
    answer = decode(response(item, message("x")))
    assert isinstance(answer.content[0], ThinkingBlock)
    assert answer.content[0].thinking == ""
    assert read_replay_state(answer.content[0]).get("item") == item
    assert answer.content_blocks == [TextContent(text="x")]


def test_a_refusal_is_shown_and_ends_as_a_filtered_answer() -> None:
    answer = decode(response(message(REFUSAL)))
    assert answer.text == "I cannot help with that."
    assert answer.finish_reason == "content_filter"
    assert read_replay_state(answer.content[0]).get("refusal") is True


@pytest.mark.parametrize(
    ("given_response", "reason"),
    [
        (response(message("x")), "stop"),
        (response(call()), "tool_calls"),
        (cut(message("x")), "length"),
        (cut(message("x"), reason="content_filter"), "content_filter"),
        (cut(message("x"), reason="max_messages"), "length"),
        (response(message("x"), status="incomplete"), "length"),
        (response(message("x"), status="incomplete", incomplete_details=None), "length"),
        (cut(call()), "tool_calls"),
        (response(message(REFUSAL), call()), "tool_calls"),
        (response(SEARCH, message("x")), "stop"),
    ],
)
def test_why_an_answer_ended(given_response: dict[str, Any], reason: str) -> None:
    assert decode(given_response).finish_reason == reason


@pytest.mark.parametrize(
    ("given_response", "reason", "says"),
    [
        (response(), "stop", "status completed"),
        (response(message("")), "stop", "status completed"),
        (response(REASONING), "stop", "without an answer"),
        (response(SEARCH), "stop", "without an answer"),
        (cut(REASONING), "length", "Raise max_output_tokens"),
        (cut(), "length", "cut off before any text"),
        (cut(reason="content_filter"), "content_filter", "withheld"),
        (cut(reason="steered"), "length", "ended the answer before any text: steered"),
        (cut(reason="see\x1b[31m sk-x"), "length", "ended the answer before any text: for another reason"),
        (response() | {"status": "see sk-x"}, "stop", "status unknown"),
        (cut() | used(16, 16), "length", "all output tokens went into reasoning"),
        (cut(REASONING) | used(16, 16), "length", "all output tokens went into reasoning"),
        (cut(REASONING) | used(16, 9), "length", "before any text. Raise"),
    ],
)
def test_an_answer_without_text_says_why(given_response: dict[str, Any], reason: str, says: str) -> None:
    answer = decode(given_response)
    notice = answer.content[-1]
    assert isinstance(notice, TextBlock)
    assert says in notice.text
    assert answer.text == notice.text
    assert read_replay_state(notice) == {"local": True}
    assert answer.finish_reason == reason


def test_the_parts_of_a_message_are_blocks_that_know_their_place() -> None:
    annotations = [{"type": "url_citation", "url": "https://x.example"}]
    cited = {"type": "output_text", "text": "b", "annotations": annotations}
    answer = decode(response(message("a", "", cited)))
    assert [read_replay_state(block).get("part") for block in answer.content] == [None, 1]
    assert (answer.content[0].model_extra or {}).get("citations") is None
    assert (answer.content[1].model_extra or {})["citations"] == annotations
    assert answer.text == "ab"


def test_the_pages_that_a_search_read_stand_on_the_text_they_led_to() -> None:
    sources = [{"type": "url", "url": "https://x.example"}]
    search = {**SEARCH, "action": {**SEARCH["action"], "sources": sources}}
    answer = decode(response(message("first"), search, message("last")))
    assert (answer.content[0].model_extra or {}).get("sources") is None
    assert (answer.content[-1].model_extra or {})["sources"] == sources
    assert "sources" not in (decode(response(SEARCH, message("x"))).content[-1].model_extra or {})
    other = {**search, "type": "never_heard_of"}
    assert "sources" not in (decode(response(other, message("x"))).content[-1].model_extra or {})
    assert decode(response(search)).finish_reason == "stop", "a search without a text is no error"


def test_a_continued_answer_is_one_answer() -> None:
    first = cut(REASONING, message("Half an ", status="incomplete"))
    second = response(message("answer.", id="msg_2"), id="resp_2")
    answer = decode(first, second)
    assert [block.type for block in answer.content] == ["thinking", "text", "text"]
    assert answer.text == "Half an answer."
    assert answer.finish_reason == "stop"
    assert answer.metadata is not None
    assert answer.metadata["openai:continuations"] == 1
    assert answer.metadata["openai:response_id"] == "resp_2"


def test_whole_messages_are_set_apart() -> None:
    assert decode(response(message("Looking."), SEARCH, message("Found."))).text == "Looking.\n\nFound."


def test_metadata_is_small_json_under_one_prefix() -> None:
    removed = [{"id": "rs_1", "action": "removed", "reason": "model_mismatch", "type": "reasoning"}]
    answer = decode(
        cut(message("x"))
        | {"service_tier": "flex", "input_transformations": removed, "prompt_cache_diagnostics": {"type": "cache_hit"}}
    )
    assert answer.metadata == {
        "openai:response_id": "resp_1",
        "openai:model": "m-1",
        "openai:status": "incomplete",
        "openai:service_tier": "flex",
        "openai:incomplete_reason": "max_output_tokens",
        "openai:reasoning_removed": removed,
        "openai:prompt_cache": {"type": "cache_hit"},
    }


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([message("Adding.", phase="commentary"), message("42", phase="final_answer")], "42"),
        ([message("Adding.", phase="commentary"), message("42")], "42"),
        ([message("Adding.", phase="commentary")], "Adding."),
        ([message("One.", phase="final_answer"), message("Two.", phase="final_answer")], "One.\n\nTwo."),
        ([message("4", phase="final_answer", status="incomplete"), message("2")], "42"),
        ([message("Ad", phase="commentary", status="incomplete"), message("ding."), message("42")], "42"),
        ([message("\n\n"), message("42")], "42"),
    ],
)
def test_the_text_is_the_final_answer_alone(messages: list[Item], text: str) -> None:
    assert decode(response(*messages)).text == text


def test_a_blank_message_is_not_kept() -> None:
    answer = decode(response(REASONING, message("\n\n"), call()))
    assert [block.type for block in answer.content] == ["thinking", "tool_call"]
    assert [block.type.value for block in decode(response(message("a", " "))).content_blocks] == ["text"]
    assert [block.type for block in decode(response(message("a", " "))).content] == ["text", "text"]


TOOLS: list[dict[str, Any]] = [
    {"type": "function", "name": "bash", "parameters": {"type": "object", "required": ["command"]}},
    {"type": "function", "name": "list", "parameters": {"type": "object", "properties": {}}},
    {"type": "custom", "name": "run"},
]


def decode_for(body: Any, *responses: dict[str, Any]) -> DecodedResponse:
    return decode_response(responses, origin="here", usage=None, body=body)


def test_a_call_without_the_arguments_that_its_tool_requires_is_not_run() -> None:
    body: Any = {"model": "m-1", "input": [], "tools": TOOLS}
    with pytest.raises(InvalidToolCallError, match="bash"):
        decode_for(body, response(call("")))
    in_item = {"model": "m-1", "input": [{"type": "additional_tools", "tools": body["tools"]}]}
    with pytest.raises(InvalidToolCallError, match="bash"):
        decode_for(in_item, response(call("")))
    assert decode_for(body, response(call("{}"), call("", name="list", call_id="d"))).finish_reason == "tool_calls"
    assert decode_for({"model": "m-1", "input": []}, response(call(""))).finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("limit", "tokens", "status", "reason"),
    [
        (16, 16, "completed", "length"),
        (16, 17, "completed", "length"),
        (16, 15, "completed", "stop"),
        (None, 16, "completed", "stop"),
        (16, None, "completed", "stop"),
        (16, 16, "incomplete", "length"),
    ],
)
def test_a_response_that_ends_at_its_limit_was_cut_off(limit: Any, tokens: Any, status: str, reason: str) -> None:
    body: Any = {"model": "m-1", "input": [], "max_output_tokens": limit}
    ended = response(message("x"), status=status, usage={"output_tokens": tokens})
    assert decode_for(body, ended).finish_reason == reason
    if status == "completed":
        assert decode_for(body, response(call(), usage={"output_tokens": 16})).finish_reason == "tool_calls"


def test_what_a_loop_stores_does_not_hold_the_answer_twice() -> None:
    dumped = decode(response(REASONING, message("Hello"))).model_dump()
    assert "content_blocks" not in dumped
    assert "text" not in dumped


TEXTS = st.sampled_from(["", "x", "\u2028"])
PARTS = st.one_of(
    st.builds(lambda text: {"type": "output_text", "text": text}, TEXTS),
    st.builds(lambda text: {"type": "refusal", "refusal": text}, TEXTS),
    st.sampled_from([{"type": "output_text", "text": None}, {"type": "unheard_of"}, {}]),
)
OUTPUTS = st.lists(
    st.one_of(
        st.builds(lambda parts, status: message(*parts, status=status), st.lists(PARTS, max_size=3), TEXTS),
        st.just(message()),
        st.sampled_from([REASONING, {**REASONING, "summary": []}, SEARCH, {"type": "unheard_of"}, {}]),
        st.sampled_from([call(), call('{"a":1}', call_id="d")]),
    ),
    max_size=5,
)
ENDS = st.sampled_from([("completed", ""), ("incomplete", "max_output_tokens"), ("incomplete", "content_filter")])


@given(OUTPUTS, ENDS)
def test_no_empty_message_is_produced_or_sent(output: list[Item], end: tuple[str, str]) -> None:
    answer = decode(response(*output, status=end[0], incomplete_details={"reason": end[1]}))
    texts = [block.text for block in answer.content if isinstance(block, TextBlock)]
    assert all(texts)
    assert answer.text or answer.tool_calls
    assert answer.finish_reason in {"stop", "length", "content_filter", "tool_calls"}
    assert texts or answer.tool_calls, "the user sees something"
    json.dumps(answer.model_dump())

    turn = Message(role="assistant", content=answer.content)
    for item in encode_messages([turn], origin="here").items:
        if item.get("type") == "message":
            assert item["content"]
            assert all(part.get("text") or part.get("refusal") for part in item["content"])


@pytest.mark.parametrize("arguments", ['{"a":NaN}', '{"a":[Infinity]}'])
def test_arguments_that_only_python_reads_are_not_run(arguments: str) -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n", "arguments": arguments}
    with pytest.raises(InvalidToolCallError):
        decode_response([{"status": "completed", "output": [call]}], origin="here", usage=None)
