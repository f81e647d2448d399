"""The events of a response are those of the SDK, add up to its items, and end as the script says."""

from __future__ import annotations

import json
from typing import Any

from emulator_clients.responses import stream_events
from openai import AsyncOpenAI
from openai.types.responses import ResponseStreamEvent
from responses_emulator import (
    Call,
    Compaction,
    CustomCall,
    Emulator,
    HostedItem,
    Refuse,
    ResponseIncomplete,
    Say,
    Think,
    Turn,
    WebSearch,
)
from responses_emulator.contract.json_shapes import union_members

# On the wire and in recordings, and not in the SDK's types.
BEYOND_SDK = {"obfuscation", "frequency_penalty", "presence_penalty", "store", "status", "tool_usage"}


EVENTS = {
    kind: each for each in union_members(ResponseStreamEvent) for kind in each.model_fields["type"].annotation.__args__
}


def extras(model: Any) -> set[str]:
    """Keys that the SDK's types do not know, at any depth."""
    found = set(model.model_extra or {})
    for value in dict(model).values():
        for each in value if isinstance(value, list) else [value]:
            if hasattr(each, "model_extra"):
                found |= extras(each)
    return found


EVERYTHING = Turn(
    Think(["**Plan**\n\nLook first.", "Then speak."], tokens=40),
    Say("I'll look that up.", chunks=3),
    Call("get_weather", {"location": "Oslo"}),
    Call("get_weather", '{"location": "Ber'),
    CustomCall("run", "print(1 + 1)"),
    WebSearch(["oslo weather"], ["https://example.com/a", "https://example.com/b"], text="It is cold."),
    HostedItem({"type": "code_interpreter_call", "code": "1 + 1", "container_id": "cntr_1", "outputs": []}),
    HostedItem({"type": "image_generation_call", "result": "iVBORw0=", "partial_images": ["iVBO"]}),
    HostedItem({"type": "mcp_list_tools", "server_label": "wiki", "tools": []}),
    HostedItem({"type": "mcp_call", "server_label": "wiki", "name": "ask", "arguments": "{}", "output": "yes"}),
    HostedItem({"type": "file_search_call", "queries": ["x"], "results": None}),
    HostedItem(
        {
            "type": "shell_call",
            "action": {"commands": ["ls -la", "pwd"], "max_output_length": None, "timeout_ms": None},
            "environment": {"type": "local"},
        }
    ),
    HostedItem({"type": "apply_patch_call", "operation": {"type": "create_file", "path": "a.txt", "diff": "+hi\n"}}),
    Compaction(progress=True),
    Refuse("I can't help with that."),
)


SHOW_ALL = {"include": ["reasoning.encrypted_content"], "reasoning": {"summary": "auto"}}


def test_every_event_is_one_that_the_sdk_knows(emulator: Emulator) -> None:
    emulator.script(EVERYTHING)
    events = stream_events(emulator, **SHOW_ALL)
    unknown = {event["type"] for event in events} - EVENTS.keys()
    assert unknown == {f"response.apply_patch_call_operation_diff.{what}" for what in ("delta", "done")}
    for event in events:
        if event["type"] in EVENTS:
            parsed = EVENTS[event["type"]].model_validate_json(json.dumps(event), strict=True)
            assert extras(parsed) <= BEYOND_SDK, event["type"]


def test_deltas_add_up_to_the_finished_items(emulator: Emulator) -> None:
    emulator.script(EVERYTHING)
    events = stream_events(emulator, **SHOW_ALL)
    final = events[-1]["response"]
    done = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    assert len(done) == len(final["output"]) == 16
    texts: dict[tuple[int, str], str] = {}
    for event in events:
        if event["type"].endswith(".delta"):
            key = (event["output_index"], event["type"])
            texts[key] = texts.get(key, "") + event["delta"]
    assert texts[0, "response.reasoning_summary_text.delta"] == "**Plan**\n\nLook first.Then speak."
    assert texts[1, "response.output_text.delta"] == done[1]["content"][0]["text"] == "I'll look that up."
    assert texts[3, "response.function_call_arguments.delta"] == done[3]["arguments"] == '{"location": "Ber'
    assert done[1]["phase"] == "commentary"
    assert done[6]["phase"] == "commentary"
    for index, item in done.items():
        if item["type"] not in {"reasoning", "compaction"}:
            assert item == final["output"][index]


async def test_the_sdk_accumulates_a_stream(emulator: Emulator, client: AsyncOpenAI) -> None:
    emulator.script(Turn(Think(["Easy."]), Say("Hello there, friend.", chunks=["Hello ", "there, ", "friend."])))
    async with client.responses.stream(model="gpt-5.5", input="hi", reasoning={"summary": "auto"}) as stream:
        seen = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert seen.count("response.output_text.delta") == 3
    assert final.output_text == "Hello there, friend."
    assert final.usage is not None
    assert final.usage.total_tokens == final.usage.input_tokens + final.usage.output_tokens
    assert final.usage.output_tokens_details.reasoning_tokens == 64


async def test_the_sdk_reads_the_same_response_without_a_stream(emulator: Emulator, client: AsyncOpenAI) -> None:
    emulator.script(Turn(Say("Hello."), Call("f", {"a": 1})))
    response = await client.responses.create(model="gpt-5.4", input="hi", instructions="Be brief.")
    assert [item.type for item in response.output] == ["message", "function_call"]
    assert (response.status, response.model, response.instructions) == ("completed", "gpt-5.4-2026-03-05", "Be brief.")


def test_the_request_is_echoed_as_recorded(emulator: Emulator) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
    events = stream_events(
        emulator, tools=[tool], instructions="Be brief.", reasoning={"effort": "low", "summary": "auto"}
    )
    created, final = events[0]["response"], events[-1]["response"]
    assert created["tools"] == [
        {
            "type": "function",
            "description": None,
            "name": "f",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "additionalProperties": False,
                "required": ["a"],
            },
            "strict": True,
        }
    ]
    assert created["reasoning"] == {"context": "all_turns", "effort": "low", "mode": "standard", "summary": "detailed"}
    assert (created["status"], created["output"], created["usage"]) == ("in_progress", [], None)
    assert (created["service_tier"], final["service_tier"]) == ("auto", "default")


def test_an_incomplete_response_is_cut_inside_its_last_item(emulator: Emulator) -> None:
    emulator.script(Turn(Say("one two three four"), ResponseIncomplete(characters=7)))
    message = stream_events(emulator)[-1]["response"]
    assert message["incomplete_details"] == {"reason": "max_output_tokens"}
    assert message["output"][0]["status"] == "incomplete"
    assert message["output"][0]["content"][0]["text"] == "one two"
    emulator.script(Turn(Call("f", {"path": "a.txt"}), ResponseIncomplete("content_filter", characters=5)))
    call = stream_events(emulator)[-1]["response"]["output"][0]
    assert (call["status"], call["arguments"]) == ("incomplete", '{"pat')
    emulator.script(Turn(Think(["A long thought."]), ResponseIncomplete(characters=6)))
    last = stream_events(emulator, **SHOW_ALL)[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["output"][0]["summary"][0]["text"] == "A long"


def test_the_output_limit_cuts_a_response(emulator: Emulator) -> None:
    emulator.script(Turn(Think(tokens=20), Say("word " * 100)))
    final = stream_events(emulator, max_output_tokens=30)[-1]["response"]
    assert final["status"] == "incomplete"
    assert final["usage"]["output_tokens"] == 30
    assert final["output"][1]["status"] == "incomplete"
    emulator.script(Turn(Think(tokens=200), Say("never said")))
    assert [item["type"] for item in stream_events(emulator, max_output_tokens=16)[-1]["response"]["output"]] == [
        "reasoning"
    ]
