"""Replaying an assistant turn: the items it was, in their order, with what only their maker may read."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from amplifier_core.message_models import (
    ImageBlock,
    Message,
    ReasoningBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from openai.types.responses.response_input_item_param import ResponseInputItemParam
from openai_responses_common.translate.replay import PORTABLE_FIELDS, Replay, TargetModel
from openai_responses_common.wire.client_calls import CLIENT_CALLS

from tests.support.builders import (
    PICTURE,
    PIXEL,
    Item,
    answered,
    assistant,
    call,
    called,
    encode,
    items,
    made,
    repaired,
    said,
    user,
)


def reasoning(item_id: str = "rs_1", origin: str = "here", **item: Any) -> ThinkingBlock:
    kept = {"type": "reasoning", "id": item_id, "summary": [], "encrypted_content": "sealed", **item}
    return made(ThinkingBlock, thinking="hm", openai={"origin": origin, "item": kept})


def text(words: str, origin: str = "here", *, part: int = 0, **item: Any) -> TextBlock:
    state: dict[str, Any] = {"origin": origin, "item": {"type": "message", "role": "assistant", **item}}
    if part:
        state["part"] = part
    return made(TextBlock, text=words, openai=state)


def state(block: Any) -> dict[str, Any]:
    return block.model_extra["openai"]


RS = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}


def test_an_assistant_turn_keeps_its_order() -> None:
    turn = assistant(
        reasoning(),
        text("first", id="msg_1", phase="commentary"),
        call("a", origin="here", item={"type": "function_call", "id": "fc_1", "namespace": "n"}),
        text("then", id="msg_2", phase="final_answer"),
    )
    assert items(turn) == [
        RS,
        answered("first", id="msg_1", phase="commentary"),
        called("a", id="fc_1", namespace="n"),
        answered("then", id="msg_2", phase="final_answer"),
    ]


def test_the_original_argument_string_goes_back() -> None:
    kept = {"type": "function_call", "arguments": '{ "a" : 1.0 }'}
    assert items(assistant(call(origin="here", item=kept))) == [called() | {"arguments": '{ "a" : 1.0 }'}]


def test_blocks_of_one_message_go_back_as_its_parts() -> None:
    turn = assistant(text("a", id="msg_1"), text("b", part=1, id="msg_1"), text("c", id="msg_2"))
    assert items(turn) == [answered("a", "b", id="msg_1"), answered("c", id="msg_2")]


def test_text_blocks_of_another_provider_are_one_message() -> None:
    assert items(assistant(TextBlock(text="a"), TextBlock(text=""), TextBlock(text="b"))) == [answered("a", "b")]
    assert items(assistant(TextBlock(text="a"), call(), TextBlock(text="b"))) == [
        answered("a"),
        called(),
        answered("b"),
    ]


def test_a_refusal_goes_back_as_a_refusal() -> None:
    block = made(TextBlock, text="No.", openai={"origin": "here", "item": {"id": "msg_1"}, "refusal": True})
    [item] = items(assistant(block))
    assert item["content"] == [{"type": "refusal", "refusal": "No."}]


def test_citations_go_back_as_annotations() -> None:
    citation = {"type": "url_citation", "url": "https://x.example", "title": "X", "start_index": 0, "end_index": 1}
    block = text("x", id="msg_1").model_copy(update={"citations": [citation]})
    block = TextBlock(**{**block.model_dump(), "citations": [citation]})
    [item] = items(assistant(block))
    assert item["content"][0]["annotations"] == [citation]


def test_citations_of_another_provider_stay_home() -> None:
    """Their shape is another; the service refuses what it does not know."""
    block = made(TextBlock, text="x", citations=[{"type": "char_location", "cited_text": "q"}])
    assert items(assistant(block)) == [answered("x")]


def test_our_own_notices_are_never_sent_back() -> None:
    notice = made(TextBlock, text="(no answer)", openai={"local": True})
    assert items(user(), assistant(notice)) == [said("user", "hi")]
    assert items(assistant(text("a", id="m1"), notice, text("b", part=1, id="m1")))[0] == answered("a", id="m1")


FOLLOWERS = (text("so", id="msg_1"), call("a", origin="here", item={"type": "function_call", "id": "fc_1"}))
WITHOUT_IDS = [answered("so"), called("a")]


@pytest.mark.parametrize(
    ("block", "options"),
    [
        (reasoning(origin="there"), {}),
        (reasoning(encrypted_content=None), {}),
        (reasoning(encrypted_content=""), {}),
        (reasoning(), {"refused_item_keys": frozenset({"rs_1"})}),
        (ThinkingBlock(thinking="another provider's", signature="s"), {}),
        (RedactedThinkingBlock(data="x"), {}),
        (ReasoningBlock(content=["x", "rs_1"], summary=[]), {}),
        (made(ThinkingBlock, thinking="hm", openai="nonsense"), {}),
    ],
)
def test_reasoning_that_cannot_be_replayed_takes_the_ids_behind_it_along(block: Any, options: dict[str, Any]) -> None:
    encoded = encode(assistant(block, *FOLLOWERS), **options)
    assert encoded.items == WITHOUT_IDS
    assert len(encoded.dropped_content) == 1
    assert "reasoning" in encoded.dropped_content[0]


GATEWAY = TargetModel(names=("tiny",), is_alias=True)
GPT = TargetModel(names=("gpt-6-sol",), ciphertext_family="openai")


@pytest.mark.parametrize(
    ("target", "maker", "reads"),
    [
        (GPT, {}, True),  # an older transcript
        (GPT, {"model": "gpt-6-sol-2026-09-01"}, True),
        (GPT, {"model": "openai/GPT-6-sol"}, True),
        (GPT, {"model": "gpt-5.6-terra"}, True),
        (GPT, {"model": "gpt-oss-120b"}, False),
        (GPT, {"model": "tiny"}, False),
        (GPT, {"model": "tiny", "alias": "gpt-6-sol"}, False),  # a gateway's fallback
        (GATEWAY, {"model": "tiny"}, True),
        (GATEWAY, {"model": "models/tiny"}, True),
        (GATEWAY, {"model": "qwen/tiny-2026-09-01", "alias": "other"}, True),
        (GATEWAY, {"model": "big", "alias": "tiny"}, True),
        (GATEWAY, {"model": "big", "alias": "other"}, False),
        (GATEWAY, {"model": "gpt-6-sol"}, False),
        (TargetModel(names=("deployment", "gpt-6-sol")), {"model": "gpt-6-sol"}, True),
        (TargetModel(names=("deployment",), ciphertext_family="openai"), {"model": "gpt-6-sol"}, True),
        (TargetModel(names=("deployment",), ciphertext_family="openai"), {"model": "deepseek"}, False),
    ],
    ids=str,
)
def test_reasoning_and_ids_go_back_to_a_model_that_reads_them(target: Any, maker: Any, reads: bool) -> None:
    turn = assistant(reasoning(), text("a", id="m"))
    for block in turn.content:
        state(block).update(maker)
    assert items(turn, target=target) == ([RS, answered("a", id="m")] if reads else [answered("a")])


def test_a_model_that_does_not_reason_is_sent_no_reasoning() -> None:
    encoded = encode(assistant(reasoning(), text("a", id="m")), target=TargetModel(reasons=False))
    assert encoded.items == [answered("a")]
    assert encoded.dropped_content == ["reasoning of an earlier turn is left out: this model accepts none"]


def test_a_summary_alone_goes_back_only_to_a_server_that_reads_it() -> None:
    thought = reasoning(encrypted_content=None, summary=[{"type": "summary_text", "text": "Hm."}])
    turn = assistant(thought, text("a", id="m"))
    assert items(turn) == [answered("a")]
    sent = items(turn, target=TargetModel(reads_summaries=True))
    assert sent == [{**state(thought)["item"]}, answered("a", id="m")]
    empty = reasoning(encrypted_content=None)
    assert items(assistant(empty, text("a")), target=TargetModel(reads_summaries=True)) == [answered("a")]


def test_another_service_is_sent_only_what_the_api_has_for_an_item() -> None:
    odd = {"annotations": [], "logprobs": [], "status": "completed"}
    turn = assistant(
        text("a", id="msg_1", phase="commentary", **odd),
        made(TextBlock, text="no", openai={"origin": "here", "part": 1, "refusal": True}),
        call(origin="here", item={"type": "function_call", "id": "fc_1", "caller": {"id": "p"}, "extra": 1}),
    )
    [own, own_call] = items(turn)
    assert odd.items() <= own.items()
    assert own["content"][1]["type"] == "refusal"
    assert (own_call["id"], own_call["extra"]) == ("fc_1", 1)
    assert items(turn, origin="elsewhere") == [answered("a", "no", phase="commentary"), called()]


def test_every_item_that_goes_to_another_service_has_its_fields_listed() -> None:
    """And each of them is a field of the SDK's type of that item."""
    assert {*CLIENT_CALLS, "message"} == PORTABLE_FIELDS.keys()
    for item_type, fields in PORTABLE_FIELDS.items():
        types = [
            member for member in get_args(ResponseInputItemParam) if f"'{item_type}'" in str(member.__annotations__)
        ]
        known = {name for member in types for name in member.__annotations__}
        assert fields <= known, item_type


def test_ids_hold_again_behind_the_next_reasoning_and_in_the_next_turn() -> None:
    own = reasoning("rs_2")
    assert items(assistant(reasoning(origin="there"), text("a", id="m1"), own, text("b", id="m2"))) == [
        answered("a"),
        RS | {"id": "rs_2"},
        answered("b", id="m2"),
    ]
    assert items(assistant(reasoning(origin="there"), text("a", id="m1")), user(), assistant(text("b", id="m2")))[
        2
    ] == (answered("b", id="m2"))


def test_ids_of_another_origin_are_left_out_and_everything_else_goes() -> None:
    turn = assistant(text("a", "there", id="msg_1", phase="final_answer"), call(origin="there", item={"id": "fc_1"}))
    encoded = encode(turn)
    assert encoded.items == [answered("a", phase="final_answer"), called()]
    assert encoded.dropped_content == []


def test_the_id_that_an_approval_is_answered_by_goes_everywhere() -> None:
    kept = {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "rm", "arguments": "{}"}
    block = made(ToolCallBlock, id="mcpr_1", name="mcp_approval", input={}, openai={"origin": "there", "item": kept})
    assert repaired(assistant(block), Message(role="tool", tool_call_id="mcpr_1", content="yes")) == [
        kept,
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
    ]


def test_reasoning_in_plain_words_needs_no_ciphertext() -> None:
    raw = {"encrypted_content": None, "content": [{"type": "reasoning_text", "text": "hm"}]}
    assert items(assistant(reasoning(**raw), text("a", id="m1"))) == [RS | raw, answered("a", id="m1")]


def test_reasoning_is_refused_by_its_ciphertext_where_it_has_no_id() -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": "e" * 99}
    block = made(ThinkingBlock, thinking="", openai={"origin": "here", "item": item})
    assert items(assistant(block, text("a")), refused_item_keys=frozenset({"e" * 64})) == [answered("a")]


def hosted(item: Item, origin: str = "here") -> ReasoningBlock:
    return made(ReasoningBlock, content=[item], summary=[], openai={"origin": origin})


SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}


def test_items_of_the_service_go_back_verbatim_to_their_maker_only() -> None:
    assert items(assistant(reasoning(), hosted(SEARCH), text("a", id="m"))) == [RS, SEARCH, answered("a", id="m")]
    encoded = encode(assistant(hosted(SEARCH, "there"), text("a", "there", id="m")))
    assert encoded.items == [answered("a")]
    assert encoded.dropped_content == ["web_search_call item of another account or model, or behind left-out reasoning"]


def test_items_of_the_service_depend_on_the_reasoning_before_them() -> None:
    encoded = encode(assistant(reasoning(origin="there"), hosted(SEARCH), text("a", id="m")))
    assert encoded.items == [answered("a")]
    assert len(encoded.dropped_content) == 2


def test_a_generated_picture_goes_back_whole() -> None:
    kept = {"type": "image_generation_call", "id": "ig_1", "status": "completed"}
    block = made(ImageBlock, source={"type": "base64", "data": PIXEL}, openai={"origin": "here", "item": kept})
    assert items(assistant(block)) == [{**kept, "result": PIXEL}]


def test_a_picture_of_another_provider_in_an_answer_is_told() -> None:
    encoded = encode(assistant(PICTURE, TextBlock(text="a cat")))
    assert encoded.items == [answered("a cat")]
    assert encoded.dropped_content == ["image block in an assistant message"]


def compaction(origin: str = "here") -> ReasoningBlock:
    return hosted({"type": "compaction", "id": "cmp_1", "encrypted_content": "all of it"}, origin)


CMP = {"type": "compaction", "id": "cmp_1", "encrypted_content": "all of it"}


def test_a_compaction_stands_for_everything_before_it() -> None:
    history = [user("old"), assistant(reasoning(), call()), Message(role="tool", tool_call_id="c", content="x")]
    encoded = encode(Message(role="system", content="s"), *history, assistant(compaction(), text("a", id="m")), user())
    assert encoded.instructions == "s"
    assert encoded.items == [CMP, answered("a", id="m"), said("user", "hi")]
    assert items(*history, assistant(compaction()), user(), assistant(compaction()), user()) == [
        CMP,
        said("user", "hi"),
    ]
    assert items(assistant(compaction()), user()) == [CMP, said("user", "hi")]


def test_what_the_model_did_in_the_turn_of_a_compaction_stays() -> None:
    """Its calls may be answered behind it, and a result needs its call."""
    turn = assistant(reasoning(), call(), compaction())
    assert items(user("old"), turn, Message(role="tool", tool_call_id="c", content="x")) == [
        RS,
        called(),
        CMP,
        {"type": "function_call_output", "call_id": "c", "output": "x"},
    ]


def test_a_compaction_keeps_the_leading_instructions() -> None:
    """The service drops them with the next hop; nobody but us would send them again."""
    history = [Message(role="system", content="s"), user("old"), assistant(compaction()), user()]
    assert items(*history, system_as_instructions=False) == [said("developer", "s"), CMP, said("user", "hi")]


def test_a_compaction_of_another_account_cuts_nothing() -> None:
    assert items(user("old"), assistant(compaction("there"), text("a", "there")), user()) == [
        said("user", "old"),
        answered("a"),
        said("user", "hi"),
    ]


@pytest.mark.parametrize(
    "history",
    [
        [assistant(reasoning())],
        [assistant(reasoning()), user()],
        [assistant(reasoning(), reasoning("rs_2")), Message(role="developer", content="d")],
        [assistant(call()), assistant(reasoning()), Message(role="tool", tool_call_id="c", content="x")],
        [assistant(reasoning(), made(TextBlock, text="notice", openai={"local": True})), user()],
    ],
)
def test_reasoning_that_led_to_nothing_is_not_sent(history: list[Message]) -> None:
    assert not [item for item in items(*history) if item["type"] == "reasoning"]


def test_reasoning_that_led_to_something_is_sent() -> None:
    assert items(assistant(reasoning(), reasoning("rs_2"), call())) == [RS, RS | {"id": "rs_2"}, called()]


def test_a_dumped_history_gives_the_same_bytes() -> None:
    history = [user([TextBlock(text="a"), PICTURE]), assistant(reasoning(), text("x", id="m"), call()), user()]
    dumped = [Message.model_validate(json.loads(message.model_dump_json(exclude_none=True))) for message in history]
    assert json.dumps(items(*dumped)) == json.dumps(items(*history))


@pytest.mark.parametrize(("kind", "new"), [("local_shell_call", "lsh_c"), ("computer_call", "cu_c")])
def test_calls_that_must_have_an_id_get_one(kind: str, new: str) -> None:
    """Also where the id that they had belongs to another account."""
    item = {"type": kind, "id": "old", "call_id": "c", "action": {}}
    block = made(ToolCallBlock, id="c", name="x", input={}, openai={"origin": "there", "item": item})
    assert repaired(assistant(block))[0]["id"] == new


@pytest.mark.parametrize("kind", [None, [], {}])
def test_an_item_without_a_type_is_no_item(kind: Any) -> None:
    thought = made(ThinkingBlock, thinking="hm", openai={"origin": "here", "item": {"id": "rs_1"}})
    raw = ReasoningBlock(content=[{"type": kind}], summary=[])
    assert items(Message(role="developer", content=[raw]), assistant(thought), user()) == [said("user", "hi")]


def test_a_result_without_an_id_closes_a_call_without_one() -> None:
    replay = Replay(origin="here", refused_item_keys=frozenset(), replay_reasoning_ids=True)
    replay.open_calls_without_id = 1
    assert replay.encode_call_output("", "ok")["output"] == "ok"
    assert replay.open_calls_without_id == 0
