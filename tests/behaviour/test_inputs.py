"""What goes in: roles in their places, pictures as pictures, tool results as what they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidRequestError
from amplifier_core.message_models import ImageBlock, Message, TextBlock, ToolResultBlock
from amplifier_core.models import ToolResult
from responses_emulator import Call, Say

from tests.support.session import (
    PIXEL,
    Conversation,
    OpenSession,
    Session,
    assistant,
    developer,
    items,
    picture,
    result,
    system,
    texts,
    tool,
    user,
)

DATA_URL = f"data:image/png;base64,{PIXEL}"
PNG = {"type": "base64", "media_type": "image/png", "data": PIXEL}


@pytest.mark.promise("only the first system message counts", area="hazard")
async def test_leading_system_messages_become_instructions(session: Session) -> None:
    await session.ask(system("Be brief."), system("Be kind."), "hello")
    assert session.body["instructions"] == "Be brief.\n\nBe kind."
    assert texts(session.body) == ["hello"]
    assert not texts(session.body, "developer")


@pytest.mark.promise("developer messages move or change their role", area="hazard")
async def test_later_system_and_developer_messages_stay_where_they_are(session: Session) -> None:
    await session.ask(
        system("Be brief."), developer("Use metric units."), "one", assistant("1"), system("Context was cut."), "two"
    )
    roles = [item["role"] for item in session.body["input"]]
    assert roles == ["developer", "user", "assistant", "developer", "user"]
    assert texts(session.body, "developer") == ["Use metric units.", "Context was cut."]


@pytest.mark.promise("lists of blocks become empty or a repr", area="hazard")
async def test_system_and_developer_messages_may_be_lists_of_blocks(session: Session) -> None:
    await session.ask(
        Message(role="system", content=[TextBlock(text="One."), TextBlock(text="Two.")]),
        Message(role="developer", content=[TextBlock(text="Three.")]),
        "hello",
    )
    assert session.body["instructions"] == "One.\n\nTwo."
    assert texts(session.body, "developer") == ["Three."]


async def test_system_messages_alone_are_still_a_request(session: Session) -> None:
    session.emulator.script(Say("Ready."))
    response = await session.ask(system("Say that you are ready."))
    assert response.text == "Ready."
    assert "Say that you are ready." in json.dumps(session.body)


async def test_empty_messages_are_not_sent(session: Session) -> None:
    empty = Message(role="assistant", content=[])
    await session.ask("one", assistant(""), empty, user(""), "two")
    assert [item["role"] for item in session.body["input"]] == ["user", "user"]


@pytest.mark.promise("images by URL, file or detail are lost", area="hazard")
@pytest.mark.parametrize(
    ("block", "part"),
    [
        (picture(**PNG), {"type": "input_image", "image_url": DATA_URL}),
        (picture(type="url", url="https://example.com/a.png"), {"image_url": "https://example.com/a.png"}),
        (picture(type="file", file_id="file-1"), {"file_id": "file-1"}),
        (ImageBlock.model_validate({"source": PNG, "detail": "low"}), {"image_url": DATA_URL, "detail": "low"}),
    ],
    ids=["base64", "url", "file id", "detail"],
)
async def test_a_picture_of_the_user_is_a_picture(session: Session, block: ImageBlock, part: dict[str, str]) -> None:
    response = await session.ask(user("What is this?", block))
    assert session.body["input"][0]["content"] == [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", **part},
    ]
    assert "You sent 1 image" in response.text


async def test_order_of_text_and_pictures_is_kept(session: Session) -> None:
    await session.ask(user(picture(), "first", picture(), "second"))
    kinds = [part["type"] for part in session.body["input"][0]["content"]]
    assert kinds == ["input_image", "input_text", "input_image", "input_text"]


async def test_a_document_is_a_file(session: Session) -> None:
    pdf = ImageBlock(
        source={"type": "base64", "media_type": "application/pdf", "data": "JVBERi0=", "filename": "a.pdf"}
    )
    response = await session.ask(user("Read this", pdf))
    part = session.body["input"][0]["content"][1]
    assert part == {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}
    assert "a.pdf" in response.text


IMAGE = {"type": "image", "source": PNG}
TEXT = {"type": "text", "text": "Here it is:"}
WITH_IMAGE = {"success": True, "output": {"taken": 1}, "content": [TEXT, IMAGE], "error": None}
RICH = {
    "blocks": [TextBlock(text="Here it is:"), picture(**PNG)],
    "JSON of blocks": json.dumps([TEXT, IMAGE]),
    "JSON of a whole tool result": json.dumps(WITH_IMAGE),
    "a tool result block": [ToolResultBlock(tool_call_id="call_1", output=[TEXT, IMAGE])],
    "dump of the kernel's ToolResult": ToolResult.model_validate(
        {"success": True, "output": "x", "content": [TEXT, IMAGE]}
    ).model_dump_json(),
}


@pytest.mark.promise("images in tool results become base64 in the prompt", area="hazard")
@pytest.mark.parametrize("content", RICH.values(), ids=RICH)
async def test_a_picture_in_a_tool_result_is_a_picture(session: Session, content: Any) -> None:
    chat = Conversation(session, tools=[tool("screenshot")])
    session.emulator.script(Call("screenshot", {}, call_id="call_1"))
    first = await chat.say("look")
    await chat.go_on(result(first.tool_calls[0], content))
    (item,) = items(session.body, "function_call_output")
    assert item["output"][-2:] == [
        {"type": "input_text", "text": "Here it is:"},
        {"type": "input_image", "image_url": DATA_URL},
    ]
    assert session.emulator.model_requests[-1].raw_body.count(PIXEL.encode()) == 1


TEXT_RESULTS = {
    "text": ("minus four", "minus four"),
    "empty text": ("", ""),
    "JSON of a loop": ('{"error": null, "output": {"a": 1}, "success": true}',) * 2,
    "a repr": ("{'a': 1}", "{'a': 1}"),
    "text that begins like JSON": ('{"image" is not closed', '{"image" is not closed'),
    "one block": ([TextBlock(text="minus four")], "minus four"),
    "two blocks": ([TextBlock(text="minus"), TextBlock(text="four")], "minus\nfour"),
    "a dict as output": ([ToolResultBlock(tool_call_id="c", output={"a": 1})], '{"a":1}'),
    "nothing as output": ([ToolResultBlock(tool_call_id="c", output=None)], ""),
}


@pytest.mark.parametrize(("content", "sent"), TEXT_RESULTS.values(), ids=TEXT_RESULTS)
async def test_a_text_result_is_that_text(session: Session, content: Any, sent: str) -> None:
    chat = Conversation(session, tools=[tool("look")])
    session.emulator.script(Call("look", {}), Say("ok"))
    first = await chat.say("look")
    await chat.go_on(result(first.tool_calls[0], content))
    (item,) = items(session.body, "function_call_output")
    assert item["output"] == sent


def nest(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"image": value}
    return value


DEEP_RESULTS: dict[str, Any] = {
    "a list as text": '["image",' + "[" * 1000 + "]" * 1001,
    "an object as text": '{"content":' * 1000 + '["image"]' + "}" * 1000,
    "an object as output": [ToolResultBlock(tool_call_id="c", output=nest(1000))],
    "an object that pydantic cannot write": [ToolResultBlock(tool_call_id="c", output=nest(300))],
}


@pytest.mark.parametrize("content", DEEP_RESULTS.values(), ids=DEEP_RESULTS)
async def test_a_tool_result_that_nests_deeply_ends_no_conversation(open_session: OpenSession, content: Any) -> None:
    session = await open_session(raw=True, debug=True)
    chat = Conversation(session, tools=[tool("look")])
    session.emulator.script(Call("look", {}), Say("ok"), Say("still here"))
    first = await chat.say("look")
    await chat.go_on(result(first.tool_calls[0], content))
    (item,) = items(session.body, "function_call_output")
    assert isinstance(content, list) or item["output"] == content
    assert (await chat.say("and now?")).text == "still here"


@pytest.mark.promise("tool results in user messages are lost", area="hazard")
async def test_results_inside_user_messages_are_results(session: Session) -> None:
    chat = Conversation(session, tools=[tool("look")])
    session.emulator.script(Call("look", {}), Say("ok"))
    first = await chat.say("look")
    call = first.tool_calls[0]
    chat.messages.append(user(ToolResultBlock(tool_call_id=call.id, output="seen"), "and now?"))
    await chat.go_on()
    assert items(session.body, "function_call_output")[0]["output"] == "seen"
    assert texts(session.body)[-1] == "and now?"
    assert not session.recorder.named("provider:tool_sequence_repaired")


async def test_a_tool_message_that_answers_nothing_is_told_as_text(session: Session) -> None:
    await session.ask("hello", Message(role="tool", name="look", content="seen"), "so?")
    assert any("look" in text and "seen" in text for text in texts(session.body))


CALLS_BESIDE = {
    "as loops write it": {"id": "call_1", "tool": "look", "arguments": {"at": "x"}},
    "with a name": {"id": "call_1", "name": "look", "arguments": {"at": "x"}},
    "with a function": {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":"x"}'}},
}


@pytest.mark.promise("calls beside plain text are lost", area="hazard")
@pytest.mark.parametrize("call", CALLS_BESIDE.values(), ids=CALLS_BESIDE)
async def test_calls_that_stand_beside_plain_text_are_calls(session: Session, call: dict[str, Any]) -> None:
    said = assistant("I look.", tool_calls=[call])
    await session.ask("look", said, result("call_1", "seen"), tools=[tool("look", "at")])
    (item,) = items(session.body, "function_call")
    assert (item["call_id"], item["name"], item["arguments"]) == ("call_1", "look", '{"at":"x"}')
    assert items(session.body, "function_call_output")[0]["output"] == "seen"


@pytest.mark.promise("calls are sent twice", area="hazard")
async def test_a_call_that_stands_in_both_places_is_sent_once(session: Session) -> None:
    block = {"type": "tool_call", "id": "call_1", "name": "look", "input": {"at": "x"}}
    beside = CALLS_BESIDE["with a name"]
    said = assistant([block], tool_calls=[beside])
    await session.ask("look", said, result("call_1", "seen"), tools=[tool("look", "at")])
    assert len(items(session.body, "function_call")) == 1


@pytest.mark.promise("an absent list of calls breaks the request", area="hazard")
async def test_an_absent_list_of_calls_is_no_call(session: Session) -> None:
    said = assistant("Hi.", tool_calls=None)
    await session.ask("hello", said, "more")
    assert not items(session.body, "function_call")


@pytest.mark.promise("content that cannot be sent is dropped without a report", area="hazard")
async def test_what_cannot_be_sent_is_reported(session: Session) -> None:
    await session.ask(user("see", ImageBlock(source={"type": "mystery"})), "hello")
    assert any("image" in line for line in session.recorder.one("llm:request")["dropped"])


async def test_nothing_to_send_is_told_and_not_sent(session: Session) -> None:
    with pytest.raises(InvalidRequestError, match="nothing to send"):
        await session.ask(user(""))
    assert session.sent == 0
    assert session.recorder.one("llm:response")["status"] == "error"
