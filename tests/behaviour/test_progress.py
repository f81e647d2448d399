"""`llm:progress` says that a call goes on, without any of its text."""

from __future__ import annotations

import pytest
from responses_emulator import EventDelay, Say, Turn, server_error

from tests.support.session import OpenSession, Session, asking


@pytest.mark.one_transport("what the engine emits")
async def test_each_attempt_is_reported_with_its_limits(open_session: OpenSession) -> None:
    session = await open_session(timeout=50)
    session.emulator.script(server_error(), Say("hello"))
    await session.provider.complete(asking("hi", timeout=90))
    events = [event for event in session.recorder.named("llm:progress") if event["observation"] == "attempt_started"]
    assert [event["attempt"] for event in events] == [1, 2]
    limits = {"mode": "elapsed", "elapsed_seconds": 90, "read_seconds": 50}
    assert events[0]["limits"] == {**limits, "connect_seconds": None, "pool_seconds": None, "write_seconds": None}
    assert {event["version"] for event in events} == {1}
    assert {event["request_id"] for event in events} == {session.recorder.one("llm:request")["request_id"]}


@pytest.mark.promise("a long response looks like a call that hangs", area="hazard")
async def test_data_is_reported_at_most_once_a_second(session: Session) -> None:
    session.emulator.script(Turn(Say("word " * 24), EventDelay(0.1)))
    await session.ask("hi")
    events = session.recorder.named("llm:progress")
    assert [event["observation"] for event in events][:2] == ["attempt_started", "response_activity"]
    assert len(events) < len(session.recorder.named("llm:stream_block_delta"))
    assert events[0]["limits"]["mode"] == "phase"
