"""Events to an answer, and the answer into the next request: nothing is lost, nothing unexpected is raised."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from amplifier_core.llm_errors import InvalidToolCallError, LLMError
from amplifier_core.message_models import Message
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.engine._call import make_usable
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.failures.classify import classify_failure
from openai_responses_common.failures.read import read_error_event
from openai_responses_common.options.model_info import NO_OVERRIDES
from openai_responses_common.translate.decode import (
    DecodedResponse,
    decode_response,
)
from openai_responses_common.translate.deltas import BlockDelta, BlockEnd, BlockStart, Delta, DeltaReader
from openai_responses_common.translate.messages import encode_messages
from openai_responses_common.translate.output_items import is_visible, read_message_texts, read_thinking
from openai_responses_common.translate.usage import Pricing, sum_usage
from openai_responses_common.wire.accumulate import Accumulator
from openai_responses_common.wire.client_calls import find_client_call
from openai_responses_common.wire.sse import SseDecoder

from tests.generated.fuzz.amount import examples
from tests.generated.fuzz.outputs import Item, outputs
from tests.generated.fuzz.streams import Event, answers, odd_answers
from tests.support.round_trip import MODES, expected, stored, without_nulls

DONE = "response.output_item.done"
PROFILE = BackendProfile(name="p", display_name="P")
DAY = date(2026, 11, 21)


def received(events: list[Event]) -> Accumulator:
    """What an attempt has at its end; nothing counts behind the terminal event."""
    accumulator = Accumulator()
    for event in events:
        accumulator.add_event(event)
        if accumulator.terminal_event:
            break
    return accumulator


def read_deltas(events: list[Event], batch: int) -> list[Delta]:
    """The deltas of an attempt whose events arrive in batches; after an abort those of its whole response."""
    accumulator, reader, shown = Accumulator(), DeltaReader(), []
    for number, event in enumerate(events, 1):
        accumulator.add_event(event)
        if number % batch == 0 or accumulator.terminal_event:
            shown += reader.read_changes(accumulator.take_changes())
        if accumulator.terminal_event:
            break
    if accumulator.terminal_event is None or accumulator.has_failed():
        return shown
    items = accumulator.build_response()["output"]
    rest = reader.finish(items)
    return (DeltaReader().finish(items) or []) if rest is None else shown + rest


def answered(events: list[Event]) -> DecodedResponse | None:
    """The whole way of an attempt's events, as the engine takes it."""
    accumulator = received(events)
    if accumulator.terminal_event is None:
        return None
    response = accumulator.build_response()
    usage = sum_usage([response], Pricing(model="gpt-5.6-sol", profile=PROFILE, model_info=NO_OVERRIDES, day=DAY))
    if accumulator.has_failed():
        raise classify_failure(
            read_error_event(accumulator.terminal_event), profile=PROFILE, model="m", max_retry_delay_s=5
        )
    return decode_response([make_usable(response)], origin="here", usage=usage)


@given(answers(), st.integers(1, 5))
@examples(120)
def test_the_events_tell_the_response(answer: tuple[Item, list[Event]], batch: int) -> None:
    """Every item comes out in its place, whether or not the last event repeats them; deltas show all of its text."""
    response, events = answer
    kept = received(events)
    assert kept.build_response()["output"] == response["output"]
    assert kept.build_response()["status"] == response["status"]
    assert seen(read_deltas(events, batch)) == visible(response["output"])


@given(answers())
@examples(60)
def test_half_of_the_events_tell_as_much(answer: tuple[Item, list[Event]]) -> None:
    """Servers that stream nothing are shown whole items; an item that never ended is taken from the last event."""
    response, events = answer
    silent = [event for event in events if not event["type"].endswith((".delta", ".added"))]
    assert seen(read_deltas(silent, len(silent))) == visible(response["output"])
    last = len(response["output"]) - 1
    unfinished = [event for event in events if event["type"] != DONE or event["output_index"] < last]
    assert received(unfinished).build_response()["output"][:last] == response["output"][:last]
    if events[-1]["response"]["output"]:
        assert received(unfinished).build_response()["output"] == response["output"]


def visible(output: list[Item]) -> list[tuple[str, str]]:
    """What a person is shown of the items, in their order."""
    found: list[tuple[str, str]] = []
    for item in output:
        found += [("text", text) for text in read_message_texts(item) if is_visible(text)]
        if item["type"] == "reasoning" and is_visible(text := read_thinking(item)):
            found.append(("thinking", text))
        if find_client_call(item):
            found.append(("tool_use", ""))
    return found


def seen(deltas: list[Delta]) -> list[tuple[str, str]]:
    """What the deltas show, block by block; each block ends once, and its pieces are counted from 0."""
    texts: dict[int, list[str]] = {}
    kinds: dict[int, str] = {}
    ended: list[int] = []
    for delta in deltas:
        match delta:
            case BlockStart():
                assert delta.index == len(kinds)
                kinds[delta.index], texts[delta.index] = delta.kind, []
            case BlockDelta():
                assert delta.sequence == len(texts[delta.index])
                texts[delta.index].append(delta.text)
            case BlockEnd():
                ended.append(delta.index)
            case _:
                raise AssertionError(delta)
    assert sorted(ended) == sorted(kinds)
    return [(kinds[index], "".join(texts[index])) for index in sorted(kinds)]


@given(outputs(0), MODES)
@examples(120)
def test_ids_order_and_ciphertext_come_back(output: list[Item], mode: str) -> None:
    """What was answered goes into the next request as the items it was, however it was kept meanwhile."""
    before = json.dumps(output)
    answer = decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
    assert json.dumps(output) == before, "the response is the transport's"
    items = encode_messages([stored(answer.content, mode)], origin="here").items
    wanted = expected(output)
    if any(item["type"] == "compaction" for item in wanted):
        return
    assert without_nulls([_plain(item) for item in items]) == without_nulls([_plain(item) for item in wanted])


def _plain(item: Item) -> Item:
    """Log probabilities are not asked for, and not kept."""
    parts = item.get("content") if item["type"] == "message" else None
    if not parts:
        return item
    return {**item, "content": [{key: part[key] for key in part if key != "logprobs"} for part in parts]}


@given(outputs(0))
@examples(60)
def test_an_answer_is_json(output: list[Item]) -> None:
    """It is kept in transcripts and told in events; its calls are those that a loop runs."""
    answer = decode_response([{"status": "completed", "output": output}], origin="here", usage=None)
    kept = answer.model_dump()
    assert json.loads(json.dumps(kept)) == kept
    assert Message(role="assistant", content=answer.content)
    calls = [item for item in output if find_client_call(item)]
    assert len(answer.tool_calls or []) == len(calls)
    assert answer.content
    assert all(key.startswith("openai:") for key in answer.metadata or {})


@given(odd_answers())
@examples(300)
def test_whatever_a_service_says_is_an_answer_or_an_error(events: list[Event]) -> None:
    """A service may send anything: it becomes an answer that can be kept, or one of the kernel's errors."""
    decoder = SseDecoder()
    events = [each for event in events for each in decoder.feed(f"data: {json.dumps(event)}\n\n".encode())]
    for delta in read_deltas(events, 1):
        assert not isinstance(delta, BlockDelta) or isinstance(delta.text, str)
    try:
        answer = answered(events)
    except LLMError:
        return
    if answer is not None:
        json.dumps(answer.model_dump())
        encode_messages([stored(answer.content, "without nulls")], origin="here")


ODD_ARGUMENTS = st.sampled_from(
    (
        "", "{}", "{", "[]", "null", "1", '"x"', '{"a":NaN}', '{"a":-Infinity}', '{"a":1e999}', '{"a":1,}', "{'a':1}",
        "{}{}", '{"a":"\\ud800"}', '{"a":' + "9" * 5000 + "}", '{"a":' + "[" * 2000 + "]" * 2000 + "}",
        "\ufeff{}", " {} ",
        '{"a":' + "[" * 300 + "]" * 300 + "}", '{"a":"\x00"}', '{"\\u0000":"\\u2028"}', "\ud800",
    )
) | st.text(max_size=6).map(lambda text: '{"a":"' + text + '"}')  # fmt: skip


@given(ODD_ARGUMENTS, MODES)
@examples(60)
def test_arguments_are_an_object_or_the_call_is_not_run(arguments: str, mode: str) -> None:
    """What is run is what was written, and goes back letter by letter."""
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n", "arguments": arguments}
    try:
        answer = decode_response([{"status": "completed", "output": [call]}], origin="here", usage=None)
    except InvalidToolCallError as caught:
        told = (caught.raw_arguments, caught.tool_name)
    else:
        told = None
    if told is not None:
        assert told == (arguments, "n")
        return
    [block] = answer.tool_calls or []
    assert block.arguments == json.loads(arguments or "{}", parse_constant=_refuse)
    [item] = encode_messages([stored(answer.content, mode)], origin="here").items
    assert item["arguments"] == (arguments or "{}")


def _refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON, and was run")
