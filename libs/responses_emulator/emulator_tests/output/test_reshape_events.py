"""A stream shape changes how the events of items are built, and not what they say."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_clients.responses import stream_events
from responses_emulator import STREAM_SHAPES, Call, Emulator, HostedItem, ResponseFailed, Say, StreamShape, Think, Turn

Event = dict[str, Any]
DONE = "response.output_item.done"


def play(emulator: Emulator, shape: StreamShape) -> list[Event]:
    mcp = HostedItem({"type": "mcp_list_tools", "server_label": "wiki", "tools": []})
    emulator.script(Turn(mcp, Think(["Hm."], show_always=True), Say("Hello."), Call("look", {"at": "x"}), shape))
    return stream_events(emulator)


def types(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]


def ended(events: list[Event]) -> list[str]:
    return [event["item"]["type"] for event in events if event["type"] == DONE]


@pytest.mark.parametrize("name", STREAM_SHAPES)
def test_every_shape_ends_with_the_response_and_its_usage(emulator: Emulator, name: str) -> None:
    events = play(emulator, STREAM_SHAPES[name])
    assert types(events)[-1] == "response.completed"
    assert events[-1]["response"]["usage"]["output_tokens"] > 0
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def test_default_shape_changes_nothing(emulator: Emulator) -> None:
    assert types(play(emulator, StreamShape())) == types(play(emulator, STREAM_SHAPES["one index"]))


def test_llama_cpp_has_no_index_and_ends_all_items_at_the_end(emulator: Emulator) -> None:
    events = play(emulator, STREAM_SHAPES["llama.cpp"])
    assert not [event for event in events if "output_index" in event]
    assert types(events)[-5:-1] == [DONE] * 4
    assert {event["item_id"] for event in events if event["type"].endswith(".delta")}


def test_transformers_ends_with_an_empty_message_at_the_index_of_the_last_item(emulator: Emulator) -> None:
    events = play(emulator, STREAM_SHAPES["transformers"])
    call, message = (event for event in events if event["type"] == DONE and event["output_index"] == 3)
    assert (call["item"]["type"], message["item"]["type"]) == ("function_call", "message")
    output = events[-1]["response"]["output"]
    assert (output[0]["id"], output[-1]["id"]) == (message["item"]["id"], call["item"]["id"])
    assert not [kind for kind in types(events) if kind.endswith(".delta")]


def test_ollama_has_one_index_and_never_ends_a_message(emulator: Emulator) -> None:
    events = play(emulator, STREAM_SHAPES["ollama"])
    assert {event["output_index"] for event in events if "output_index" in event} == {0}
    assert ended(events) == ["mcp_list_tools", "reasoning", "function_call"]


def test_arguments_stand_in_events_only(emulator: Emulator) -> None:
    events = play(emulator, STREAM_SHAPES["arguments in events"])
    items = [event["item"] for event in events if event["type"] == DONE] + events[-1]["response"]["output"]
    assert {item["arguments"] for item in items if item["type"] == "function_call"} == {""}
    assert [event["arguments"] for event in events if "arguments" in event] == ['{"at":"x"}']


def test_deltas_are_all_that_tells_of_an_item(emulator: Emulator) -> None:
    events = play(emulator, STREAM_SHAPES["deltas only"])
    assert ended(events) == events[-1]["response"]["output"] == []
    events = play(emulator, StreamShape(starts=False, item_ids=False))
    assert "response.output_item.added" not in types(events)
    assert not [event for event in events if "item_id" in event]


def test_a_failure_can_have_its_reason_in_the_next_event(emulator: Emulator) -> None:
    emulator.script(ResponseFailed("rate_limit_exceeded", "Slow down.", then_error=True))
    failed, error = stream_events(emulator)[-2:]
    assert (failed["type"], failed["response"]["error"]) == ("response.failed", None)
    assert (error["type"], error["error"]["code"], error["error"]["message"]) == (
        "error",
        "rate_limit_exceeded",
        "Slow down.",
    )
