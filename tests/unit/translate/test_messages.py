"""Amplifier messages to input items: every role, every block, and results in every form."""

from __future__ import annotations

from typing import Any

import pytest
from amplifier_core.message_models import (
    ImageBlock,
    Message,
    ReasoningBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
    ToolCallBlock,
    ToolResultBlock,
)
from openai_responses_common.translate.messages import encode_messages
from openai_responses_common.translate.replay import TargetModel

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

SHOWN = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}


@pytest.mark.parametrize("content", ["hi", [TextBlock(text="hi")]])
@pytest.mark.parametrize(
    ("role", "encoded"),
    [
        ("user", said("user", "hi")),
        ("developer", said("developer", "hi")),
        ("system", said("developer", "hi")),
        ("assistant", answered("hi")),
    ],
)
def test_every_role_as_text_or_blocks(role: Any, encoded: Item, content: Any) -> None:
    assert items(user("first"), Message(role=role, content=content)) == [said("user", "first"), encoded]


@pytest.mark.parametrize("role", ["tool", "function"])
@pytest.mark.parametrize("content", ["done", [TextBlock(text="done")]])
def test_a_result_answers_its_call(role: Any, content: Any) -> None:
    assert items(assistant(call()), Message(role=role, tool_call_id="c", name="bash", content=content)) == [
        called(),
        {"type": "function_call_output", "call_id": "c", "output": "done"},
    ]


def test_leading_system_messages_are_instructions() -> None:
    encoded = encode(
        Message(role="system", content="one"),
        Message(role="system", content=[TextBlock(text="two"), TextBlock(text=""), TextBlock(text="three")]),
        Message(role="system", content=""),
        user(),
        Message(role="system", content="later"),
    )
    assert encoded.instructions == "one\n\ntwo\n\nthree"
    assert encoded.items == [said("user", "hi"), said("developer", "later")]


def test_a_developer_message_stays_in_place_also_at_the_start() -> None:
    encoded = encode(Message(role="developer", content="d"), Message(role="system", content="s"), user())
    assert encoded.instructions is None
    assert encoded.items == [said("developer", "d"), said("developer", "s"), said("user", "hi")]


def test_leading_system_messages_may_stay_in_the_input() -> None:
    encoded = encode(Message(role="system", content="one"), user(), system_as_instructions=False)
    assert encoded.instructions is None
    assert encoded.items == [said("developer", "one"), said("user", "hi")]


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function"])
@pytest.mark.parametrize("content", ["", [], [TextBlock(text="")]])
def test_an_empty_message_is_not_sent(role: Any, content: Any) -> None:
    encoded = encode(user("first"), Message(role=role, content=content))
    assert [item for item in encoded.items if item.get("role") != "user"] == []
    assert encoded.dropped_content == []


def test_pictures_and_text_of_one_message_stay_together() -> None:
    detailed = made(ImageBlock, source={"type": "url", "url": "https://x.example/a.png"}, detail="low")
    assert items(user([TextBlock(text="see"), PICTURE, detailed])) == [
        said("user", "see", SHOWN, {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "low"})
    ]


def test_an_image_that_cannot_be_sent_is_a_line_and_reported() -> None:
    for block, vision, reason in ((ImageBlock(source={}), True, "it has no data"), (PICTURE, False, "the model")):
        encoded = encode(
            user([TextBlock(text="see"), block]), assistant(call()), result_of(block), target=TargetModel(vision=vision)
        )
        [sentence] = encoded.dropped_content
        assert sentence.startswith(f"an image is left out: {reason}")
        assert encoded.items[0] == said("user", "see", f"[{sentence}]")
        assert encoded.items[-1]["output"] == f"[{sentence}]"


def result_of(block: ImageBlock) -> Message:
    return Message(role="tool", tool_call_id="c", content=[block])


def test_an_image_in_a_leading_system_message_is_reported() -> None:
    encoded = encode(Message(role="system", content=[TextBlock(text="Be kind."), PICTURE]), user())
    assert (encoded.instructions, encoded.dropped_content) == ("Be kind.", ["image block in a system message"])


def test_a_pdf_is_a_file() -> None:
    pdf = ImageBlock(source={"type": "base64", "media_type": "application/pdf", "data": "JVBE"})
    [item] = items(user([pdf]))
    assert item["content"] == [
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "file.pdf"}
    ]


def test_results_inside_a_user_message_are_results() -> None:
    blocks = [TextBlock(text="before"), ToolResultBlock(tool_call_id="c", output={"a": 1}), TextBlock(text="after")]
    assert items(assistant(call()), user(blocks)) == [
        called(),
        said("user", "before"),
        {"type": "function_call_output", "call_id": "c", "output": '{"a":1}'},
        said("user", "after"),
    ]


@pytest.mark.parametrize("role", ["user", "developer"])
@pytest.mark.parametrize(
    "block",
    [
        ThinkingBlock(thinking="hm"),
        RedactedThinkingBlock(data="x"),
        ToolCallBlock(id="c", name="n", input={}),
        made(ReasoningBlock, content=[], summary=[], openai={"origin": "here"}),
    ],
)
def test_a_block_that_cannot_stand_in_a_message_is_told(role: Any, block: Any) -> None:
    encoded = encode(Message(role=role, content=[TextBlock(text="hi"), block]))
    assert encoded.items == [said(role, "hi")]
    assert encoded.dropped_content == [f"{block.type} block in a {role} message"]


def test_an_unknown_block_in_an_assistant_message_is_dropped_and_reported() -> None:
    """A later kernel may have further types of blocks."""
    unknown = TextBlock.model_construct(type="video", text="x")  # pyright: ignore[reportArgumentType]
    message = Message.model_construct(role="assistant", content=[unknown, TextBlock(text="hi")])
    encoded = encode_messages([message], origin="here")
    assert encoded.items == [answered("hi")]
    assert encoded.dropped_content == ["video block in an assistant message"]


def test_arguments_that_json_cannot_hold_become_an_empty_object_and_are_reported() -> None:
    encoded = encode(assistant(ToolCallBlock(id="c", name="bash", input={"a": b"\xff"})))
    assert encoded.items == [called(arguments="{}")]
    assert encoded.dropped_content == ["arguments of a tool call that cannot be written as JSON"]


def test_raw_items_may_be_appended_by_hand() -> None:
    update = {"type": "configuration_update", "reasoning": {"effort": "low"}}
    blocks = [TextBlock(text="a"), ReasoningBlock(content=[update, "text", {"no": "type"}], summary=[])]
    assert items(user([*blocks, TextBlock(text="b")])) == [said("user", "a"), update, said("user", "b")]


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ("text", "text"),
        ('{"success": true, "output": {"a": 1}}', '{"success": true, "output": {"a": 1}}'),
        ([TextBlock(text="a"), TextBlock(text="b")], "a\nb"),
        ([TextBlock(text="a"), PICTURE], [{"type": "input_text", "text": "a"}, SHOWN]),
        ([ToolResultBlock(tool_call_id="c", output="inner")], "inner"),
        ([ToolResultBlock(tool_call_id="c", output={"a": 1})], '{"a":1}'),
        ([ToolResultBlock(tool_call_id="c", output=None)], ""),
        ([], "[]"),
    ],
)
def test_the_content_of_a_tool_message_is_its_output(content: Any, output: Any) -> None:
    [_, item] = items(assistant(call()), Message(role="tool", tool_call_id="c", content=content))
    assert item["output"] == output


def test_a_result_whose_call_nobody_knows_is_told_in_words() -> None:
    assert items(Message(role="tool", name="bash", content="done")) == [said("user", "[Result of bash] done")]
    assert items(Message(role="tool", content="done")) == [said("user", "[Result of a tool] done")]
    assert items(Message(role="function", name="see", content=[TextBlock(text="a"), PICTURE])) == [
        said("user", "[Result of see]", "a", SHOWN)
    ]


def test_result_blocks_name_their_call_themselves() -> None:
    blocks: list[Any] = [ToolResultBlock(tool_call_id="c", output="x"), ToolResultBlock(tool_call_id="d", output="y")]
    assert items(assistant(call("c"), call("d")), Message(role="tool", content=blocks))[2:] == [
        {"type": "function_call_output", "call_id": "c", "output": "x"},
        {"type": "function_call_output", "call_id": "d", "output": "y"},
    ]


def test_a_result_goes_back_as_the_kind_of_its_call() -> None:
    kept = {
        "type": "custom_tool_call",
        "id": "ctc_1",
        "call_id": "c",
        "name": "sql",
        "input": "select",
        "status": "done",
    }
    block = made(ToolCallBlock, id="c", name="sql", input={"input": "select"}, openai={"origin": "here", "item": kept})
    assert repaired(assistant(block), Message(role="tool", tool_call_id="c", content="3 rows")) == [
        kept,
        {"type": "custom_tool_call_output", "call_id": "c", "output": "3 rows"},
    ]


def test_a_result_inside_an_assistant_message_is_a_result() -> None:
    assert items(assistant(call(), ToolResultBlock(tool_call_id="c", output="x"), TextBlock(text="so"))) == [
        called(),
        {"type": "function_call_output", "call_id": "c", "output": "x"},
        answered("so"),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "c", "tool": "bash", "arguments": {"a": 1}},
        {"id": "c", "name": "bash", "arguments": {"a": 1}},
        {"id": "c", "type": "function", "function": {"name": "bash", "arguments": '{"a":1}'}},
        {"id": "c", "tool": "bash", "arguments": '{"a":1}'},
        ToolCall(id="c", name="bash", arguments={"a": 1}),
    ],
)
@pytest.mark.parametrize("content", ["", "let me see", [TextBlock(text="let me see")]])
def test_calls_that_a_loop_keeps_beside_the_content(entry: Any, content: Any) -> None:
    message = made(Message, role="assistant", content=content, tool_calls=[entry])
    result = Message(role="tool", tool_call_id="c", content="done")
    before = [answered("let me see")] if content else []
    assert items(message, result) == [
        *before,
        called(),
        {"type": "function_call_output", "call_id": "c", "output": "done"},
    ]


def test_a_kept_call_without_arguments_has_none() -> None:
    for entry in ({"id": "c", "tool": "bash"}, {"id": "c", "tool": "bash", "arguments": None}):
        message = made(Message, role="assistant", content="", tool_calls=[entry])
        assert items(message) == [called() | {"arguments": "{}"}]


def test_calls_beside_the_content_are_not_sent_twice() -> None:
    kept = [{"id": "c", "tool": "bash", "arguments": {"a": 1}}]
    assert items(assistant(call(), tool_calls=kept)) == [called()]


def test_no_calls_beside_the_content_is_no_error() -> None:
    assert items(made(Message, role="assistant", content="hi", tool_calls=None)) == [answered("hi")]


def test_arguments_that_json_cannot_hold_are_left_out_and_reported() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    encoded = encode_messages([assistant(ToolCallBlock(id="c", name="bash", input={"a": endless}))], origin="here")
    [item] = encoded.items
    assert item["arguments"] == "{}"
    assert encoded.dropped_content == ["arguments of a tool call that cannot be written as JSON"]


@pytest.mark.parametrize(
    ("entry", "call_id", "name"),
    [
        ({"id": "c"}, "c", "tool_e3b0c442"),
        ({"tool": "read"}, "", "read"),
        ({"id": 5, "tool": "x"}, "5", "x"),
        ({"id": "c", "tool": "a.b"}, "c", "a_b_2e7336dc"),
    ],
)
def test_loose_call_goes_with_what_it_has(entry: Any, call_id: str, name: str) -> None:
    message = Message.model_validate({"role": "assistant", "content": "", "tool_calls": [entry]})
    assert items(message) == [{"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}]


@pytest.mark.parametrize("tool_calls", [True, {"id": "c"}, [None], ["x"], [{}]])
def test_loose_calls_that_are_none_are_left_out(tool_calls: Any) -> None:
    encoded = encode(user(), Message.model_validate({"role": "assistant", "content": "", "tool_calls": tool_calls}))
    assert encoded.items == [said("user", "hi")]
    assert encoded.dropped_content == (["tool call without an id and a name"] if isinstance(tool_calls, list) else [])


def test_blank_instructions_are_none() -> None:
    assert encode_messages([Message(role="system", content=" \u2028\n"), user()], origin="here").instructions is None


def test_block_type_that_the_kernel_adds_later_is_dropped() -> None:
    """A new type of block must not end the conversation."""
    block = made(TextBlock, text="x").model_copy(update={"type": "video"})
    for role in ("assistant", "user"):
        encoded = encode(user(), Message.model_construct(role=role, content=[block]))
        assert encoded.items == [said("user", "hi")]
        [description] = encoded.dropped_content
        assert description.startswith("video block in ")


def test_arguments_that_json_cannot_hold_are_an_empty_object() -> None:
    """The call itself stays, so that its tool result still has a call."""
    block = call().model_copy(update={"input": {"a": {1, 2}}})
    encoded = encode(Message.model_construct(role="assistant", content=[block]))
    assert encoded.items == [called(arguments="{}")]
    assert encoded.dropped_content == ["arguments of a tool call that cannot be written as JSON"]
