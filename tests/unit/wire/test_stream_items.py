"""Which event belongs to which item, however a server numbers and names its items."""

from __future__ import annotations

from typing import Any

import pytest
from openai_responses_common.wire.stream_item import StreamItem
from openai_responses_common.wire.stream_items import StreamItems

Event = dict[str, Any]
Item = dict[str, Any]


def message(text: str = "", item_id: str | None = "m", **more: Any) -> Item:
    content = [{"type": "output_text", "text": text}] if text else []
    return {"type": "message", **({"id": item_id} if item_id else {}), "content": content, **more}


def call(arguments: str = "", item_id: str | None = "f", call_id: str | None = "c", **more: Any) -> Item:
    ids = {key: value for key, value in (("id", item_id), ("call_id", call_id)) if value}
    return {"type": "function_call", "name": "look", "arguments": arguments, **ids, **more}


def event(kind: str, index: int | None = None, **fields: Any) -> Event:
    return {"type": kind, **({} if index is None else {"output_index": index}), **fields}


def added(item: Item, index: int | None = None) -> Event:
    return event("response.output_item.added", index, item=item)


def done(item: Item, index: int | None = None) -> Event:
    return event("response.output_item.done", index, item=item)


def text(delta: str, index: int | None = None, item_id: str | None = None, part: int = 0) -> Event:
    ids = {"item_id": item_id} if item_id else {}
    return event("response.output_text.delta", index, delta=delta, content_index=part, **ids)


def text_done(whole: str, index: int | None = None, item_id: str | None = None) -> Event:
    ids = {"item_id": item_id} if item_id else {}
    return event("response.output_text.done", index, text=whole, content_index=0, **ids)


def collect(*events: Event) -> list[StreamItem]:
    stream = StreamItems()
    for each in events:
        stream.add_event(each)
    return stream.list_items()


def texts(*events: Event) -> list[str]:
    """The text of each item, or its arguments."""
    built = [each.build_item() for each in collect(*events)]
    parts = [[part["text"] for part in item.get("content") or []] for item in built]
    return [item.get("arguments") or "".join(each) for item, each in zip(built, parts, strict=True)]


IDENTITIES: dict[str, tuple[list[Event], list[str]]] = {
    "another type under one index": ([done(message("a"), 0), done(call("{}"), 0)], ["a", "{}"]),
    "another call id under one index": (
        [done(call("1", "f", "c"), 0), done(call("2", "g", "d"), 0)],
        ["1", "2"],
    ),
    "another id that begins under one index": (
        [added(message("", "m"), 0), added(message("", "n"), 0), text("b", 0, "n"), text("a", 0, "m")],
        ["a", "b"],
    ),
    "another id and text that end under one index": (
        [text("a", 0, "m"), done(message("b", "n"), 0)],
        ["a", "b"],
    ),
    "another id with the same text under one index": ([text("a", 0, "m"), done(message("ab", "n"), 0)], ["ab"]),
    "another id in each event of one index": (
        [added(message("", "m"), 0), text("a", 0, "n"), text("b", 0, "o"), done(message("ab", "p"), 0)],
        ["ab"],
    ),
    "another id in the end, which has no index": (
        [added(message("", "m"), 0), text("ab", 0, "m"), done(message("ab", "n"))],
        ["ab"],
    ),
    "another id and text in the end, which has no index": (
        [added(message("", "m"), 0), text("a", 0, "m"), done(message("ab", "n"))],
        ["a", "ab"],
    ),
    "another id in the end of what has no text yet": ([added(message("", "m")), done(message("a", "n"))], ["", "a"]),
    "another id of a call, by its call id": ([added(call("", "f")), done(call("{}", "g"))], ["{}"]),
    "the same call id for parallel calls": (
        [added(call("", "f"), 0), added(call("", "g"), 1), done(call("1", "f"), 0), done(call("2", "g"), 1)],
        ["1", "2"],
    ),
    "the same id at another index": ([added(message(), 0), done(message("a"), 1)], ["a"]),
    "the same id for another message": ([done(message("a"), 0), done(message("b"), 1)], ["a", "b"]),
    "the same id for another type": ([done(message("a", "x")), done(call("1", "x"))], ["a", "1"]),
    "the same item twice": ([done(message("a"), 0), done(message("a"), 0), done(message("a"), 1)], ["a"]),
    "the same item twice with another id": ([done(message("a"), 0), done(message("a", "n"), 0)], ["a"]),
    "two requests with the same content under one index": (
        [done({"type": "mcp_approval_request", "id": name, "arguments": "{}"}, 0) for name in "ab"],
        ["{}", "{}"],
    ),
    "the same call twice without an index": ([done(call("1", "f")), done(call("1", "g"))], ["1"]),
    "no index": (
        [added(message("", "m")), added(message("", "n")), text("a", None, "m"), text("b", None, "n")],
        ["a", "b"],
    ),
    "no index and no id": ([added(message("", None)), text("a"), done(message("ab", None))], ["ab"]),
    "no index and no id, twice": ([done(message("a", None)), done(message("a", None))], ["a", "a"]),
    "no id in the start": ([added(message("", None)), text("a", None, "m"), text("b", None, "m")], ["ab"]),
    "no index in the start": ([added(message(), None), text("a", 3, "m"), done(message("ab"), 3)], ["ab"]),
    "no start": ([text("a", 0), text("b", 1), done(message("a", "m"), 0), done(message("b", "n"), 1)], ["a", "b"]),
    "no start, then one": ([text("a", 0), added(message(), 0), text("b", 0, "m")], ["ab"]),
    "no start and no index": ([text("a", None, "m"), text("b", None, "n"), done(message("b", "n"))], ["a", "b"]),
    "no end": ([added(message(), 0), text("a", 0), added(message("", "n"), 1), text("b", 1)], ["a", "b"]),
    "a late text": ([done(message("a"), 0), text("x", 0), text_done("x", 0), text("x", 0, "m")], ["a"]),
    "a late text of a new item": ([done(message("a"), 0), text("b", 0, "n")], ["a", "b"]),
    "a text of a message beside a call": (
        [added(message(), 0), added(call(), 0), text("a", 0), done(call("1"), 0)],
        ["a", "1"],
    ),
    "ids that are numbers": ([added(message("", 7)), text("a", None, 7)], ["a"]),  # type: ignore[arg-type]
    "ids that are lists": ([added(message("", [7]), 0), text("a", 0, [7])], ["a"]),  # type: ignore[arg-type]
    "an item without a type": ([added({"id": "m"}, 0), done({"type": 7}, 0), text("a", 0)], ["a"]),
    "an empty delta": ([added(message(), 0), text("", 0)], [""]),
    "an order of its own": (
        [done(message("b", "n"), 2), done(message("a"), 1), done(call("1"), None)],
        ["a", "1", "b"],
    ),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_an_item_is_what_its_id_says(name: str) -> None:
    events, expected = IDENTITIES[name]
    assert texts(*events) == expected


def whole(kind: str, **fields: Any) -> Event:
    return event(kind, 0, **fields)


ARGUMENTS = "response.function_call_arguments"
PART = {"type": "output_text", "text": "a"}
TEXTS: dict[str, tuple[list[Event], Item]] = {
    "a text that only its end has": ([text_done("a", 0)], {"type": "message", "content": [PART]}),
    "a text that only the end of its part has": (
        [whole("response.content_part.done", content_index=0, part=PART)],
        {"type": "message", "content": [PART]},
    ),
    "a finished message without text": ([text("a", 0), done(message(), 0)], message("a")),
    "a finished message with an empty part": (
        [text("a", 0), done({**message(), "content": [{**PART, "text": "", "annotations": []}]}, 0)],
        {**message(), "content": [{**PART, "annotations": []}]},
    ),
    "a part that only deltas have": (
        [text("b", 0, part=1), done({**message(), "content": [PART, {**PART, "text": ""}]}, 0)],
        {**message(), "content": [PART, {**PART, "text": "b"}]},
    ),
    "a finished message with other parts": ([text("b", 0, part=1), done(message("a"), 0)], message("a")),
    "two parts": (
        [text("b", 0, part=1), text("a", 0)],
        {"type": "message", "content": [PART, {**PART, "text": "b"}]},
    ),
    "a refusal": (
        [whole("response.refusal.delta", content_index=0, delta="no")],
        {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]},
    ),
    "a summary": (
        [
            added({"type": "reasoning", "id": "r", "encrypted_content": "half", "summary": []}, 0),
            whole("response.reasoning_summary_text.delta", summary_index=0, delta="Hm"),
            whole(
                "response.reasoning_summary_part.done", summary_index=0, part={"type": "summary_text", "text": "Hm."}
            ),
        ],
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Hm."}]},
    ),
    "arguments in deltas": (
        [added(call(), 0), whole(f"{ARGUMENTS}.delta", delta='{"a"'), whole(f"{ARGUMENTS}.delta", delta=":1}")],
        call('{"a":1}'),
    ),
    "arguments in their end": (
        [added(call(), 0), whole(f"{ARGUMENTS}.delta", delta="{"), whole(f"{ARGUMENTS}.done", arguments="{}")],
        call("{}"),
    ),
    "arguments that the finished call lacks": (
        [added(call(), 0), whole(f"{ARGUMENTS}.done", arguments="{}"), done(call(""), 0)],
        call("{}"),
    ),
    "arguments that the finished call has": (
        [added(call(), 0), whole(f"{ARGUMENTS}.done", arguments="{}"), done(call("[]"), 0)],
        call("[]"),
    ),
    "arguments that the start has": ([added(call("{}"), 0)], call("{}")),
    "arguments after a start with others": (
        [added(call("{}"), 0), whole(f"{ARGUMENTS}.delta", delta="[]")],
        call("[]"),
    ),
    "a name in the end of arguments": (
        [whole(f"{ARGUMENTS}.done", arguments="{}", name="look", item_id="f")],
        {"type": "function_call", "id": "f", "name": "look", "arguments": "{}"},
    ),
    "a name and a call id in the start alone": (
        [added(call(), 0), done({"type": "function_call", "id": "f", "arguments": "{}"}, 0)],
        call("{}"),
    ),
    "an end that is no text": ([added(message("a"), 0), whole("response.output_text.done", text=7)], message("a")),
    "a part of another kind": (
        [added(message("a"), 0), whole("response.content_part.done", part={"type": "sparkle", "text": "b"})],
        message("a"),
    ),
    "a patch": (
        [whole("response.apply_patch_call_operation_diff.done", diff="+a")],
        {"type": "apply_patch_call", "operation": {"diff": "+a"}},
    ),
    "commands": (
        [
            whole("response.shell_call_command.done", command_index=1, command="b"),
            whole("response.shell_call_command.delta", command_index=0, delta="a"),
        ],
        {"type": "shell_call", "action": {"commands": ["a", "b"]}},
    ),
    "parts that are no objects": (
        [text("a", 0), done({**message(), "content": [7]}, 0)],
        {**message(), "content": [PART]},
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_separate_events_belong_to_their_item(name: str) -> None:
    events, expected = TEXTS[name]
    before = repr(events)
    assert [each.build_item() for each in collect(*events)] == [expected]
    assert repr(events) == before, "the events are not ours to change"


def test_changes_are_the_texts_and_items_since_the_last_time() -> None:
    stream = StreamItems()
    for each in (added(message(), 0), text("a", 0, "m"), text("b", 0, "m")):
        stream.add_event(each)
    item, part = stream.take_changes()
    assert isinstance(item, StreamItem)
    assert part in item.parts.values()
    stream.add_event(text("c", 0, "m"))
    assert stream.take_changes() == [part]
    assert not stream.add_event({"type": "response.unheard_of"})
    for each in (text("d", 1, "n"), text("e", 0, "m"), text("f", 0, "m")):
        stream.add_event(each)
    other, same = stream.take_changes()
    assert (other is not part, same) == (True, part)
    stream.add_event(done(message("abcef"), 0))
    assert stream.take_changes() == [item]
    assert stream.take_changes() == []
