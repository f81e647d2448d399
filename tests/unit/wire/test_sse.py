"""Server-sent events: however the bytes are cut, and whatever ends the lines, the events are the same."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_responses_common.wire.sse import MalformedEvent, SseDecoder, parse_event, read_event_type

BOM = b"\xef\xbb\xbf"
ECHOES = ("response.created", "response.in_progress", "response.queued")


def decode(*chunks: bytes) -> list[dict[str, Any]]:
    decoder = SseDecoder()
    return [*(event for chunk in chunks for event in decoder.feed(chunk)), *decoder.finish()]


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def framed(event: dict[str, Any], end: str = "\n") -> bytes:
    return f"event: {event['type']}{end}data: {json.dumps(event, ensure_ascii=False)}{end}{end}".encode()


EVENT = {"type": "response.output_text.delta", "output_index": 0, "delta": "hi"}

# What a line splitter that knows too many line ends would cut: form feed, separators, NEL, U+2028, U+2029.
AWKWARD = st.text(st.sampled_from('ab \x0b\x0c\x1c\x85\u2028\u2029\ufeff\u00e9\U0001f600\\"\n\r\t{}:')) | st.text()
EVENTS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["response.output_text.delta", "keepalive", "something.new", *ECHOES])},
        optional={"delta": AWKWARD, "output_index": st.integers(0, 3), "item": st.dictionaries(AWKWARD, AWKWARD)},
    ),
    max_size=5,
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[dict[str, Any]], bytes]:
    """Events, and the bytes of a stream in which they come: any line end, comments, other fields, data in lines."""
    events = draw(EVENTS)
    text = draw(st.sampled_from(["", "\ufeff"]))
    for number, event in enumerate(events):
        end = draw(st.sampled_from(["\n", "\r", "\r\n"]))
        indent = draw(st.sampled_from([None, 1]))
        data = json.dumps(event, ensure_ascii=draw(st.booleans()), indent=indent).split("\n")
        space = draw(st.sampled_from(["", " "])) if not any(line.startswith(" ") for line in data) else " "
        noise = draw(st.sampled_from(["", ":", ": keep-alive", "id: 7", "retry: 100", "nonsense", f":{end}{end}"]))
        lines = [noise] if noise else []
        if draw(st.booleans()):
            lines.append(f"event:{space}{event['type']}")
        lines.extend(f"data:{space}{line}" for line in data)
        text += end.join(lines) + end
        last = number == len(events) - 1
        text += "" if last and draw(st.booleans()) else end
    return events, text.encode("utf-8", "surrogatepass")


@given(streams(), st.data())
@settings(max_examples=300)
def test_any_cut_of_the_bytes_gives_the_same_events(
    stream: tuple[list[dict[str, Any]], bytes], data: st.DataObject
) -> None:
    events, raw = stream
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    chunks = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    whole = decode(raw)
    assert decode(*chunks) == whole
    assert decode(*pieces(raw, 1)) == whole
    # Echoes of the request may be left out; nothing else may.
    assert [event for event in whole if event["type"] not in ECHOES] == [
        event for event in events if event["type"] not in ECHOES
    ]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_only_cr_and_lf_end_a_line(end: str, character: str) -> None:
    event = {"type": "response.output_text.delta", "delta": f"a{character}b"}
    data = json.dumps(event, ensure_ascii=False)
    if ord(character) < 0x20:
        # Control characters are escaped in JSON, but may stand in a comment.
        data += f"{end}: {character}"
    assert decode(f"data: {data}{end}{end}".encode()) == [event]


def test_events_that_echo_the_request_are_returned_if_somebody_needs_the_id() -> None:
    data = b'data: {"type": "response.created", "response": {"id": "resp_1"}}\n\n'
    assert SseDecoder().feed(data) == []
    assert [event["response"]["id"] for event in SseDecoder(keeps_echoes=True).feed(data)] == ["resp_1"]


def test_a_crlf_cut_in_the_middle_ends_one_line() -> None:
    assert decode(b"data: {\r", b'\ndata: "type": "x"\r', b"", b"\ndata: }\r\n", b"\r", b"\n") == [{"type": "x"}]
    assert decode(b'data: {"type": "x"}\r', b"\r", b'data: {"type": "y"}\r', b"\r") == [{"type": "x"}, {"type": "y"}]


@pytest.mark.parametrize("tail", [b"", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n"])
def test_the_end_of_the_stream_completes_the_last_event(tail: bytes) -> None:
    assert decode(b'data: {"type": "x"}' + tail) == [{"type": "x"}]


def test_finishing_twice_gives_the_last_event_once() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b'data: {"type": "x"}') == []
    assert decoder.finish() == [{"type": "x"}]
    assert decoder.finish() == []


def test_an_empty_stream_has_no_events() -> None:
    assert decode() == []
    assert decode(b"") == []
    assert decode(BOM) == []
    assert decode(b": ping\n\n", b"\n\n\n") == []


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_byte_order_mark_is_taken_off_the_start_only(size: int) -> None:
    raw = BOM + framed({"type": "x", "delta": "\ufeff"}) + framed({"type": "y"})
    assert decode(*pieces(raw, size)) == [{"type": "x", "delta": "\ufeff"}, {"type": "y"}]
    # In the middle of a stream it belongs to the field's name, so the field is one that nobody knows.
    assert decode(framed({"type": "x"}), BOM + framed({"type": "y"})) == [{"type": "x"}, {"type": "y"}]


def test_the_data_of_one_event_may_stand_in_several_lines() -> None:
    assert decode(b'data: {"type":\ndata: "x",\ndata:"n": 1}\n\n') == [{"type": "x", "n": 1}]
    assert decode(b'data: {"type": "x"}\ndata\n\n') == [{"type": "x"}]


def test_one_space_after_the_colon_is_no_part_of_the_value() -> None:
    assert decode(b'event:x\ndata:{"a":1}\n\nevent:  y\ndata:  {"a":2}\n\n') == [
        {"a": 1, "type": "x"},
        {"a": 2, "type": " y"},
    ]


def test_an_event_without_a_type_takes_its_name() -> None:
    assert decode(b'event: ping\ndata: {"a": 1}\n\n') == [{"a": 1, "type": "ping"}]
    assert decode(b'data: {"a": 1}\n\n') == [{"a": 1, "type": ""}]
    assert decode(b'data: {"error": {"message": "no"}}\n\n') == [{"error": {"message": "no"}, "type": "error"}]
    assert decode(b'event: ping\n\ndata: {"a": 1}\n\n') == [{"a": 1, "type": ""}], "a name ends with its event"


def test_the_type_in_the_data_wins_over_the_name() -> None:
    assert decode(b'event: one\ndata: {"type": "two"}\n\n') == [{"type": "two"}]


@pytest.mark.parametrize("data", ["[DONE]", " [DONE] ", "[DONE]\t", "", " "])
def test_done_is_the_end_and_no_event_nor_is_an_empty_sign_of_life(data: str) -> None:
    assert decode(framed(EVENT), f"data: {data}\n\n".encode()) == [EVENT]


@pytest.mark.parametrize("name", ECHOES)
def test_events_that_echo_the_request_are_not_parsed(name: str) -> None:
    unparsable = b"{broken"
    assert decode(f"event: {name}\ndata: ".encode() + unparsable + b"\n\n") == []
    assert decode(f'data: {{ "type" : "{name}", '.encode() + unparsable + b"\n\n") == []
    assert decode(f'data: {{"type": "{name}.not"}}\n\n'.encode()) == [{"type": f"{name}.not"}]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"{", "event x is not JSON"),
        (b"nonsense", "event x is not JSON"),
        (b'{"type": "x"} trailing', "event x is not JSON"),
        (b"[1]", "event x is not a JSON object"),
        (b"null", "event x is not a JSON object"),
        (b'"text"', "event x is not a JSON object"),
        (b'{"a": "\xff"}', "event x is not JSON"),
    ],
)
def test_data_that_is_no_json_object_is_an_error_that_names_the_event(data: bytes, fault: str) -> None:
    with pytest.raises(MalformedEvent, match=fault):
        decode(b"event: x\ndata: " + data + b"\n\n")


@pytest.mark.parametrize("data", [b"{", b"[]"])
def test_a_malformed_event_without_a_name_is_called_unnamed(data: bytes) -> None:
    with pytest.raises(MalformedEvent, match=r"\(unnamed\)"):
        decode(b"data: " + data + b"\n\n")


@pytest.mark.parametrize("data", [b"{", b"[]"])
def test_a_name_that_is_no_text_can_be_reported(data: bytes) -> None:
    with pytest.raises(MalformedEvent, match="event \ufffd is not"):
        decode(b"event: \xff\ndata: " + data + b"\n\n")
    assert decode(b"event: \xff\ndata: {}\n\n") == [{"type": "\ufffd"}]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\ud83d", "\ufffd"),
        (r"a\ud83db", "a\ufffdb"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\u0000", "\x00"),
    ],
)
def test_half_a_character_becomes_a_replacement_character(sent: str, text: str) -> None:
    """Some servers cut their text between the two halves; nothing behind us could take a lone half."""
    assert decode(b'data: {"type": "x", "delta": "' + sent.encode() + b'"}\n\n') == [{"type": "x", "delta": text}]


def test_events_keep_their_order_and_their_batches() -> None:
    decoder = SseDecoder()
    first, second = framed({"type": "a"}), framed({"type": "b"})
    assert decoder.feed(first + second + b"data: ") == [{"type": "a"}, {"type": "b"}]
    assert decoder.feed(b'{"type": "c"}\n') == []
    assert decoder.feed(b"\n") == [{"type": "c"}]


class Work:
    """Counts the bytes that the decoder's own line code hands on, by tracing its calls of C functions."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if event == "c_call" and frame.f_code.co_filename.endswith("sse.py"):
            self.calls[argument.__name__] += 1


def counted(chunks: list[bytes]) -> Counter[str]:
    decoder = SseDecoder()
    work = Work()
    before = sys.getprofile()
    sys.setprofile(work)
    try:
        for chunk in chunks:
            decoder.feed(chunk)
        decoder.finish()
    finally:
        sys.setprofile(before)
    return work.calls


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_pieces_of_an_event_are_put_together_once(size: int) -> None:
    """Joining, or searching again, at every piece would make a long event quadratic in its length."""
    event = framed({"type": "response.completed", "text": "x" * 100_000})
    chunks = pieces(event, size)
    work = counted(chunks)
    assert work["join"] <= 10
    assert work["split"] <= len(chunks) + 10, "each piece is searched once, and nothing but the piece"


def test_a_five_megabyte_event_in_64_byte_pieces_costs_what_its_bytes_cost() -> None:
    def seconds(size: int) -> float:
        chunks = pieces(framed({"type": "response.completed", "text": "x" * size}), 64)
        decoder = SseDecoder()
        start_s = time.process_time()
        events = [event for chunk in chunks for event in decoder.feed(chunk)]
        taken_s = time.process_time() - start_s
        assert len(events[0]["text"]) == size
        return taken_s

    small_s = min(seconds(500_000) for _ in range(3))
    large_s = min(seconds(5_000_000) for _ in range(2))
    # Linear is 10; quadratic would be 100.
    assert large_s / small_s < 40


def test_what_came_before_a_broken_event_is_given_before_the_error() -> None:
    """One of them may have ended the response."""
    decoder = SseDecoder()
    assert decoder.feed(b'data: {"type": "x"}\n\ndata: {\n\ndata: {"type": "y"}\n\n') == [{"type": "x"}]
    with pytest.raises(MalformedEvent):
        decoder.feed(b'data: {"type": "z"}\n\n')
    decoder = SseDecoder()
    assert decoder.feed(b'data: {"type": "x"}\n\ndata: {\n\n') == [{"type": "x"}]
    with pytest.raises(MalformedEvent):
        decoder.finish()


def test_a_field_of_the_wrong_kind_counts_as_left_out() -> None:
    assert decode(b'data: {"type": "x", "delta": ["a"], "output_index": "first"}\n\n') == [{"type": "x"}]
    assert decode(b'event: x\ndata: {"type": 1}\n\n') == [{"type": "x"}]


def test_an_index_may_be_written_as_a_text() -> None:
    assert decode(b'data: {"type": "x", "output_index": "12"}\n\n') == [{"type": "x", "output_index": 12}]


def test_type_of_an_event_is_read_without_the_rest() -> None:
    assert read_event_type(b' { "type" : "response.created", "response": ') == b"response.created"
    assert read_event_type(b'{"sequence_number": 1, "type": "response.created"}') == b""
    assert read_event_type(b"no JSON") == b""


def test_event_of_a_frame_is_parsed_unless_it_echoes_the_request() -> None:
    assert parse_event(b"", b'{"type": "keepalive", "sequence_number": 1}') == {
        "type": "keepalive",
        "sequence_number": 1,
    }
    assert parse_event(b"", b'{"type": "response.created", "response": {') is None
    with pytest.raises(MalformedEvent):
        parse_event(b"", b"[]")
