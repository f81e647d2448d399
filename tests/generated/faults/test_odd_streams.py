"""Streams that are unusual or not valid give their response or one clear failure; no socket is needed for that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from openai_responses_common.engine._call import make_usable
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.failures.failure import CallFailure
from openai_responses_common.options.model_info import NO_OVERRIDES
from openai_responses_common.translate.decode import DecodedResponse, decode_response
from openai_responses_common.translate.deltas import DeltaReader
from openai_responses_common.translate.usage import Pricing, sum_usage
from openai_responses_common.transport.body_decoder import build_body_decoder
from openai_responses_common.wire.accumulate import Accumulator

from tests.generated.faults.fault import (
    ADDED,
    COMPLETED,
    DELTA,
    DONE,
    HELLO,
    ITEM,
    event,
    hello_with,
    response,
    sse,
)

Bytes = bytes | tuple[Mapping[str, Any] | bytes, ...]

_ODD_TEXT = "a\u2028b\u2029c\x85d \u00e9 \U0001f600"
_DEEP = 100_000
_JSON = {"content-type": "application/json"}


def completed(*items: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return event("response.completed", response=response("completed", *items, **fields))


def with_item(item: object) -> Bytes:
    """Return the events of an odd item and of the message after it."""
    odd = event("response.output_item.done", output_index=0, item=item)
    return (odd, *({**each, "output_index": 1} for each in HELLO[:3]), completed())


def with_fields(**fields: Any) -> Bytes:
    return (*({**each, **fields} for each in HELLO[:3]), COMPLETED)


# All of these say "hello".
UNUSUAL: dict[str, Bytes] = {
    "three line ends": sse(ADDED, newline=b"\r\n") + sse(DELTA, newline=b"\r") + sse(DONE, COMPLETED),
    "a UTF-8 mark at the front": (b"\xef\xbb\xbf", COMPLETED),
    "no space after data": sse(*HELLO).replace(b"data: ", b"data:"),
    "id and retry lines": (b"id: 1\nretry: 5\n", *HELLO),
    "unknown fields": (b"colour: blue\nnonsense\n", *HELLO),
    "empty events": (b"\n\n\nevent: x\n\n", *HELLO),
    "comments": (b": hello\n\n", ADDED, b":\n", DELTA, b": x\r\n\r\n", DONE, COMPLETED),
    "unknown events": (event("response.sparkle"), *HELLO[:2], event("codex.sparkle", x=[1]), *HELLO[2:]),
    "an unknown item": with_item({"type": "sparkle", "id": "sp_1", "glitter": [1]}),
    "item ids that change": ({**ADDED, "item": {**ITEM, "id": "msg_0", "content": []}}, *HELLO[1:]),
    "a terminal event without output": (*HELLO[:3], completed()),
    "the item in the terminal event alone": (ADDED, DELTA, COMPLETED),
    "the terminal event alone": (COMPLETED,),
    "an item that was never added": (DONE, COMPLETED),
    "a delta of an item that was never added": (DELTA, DONE, COMPLETED),
    "no output index": tuple({key: each[key] for key in each if key != "output_index"} for each in HELLO),
}
INVALID: dict[str, Bytes] = {
    "an event without a type": ({"odd": 1}, *HELLO),
    "an event whose type is null": ({"type": None}, *HELLO),
    "an event whose type is a list": ({"type": ["x"]}, *HELLO),
    "an event whose type is a number": ({"type": 7}, *HELLO),
    "bytes that are not UTF-8 in a comment": (b": \xff\xfe\n\n", *HELLO),
    "NaN": (b'data: {"type": "response.sparkle", "x": NaN}\n\n', *HELLO),
    "an item that is null": ({**DONE, "item": None}, {**DONE, "output_index": 1}, COMPLETED),
    "a delta that is null": (ADDED, {**DELTA, "delta": None}, *HELLO[1:]),
    "a delta that is a number": (ADDED, {**DELTA, "delta": 7}, *HELLO[1:]),
    "an output index that is a text": with_fields(output_index="0"),
    "an output index that is a list": with_fields(output_index=[]),
    "an output index of 10 to the 12": with_fields(output_index=10**12),
    "an item whose type is a list": with_item({"type": ["x"], "id": "x_1"}),
    "an item that is a list": with_item([1, 2]),
    "a message without role and id": with_item({"type": "message", "content": []}),
    "citations that are a text": (
        {**DONE, "item": {**ITEM, "content": [{"type": "output_text", "text": "hello", "annotations": "x"}]}},
        COMPLETED,
    ),
    "a search that is null": with_item(
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": None}
    ),
    "an image that is a number": with_item(
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": 7}
    ),
    "ids that are numbers": ({**DONE, "item": {**ITEM, "id": 7}}, completed(id=7, model=7)),
    "a status that is a list": (*HELLO[:3], completed(ITEM, status=["x"])),
    "an output that is a text": (*HELLO[:3], completed(output="hello")),
}
WITHOUT_USAGE: dict[str, Bytes] = {
    "a terminal event without a response": (*HELLO[:3], event("response.completed")),
    "a response that is null": (*HELLO[:3], event("response.completed", response=None)),
    "usage that is null": (*HELLO[:3], completed(ITEM, usage=None)),
    "counts that are null": (*HELLO[:3], completed(ITEM, usage={"input_tokens": None, "output_tokens": None})),
}
OTHER_TEXTS: dict[str, tuple[str, Bytes]] = {
    "line separators": (_ODD_TEXT, hello_with(_ODD_TEXT)),
    "line separators as escapes": (
        _ODD_TEXT,
        tuple(b"data: " + json.dumps(each).encode() + b"\n\n" for each in hello_with(_ODD_TEXT)),
    ),
    "half a surrogate pair": ("a\ufffdb", sse(*hello_with("a~b")).replace(b"~", b"\\ud83d")),
    "a text that is a number": (
        "7\n\nhello",
        with_item({**ITEM, "content": [{"type": "output_text", "text": 7}]}),
    ),
    "content that is null": (
        "(The model ended its turn without an answer; status completed.)",
        ({**DONE, "item": {**ITEM, "content": None}}, completed()),
    ),
}
BROKEN: dict[str, tuple[Bytes, Mapping[str, str]]] = {
    "an event that is a list": ((b"data: [1]\n\n", *HELLO), {}),
    "an event that is a number": (b"data: 7\n\n", {}),
    "an event that nests too deep": (
        (b'data: {"type": "response.sparkle", "x": ' + b"[" * _DEEP + b"]" * _DEEP + b"}\n\n", *HELLO),
        {},
    ),
    "JSON that nests too deep": (b'{"output": ' + b"[" * _DEEP, _JSON),
}


def read_reply(body: Bytes, headers: Mapping[str, str]) -> tuple[Accumulator, str]:
    """Return what the engine accumulates of a reply, and the text that its deltas show."""
    accumulator, reader, decoder, shown = Accumulator(), DeltaReader(), build_body_decoder(headers), ""
    for read in (lambda: decoder.feed([body if isinstance(body, bytes) else sse(*body)]), decoder.finish):
        batch = read()
        for each in batch:
            accumulator.add_event(each)
        shown += "".join(getattr(delta, "text", "") for delta in reader.read_changes(accumulator.take_changes()))
        if accumulator.terminal_event:
            rest = reader.finish(accumulator.build_response()["output"])
            shown += "".join(getattr(delta, "text", "") for delta in rest or ())
            break
    return accumulator, shown


def decode_reply(body: Bytes) -> tuple[DecodedResponse, str]:
    """Return the decoded response of a reply, and the text that its deltas show."""
    accumulator, shown = read_reply(body, {})
    reply = accumulator.build_response()
    usage = sum_usage(
        [reply],
        Pricing(
            model="gpt-5.6-sol",
            profile=BackendProfile(name="p", display_name="P"),
            model_info=NO_OVERRIDES,
            day=date(2026, 11, 21),
        ),
    )
    return decode_response([make_usable(reply)], origin="here", usage=usage), shown


# A text in place of a list of parts is read: the text of the message, and all that is shown.
TEXTS: dict[str, tuple[Bytes, str, str]] = {
    "content that is a text": (with_item({**ITEM, "id": "msg_0", "content": "Hi"}), "Hi\n\nhello", "Hihello"),
    "parts that are texts": (with_item({**ITEM, "id": "msg_0", "content": ["Hi", None, 7]}), "Hi\n\nhello", "Hihello"),
    "a summary that is a text": (
        with_item({"type": "reasoning", "id": "rs_1", "summary": "Hm."}),
        "hello",
        "Hm.hello",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_in_place_of_parts_is_read(name: str) -> None:
    body, text, shown = TEXTS[name]
    decoded, all_shown = decode_reply(body)
    assert (decoded.text, all_shown) == (text, shown)


@pytest.mark.parametrize("name", [*UNUSUAL, *INVALID])
def test_odd_stream_gives_its_response_and_usage(name: str) -> None:
    decoded, shown = decode_reply((UNUSUAL | INVALID)[name])
    assert decoded.text == "hello"
    assert shown in ("hello", "")
    assert decoded.usage is not None
    assert decoded.usage.output_tokens == 5


@pytest.mark.parametrize("name", WITHOUT_USAGE)
def test_stream_without_usage_gives_its_response_without_a_cost(name: str) -> None:
    decoded, _ = decode_reply(WITHOUT_USAGE[name])
    assert decoded.text == "hello"
    assert decoded.usage is None or not decoded.usage.cost_usd


@pytest.mark.parametrize("name", OTHER_TEXTS)
def test_odd_text_is_decoded(name: str) -> None:
    text, body = OTHER_TEXTS[name]
    decoded, _ = decode_reply(body)
    assert decoded.text == text


@pytest.mark.parametrize("name", BROKEN)
def test_broken_stream_is_a_failure_of_the_stream(name: str) -> None:
    with pytest.raises(CallFailure) as caught:
        read_reply(*BROKEN[name])
    assert caught.value.failure.kind == "stream"


def test_bytes_without_an_event_have_no_terminal_event() -> None:
    accumulator, _ = read_reply(b"\x00" * 2000, {})
    assert accumulator.terminal_event is None


def test_error_in_json_of_a_reply_with_status_200_is_an_error_event() -> None:
    accumulator, _ = read_reply(b'{"error": {"message": "x", "code": "server_error"}}', _JSON)
    assert accumulator.has_failed()
