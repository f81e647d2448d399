"""Events to one response: its items, each once and whole, and status and usage of the terminal event."""

from __future__ import annotations

import sys
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


CALL: dict[str, Any] = {"type": "function_call", "id": "fc", "call_id": "c", "name": "look", "arguments": "{}"}
LISTED = {"type": "mcp_list_tools", "id": "mcpl", "tools": []}
REASONING: dict[str, Any] = {"type": "reasoning", "id": "rs", "summary": [], "content": []}


@pytest.mark.parametrize(
    ("streamed", "listed", "output"),
    [
        (
            [done(2, message("a"))],
            [LISTED, LISTED | {"id": "2"}, message("a")],
            [LISTED, LISTED | {"id": "2"}, message("a")],
        ),
        (
            [done(0, message("a")), done(2, message("c"))],
            [message("a"), LISTED, message("c")],
            [message("a"), LISTED, message("c")],
        ),
        ([done(0, message("a"))], [message("a"), LISTED], [message("a"), LISTED]),
        ([done(0, message("a"))], [LISTED], [message("a"), LISTED]),
        ([done(0, message("a"))], [message("rotated"), LISTED], [message("a"), LISTED]),
        ([done(1, message("a", "A"))], [message("x", "X"), message("b", "A")], [message("x", "X"), message("a", "A")]),
        ([done(0, message("a")), done(0, CALL)], [CALL, message("a")], [message("a"), CALL]),
        ([done(0, CALL)], [CALL | {"call_id": "other"}], [CALL]),
        (
            [done(0, CALL)],
            [CALL | {"call_id": "other", "arguments": "[]"}],
            [CALL, CALL | {"call_id": "other", "arguments": "[]"}],
        ),
        ([], [message("a"), message("a"), {"type": 7}], [message("a")]),
        ([], [message("a"), message("a", "b")], [message("a"), message("a", "b")]),
        ([done(0, CALL | {"arguments": "", "name": None})], [CALL], [CALL]),
        ([done(0, message("a", ""))], [message("a", "hi")], [message("a", "hi")]),
        (
            [done(0, REASONING)],
            [REASONING | {"content": [{"type": "output_text", "text": "hm"}]}],
            [REASONING | {"content": [{"type": "output_text", "text": "hm"}]}],
        ),
        ([added(0, CALL | {"arguments": ""})], [CALL | {"name": "", "call_id": ""}], [CALL]),
    ],
)
def test_items_of_the_terminal_event_are_joined_with_those_of_the_stream(
    streamed: list[Event], listed: list[dict[str, Any]], output: list[dict[str, Any]]
) -> None:
    built = collected(*streamed, ended(output=listed)).build_response()["output"]
    assert [{key: item[key] for key in item if item[key] is not None} for item in built] == output


def arguments(delta: str, kind: str = "delta", **more: Any) -> Event:
    key = "delta" if kind == "delta" else "arguments"
    return {"type": f"response.function_call_arguments.{kind}", "output_index": 0, key: delta, **more}


def custom(kind: str, text: str) -> Event:
    key = "delta" if kind == "delta" else "input"
    return {"type": f"response.custom_tool_call_input.{kind}", "output_index": 0, key: text}


BEGUN = CALL | {"arguments": "", "status": "in_progress"}
CUSTOM = {"type": "custom_tool_call", "id": "ct", "call_id": "c", "name": "run", "input": "", "status": "in_progress"}
SHELL = {"type": "shell_call", "id": "sh", "call_id": "c", "action": {"commands": ["ls"]}}
APPROVAL = {"type": "mcp_approval_request", "id": "ap", "server_label": "s", "name": "n", "arguments": "{}"}


@pytest.mark.parametrize(
    ("events", "whole", "cut"),
    [
        ([added(0, BEGUN), arguments("{}")], True, True),
        ([added(0, BEGUN), arguments("{}", "done")], True, False),
        ([added(0, BEGUN), arguments("", "done")], True, False),
        ([added(0, BEGUN)], False, True),
        ([added(0, BEGUN), arguments('{"a"')], False, True),
        ([added(0, CALL)], True, True),
        ([arguments("{}", "done", name="look")], True, False),
        ([arguments("{}", "done")], False, False),
        ([added(0, CUSTOM), custom("delta", "ls")], False, True),
        ([added(0, CUSTOM), custom("done", "ls")], True, False),
        ([added(0, SHELL | {"status": "completed"})], True, True),
        ([added(0, SHELL | {"status": "in_progress"})], False, True),
        ([added(0, APPROVAL)], True, True),
        ([done(0, BEGUN)], True, False),
    ],
)
def test_a_call_that_nobody_finished_is_whole_or_a_fault(events: list[Event], whole: bool, cut: bool) -> None:
    """A complete response with half of a call is a broken stream; in an incomplete one the call is cut."""
    complete = collected(*events, ended(output=[]))
    assert (complete.describe_fault() == "") is whole
    [item] = complete.build_response()["output"]
    assert (item.get("status") == "incomplete") is not whole
    incomplete = collected(*events, ended("incomplete", output=[]))
    assert incomplete.describe_fault() == ""
    [item] = incomplete.build_response()["output"]
    assert (item.get("status") == "incomplete") is cut
    assert collected(*events, ended("failed")).describe_fault() == ""


def test_the_fault_of_a_stream_is_named() -> None:
    assert collected(added(0, BEGUN)).describe_fault() == "the stream ended without a terminal event"
    assert collected(added(0, BEGUN), ended()).describe_fault() == "the stream ended in the middle of a call of look"
    nameless = collected(arguments("{"), ended())
    assert nameless.describe_fault() == "the stream ended in the middle of a call of function_call"
    assert collected(added(0, BEGUN), done(1, message("m")), ended(output=[CALL])).describe_fault() == ""


def test_an_unfinished_item_without_a_text_is_left_out() -> None:
    search = {"type": "web_search_call", "id": "ws", "status": "in_progress"}
    assert collected(added(0, search), added(1, message("m", "")), ended(output=[])).build_response()["output"] == []


REASON = {"code": "rate_limit_exceeded", "message": "slow down"}


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (ended("failed", error=None), {"type": "error", "error": REASON}, REASON),
        (ended("failed", error=None), ended("failed", error=REASON), REASON),
        (ended("failed", error={}), {"type": "error", "error": REASON}, REASON),
        (ended("completed", status="failed"), {"type": "error", "error": REASON}, REASON),
        ({"type": "error", "error": None}, ended("failed", error=REASON), REASON),
        (ended("failed", error=REASON), {"type": "error", "error": {"code": "other"}}, REASON),
        (ended("failed", error=None), {"type": "error"}, None),
    ],
)
def test_a_failure_without_a_reason_takes_that_of_the_next_event(first: Event, second: Event, error: Any) -> None:
    received = collected(first)
    assert received.lacks_reason() is (not as_error(first))
    received.add_event(second)
    assert received.terminal_event is not None
    assert as_error(received.terminal_event) == error
    assert received.has_failed()
    assert received.lacks_reason() is (error is None)


def as_error(event: Event) -> Any:
    return (event.get("response") or {}).get("error") or event.get("error")


def test_a_flat_error_event_has_its_reason_itself() -> None:
    received = collected(ended("failed", error=None, usage={"input_tokens": 1}), {"type": "error", **REASON})
    assert received.terminal_event == {
        "type": "response.failed",
        "response": {"error": None, "usage": {"input_tokens": 1}},
        **REASON,
    }
    assert not received.lacks_reason()
    assert not collected(ended()).lacks_reason()


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


@pytest.mark.parametrize("kind", ["completed", "incomplete"])
@pytest.mark.parametrize("status", [{}, {"status": "completed"}])
def test_a_response_that_says_why_it_is_incomplete_is_not_completed(kind: str, status: dict[str, str]) -> None:
    reason = {"incomplete_details": {"reason": "max_output_tokens"}}
    assert collected(done(0, message("m")), ended(kind, **status, **reason)).build_response()["status"] == "incomplete"
    assert collected(ended("completed", **status, incomplete_details=None)).build_response()["status"] == "completed"


@pytest.mark.parametrize("ids", ["same", "none", "other"])
@pytest.mark.parametrize("is_finished", [True, False], ids=["finished", "open"])
def test_each_of_many_items_without_an_index_costs_the_same(ids: str, is_finished: bool) -> None:
    """The work is counted in calls of functions, because a time says little on a busy machine."""

    def count_calls(item_count: int) -> int:
        def build(number: int, state: str, words: str) -> dict[str, Any]:
            item_id = {"same": f"msg_{number}", "none": None, "other": f"{state}_{number}"}[ids]
            content = [{"type": "output_text", "text": words}] if words else []
            return {"type": "message", "content": content, **({"id": item_id} if item_id else {})}

        accumulator, count = Accumulator(), 0
        events: list[Event] = []
        for number in range(item_count):
            events.append({"type": "response.output_item.added", "item": build(number, "added", "")})
            item_id = events[-1]["item"].get("id")
            events.append({"type": "response.output_text.delta", "delta": f"text {number}", "item_id": item_id})
            if is_finished:
                item = build(number, "done", f"text {number}")
                events.append({"type": "response.output_item.done", "item": item})
        events.append(ended(output=[build(number, "listed", f"text {number}") for number in range(item_count)]))

        def note(*_: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(note)
        try:
            for event in events:
                accumulator.add_event(event)
            response = accumulator.build_response()
        finally:
            sys.setprofile(None)
        assert len(response["output"]) == item_count
        return count

    assert count_calls(80) < 2.5 * count_calls(40)
