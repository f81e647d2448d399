"""Answers that were cut off by the output limit go on where they stopped; nothing half is ever run."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from responses_emulator import (
    Call,
    CustomCall,
    CutStream,
    FromResponder,
    HostedItem,
    HttpReply,
    NoTerminalOutput,
    ResponseIncomplete,
    Say,
    Silence,
    Think,
    Turn,
    WebSearch,
    server_error,
    write_text,
)

from tests.support.clock_leap import let_time_pass
from tests.support.session import Conversation, OpenSession, Session, asking, items, result, server_items, system, tool

HALF = Turn(Think(["Long story."], tokens=30), Say("Once upon a time there was a "), ResponseIncomplete(characters=20))
MORE = Turn(Think(["And on."], tokens=30), Say("me there was a king and he "), ResponseIncomplete(characters=20))
LOOK = tool("look", "at")
STORY = "Once there was a model that was very small. It lived on a machine with two cores, and it wrote no poems."


@pytest.mark.promise("an incomplete response is an error that is retried", area="hazard")
async def test_an_answer_that_was_cut_off_goes_on(session: Session) -> None:
    session.emulator.script(HALF, Say("me there was a king."))
    response = await session.ask("tell me a story")
    assert response.text == "Once upon a time theme there was a king."
    assert response.finish_reason == "stop"
    assert session.sent == 2
    event = session.recorder.one("provider:incomplete_continuation")
    assert (event["reason"], event["continuation_number"], event["max_attempts"]) == ("max_output_tokens", 1, 3)
    assert session.recorder.one("llm:response")["continuation_count"] == 1


@pytest.mark.promise("a continuation forgets reasoning and settings", area="hazard")
async def test_it_goes_on_with_the_reasoning_it_had(session: Session) -> None:
    session.emulator.script(HALF, Say("rest"))
    await session.ask("tell me a story")
    first, second = session.emulator.request_bodies
    made = session.made(0)["output"]
    assert second["input"][: len(first["input"])] == first["input"]
    assert [item["type"] for item in second["input"][len(first["input"]) :]] == ["reasoning", "message"]
    assert items(second, "reasoning")[0].get("id") == (made[0]["id"] if session.backend.reasoning_ids else None)
    assert items(second, "reasoning")[0]["encrypted_content"]
    rest = ("model", "instructions", "tools", "reasoning", "include", "prompt_cache_key")
    assert {key: first.get(key) for key in rest} == {key: second.get(key) for key in rest}


@pytest.mark.promise("a continuation costs nothing", area="hazard")
async def test_usage_and_cost_are_summed(session: Session) -> None:
    session.emulator.script(HALF, MORE, Say("the end"))
    response = await session.ask("tell me a story")
    told = [session.made(number)["usage"] for number in range(session.sent)]
    assert len(told) == 3
    assert response.usage.input_tokens == sum(each["input_tokens"] for each in told)
    assert response.usage.output_tokens == sum(each["output_tokens"] for each in told)
    assert response.usage.reasoning_tokens == 60
    if session.backend.priced:
        assert response.usage.cost_usd > Decimal(0)
        assert session.provider.spent_usd == response.usage.cost_usd
    assert session.recorder.one("llm:response")["usage"]["output_tokens"] == response.usage.output_tokens


async def test_it_gives_up_after_so_many_continuations_and_says_so(open_session: OpenSession) -> None:
    session = await open_session(max_continuations="2")
    pieces = [f"{number}. Once upon a time there was " for number in range(9)]
    session.emulator.script(*[Turn(Say(piece), ResponseIncomplete(characters=20)) for piece in pieces])
    response = await session.ask("tell me a story")
    assert session.sent == 3
    assert response.finish_reason == "length"
    assert response.text == "".join(piece[:20] for piece in pieces[:3])
    assert response.metadata["openai:incomplete_reason"] == "max_output_tokens"


async def test_no_continuations_are_no_continuations(open_session: OpenSession) -> None:
    session = await open_session(max_continuations=0)
    session.emulator.script(HALF)
    response = await session.ask("tell me a story")
    assert (session.sent, response.finish_reason) == (1, "length")


@pytest.mark.promise("half a call runs a tool", area="hazard")
@pytest.mark.parametrize("shape", [[], [NoTerminalOutput()]], ids=["with output", "with empty output"])
async def test_a_half_call_is_not_run_and_the_model_is_told(session: Session, shape: list) -> None:
    half = Turn(
        Think(["Look."]), Say("I look."), Call("look", {"at": "the whole wide world"}), ResponseIncomplete(), *shape
    )
    session.emulator.script(half, Turn(Call("look", {"at": "x"})))
    response = await session.ask("look", tools=[LOOK])
    assert [call.arguments for call in response.tool_calls] == [{"at": "x"}]
    assert session.sent == 2
    first, second = session.emulator.request_bodies
    added = second["input"][len(first["input"]) :]
    assert [item["type"] for item in added] == ["reasoning", "message", "function_call", "function_call_output"]
    assert added[2]["arguments"] == "{}"
    assert "cut off at the output token limit" in added[3]["output"]
    shown = [event["name"] for event in session.recorder.named("llm:stream_block_start") if "name" in event]
    assert shown == ["look", "look"]
    assert session.recorder.shown() == response.text == "I look."


@pytest.mark.promise("a cut call is asked for again and again", area="hazard")
async def test_a_call_that_is_cut_off_again_ends_the_answer_and_later_turns_tell_of_it(session: Session) -> None:
    """Each try would cost as many tokens as the limit allows."""
    chat = Conversation(session, tools=[LOOK])
    halves = [
        Turn(Think(["Look."]), Call("look", {"at": f"{n} whole wide worlds"}), ResponseIncomplete()) for n in "123"
    ]
    session.emulator.script(*halves[:2], Say("I see."))
    response = await chat.say("look")
    assert (session.sent, response.finish_reason, response.tool_calls) == (2, "length", None)
    assert "call of look" in response.text
    assert "reasoning" not in response.text
    assert session.recorder.shown() == response.text
    second = session.body["input"]
    await chat.say("go on")
    assert session.body["input"][: len(second)] == second
    assert [item["type"] for item in items(session.body, "function_call", "function_call_output")] == [
        "function_call",
        "function_call_output",
    ] * 2
    assert not session.recorder.named("provider:tool_sequence_repaired")


async def test_a_whole_call_before_the_cut_one_is_run_and_the_model_reads_of_both(session: Session) -> None:
    chat = Conversation(session, tools=[LOOK], max_output_tokens=512)
    session.emulator.script(
        Turn(Call("look", {"at": "x"}), Call("look", {"at": "the whole wide world"}), ResponseIncomplete()), Say("ok")
    )
    response = await chat.say("look twice")
    assert [call.arguments for call in response.tool_calls] == [{"at": "x"}]
    starts = session.recorder.named("llm:stream_block_start")
    assert [start["block_index"] for start in starts] == [0, 1, 0], "the cut call is taken back"
    await chat.go_on(result(response.tool_calls[0], "a letter"))
    outputs = {item["call_id"]: item["output"] for item in items(session.body, "function_call_output")}
    whole, cut = items(session.body, "function_call")
    assert (whole["arguments"], cut["arguments"]) == ('{"at":"x"}', "{}")
    assert outputs[whole["call_id"]] == "a letter"
    assert "cut off" in outputs[cut["call_id"]]
    assert session.sent == 2


@pytest.mark.parametrize("piece", [Call("look", {"at": "the whole wide world"}), Think(["Look."], tokens=9)])
async def test_a_request_that_says_no_more_than_the_last_one_is_not_sent(session: Session, piece: Any) -> None:
    """Half an action of a native tool cannot be sent back, nor can reasoning that nothing follows."""
    if isinstance(piece, Call):
        piece = HostedItem({"type": "shell_call", "call_id": "call_1", "action": {"commands": ["ls"]}})
    session.emulator.script(Turn(piece, ResponseIncomplete()))
    response = await session.ask("look", tools=[tool("shell", type="shell")])
    assert (session.sent, response.finish_reason, response.tool_calls) == (1, "length", None)
    assert "provider:incomplete_continuation" not in session.recorder.names


async def test_a_call_with_whole_arguments_that_was_still_cut_off_is_not_run(session: Session) -> None:
    """Marked incomplete, yet its arguments happen to be JSON."""
    half = Turn(Say("I look."), Call("look", '{"at": "x"}'), ResponseIncomplete(characters=11))
    session.emulator.script(half, Say("never mind"))
    response = await session.ask("look", tools=[LOOK])
    assert not response.tool_calls


async def test_finished_calls_before_the_cut_are_kept_and_nothing_goes_on(session: Session) -> None:
    session.emulator.script(Turn(Call("look", {"at": "x"}), Say("and then I will tell"), ResponseIncomplete()))
    response = await session.ask("look", tools=[LOOK])
    assert [call.arguments for call in response.tool_calls] == [{"at": "x"}]
    assert response.finish_reason == "tool_calls"
    assert session.sent == 1


async def test_half_a_custom_call_is_not_run(session: Session) -> None:
    session.emulator.script(Turn(Say("I run."), CustomCall("run", "rm -r build/tmp"), ResponseIncomplete()), Say("no"))
    response = await session.ask("clean up", tools=[tool("run", type="custom")])
    assert not response.tool_calls


@pytest.mark.promise("a filtered answer is asked to go on", area="hazard")
async def test_a_filtered_answer_does_not_go_on(session: Session) -> None:
    session.emulator.script(Turn(Say("Here is how to do it"), ResponseIncomplete("content_filter", characters=11)))
    response = await session.ask("something bad")
    assert session.sent == 1
    assert response.finish_reason == "content_filter"
    assert response.text == "Here is how"
    assert "provider:incomplete_continuation" not in session.recorder.names


async def test_an_answer_that_was_filtered_whole_says_so(session: Session) -> None:
    session.emulator.script(Turn(ResponseIncomplete("content_filter")))
    response = await session.ask("something bad")
    assert "content filter" in response.text
    assert response.finish_reason == "content_filter"


async def test_a_cut_in_mid_reasoning_is_told_and_not_tried_again(session: Session) -> None:
    session.emulator.script(Turn(Think(["Hmm, hmm, hmm."], tokens=999), ResponseIncomplete()))
    response = await session.ask("a riddle")
    assert session.sent == 1
    assert response.finish_reason == "length"
    assert "max_output_tokens" in response.text
    assert response.content_blocks[-1].text == response.text
    assert response.usage.output_tokens == session.made(0)["usage"]["output_tokens"]


async def test_the_budget_of_the_service_is_what_cuts(open_session: OpenSession) -> None:
    """No script: the answer is really too long for the limit that was sent."""
    session = await open_session(max_output_tokens=40, reasoning_effort="none")
    session.emulator.script(Say("word " * 60), Say("more " * 60), Say("end"))
    response = await session.ask("talk")
    assert response.text.startswith("word word")
    limits = [body.get("max_output_tokens") for body in session.emulator.request_bodies]
    if "max_output_tokens" in session.backend.refuses:
        assert limits == [None], "without a limit the answer is whole at once"
    else:
        assert limits == [40, 40, 40]


@pytest.mark.promise("a call spends more tokens than its caller allows", area="hazard")
@pytest.mark.parametrize(
    ("fields", "kwargs"),
    [
        ({"max_output_tokens": 512}, {}),
        ({}, {"max_output_tokens": 512}),
        ({}, {"request_options": {"auto_continue": False}}),
        ({"metadata": {"auto_continue": False}}, {}),
    ],
)
async def test_a_caller_who_limits_a_call_gets_no_continuation(session: Session, fields: dict, kwargs: dict) -> None:
    assert "completion:auto_continue:v1" in session.provider.get_info().capabilities
    session.emulator.script(HALF, Say("never said"))
    response = await session.provider.complete(asking("tell me a story", **fields), **kwargs)
    assert (session.sent, response.finish_reason, response.text) == (1, "length", "Once upon a time the")


async def test_a_server_goes_on_in_mid_sentence_or_the_first_part_is_the_answer(session: Session) -> None:
    """vLLM goes on only behind a message that is marked as incomplete, and begins anew otherwise."""
    session.emulator.state.responder = write_text(STORY)
    session.emulator.script(*[Turn(FromResponder(), ResponseIncomplete(characters=50))] * 2)
    response = await session.ask("tell me a story")
    statuses = [[item.get("status") for item in body["input"]] for body in session.emulator.request_bodies]
    if session.backend.marks_incomplete:
        assert (response.text, response.finish_reason) == (STORY, "stop")
        assert statuses == [[None], [None, "incomplete"], [None, None, "incomplete"]]
    else:
        assert (response.text, response.finish_reason) == (STORY[:50], "length")
        assert not any(status for body in statuses for status in body)
        told = [session.made(number)["usage"]["output_tokens"] for number in range(session.sent)]
        assert response.usage.output_tokens == sum(told), "what was thrown away was paid for"
    assert session.recorder.shown() == response.text


async def test_a_server_that_refuses_the_mark_of_a_cut_message_goes_on_without_it(session: Session) -> None:
    """As a gateway does that has Azure behind it."""
    error = {
        "message": "Unknown parameter: 'input[1].status'.",
        "param": "input[1].status",
        "code": "unknown_parameter",
    }
    refusals = [HttpReply(400, {"error": error})] if session.backend.marks_incomplete else []
    halves = [Turn(Say(text), ResponseIncomplete(characters=20)) for text in (STORY, STORY[20:])]
    session.emulator.script(halves[0], *refusals, halves[1], Say(STORY[40:]))
    response = await session.ask("tell me a story")
    assert (response.text, response.finish_reason) == (STORY, "stop")
    assert session.sent == 3 + len(refusals)
    assert not any("status" in item for body in session.emulator.request_bodies[2:] for item in body["input"])


@pytest.mark.promise("a continuation is not retried", area="hazard")
async def test_a_continuation_is_tried_again_like_any_request(session: Session) -> None:
    session.emulator.script(HALF, Turn(Say("lost"), CutStream(6)), Say(" rest"))
    response = await session.ask("tell me a story")
    assert response.text == "Once upon a time the rest"
    assert session.emulator.request_bodies[1] == session.emulator.request_bodies[2]
    assert [event["attempt"] for event in session.recorder.named("provider:retry")] == [1]


@pytest.mark.parametrize("ending", [[Say(" rest")], [Turn(Say("lost"), CutStream(6))]], ids=["succeeds", "fails"])
async def test_a_continuation_that_is_tried_again_leaves_the_answer_on_the_screen(
    open_session: OpenSession, ending: list
) -> None:
    """An abort takes back all that was shown of the call, so what still holds is shown again."""
    session = await open_session(max_retries=1)
    session.emulator.script(HALF, Turn(Say("lost"), CutStream(6)), *ending)
    response = await session.ask("tell me a story")
    assert response.text.startswith("Once upon a time the")
    assert session.recorder.shown() == response.text


async def test_a_continued_answer_goes_back_whole(session: Session) -> None:
    chat = Conversation(session)
    session.emulator.script(HALF, Turn(Think(["Nearly."]), Say("me end.")))
    await chat.say("tell me a story")
    before = session.body
    await chat.say("thanks")
    newest = before["input"].pop()
    newest.pop("status", None)  # says only in a continuation that the message is to be continued
    assert session.body["input"][: len(before["input"]) + 1] == [*before["input"], newest]
    assert len(items(session.body, "reasoning")) == 2
    assert json.dumps(session.body).count("Once upon") == 1


@pytest.mark.one_sign_in("a plan has no code interpreter")
async def test_hosted_items_before_the_cut_are_kept(session: Session) -> None:
    interpreter = {"type": "code_interpreter_call", "code": "1", "container_id": "cntr_1", "outputs": []}
    session.emulator.script(
        Turn(Think([]), HostedItem(interpreter), WebSearch(["q"]), Say("I found that"), ResponseIncomplete()),
        Say(" all."),
    )
    await session.ask("find out")
    assert server_items(session.body) == ["code_interpreter_call", "web_search_call"]


@pytest.mark.promise("results cannot be matched after a continuation", area="hazard")
async def test_results_after_a_continued_turn_find_their_calls(session: Session) -> None:
    chat = Conversation(session, tools=[LOOK])
    session.emulator.script(HALF, Turn(Think(["Look."]), Call("look", {"at": "x"})), Say("a king"))
    response = await chat.say("tell me a story")
    last = await chat.go_on(result(response.tool_calls[0], "a king"))
    assert last.text == "a king"
    assert not session.recorder.named("provider:tool_sequence_repaired")


@pytest.mark.promise("later requests lack instructions or tools", area="hazard")
async def test_every_request_has_instructions_and_tools(session: Session) -> None:
    chat = Conversation(session, tools=[tool("look", "at")])
    chat.messages.append(system("Be brief."))
    session.emulator.script(
        Call("look", {"at": "x"}), Turn(Say("half of it all"), ResponseIncomplete()), Say("ok"), Say("ok")
    )
    first = await chat.say("look")
    await chat.go_on(result(first.tool_calls[0]))
    await chat.say("thanks")
    fields = [{**body, "input": []} for body in session.emulator.request_bodies]
    prefixes = {json.dumps(each) for each in fields}
    assert session.sent == 4
    assert len(prefixes) == 1
    assert session.body["instructions"] == "Be brief."


@pytest.mark.promise("a continuation that fails counts as a success", area="hazard")
@pytest.mark.parametrize(
    ("ending", "sent"),
    [
        ([server_error(), server_error()], 3),
        ([HttpReply(400, {"error": {"message": "odd"}})], 2),
        ([Turn(Say("lost"), Call("look", '{"at": NaN}'))], 2),
        ([Turn(Say("lost"), Silence(60, before_event=6))], 2),
        ([Turn(Say("half of an answer in full"))], 2),
    ],
    ids=["a fault", "a refusal", "a bad call", "the time of the call", "another beginning"],
)
async def test_a_continuation_that_fails_ends_as_length(
    open_session: OpenSession, caplog: pytest.LogCaptureFixture, ending: list, sent: int
) -> None:
    """The host keeps the part that was paid for, and the finish reason says that it is not the whole."""
    session = await open_session(max_retries=1)
    session.emulator.script(Turn(Say("half of an answer"), ResponseIncomplete(characters=8)), *ending)
    call = asyncio.create_task(session.ask("hello", tools=[LOOK], timeout=30))
    if isinstance(ending[0], Turn) and ending[0].parts_of_type(Silence):
        assert await session.emulator.wait_until_async(lambda: "lost" in session.recorder.shown())
        let_time_pass(30)
    response = await call
    assert session.sent == sent
    assert (response.text, response.finish_reason) == ("half of ", "length")
    assert response.metadata["openai:incomplete_reason"] == "max_output_tokens"
    assert session.recorder.one("llm:response")["finish_reason"] == "length"
    assert session.recorder.shown() == response.text
    assert any("could not be continued" in record.getMessage() for record in caplog.records)
