"""When a response is continued, and what a reader sees of a call whose attempts fail."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.engine._call import Silence, VisibleDeltas, begins_anew, can_continue, make_usable
from openai_responses_common.translate.deltas import Aborted, BlockDelta, BlockEnd, BlockStart, Delta
from openai_responses_common.wire.accumulate import Accumulator

MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
CUT_CALL = {"type": "function_call", "id": "fc_2", "call_id": "d", "name": "f", "arguments": '{"a'}
TEXT_EVENT = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "a"}


def response(*output: dict[str, Any], reason: str = "max_output_tokens", status: str = "incomplete") -> dict[str, Any]:
    return {"status": status, "incomplete_details": {"reason": reason}, "output": list(output)}


@pytest.mark.parametrize(
    ("unfinished", "expected"),
    [
        (response(MESSAGE), True),
        (response(MESSAGE, status="completed"), False),
        (response(MESSAGE, reason="content_filter"), False),
        (response(REASONING), False),
        (response(), False),
        (response(REASONING, CUT_CALL), True),
        (response(MESSAGE, CALL), False),
        (response(CALL, CUT_CALL), False),
    ],
    ids=["text", "complete", "filtered", "reasoning only", "nothing", "cut call", "whole call", "whole and cut call"],
)
def test_a_response_is_continued_if_the_model_can_go_on(unfinished: dict[str, Any], expected: bool) -> None:
    assert can_continue(make_usable(unfinished)) is expected


def test_the_last_message_of_an_incomplete_response_is_incomplete_whatever_the_server_calls_it() -> None:
    usable = make_usable(response(MESSAGE, {**MESSAGE, "status": "completed"}))
    assert [item.get("status") for item in usable["output"]] == [None, "incomplete"]
    assert make_usable(response(MESSAGE, REASONING))["output"] == [MESSAGE, REASONING]
    assert make_usable(response(MESSAGE, status="completed"))["output"] == [MESSAGE]


def said(text: str) -> dict[str, Any]:
    return response(REASONING, {**MESSAGE, "content": [{"type": "output_text", "text": text}]})


@pytest.mark.parametrize(
    ("answer", "piece", "expected"),
    [
        ("Once there was a model that was very small. It", "Once there was a model that that was small.", True),
        ("You said: Write", "You said: Write", True),
        ("You said: Write", "\n You said: Wri", True),
        ("Once there was a model that was", " very small.", False),
        ("Once there was a model", "Once there was a king", False),
        ("I am", "I", False),
        ("", "text", False),
        ("text", "", False),
    ],
)
def test_a_continuation_that_begins_with_the_beginning_of_the_answer_does_not_go_on(
    answer: str, piece: str, expected: bool
) -> None:
    assert begins_anew([said(answer), said(" and more")], said(piece)) is expected


@pytest.mark.parametrize(
    ("silences_s", "expected"),
    [([5, 5, 5, 5, 5], True), ([600], True), ([600, 600], False), ([200, 200], True), ([200, 200, 200], False)],
)
def test_a_silent_service_is_asked_once_more_and_then_only_while_it_takes_no_ten_minutes(
    silences_s: list[float], expected: bool
) -> None:
    silence = Silence()
    for seconds in silences_s:
        silence.add(seconds)
    assert silence.allows_retry() is expected


def stream(*events: dict[str, Any]) -> Accumulator:
    accumulator = Accumulator()
    for event in events:
        accumulator.add_event(event)
    return accumulator


class Screen:
    """What a reader sees: every delta in order."""

    def __init__(self) -> None:
        self.deltas: list[Delta] = []

    async def show(self, batch: list[Delta]) -> None:
        self.deltas += batch

    def kinds(self) -> list[type]:
        kinds = [type(delta) for delta in self.deltas]
        self.deltas.clear()
        return kinds


async def test_an_abort_takes_back_only_what_is_visible() -> None:
    screen = Screen()
    deltas = VisibleDeltas(screen.show)
    await deltas.begin_attempt([])
    await deltas.abort_attempt("E", "m")
    assert screen.kinds() == []
    await deltas.show(stream(TEXT_EVENT))
    await deltas.abort_attempt("E", "m")
    await deltas.abort("E", "m")
    assert screen.kinds() == [BlockStart, BlockDelta, Aborted]


async def test_an_attempt_after_an_abort_begins_with_the_earlier_responses() -> None:
    screen = Screen()
    deltas = VisibleDeltas(screen.show)
    earlier = response(MESSAGE)
    await deltas.begin_attempt([])
    await deltas.show(stream(TEXT_EVENT, {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}))
    await deltas.complete_attempt([MESSAGE])
    assert screen.kinds() == [BlockStart, BlockDelta, BlockEnd]
    await deltas.begin_attempt([earlier])
    assert screen.kinds() == []
    await deltas.show(stream(TEXT_EVENT))
    assert [delta.index for delta in screen.deltas if isinstance(delta, BlockStart)] == [1]
    await deltas.abort_attempt("E", "m")
    screen.deltas.clear()
    await deltas.begin_attempt([earlier])
    assert screen.kinds() == [BlockStart, BlockDelta, BlockEnd]
    await deltas.show(stream(TEXT_EVENT))
    assert [delta.index for delta in screen.deltas if isinstance(delta, BlockStart)] == [1]


async def test_a_notice_is_the_last_block() -> None:
    screen = Screen()
    deltas = VisibleDeltas(screen.show)
    await deltas.begin_attempt([])
    await deltas.show(stream(TEXT_EVENT, {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}))
    await deltas.complete_attempt([MESSAGE])
    screen.deltas.clear()
    await deltas.show_notice("(cut)")
    assert screen.deltas == [
        BlockStart(index=1, kind="text"),
        BlockDelta(index=1, kind="text", sequence=0, text="(cut)"),
        BlockEnd(index=1, kind="text"),
    ]


async def test_a_finished_response_that_differs_from_its_stream_is_taken_back_and_shown_again() -> None:
    screen = Screen()
    deltas = VisibleDeltas(screen.show)
    other = {**MESSAGE, "content": [{"type": "output_text", "text": "b"}]}
    await deltas.begin_attempt([])
    await deltas.show(stream(TEXT_EVENT))
    await deltas.complete_attempt([other])
    assert screen.kinds() == [BlockStart, BlockDelta, Aborted]
    await deltas.show_again([response(other)])
    assert [(delta.index, delta.text) for delta in screen.deltas if isinstance(delta, BlockDelta)] == [(0, "b")]


async def test_a_call_without_a_reader_shows_nothing() -> None:
    deltas = VisibleDeltas(None)
    await deltas.begin_attempt([])
    await deltas.show(stream(TEXT_EVENT))
    await deltas.complete_attempt([])
    await deltas.abort("E", "m")
    await deltas.show_again([response(MESSAGE)])
    await deltas.show_notice("(cut)")
