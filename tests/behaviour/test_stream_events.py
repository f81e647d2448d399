"""The events of a call, to the letter of the streaming contract."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

import pytest
from responses_emulator import (
    Call,
    CustomCall,
    CutStream,
    HostedItem,
    JoinEvents,
    Refuse,
    ResponseFailed,
    ResponseIncomplete,
    Say,
    Think,
    Turn,
    WebSearch,
    rate_limit_exceeded,
)

from tests.support.session import OpenSession, Recorder, Session, asking, tool

BLOCKS = ("llm:stream_block_start", "llm:stream_block_delta", "llm:stream_block_end")
EVERYTHING = Turn(
    Think(["**Plan**\n\nLook first.", "Then speak."]),
    Say("I'll look that up.", chunks=3),
    WebSearch(["q"], ["https://example.com/a"]),
    HostedItem({"type": "code_interpreter_call", "code": "1", "container_id": "cntr_1", "outputs": []}),
    Call("get_weather", {"city": "Oslo"}),
    CustomCall("run", "print(1)"),
    Refuse("No more."),
)
LOOK = tool("get_weather", "city")


def blocks(recorder: Recorder) -> list[tuple[str, dict[str, Any]]]:
    """The block events as (what, data)."""
    return [(e.name.removeprefix("llm:stream_block_"), e.data) for e in recorder.events if e.name in BLOCKS]


async def test_an_answer_in_order(session: Session) -> None:
    session.emulator.script(Turn(Say("Hello there.", chunks=["Hello", " there."])))
    await session.ask("hello")
    names = [name for name, _ in groupby(session.recorder.names)]
    assert names == ["llm:request", *BLOCKS, "llm:response"]


@pytest.mark.promise("every attempt has another request id", area="hazard")
async def test_one_request_id_runs_through_a_call_with_retries_and_a_continuation(session: Session) -> None:
    session.emulator.script(
        Turn(Say("gone"), CutStream(6)),
        Turn(Say("half an answer", chunks=4), ResponseIncomplete()),
        Turn(Say("and the rest")),
    )
    await session.ask("hello")
    own = [event for event in session.recorder.events if event.name.startswith(("llm:", "provider:"))]
    assert {"llm:stream_aborted", "provider:retry", "provider:incomplete_continuation"} <= set(session.recorder.names)
    assert len({event.data["request_id"] for event in own}) == 1
    assert session.recorder.names.count("llm:request") == session.recorder.names.count("llm:response") == 1
    await session.ask("again")
    assert len({event.data["request_id"] for event in session.recorder.events}) == 2


async def test_every_block_starts_and_ends_once_and_indexes_count_from_zero(session: Session) -> None:
    session.emulator.script(EVERYTHING)
    await session.ask("go", tools=[LOOK])
    seen = blocks(session.recorder)
    starts = [data["block_index"] for what, data in seen if what == "start"]
    ends = [data["block_index"] for what, data in seen if what == "end"]
    assert starts == list(range(len(starts)))
    assert sorted(ends) == starts
    for index in starts:
        order = [what for what, data in seen if data["block_index"] == index]
        assert (order[0], order[-1]) == ("start", "end")
        assert set(order[1:-1]) <= {"delta"}


async def test_block_indexes_are_those_of_the_content_blocks(session: Session) -> None:
    session.emulator.script(EVERYTHING)
    response = await session.ask("go", tools=[LOOK])
    starts = [data for what, data in blocks(session.recorder) if what == "start"]
    names = {"text": "text", "thinking": "thinking", "tool_call": "tool_use"}
    assert [start["block_type"] for start in starts] == [names[each.type.value] for each in response.content_blocks]
    for index, view in enumerate(response.content_blocks):
        shown = "".join(
            d["text"] for what, d in blocks(session.recorder) if what == "delta" and d["block_index"] == index
        )
        assert shown == getattr(view, "text", "")


async def test_payloads_have_the_fields_of_the_contract(session: Session) -> None:
    session.emulator.script(EVERYTHING)
    await session.ask("go", tools=[LOOK])
    common = {"request_id", "block_index", "block_type"}
    for what, data in blocks(session.recorder):
        assert common <= data.keys()
        assert data["block_type"] in {"text", "thinking", "tool_use"}
        if what == "start" and data["block_type"] == "tool_use":
            assert data["name"] in {"get_weather", "run"}
        if what == "delta":
            assert isinstance(data["sequence"], int)
            assert data["text"]


async def test_fragments_that_one_read_brought_are_joined(session: Session) -> None:
    words = [f"{number} " for number in range(300)]
    session.emulator.script(Turn(Say("".join(words), chunks=words), JoinEvents()))
    await session.ask("hello")
    deltas = [data for what, data in blocks(session.recorder) if what == "delta"]
    assert len(deltas) < 60
    assert "".join(data["text"] for data in deltas) == "".join(words)


@pytest.mark.promise("parts of a summary run together", area="hazard")
async def test_parts_of_a_summary_are_told_apart(session: Session) -> None:
    session.emulator.script(Turn(Think(["First.", "Second."]), Say("ok")))
    response = await session.ask("hello")
    assert session.recorder.shown("thinking") == "First.\n\nSecond." == response.content[0].thinking


@pytest.mark.parametrize("off", [False, "false"])
async def test_streaming_can_be_switched_off_by_config(open_session: OpenSession, off: Any) -> None:
    session = await open_session(use_streaming=off)
    session.emulator.script(EVERYTHING)
    response = await session.ask("go", tools=[LOOK])
    assert session.recorder.names == ["llm:request", "llm:response"]
    assert response.tool_calls
    assert session.body["stream"] is True, "the wire has one path"
    assert bool(session.recorder.one("llm:response")["rate_limits"]) == bool(session.backend.limit)


async def test_streaming_can_be_switched_off_for_one_request(session: Session) -> None:
    await session.ask("hello", metadata={"stream": False})
    assert session.recorder.names == ["llm:request", "llm:response"]
    await session.ask("hello")
    assert "llm:stream_block_start" in session.recorder.names, "the provider was not changed by it"


async def test_a_continuation_goes_on_counting_blocks(session: Session) -> None:
    session.emulator.script(
        Turn(Think(["Long."]), Say("half an answer"), ResponseIncomplete()), Turn(Say(" and the rest"))
    )
    response = await session.ask("hello")
    starts = [data["block_index"] for what, data in blocks(session.recorder) if what == "start"]
    assert starts == [0, 1, 2]
    assert session.recorder.shown() == response.text


async def test_a_failed_attempt_takes_back_what_it_showed(session: Session) -> None:
    session.emulator.script(Turn(Say("gone with the wind", chunks=4), CutStream(6)), Say("here to stay"))
    response = await session.ask("hello")
    names = [name for name, _ in groupby(session.recorder.names)]
    abort = names.index("llm:stream_aborted")
    assert names[abort - 1] == "llm:stream_block_delta"
    assert names[abort + 1 : abort + 3] == ["provider:retry", "llm:stream_block_start"]
    assert set(session.recorder.one("llm:stream_aborted")["error"]) == {"type", "msg"}
    assert [data["block_index"] for what, data in blocks(session.recorder) if what == "start"] == [0, 0]
    assert session.recorder.shown() == response.text == "here to stay"


@pytest.mark.parametrize(
    "bad", [rate_limit_exceeded(after_s=0.01), Turn(Say("x"), ResponseFailed(after_events=2)), Turn(CutStream(2))]
)
async def test_nothing_is_taken_back_where_nothing_was_shown(session: Session, bad: Any) -> None:
    session.emulator.script(bad, Say("ok"))
    await session.ask("hello")
    assert "llm:stream_aborted" not in session.recorder.names
    assert "provider:retry" in session.recorder.names


async def test_the_two_frame_events_say_what_the_contract_wants(session: Session) -> None:
    session.emulator.script(EVERYTHING)
    await session.ask("go", tools=[LOOK])
    request, response = session.recorder.one("llm:request"), session.recorder.one("llm:response")
    for event in (request, response):
        assert event["provider"] == session.backend.name
        assert event["model"] == session.backend.model
    assert (request["message_count"], request["tool_count"]) == (1, 1)
    assert response["status"] == "ok"
    assert isinstance(response["duration_ms"], int)
    assert {"input_tokens", "output_tokens", "cache_read_tokens", "cost_usd"} <= response["usage"].keys()
    assert response["finish_reason"] == "tool_calls"
    limits = response["rate_limits"] or {}
    assert session.backend.limit is None or re.fullmatch(r"\d+", str(limits[session.backend.limit]))


@pytest.mark.promise("our hook events are not declared", area="hazard")
async def test_every_event_of_our_own_is_declared(session: Session) -> None:
    declared = {
        name for names in await session.coordinator.collect_contributions("observability.events") for name in names
    }
    assert {*BLOCKS, "llm:stream_aborted", "provider:incomplete_continuation", "provider:auth_required"} <= declared
    assert {"llm:request:debug", "llm:response:debug", "llm:request:raw", "llm:response:raw"} <= declared


@pytest.mark.promise("a call without a coordinator breaks", area="hazard")
async def test_a_provider_without_a_coordinator_works_in_silence(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, emulator = session.backend, session.emulator
    for name, value in backend.environment(emulator.base_url, backend.secret).items():
        monkeypatch.setenv(name, value)
    settings = {"default_model": backend.model}
    alone = backend.provider_class(**backend.collected(emulator.base_url, backend.secret), config=settings)
    emulator.script(Turn(Say("gone"), ResponseFailed(after_events=6)), EVERYTHING)
    response = await alone.complete(asking("go", tools=[LOOK]), min_retry_delay=0.01)
    assert response.tool_calls
    await alone.close()
