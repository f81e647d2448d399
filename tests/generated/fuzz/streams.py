"""Event streams: of generated responses, in every framing that servers use, and then broken."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.generated.fuzz.outputs import RESPONSES, USAGE, Item
from tests.generated.fuzz.strategies import JUNK, LABELS, PROPER_TEXTS, deep, spoiled

Event = dict[str, Any]

_TERMINAL = {"completed": "response.completed", "incomplete": "response.incomplete"}
UNKNOWN_EVENTS: st.SearchStrategy[Event] = st.sampled_from(
    (
        {"type": "keepalive"},
        {"type": "response.heartbeat", "sequence_number": 3},
        {"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": 0},
        {"type": "codex.rate_limits", "plan_type": "plus", "rate_limits": None},
        {"type": ""},
    )
)


def deltas(output: list[Item]) -> list[Event]:
    """The events of the items, one after another, each text in two pieces."""
    events: list[Event] = []
    for index, item in enumerate(output):
        begun = {**item, "content": [], "status": "in_progress"} if item["type"] == "message" else item
        events.append({"type": "response.output_item.added", "output_index": index, "item": begun})
        for part, text, kind, place in _texts(item):
            told = {"type": kind, "output_index": index, place: part, "item_id": item["id"]}
            events += [{**told, "delta": text[:2]}, {**told, "delta": text[2:]}]
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    return events


def _texts(item: Item) -> list[tuple[int, str, str, str]]:
    match item["type"]:
        case "message":
            parts = enumerate(item["content"])
            named = [(at, part, "refusal" if "refusal" in part else "output_text") for at, part in parts]
            return [
                (at, part.get("text") or part.get("refusal") or "", f"response.{kind}.delta", "content_index")
                for at, part, kind in named
            ]
        case "reasoning":
            parts = enumerate(item["summary"])
            return [(at, part["text"], "response.reasoning_summary_text.delta", "summary_index") for at, part in parts]
        case "function_call":
            return [(0, item["arguments"], "response.function_call_arguments.delta", "content_index")]
        case _:
            return []


@st.composite
def answers(draw: st.DrawFn) -> tuple[Item, list[Event]]:
    """A response and the events that tell it."""
    response = {**draw(RESPONSES), "usage": draw(st.sampled_from((USAGE, None)))}
    echo = {**response, "status": "in_progress", "output": []}
    told = {**response, "output": draw(st.sampled_from((response["output"], [])))}
    events = [{"type": "response.created", "response": echo}, {"type": "response.in_progress", "response": echo}]
    events += deltas(response["output"])
    for _ in range(draw(st.integers(0, 2))):
        events.insert(draw(st.integers(0, len(events))), draw(UNKNOWN_EVENTS))
    return response, [*events, {"type": _TERMINAL[response["status"]], "response": told}]


@st.composite
def framed(draw: st.DrawFn, events: list[Event]) -> bytes:
    """The bytes of some events as one server or another frames them."""
    end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    space = draw(st.sampled_from(("", " ")))
    named, ascii_only, indent = draw(st.tuples(st.booleans(), st.booleans(), st.sampled_from((None, None, 1))))
    text = draw(st.sampled_from(("", "\ufeff", f": hello{end}{end}", f"retry: 3000{end}{end}")))
    for event in events:
        lines = json.dumps(event, ensure_ascii=ascii_only, indent=indent).split("\n")
        text += f"event:{space}{event['type']}{end}" if named else ""
        text += "".join(f"data:{space}{line}{end}" for line in lines) + end
        text += draw(st.sampled_from(("", "", "", f": ping{end}", f"id: 1{end}", end, f":{end}x: y{end}")))
    text += draw(st.sampled_from(("", f"data:{space}[DONE]{end}{end}")))
    return text.encode("utf-8", "replace")


_SCRAPS = st.sampled_from(
    (
        b"\n", b"\n\n", b"\r", b"\r\n\r\n", b":", b"data: ", b"data: {}\n\n", b"event: error\n", b"\ndata: ", b"data",
        b"\x00", b"\xff", b"\xe2\x80",
        b"\xef\xbb\xbf", b"[DONE]", b'"', b"{", b"}", b"\\ud800", b"NaN", b"data: []\n\n", b'data: {"type": []}\n\n',
        b"data: " + json.dumps(deep(900)).encode() + b"\n\n",
    )
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, stream: bytes) -> bytes:
    """The bytes with pieces put in, taken out and repeated."""
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(stream)))
        end = min(len(stream), start + draw(st.integers(0, 40)))
        middle = draw(_SCRAPS | st.just(b"") | st.just(stream[start:end] * 2) | st.binary(max_size=4))
        stream = stream[:start] + middle + stream[end:]
    return stream


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Bytes that begin as an event stream."""
    _, events = draw(answers())
    return draw(broken(draw(framed(events))))


ODD_EVENTS: st.SearchStrategy[Event] = st.builds(
    lambda kind, fields: {**fields, "type": kind},
    st.sampled_from(
        (
            "response.output_text.delta", "response.refusal.delta", "response.output_item.added", "error", "keepalive",
            "response.output_item.done", "response.completed", "response.done", "response.incomplete",
            "response.failed",
            "response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.tomorrow", "",
        )
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "output_index": st.integers(-1, 3) | JUNK,
            "content_index": st.integers(0, 2) | JUNK,
            "summary_index": st.integers(0, 2) | JUNK,
            "delta": PROPER_TEXTS | JUNK,
            "item": JUNK,
            "response": JUNK,
            "error": JUNK,
            "headers": JUNK,
            "message": PROPER_TEXTS | JUNK,
            "code": LABELS | JUNK,
        },
    ),
)  # fmt: skip


@st.composite
def odd_answers(draw: st.DrawFn) -> list[Event]:
    """The events of an answer, some of them no longer what they should be, some made up."""
    _, events = draw(answers())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(events) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                events.insert(at, draw(ODD_EVENTS))
            case 3 if isinstance(events[-1].get("response"), dict):
                usage = draw(spoiled(USAGE) | spoiled(USAGE["input_tokens_details"]))
                events[-1] = {**events[-1], "response": {**events[-1]["response"], "usage": usage}}
            case 1:
                del events[at]
                events = events or [draw(ODD_EVENTS)]
            case 2:
                kept = draw(spoiled(events[at]))
                events[at] = {**kept, "type": events[at]["type"]} if isinstance(kept, dict) else draw(ODD_EVENTS)
            case _:
                told = [place for place, event in enumerate(events) if "item" in event or "response" in event]
                at = draw(st.sampled_from(told or [at]))
                inner = "item" if "item" in events[at] else "response"
                events[at] = {**events[at], inner: draw(spoiled(events[at].get(inner, {})))}
    return events
