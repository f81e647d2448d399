"""Events to deltas: blocks begin, grow and end in order, and together they say what the finished answer says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from openai_responses_common.translate.deltas import Aborted, BlockDelta, BlockEnd, BlockStart, Delta, DeltaReader
from openai_responses_common.wire.accumulate import Accumulator

Event = dict[str, Any]
Item = dict[str, Any]


def added(index: int, item: Item) -> Event:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: Item) -> Event:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def text(index: int, delta: str, part: int = 0) -> Event:
    return {"type": "response.output_text.delta", "output_index": index, "content_index": part, "delta": delta}


def summary(index: int, delta: str, part: int = 0) -> Event:
    return {
        "type": "response.reasoning_summary_text.delta",
        "output_index": index,
        "summary_index": part,
        "delta": delta,
    }


def message(*texts: str) -> Item:
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": each} for each in texts],
    }


def reasoning(*texts: str) -> Item:
    return {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": each} for each in texts]}


CALL: Item = {"type": "function_call", "call_id": "c", "name": "bash", "arguments": "{}"}


def start(index: int, kind: Any = "text", name: str | None = None) -> BlockStart:
    return BlockStart(index=index, kind=kind, name=name)


def more(index: int, words: str, sequence: int = 0, kind: Any = "text") -> BlockDelta:
    return BlockDelta(index=index, kind=kind, sequence=sequence, text=words)


def end(index: int, kind: Any = "text") -> BlockEnd:
    return BlockEnd(index=index, kind=kind)


def read(*batches: list[Event]) -> list[Delta]:
    stream = ReadStream()
    return [delta for batch in batches for delta in stream.read_batch(batch)]


class ReadStream:
    """A stream and the reader of its deltas."""

    def __init__(self, first_index: int = 0) -> None:
        self.accumulator, self.reader = Accumulator(), DeltaReader(first_index)

    def read_batch(self, events: list[Event]) -> list[Delta]:
        """Return the deltas of some events; the blocks end with the response."""
        for event in events:
            self.accumulator.add_event(event)
        deltas = self.reader.read_changes(self.accumulator.take_changes())
        if self.accumulator.terminal_event and not self.accumulator.has_failed():
            rest = self.reader.finish(self.accumulator.build_response()["output"])
            assert rest is not None
            deltas += rest
        return deltas


def test_a_message_begins_with_its_first_word_and_ends_with_its_item() -> None:
    assert read([added(0, message())], [text(0, "Hel")], [text(0, "lo")], [done(0, message("Hello"))]) == [
        start(0),
        more(0, "Hel"),
        more(0, "lo", sequence=1),
        end(0),
    ]


def test_fragments_of_one_block_that_came_together_are_one_delta() -> None:
    assert read([text(0, "a"), text(0, "b"), text(0, "c")], [text(0, "d"), text(0, "e")]) == [
        start(0),
        more(0, "abc"),
        more(0, "de", sequence=1),
    ]


def test_fragments_of_different_blocks_are_not_joined() -> None:
    assert read([text(0, "a"), text(1, "b"), text(0, "c")]) == [start(0), more(0, "ac"), start(1), more(1, "b")]


def test_the_parts_of_a_message_are_blocks_of_their_own() -> None:
    assert read([text(0, "a"), text(0, "b", part=1), done(0, message("a", "b"))]) == [
        start(0),
        more(0, "a"),
        start(1),
        more(1, "b"),
        end(0),
        end(1),
    ]


def test_summary_parts_are_one_block_with_a_blank_line_between() -> None:
    shown = read([summary(0, "One"), summary(0, " A"), summary(0, "Two", part=1)], [summary(0, "!", part=1)])
    assert shown == [
        start(0, "thinking"),
        more(0, "One A\n\nTwo", kind="thinking"),
        more(0, "!", sequence=1, kind="thinking"),
    ]


def test_raw_reasoning_is_thinking_too() -> None:
    event: Event = {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "hm"}
    item: Item = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
    assert read([event, done(0, item)]) == [start(0, "thinking"), more(0, "hm", kind="thinking"), end(0, "thinking")]
    assert read([done(0, item)]) == [start(0, "thinking"), more(0, "hm", kind="thinking"), end(0, "thinking")]


def test_a_refusal_is_shown() -> None:
    event: Event = {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "I cannot"}
    item: Item = {"type": "message", "content": [{"type": "refusal", "refusal": "I cannot"}]}
    assert read([event, done(0, item)]) == [start(0), more(0, "I cannot"), end(0)]
    assert read([done(0, item)]) == [start(0), more(0, "I cannot"), end(0)]


def test_a_call_is_announced_by_name_and_its_arguments_are_not_shown() -> None:
    arguments: Event = {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"a":1}'}
    assert read([added(0, CALL)], [arguments], [done(0, CALL)]) == [start(0, "tool_use", "bash"), end(0, "tool_use")]


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select"}, "sql"),
        ({"type": "shell_call", "call_id": "c", "action": {}}, "shell"),
        ({"type": "mcp_approval_request", "id": "a", "name": "rm", "server_label": "s"}, "mcp_approval"),
    ],
)
def test_every_call_of_the_client_is_announced(item: Item, name: str) -> None:
    assert read([added(0, item), done(0, item)]) == [start(0, "tool_use", name), end(0, "tool_use")]
    assert read([done(0, item)]) == [start(0, "tool_use", name), end(0, "tool_use")], "also without its begin"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "web_search_call", "id": "ws", "action": {}},
        {"type": "tool_search_call", "execution": "server", "id": "t"},
        {"type": "compaction", "id": "cmp", "encrypted_content": "x"},
        {"type": "never_heard_of", "id": "n"},
        {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "x"},
        {"type": "message", "content": []},
        {"type": "message", "content": [{"type": "output_text", "text": ""}]},
    ],
)
def test_items_that_show_nothing_make_no_block(item: Item) -> None:
    assert read([added(0, item), done(0, item), text(1, "x")]) == [start(0), more(0, "x")]


def test_what_was_never_streamed_is_given_whole() -> None:
    assert read([done(0, reasoning("One", "Two")), done(1, message("", "Hello"))]) == [
        start(0, "thinking"),
        more(0, "One\n\nTwo", kind="thinking"),
        end(0, "thinking"),
        start(1),
        more(1, "Hello"),
        end(1),
    ]


def test_nothing_is_given_twice() -> None:
    item = message("Hello")
    assert read([text(0, "Hello"), done(0, item)], [{"type": "response.output_text.done", "text": "Hello"}]) == [
        start(0),
        more(0, "Hello"),
        end(0),
    ]


@pytest.mark.parametrize("kind", ["response.completed", "response.done", "response.incomplete"])
def test_blocks_that_were_cut_off_end_with_the_response(kind: str) -> None:
    assert read([text(0, "par"), added(1, CALL)], [{"type": kind, "response": {}}]) == [
        start(0),
        more(0, "par"),
        start(1, "tool_use", "bash"),
        end(0),
        end(1, "tool_use"),
    ]


@pytest.mark.parametrize("kind", ["response.failed", "error", "keepalive", "response.unheard_of"])
def test_other_events_show_nothing_and_end_nothing(kind: str) -> None:
    """After a failure the engine says that what was shown is void; no block ends as if it were whole."""
    assert read([text(0, "par")], [{"type": kind}]) == [start(0), more(0, "par")]


def raw(index: int, delta: str, part: int = 0) -> Event:
    return {"type": "response.reasoning_text.delta", "output_index": index, "content_index": part, "delta": delta}


def test_blank_text_is_shown_with_the_first_visible_character() -> None:
    assert read([text(0, "\n")], [text(0, "\n")], [text(0, "a")]) == [start(0), more(0, "\n\na")]
    blank = message("\n\n")
    assert read([text(0, "\n\n"), done(0, blank), text(1, "a")]) == [start(0), more(0, "a")]


def test_summary_and_raw_reasoning_are_not_shown_both() -> None:
    assert read([summary(0, "a"), raw(0, "b")]) == [start(0, "thinking"), more(0, "a", kind="thinking")]


def test_a_whole_text_in_its_end_is_shown_as_far_as_it_was_not_streamed() -> None:
    ended_text: Event = {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Hello"}
    assert read([text(0, "Hel")], [ended_text]) == [start(0), more(0, "Hel"), more(0, "lo", sequence=1)]
    assert read([ended_text, ended_text]) == [start(0), more(0, "Hello")]


def test_a_call_is_announced_when_its_name_is_known() -> None:
    nameless = {key: CALL[key] for key in CALL if key != "name"}
    assert read([added(0, nameless)]) == []
    assert read([added(0, nameless)], [added(0, CALL)]) == [start(0, "tool_use", "bash")]
    arguments: Event = {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{}"}
    assert read([arguments]) == []


def finish(items: list[Item], *events: Event) -> list[Delta] | None:
    """The deltas at the end of a stream, which finishes these items."""
    stream = ReadStream()
    stream.read_batch([*events])
    return stream.reader.finish(items)


def test_the_end_of_a_stream_shows_what_it_did_not_stream() -> None:
    items = [reasoning("Hm"), message("Hello"), CALL]
    assert finish(items, summary(0, "H")) == [
        more(0, "m", sequence=1, kind="thinking"),
        end(0, "thinking"),
        start(1),
        more(1, "Hello"),
        end(1),
        start(2, "tool_use", "bash"),
        end(2, "tool_use"),
    ]
    assert finish([message("Hello")], text(0, "Hello"), done(0, message("Hello"))) == []


@pytest.mark.parametrize(
    ("items", "events"),
    [
        ([message("Hello")], [text(0, "Help")]),
        ([message("Hello")], [text(0, "Hel"), done(0, message("Hel"))]),
        ([message("b"), message("a")], [text(0, "a"), text(1, "b")]),
        ([message("a")], [text(0, "a"), added(1, CALL)]),
        ([message("a")], [added(0, CALL)]),
        ([{**CALL, "name": "look"}], [added(0, CALL)]),
        ([], [text(0, "a")]),
    ],
)
def test_a_finished_response_that_differs_from_its_stream_cannot_be_completed(
    items: list[Item], events: list[Event]
) -> None:
    assert finish(items, *events) is None


@pytest.mark.parametrize("fragment", [text(0, ""), summary(0, "")])
def test_an_empty_fragment_opens_no_block(fragment: Event) -> None:
    """A block that the finished answer lacks would shift the number of every later one."""
    assert read([fragment]) == []
    assert read([fragment, text(1, "x")]) == [start(0), more(0, "x")]


def test_an_empty_summary_part_makes_no_blank_line() -> None:
    shown = read([summary(0, ""), summary(0, "Two", part=1), done(0, reasoning("", "Two"))])
    assert shown == [start(0, "thinking"), more(0, "Two", kind="thinking"), end(0, "thinking")]


def test_events_without_an_index_belong_to_the_first_item() -> None:
    assert read([{"type": "response.output_text.delta", "delta": "a"}, done(0, message("a"))]) == [
        start(0),
        more(0, "a"),
        end(0),
    ]
    assert read([{"type": "response.reasoning_summary_text.delta", "delta": "a"}]) == [
        start(0, "thinking"),
        more(0, "a", kind="thinking"),
    ]
    assert read([{"type": "response.reasoning_text.delta", "delta": "a"}]) == [
        start(0, "thinking"),
        more(0, "a", kind="thinking"),
    ]


def test_a_continuation_counts_its_blocks_on() -> None:
    first = ReadStream()
    first.read_batch([text(0, "a"), done(0, message("a"))])
    second = ReadStream(first_index=first.reader.next_index)
    assert second.read_batch([text(0, "b")]) == [start(1), more(1, "b")]
    assert second.reader.next_index == 2


def test_the_reader_knows_whether_anything_was_shown() -> None:
    stream = ReadStream()
    assert stream.read_batch([{"type": "keepalive"}, added(0, message())]) == []
    assert not stream.reader.has_emitted
    stream.read_batch([text(0, "a")])
    assert stream.reader.has_emitted
    assert stream.read_batch([]) == []
    assert stream.reader.has_emitted


def test_deltas_are_plain_records() -> None:
    assert Aborted(error_type="StreamError", message="gone") == Aborted(error_type="StreamError", message="gone")
    assert {start(0), start(0), more(0, "a"), end(0)} == {start(0), more(0, "a"), end(0)}


WORDS = st.text(st.sampled_from("ab \n\u2028\U0001f600"), max_size=6)


@pytest.mark.parametrize("item_type", [None, [], {}, 5])
def test_item_without_a_type_does_not_hide_a_finished_item(item_type: Any) -> None:
    shown = read([added(0, {"type": item_type}), done(0, message("hi"))])
    assert [delta.text for delta in shown if isinstance(delta, BlockDelta)] == ["hi"]
