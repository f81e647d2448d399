"""Messages keep their roles and places on the wire, images stay images, and tool results keep their form."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidRequestError
from amplifier_core.message_models import ImageBlock, Message, TextBlock, ToolResultBlock
from amplifier_core.models import ToolResult
from responses_emulator import Call, Emulator, Say

from tests.support.backends import BackendUnderTest
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
    assert not texts(session.body, session.backend.system_text_role)


@pytest.mark.promise("developer messages move or change their role", area="hazard")
async def test_later_system_and_developer_messages_stay_where_they_are(session: Session) -> None:
    await session.ask(
        system("Be brief."), developer("Use metric units."), "one", assistant("1"), system("Context was cut."), "two"
    )
    roles = [item["role"] for item in session.body["input"]]
    role = session.backend.system_text_role
    assert roles == [role, "user", "assistant", role, "user"]
    assert texts(session.body, role) == ["Use metric units.", "Context was cut."]


@pytest.mark.promise("system text in mid-conversation never reaches the model", area="hazard")
async def test_system_text_reaches_a_model_whose_template_has_no_developer(backend: BackendUnderTest) -> None:
    """A template skips a role that it does not know, in silence; only addresses of others have such templates."""
    roles = {"system", "user", "assistant", "tool"} | {backend.system_text_role}
    surface = replace(backend.surface(), template_roles=frozenset(roles))
    with Emulator(surfaces=(surface,), responder=lambda context: [Say(json.dumps(context.items))]) as emulator:
        session = await Session(backend, emulator).mount(backend.settings(emulator))
        response = await session.ask(system("Be brief."), "one", assistant("1"), system("Be kind."), developer("Hm."))
        assert "Be kind." in response.text
        assert "Hm." in response.text
        await session.cleanup()


@pytest.mark.promise("lists of blocks become empty or a repr", area="hazard")
async def test_system_and_developer_messages_may_be_lists_of_blocks(session: Session) -> None:
    await session.ask(
        Message(role="system", content=[TextBlock(text="One."), TextBlock(text="Two.")]),
        Message(role="developer", content=[TextBlock(text="Three.")]),
        "hello",
    )
    assert session.body["instructions"] == "One.\n\nTwo."
    assert texts(session.body, session.backend.system_text_role) == ["Three."]


SHOWN = {"type": "input_image", "image_url": DATA_URL, "detail": "auto"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0=", "filename": "a.pdf"}
PDF_PART = {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}
PARTS: list[tuple[ImageBlock, dict[str, str]]] = [
    (picture(**PNG), SHOWN),
    (
        picture(type="url", url="https://example.com/a.png"),
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
    ),
    (picture(type="file", file_id="file-1"), {"type": "input_image", "file_id": "file-1", "detail": "auto"}),
    (ImageBlock.model_validate({"source": PNG, "detail": "low"}), {**SHOWN, "detail": "low"}),
    (ImageBlock(source=PDF), PDF_PART),
]


@pytest.mark.promise("images by URL, file or detail are lost", area="hazard")
async def test_images_and_documents_of_the_user_are_parts_of_the_message(session: Session) -> None:
    response = await session.ask(user("What is this?", *[block for block, _ in PARTS]))
    text = {"type": "input_text", "text": "What is this?"}
    assert session.body["input"][0]["content"] == [text, *[part for _, part in PARTS]]
    assert "You sent 4 images" in response.text
    assert "a.pdf" in response.text


IMAGE = {"type": "image", "source": PNG}
TEXT = {"type": "text", "text": "Here it is:"}
RICH = {
    "blocks": [TextBlock(text="Here it is:"), picture(**PNG)],
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
    assert item["output"][-2:] == [{"type": "input_text", "text": "Here it is:"}, SHOWN]
    assert session.emulator.model_requests[-1].raw_body.count(PIXEL.encode()) == 1


FILES: dict[str, tuple[Any, dict[str, str]]] = {
    "a document": ({"type": "document", "source": PDF, "title": "a.pdf"}, PDF_PART),
    "a resource of MCP": (
        {"type": "resource", "resource": {"uri": "x:/a.pdf", "mimeType": "application/pdf", "blob": "JVBERi0="}},
        PDF_PART,
    ),
    "an image of MCP with a wrong type": ({"type": "image", "data": PIXEL, "mimeType": "image/jpeg"}, SHOWN),
}


@pytest.mark.promise("files of tools become base64 in the prompt", area="hazard")
@pytest.mark.parametrize(("block", "part"), FILES.values(), ids=FILES)
async def test_a_file_in_a_tool_result_is_a_file(session: Session, block: Any, part: Any) -> None:
    chat = Conversation(session, tools=[tool("read")])
    session.emulator.script(Call("read", {}, call_id="call_1"))
    first = await chat.say("read")
    dump = json.dumps({"success": True, "output": {"content": [{"type": "text", "text": "Here:"}, block]}})
    await chat.go_on(result(first.tool_calls[0], dump))
    (item,) = items(session.body, "function_call_output")
    assert item["output"][-2:] == [{"type": "input_text", "text": "Here:"}, part]


PAGES: list[Any] = [
    {"type": "doc", "content": [{"type": "image", "attrs": {"src": "https://example.com/a.png"}}]},
    [{"type": "image", "url": "/static/a.png"}],
    {"success": True, "output": {"content": [{"type": "image", "url": "/static/a.png"}]}},
    [{"type": "input_image", "image_url": "https://example.com/a.png?leak=1"}, {"type": "file", "data": "file-123"}],
]


@pytest.mark.promise("a page that a tool fetched makes the service load an address", area="security")
@pytest.mark.parametrize("page", PAGES)
async def test_a_page_that_a_tool_fetched_stays_the_text_that_it_was(session: Session, page: Any) -> None:
    chat = Conversation(session, tools=[tool("fetch")])
    session.emulator.script(Call("fetch", {}, call_id="call_1"))
    first = await chat.say("fetch")
    text = json.dumps(page, indent=1)
    await chat.go_on(result(first.tool_calls[0], text))
    assert items(session.body, "function_call_output")[0]["output"] == text


UNREADABLE = {
    "damaged": picture(type="base64", media_type="image/png", data="AAAA"),
    "a format that the service does not read": picture(media_type="image/svg+xml", data="PHN2Zz48L3N2Zz4="),
    "no web address": picture(type="url", url="/static/a.png"),
}


@pytest.mark.promise("an image that the service cannot read ends the conversation", area="hazard")
@pytest.mark.parametrize("block", UNREADABLE.values(), ids=UNREADABLE)
async def test_an_image_that_the_service_cannot_read_is_a_line_and_reported(
    session: Session, block: ImageBlock, caplog: pytest.LogCaptureFixture
) -> None:
    chat = Conversation(session, tools=[tool("look")])
    session.emulator.script(Call("look", {}), Say("ok"), Say("still here"))
    chat.messages.append(user("Look.", block))
    first = await chat.go_on()
    await chat.go_on(result(first.tool_calls[0], [TextBlock(text="Here:"), block]))
    assert (await chat.say("and now?")).text == "still here"
    [line] = session.recorder.named("llm:request")[-1]["dropped"]
    assert line.startswith("an image is left out: ")
    assert texts(session.body)[1] == f"[{line}]"
    assert items(session.body, "function_call_output")[0]["output"] == f"Here:\n[{line}]"
    assert len([record for record in caplog.records if line in record.message]) == 1


async def test_a_model_without_vision_is_sent_no_image(open_session: OpenSession) -> None:
    session = await open_session(model_info={"gpt-5.6-sol": {"vision": False}})
    await session.ask(user("Look.", picture(**PNG)))
    assert texts(session.body) == ["Look.", "[an image is left out: the model does not see images]"]


def nest(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"image": value}
    return value


DEEP_RESULTS: dict[str, Any] = {
    "a list as text": '["image",' + "[" * 1000 + "]" * 1001,
    "an object as text": '{"content":' * 1000 + '["image"]' + "}" * 1000,
    "an object as output": [ToolResultBlock(tool_call_id="c", output=nest(1000))],
    "an image without a source": [
        ToolResultBlock(tool_call_id="c", output={"content": [{"type": "image", "source": 5}]})
    ],
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


def odd_state(value: Any) -> Message:
    item = {"type": "message", "role": "assistant", "odd": value}
    return assistant([{"type": "text", "text": "x", "openai": {"origin": "o", "item": item}}])


SELF: dict[str, Any] = {}
SELF |= {"parent": SELF, "root": SELF}
ODD_VALUES: dict[str, Any] = {
    "not a number": math.nan,
    "half a surrogate pair": {"\ud800": "\udfff"},
    "an integer that Python does not write": 10**5000,
    "deeper than hooks read": nest(150),
    "deeper than Python writes": nest(5000),
    "contains itself": SELF,
}


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES)
@pytest.mark.parametrize(
    "make",
    [
        lambda value: assistant("x", tool_calls=[{"id": "c", "name": "look", "arguments": {"a": value}}]),
        lambda value: user(picture(type="base64", data=value), "x"),
        lambda value: user(ToolResultBlock(tool_call_id="c", output=value), "x"),
        odd_state,
    ],
    ids=["arguments", "picture", "result", "replay state"],
)
async def test_a_value_that_json_does_not_have_is_sent_without_it_or_told(
    open_session: OpenSession, make: Any, value: Any
) -> None:
    session = await open_session(raw=True, debug=True, raw_debug=True)
    with contextlib.suppress(InvalidRequestError):  # the service refuses the odd field, or JSON cannot hold it
        await session.ask("hello", make(value), "and now?")
    assert session.recorder.one("llm:response")["status"] in {"ok", "error"}


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


CALL_BESIDE = {"id": "call_1", "name": "look", "arguments": {"at": "x"}}


@pytest.mark.promise("calls beside plain text are lost", area="hazard")
async def test_calls_that_stand_beside_plain_text_are_calls(session: Session) -> None:
    message = assistant("I look.", tool_calls=[CALL_BESIDE])
    await session.ask("look", message, result("call_1", "seen"), tools=[tool("look", "at")])
    (item,) = items(session.body, "function_call")
    assert (item["call_id"], item["name"], item["arguments"]) == ("call_1", "look", '{"at":"x"}')
    assert items(session.body, "function_call_output")[0]["output"] == "seen"


@pytest.mark.promise("calls are sent twice", area="hazard")
async def test_a_call_that_stands_in_both_places_is_sent_once(session: Session) -> None:
    block = {"type": "tool_call", "id": "call_1", "name": "look", "input": {"at": "x"}}
    message = assistant([block], tool_calls=[CALL_BESIDE])
    await session.ask("look", message, result("call_1", "seen"), tools=[tool("look", "at")])
    assert len(items(session.body, "function_call")) == 1


@pytest.mark.promise("an absent list of calls breaks the request", area="hazard")
async def test_an_absent_list_of_calls_is_no_call(session: Session) -> None:
    await session.ask("hello", assistant("Hi.", tool_calls=None), "more")
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
