"""Events to one response: finished items in `output_index` order, status and usage of the terminal event."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.wire.accumulate import Accumulator

Event = dict[str, Any]


def collected(*events: Event) -> Accumulator:
    accumulator = Accumulator()
    for event in events:
        accumulator.add_event(event)
    return accumulator


def added(index: int, item: dict[str, Any]) -> Event:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: dict[str, Any]) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def text(index: int, delta: str) -> Event:
    return {"type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": delta}


def ended(kind: str = "completed", **response: Any) -> Event:
    return {"type": f"response.{kind}", "response": response}


def message(item_id: str, words: str = "hi", **more: Any) -> dict[str, Any]:
    return {"type": "message", "id": item_id, "content": [{"type": "output_text", "text": words}], **more}


def test_the_finished_item_counts_and_not_the_one_that_was_begun() -> None:
    begun = {"type": "reasoning", "id": "rs_1", "encrypted_content": "half"}
    finished = {"type": "reasoning", "id": "rs_2", "encrypted_content": "whole"}
    assert collected(added(0, begun), done(0, finished), ended()).build_response()["output"] == [finished]


def test_deltas_change_nothing_in_a_finished_answer() -> None:
    received = collected(added(0, message("m")), text(0, "shown"), done(0, message("m", "kept")), ended())
    assert received.build_response()["output"] == [message("m", "kept")]


@given(st.permutations(range(5)), st.data())
def test_items_stand_in_the_order_of_their_index(order: list[int], data: st.DataObject) -> None:
    noise = st.lists(
        st.sampled_from([{"type": "keepalive"}, text(1, "x"), {"type": "response.unheard_of"}]), max_size=2
    )
    events = [event for index in order for event in (*data.draw(noise), done(index, message(f"m{index}")))]
    assert [item["id"] for item in collected(*events, ended()).build_response()["output"]] == [
        "m0",
        "m1",
        "m2",
        "m3",
        "m4",
    ]


def test_items_without_an_index_stand_in_the_order_in_which_they_came() -> None:
    events: list[Event] = [{"type": "response.output_item.done", "item": message(name)} for name in "abc"]
    assert [item["id"] for item in collected(*events, ended()).build_response()["output"]] == ["a", "b", "c"]


def test_an_item_that_is_finished_twice_counts_once() -> None:
    assert collected(done(0, message("a")), done(0, message("b")), ended()).build_response()["output"] == [message("b")]


@pytest.mark.parametrize("output", [[], None, "nonsense", [message("other")]])
def test_the_output_of_the_terminal_event_adds_nothing_to_streamed_items(output: Any) -> None:
    received = collected(done(0, message("a")), ended(output=output, id="resp_1", usage={"input_tokens": 1}))
    assert received.build_response() == {
        "id": "resp_1",
        "usage": {"input_tokens": 1},
        "status": "completed",
        "output": [message("a")],
    }


def test_items_that_were_never_streamed_are_taken_from_the_terminal_event() -> None:
    assert collected(ended(output=[message("a"), message("b")])).build_response()["output"] == [
        message("a"),
        message("b"),
    ]


def test_an_item_that_was_cut_off_is_taken_from_the_terminal_event() -> None:
    half = {"type": "function_call", "status": "incomplete", "arguments": '{"a'}
    received = collected(done(0, message("a", "streamed")), ended("incomplete", output=[message("a", "shown"), half]))
    assert received.build_response()["output"] == [message("a", "streamed"), half]


def test_a_message_that_was_cut_off_is_put_together_from_its_deltas() -> None:
    received = collected(
        done(0, {"type": "reasoning", "id": "rs"}),
        added(1, {"type": "message", "id": "m", "role": "assistant", "status": "in_progress", "content": []}),
        text(1, "half an "),
        text(1, "answ"),
        added(2, {"type": "message", "id": "silent", "content": []}),
        added(3, {"type": "function_call", "id": "fc", "arguments": ""}),
        ended("incomplete", output=[]),
    )
    assert received.build_response()["output"] == [
        {"type": "reasoning", "id": "rs"},
        message("m", "half an answ", role="assistant", status="incomplete"),
        {"type": "function_call", "id": "fc", "arguments": "", "status": "incomplete"},
    ]


def test_what_the_terminal_event_shows_of_a_message_counts_more_than_its_deltas() -> None:
    received = collected(added(0, message("m", "")), text(0, "par"), ended("incomplete", output=[message("m", "part")]))
    assert received.build_response()["output"] == [message("m", "part")]


def test_a_message_that_nobody_finished_is_put_together_from_its_deltas() -> None:
    received = collected(added(0, message("m", "")), text(0, "par"), text(0, "t"), ended(output=[]))
    assert received.build_response()["output"] == [message("m", "part", status="completed")]


def test_fragments_and_items_without_an_index_belong_to_the_first_item() -> None:
    begun: Event = {"type": "response.output_item.added", "item": message("m", "")}
    delta: Event = {"type": "response.output_text.delta", "delta": "par"}
    received = collected(begun, delta, ended("incomplete"))
    assert received.build_response()["output"] == [message("m", "par", status="incomplete")]


@pytest.mark.parametrize(
    ("event", "status", "failed"),
    [
        (ended("completed", status="completed"), "completed", False),
        (ended("completed"), "completed", False),
        ({"type": "response.done", "response": {}}, "completed", False),
        ({"type": "response.done", "response": None}, "completed", False),
        ({"type": "response.completed"}, "completed", False),
        (ended("done", status="incomplete"), "incomplete", False),
        (ended("incomplete"), "incomplete", False),
        (ended("failed"), "failed", True),
        (ended("completed", status="failed"), "failed", True),
        (ended("completed", status="cancelled"), "cancelled", True),
        ({"type": "error", "error": {"message": "no"}}, "", True),
        ({"type": "error", "code": "x", "message": "no"}, "", True),
    ],
)
def test_how_a_stream_ended(event: Event, status: str, failed: bool) -> None:
    received = collected(event)
    assert received.read_status() == status
    assert received.has_failed() is failed
    assert received.build_response()["status"] == status


def test_a_stream_without_a_terminal_event_has_not_ended() -> None:
    received = collected(done(0, message("a")), {"type": "keepalive"}, {"type": "response.queued"})
    assert received.terminal_event is None
    assert received.read_status() == ""
    assert not received.has_failed()


def test_the_first_terminal_event_counts() -> None:
    """A nested `error` is often followed at once by `response.failed` with the same cause (recorded)."""
    error: Event = {"type": "error", "error": {"code": "insufficient_quota", "message": "no"}}
    assert collected(error, ended("failed")).terminal_event == error
    assert collected(ended("completed", id="one"), error).terminal_event == ended("completed", id="one")
    assert not collected(ended("completed"), error).has_failed()


@pytest.mark.parametrize("odd", [None, [], {}, 5])
def test_an_item_without_a_valid_type_hides_no_finished_item(odd: Any) -> None:
    message = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "hi"}]}
    accumulator = Accumulator()
    accumulator.add_event({"type": "response.output_item.added", "output_index": 0, "item": {"type": odd}})
    accumulator.add_event({"type": "response.output_item.done", "output_index": 0, "item": message})
    accumulator.add_event({"type": "response.completed", "response": {"output": [{"type": odd}]}})
    assert accumulator.build_response()["output"] == [message]
