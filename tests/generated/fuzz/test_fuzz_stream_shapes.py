"""However a server builds its stream, the same items come out, and what is shown is what is returned."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from openai_responses_common.translate.deltas import DeltaReader
from openai_responses_common.translate.output_items import read_message_texts
from openai_responses_common.wire.accumulate import Accumulator
from openai_responses_common.wire.client_calls import find_client_call
from responses_emulator import StreamShape
from responses_emulator.output.item_events import Draft, item_events
from responses_emulator.output.reshape_events import reshape_events

from tests.generated.fuzz.amount import examples
from tests.generated.fuzz.outputs import Item, outputs
from tests.generated.fuzz.streams import Event
from tests.generated.fuzz.test_fuzz_decode import read_deltas, seen, visible

SHAPES = st.builds(
    StreamShape,
    indices=st.sampled_from(("own", "shared", "missing")),
    item_ids=st.booleans(),
    starts=st.booleans(),
    ends=st.sampled_from(("each", "last", "never")),
    unfinished_types=st.sampled_from(((), ("message",), ("function_call", "reasoning"))),
    deltas=st.booleans(),
    text_ends=st.booleans(),
    item_texts=st.booleans(),
    terminal_output=st.booleans(),
    closing_message=st.booleans(),
).filter(lambda shape: shape.item_ids or shape.starts or not shape.closing_message)  # else nothing says what is whose
_WITH_WHOLE_ITEMS = SHAPES.filter(lambda shape: shape.item_texts and (shape.terminal_output or _ends_all(shape)))
_WITH_TEXTS = SHAPES.filter(
    lambda shape: (
        (shape.deltas or shape.text_ends)
        and (shape.starts or shape.terminal_output or _ends_all(shape))
        and (shape.indices == "own" or (shape.item_ids and shape.starts))
    )
)


def _ends_all(shape: StreamShape) -> bool:
    return shape.ends != "never" and not shape.unfinished_types


def completed(output: list[Item]) -> Event:
    return {"type": "response.completed", "response": {"status": "completed", "output": output}}


def build_runs(output: list[Item]) -> list[list[Event]]:
    """The events of each item."""
    drafts = (Draft(item=item, tokens=1, chunks=2) for item in output)
    return [list(item_events(draft, index, obfuscate=False)) for index, draft in enumerate(drafts)]


@st.composite
def interleaved(draw: st.DrawFn, runs: list[list[Event]]) -> list[Event]:
    """The events of several items in any order; those of one item keep theirs."""
    waiting = [list(run) for run in runs]
    events: list[Event] = []
    while any(waiting):
        run = draw(st.sampled_from([run for run in waiting if run]))
        events.append(run.pop(0))
    return events


def build_output(events: list[Event]) -> list[Item]:
    """The items of the response, without the empty message with which some servers close a stream."""
    accumulator = Accumulator()
    for event in events:
        accumulator.add_event(event)
    assert accumulator.describe_fault() == ""
    return without_empty(accumulator.build_response()["output"])


def without_empty(output: list[Item]) -> list[Item]:
    """The items without messages that have no text, so that none is taken for the one that closes a stream."""
    return [item for item in output if item["type"] != "message" or "".join(read_message_texts(item))]


@given(outputs(0), _WITH_WHOLE_ITEMS)
@examples(100)
def test_whole_items_come_out_of_every_shape_as_they_are(output: list[Item], shape: StreamShape) -> None:
    output = without_empty(output)
    contents = [item["content"] for item in output if item["type"] == "message"]
    is_ambiguous = shape.indices == "shared" and not shape.starts  # equal messages count as one that is finished twice
    assume(not is_ambiguous or not any(content in contents[:number] for number, content in enumerate(contents)))
    events = [event for run in build_runs(output) for event in run]
    events = list(reshape_events([*events, completed(output)], shape))
    built = build_output(events)
    assert {item["id"]: item for item in built} == {item["id"]: item for item in output}
    has_order = shape.indices == "own" or shape.starts  # else items stand in the order in which they were first seen
    assert built == output or not has_order
    assert seen(read_deltas(events, 1)) == visible(built)


@given(outputs(0, every_type=False), _WITH_TEXTS, st.integers(1, 4))
@examples(150)
def test_texts_and_arguments_come_out_of_every_shape(output: list[Item], shape: StreamShape, batch: int) -> None:
    output = without_empty(output)
    events = [event for run in build_runs(output) for event in run]
    events = list(reshape_events([*events, completed(output)], shape))
    built = build_output(events)
    assert visible(built) == visible(output)
    assert calls_of(built) == calls_of(output)
    assert seen(read_deltas(events, batch)) == visible(output)


def calls_of(output: list[Item]) -> list[tuple[str, str, str]]:
    return [(item["call_id"], item["name"], item["arguments"]) for item in output if item["type"] == "function_call"]


@given(outputs(0), st.data(), st.sampled_from(("own", "shared", "missing")), st.integers(1, 4))
@examples(80)
def test_items_that_are_written_at_the_same_time_stay_apart(
    output: list[Item], data: st.DataObject, indices: Any, batch: int
) -> None:
    events = [*data.draw(interleaved(build_runs(output))), completed(output)]
    events = list(reshape_events(events, StreamShape(indices=indices)))
    accumulator = Accumulator()
    for event in events:
        accumulator.add_event(event)
    built = accumulator.build_response()["output"]
    by_id = {item["id"]: item for item in output}
    assert {item["id"]: item for item in built} == by_id
    assert indices != "own" or built == output
    assert seen(read_deltas(events, batch)) == visible(built)


@given(outputs(0), st.data(), SHAPES)
@examples(150)
def test_whatever_gets_lost_nothing_is_shown_that_is_not_returned(
    output: list[Item], data: st.DataObject, shape: StreamShape
) -> None:
    """Events are lost and repeated at random: what is shown is still what is returned, and no call is lost."""
    events = [event for run in build_runs(output) for event in run]
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(events)))
        events[at : at + 1] = data.draw(st.sampled_from(([], events[at : at + 1] * 2)))
    events = list(reshape_events([*events, completed(output)], shape))
    accumulator = Accumulator()
    for event in events:
        accumulator.add_event(event)
    built = accumulator.build_response()["output"]
    assert seen(read_deltas(events, 1)) == visible(built) == seen(DeltaReader().finish(built) or [])
    shown = {event["item"]["call_id"] for event in events if _is_call(event)}
    assert shown <= {item.get("call_id") for item in built}


def _is_call(event: Event) -> bool:
    item = event.get("item") or {}
    return item.get("call_id") is not None and find_client_call(item) is not None
