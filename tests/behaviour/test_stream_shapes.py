"""Streams as servers build them: nothing is lost, shown twice or run twice, and what is shown is what is returned."""

from __future__ import annotations

import json
from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidToolCallError, ProviderUnavailableError, RateLimitError, StreamError
from responses_emulator import (
    STREAM_SHAPES,
    Call,
    CustomCall,
    HoldOpen,
    HttpReply,
    JoinEvents,
    Refuse,
    ReplyHeaders,
    ResponseFailed,
    Say,
    StreamShape,
    TerminalFields,
    Think,
    Turn,
)

from tests.support.session import Conversation, OpenSession, Session, items, result, returned_blocks, tool

pytestmark = pytest.mark.one_sign_in("what is decoded does not depend on the profile")

TOOLS = [tool("look", "at"), tool("run", type="custom")]
STREAM = {"content-type": "text/event-stream"}
EVERYTHING = (
    Think(["Plan."], show_always=True),
    Say("I look.", phase=None),
    Call("look", {"at": "Oslo"}),
    Call("look", {"at": "Bergen"}),
    CustomCall("run", "ls"),
)
SHAPES = {
    **STREAM_SHAPES,
    "no deltas": StreamShape(deltas=False),
    "no deltas, no finished items": StreamShape(deltas=False, ends="never"),
    "ends of texts only": StreamShape(deltas=False, ends="never", item_texts=False),
    "one index, items begin nowhere": StreamShape(indices="shared", starts=False),
    "one index, items end nowhere": StreamShape(indices="shared", ends="never", terminal_output=False),
    "one index, no item ids": StreamShape(indices="shared", item_ids=False),
    "no index, no item ids": StreamShape(indices="missing", item_ids=False),
    "no index, all ends at last, nothing in the end": StreamShape(
        indices="missing", ends="last", terminal_output=False
    ),
}


@pytest.mark.promise("two items under one output_index lose a call or run it twice", area="hazard")
@pytest.mark.parametrize("name", SHAPES)
async def test_every_shape_of_a_stream_gives_the_same_response(session: Session, name: str) -> None:
    shape = SHAPES[name]
    ends_are_known = shape.text_ends or shape.ends != "never"  # the deltas of free text do not say that they are all
    session.emulator.script(Turn(*EVERYTHING[: 5 if ends_are_known else 4], shape))
    response = await session.ask("look", tools=TOOLS)
    arguments = [{"at": "Oslo"}, {"at": "Bergen"}, *([{"input": "ls"}] * ends_are_known)]
    assert [call.arguments for call in response.tool_calls] == arguments
    assert returned_blocks(response) == session.recorder.visible_blocks()
    blocks = [("thinking", "Plan."), ("text", "I look."), ("tool_use", "look"), ("tool_use", "look")]
    assert returned_blocks(response) == [*blocks, *([("tool_use", "run")] * ends_are_known)]
    assert session.sent == 1


@pytest.mark.parametrize("name", SHAPES)
async def test_every_shape_of_a_stream_is_replayed_in_its_order(session: Session, name: str) -> None:
    conversation = Conversation(session, tools=TOOLS)
    session.emulator.script(Turn(Refuse("Not that."), Call("look", {"at": "Oslo"}), SHAPES[name]), Say("Rain."))
    response = await conversation.say("look")
    assert response.text == "Not that."
    await conversation.go_on(result(response.tool_calls[0], "rain"))
    [call] = items(session.body, "function_call")
    assert json.loads(call["arguments"]) == {"at": "Oslo"}
    assert [item["type"] for item in session.body["input"][-3:]] == ["message", "function_call", "function_call_output"]


def answer(*events: dict[str, Any]) -> HttpReply:
    return HttpReply(200, "".join(f"data: {json.dumps(event)}\n\n" for event in events), STREAM)


def message(text: str, item_id: str = "msg_1") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": item_id, "role": "assistant", "status": "completed", "content": content}


def done(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def added(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def delta(index: int, text: str, item_id: str | None = None) -> dict[str, Any]:
    ids = {} if item_id is None else {"item_id": item_id}
    return {"type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": text, **ids}


def without_index(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "output_index"}


def completed(*output: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": list(output)}}


LISTED = {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "wiki", "tools": []}
ODD_STREAMS = {
    "items that only the terminal event lists": (
        [done(1, message("Hello")), completed(LISTED, message("Hello"))],
        [("text", "Hello")],
    ),
    "a text that only the terminal event lists, before one that was shown": (
        [delta(1, "b"), done(1, message("b", "msg_2")), completed(message("a"), message("b", "msg_2"))],
        [("text", "a"), ("text", "b")],
    ),
    "items out of their order": (
        [done(1, message("b", "msg_2")), done(0, message("a")), completed()],
        [("text", "a"), ("text", "b")],
    ),
    "a finished text that is longer than its deltas": (
        [delta(0, "Hel"), done(0, message("Hello")), completed()],
        [("text", "Hello")],
    ),
    "a finished text that differs from its deltas": (
        [delta(0, "Help"), done(0, message("Hello")), completed()],
        [("text", "Hello")],
    ),
    "an item that is finished twice": ([done(0, message("a")), done(0, message("a")), completed()], [("text", "a")]),
    "two messages under one index": (
        [done(0, message("a")), done(0, message("b", "msg_2")), completed()],
        [("text", "a"), ("text", "b")],
    ),
    "two messages with one id, and others in the end": (
        [
            done(0, message("a")),
            added(0, message("")),
            done(0, message("b")),
            completed(message("a", "1"), message("b")),
        ],
        [("text", "a"), ("text", "b")],
    ),
    "two unfinished messages with one id": (
        [added(0, message("")), delta(0, "a", "msg_1"), added(1, message("")), delta(1, "b", "msg_1"), completed()],
        [("text", "a"), ("text", "b")],
    ),
    "another id in every event, and no index": (
        [*map(without_index, [added(0, message("")), delta(0, "a", "x"), delta(0, "b", "y")]), completed()],
        [("text", "ab")],
    ),
    "an index that is written as a text": (
        [{**done(1, message("b", "msg_2")), "output_index": "1"}, done(0, message("a")), completed()],
        [("text", "a"), ("text", "b")],
    ),
    "a text in place of the parts": (
        [done(0, {**message(""), "content": "a"}), done(1, {**message("", "msg_2"), "content": ["b"]}), completed()],
        [("text", "a"), ("text", "b")],
    ),
    "an item that only its beginning shows": ([added(0, message("a")), completed()], [("text", "a")]),
    "a blank message": ([delta(0, "\n\n"), done(0, message("\n\n")), delta(1, "a"), completed()], [("text", "a")]),
    "a text that begins with blank lines": ([delta(0, "\n\n"), delta(0, "a"), completed()], [("text", "\n\na")]),
}


@pytest.mark.promise("a user sees something else than the response holds", area="hazard")
@pytest.mark.parametrize("name", ODD_STREAMS)
async def test_what_is_shown_is_what_is_returned(session: Session, name: str) -> None:
    events, blocks = ODD_STREAMS[name]
    session.emulator.script(answer(*events))
    response = await session.ask("hello")
    assert returned_blocks(response) == session.recorder.visible_blocks() == blocks


CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": ""}


@pytest.mark.promise("a tool runs with arguments that the model did not give", area="hazard")
@pytest.mark.parametrize("arguments", ["", '{"at": "Os'])
async def test_a_call_that_nobody_finished_is_a_broken_stream(open_session: OpenSession, arguments: str) -> None:
    session = await open_session(max_retries=0)
    piece = {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": arguments}
    session.emulator.script(answer(added(0, CALL), piece, completed()))
    with pytest.raises(StreamError, match="look"):
        await session.ask("look", tools=TOOLS)
    assert session.recorder.names.count("llm:stream_aborted") == 1


@pytest.mark.promise("a tool runs without the arguments that it requires", area="hazard")
async def test_a_call_without_the_arguments_that_its_tool_requires_is_not_run(session: Session) -> None:
    session.emulator.script(answer(done(0, CALL), completed(CALL)))
    with pytest.raises(InvalidToolCallError, match="look"):
        await session.ask("look", tools=TOOLS)
    session.emulator.script(answer(done(0, {**CALL, "name": "list"}), completed()))
    response = await session.ask("look", tools=[tool("list")])
    assert [call.arguments for call in response.tool_calls] == [{}]


def arguments(kind: str, text: str, **more: Any) -> dict[str, Any]:
    key = "delta" if kind == "delta" else "arguments"
    return {"type": f"response.function_call_arguments.{kind}", "output_index": 0, key: text, **more}


AT_OSLO = '{"at": "Oslo"}'
WHOLE = {**CALL, "arguments": AT_OSLO}
ODD_CALLS = {
    "a finished call with an empty object": [
        *(added(0, CALL), arguments("done", AT_OSLO), done(0, {**CALL, "arguments": "{}"})),
        completed({**CALL, "arguments": "{}"}),
    ],
    "arguments that are an object": [done(0, {**CALL, "arguments": {"at": "Oslo"}}), completed()],
    "another id in every event, and no index": [
        *(without_index(added(0, CALL)), without_index(arguments("delta", AT_OSLO, item_id="x"))),
        *(without_index(done(0, {**WHOLE, "id": "y"})), completed()),
    ],
    "a call that the end lists twice without an item id": [completed(*[{**WHOLE, "id": None}] * 2)],
}


@pytest.mark.parametrize("name", ODD_CALLS)
async def test_a_call_has_the_arguments_that_the_model_gave(session: Session, name: str) -> None:
    session.emulator.script(answer(*ODD_CALLS[name]))
    response = await session.ask("look", tools=TOOLS)
    assert [call.arguments for call in response.tool_calls] == [{"at": "Oslo"}]
    assert returned_blocks(response) == session.recorder.visible_blocks()


async def test_the_text_of_one_call_is_never_the_input_of_the_call_before_it(session: Session) -> None:
    calls = [{"type": "custom_tool_call", "call_id": f"call_{key}", "name": "run", "input": ""} for key in "ab"]
    ends = [{"type": "response.custom_tool_call_input.done", "input": key} for key in "ab"]
    session.emulator.script(
        answer(
            *[e for call, end in zip(calls, ends, strict=True) for e in (end, without_index(done(0, call)))],
            completed(),
        )
    )
    response = await session.ask("look", tools=TOOLS)
    assert [call.arguments for call in response.tool_calls] == [{"input": "a"}, {"input": "b"}]


@pytest.mark.promise("the reason of a failure in the next event is lost", area="hazard")
@pytest.mark.parametrize("parts", [(JoinEvents(),), ()], ids=["in one piece", "in the next piece"])
@pytest.mark.one_transport("the wait is in a header of the reply")
async def test_the_reason_of_a_failure_may_come_in_the_next_event(open_session: OpenSession, parts: Any) -> None:
    session = await open_session(max_retries=0)
    failed = ResponseFailed("rate_limit_exceeded", "Slow down.", then_error=True)
    session.emulator.script(Turn(failed, ReplyHeaders({"retry-after": "7"}), *parts))
    with pytest.raises(RateLimitError, match="Slow down") as caught:
        await session.ask("hello")
    assert caught.value.retry_after == 7


async def test_a_failure_without_a_reason_waits_for_none_that_does_not_come(open_session: OpenSession) -> None:
    session = await open_session(max_retries=0)
    session.emulator.script(Turn(ResponseFailed(), TerminalFields({"error": None}), HoldOpen(30)))
    with pytest.raises(ProviderUnavailableError, match="no reason"):
        await session.ask("hello")


async def test_a_response_that_ends_at_its_limit_was_cut_off_whatever_the_service_calls_it(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    usage = {"input_tokens": 5, "output_tokens": 16, "total_tokens": 21}
    session.emulator.script(*[Turn(Say("Once upon a"), TerminalFields({"usage": usage}))] * 2)
    free = await session.ask("tell", max_output_tokens=17)
    limited = await session.ask("tell", max_output_tokens=16)
    reached = "max_output_tokens" in session.body
    assert (limited.finish_reason, free.finish_reason) == ("length" if reached else "stop", "stop")
    assert ("max_output_tokens (16)" in caplog.text) is reached


async def test_the_text_of_a_response_is_the_final_answer_alone(session: Session) -> None:
    session.emulator.script(
        Turn(Say("Adding the numbers.", phase="commentary"), Say('{"n": 42}', phase="final_answer")),
        Turn(Say("Adding the numbers.", phase="commentary")),
        Turn(Say("Adding.", phase="commentary"), Say("42", phase=None)),
    )
    assert [(await session.ask("add")).text for _ in range(3)] == ['{"n": 42}', "Adding the numbers.", "42"]
