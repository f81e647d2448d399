"""The async iterator for users of the library: what happens, as it happens, and last the response."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from amplifier_core.llm_errors import AuthenticationError, ConfigurationError
from openai_responses_common import Aborted, BlockDelta, BlockEnd, BlockStart, DecodedResponse
from responses_emulator import Call, CutStream, EventDelay, HttpReply, Say, Silence, Think, Turn

from tests.support.session import PATIENCE_S, OpenSession, Session, asking, other_tasks, tool

pytestmark = pytest.mark.one_sign_in("the iterator knows no profile")

ENDLESS = Turn(Say("word " * 500), EventDelay(0.02))


async def test_deltas_come_in_order_and_the_response_last(session: Session) -> None:
    session.emulator.script(Turn(Think(["Hm."]), Say("Hello there."), Call("look", {"at": "x"})))
    seen = [delta async for delta in session.provider.deltas(asking("hello", tools=[tool("look", "at")]))]
    assert isinstance(seen[-1], DecodedResponse)
    assert seen[-1].text == "Hello there."
    assert [(each.index, each.kind, each.name) for each in seen if isinstance(each, BlockStart)] == [
        (0, "thinking", None),
        (1, "text", None),
        (2, "tool_use", "look"),
    ]
    assert [each.index for each in seen if isinstance(each, BlockEnd)] == [0, 1, 2]
    assert "".join(each.text for each in seen if isinstance(each, BlockDelta) and each.kind == "text") == "Hello there."


async def test_deltas_arrive_while_the_answer_is_written(session: Session) -> None:
    session.emulator.script(Turn(Say("one two three"), Silence(300, before_event=6)))
    async with asyncio.timeout(PATIENCE_S), aclosing(session.provider.deltas(asking("hello"))) as deltas:
        async for delta in deltas:
            if isinstance(delta, BlockDelta):
                break
        assert session.emulator.open_requests == 1


async def test_the_iterator_and_the_hooks_tell_the_same(session: Session) -> None:
    session.emulator.script(Turn(Think(["Hm."]), Say("Hello there.")))
    seen = [delta async for delta in session.provider.deltas(asking("hello"))]
    told = session.recorder.named("llm:stream_block_delta")
    assert [(each.index, each.sequence, each.text) for each in seen if isinstance(each, BlockDelta)] == [
        (data["block_index"], data["sequence"], data["text"]) for data in told
    ]


async def test_the_iterator_speaks_also_where_the_hooks_are_silent(open_session: OpenSession) -> None:
    session = await open_session(use_streaming=False)
    seen = [delta async for delta in session.provider.deltas(asking("hello"))]
    assert any(isinstance(each, BlockDelta) for each in seen)
    assert session.recorder.names == ["llm:request", "llm:response"]


async def test_an_abort_says_that_it_begins_again(session: Session) -> None:
    session.emulator.script(Turn(Say("gone with it"), CutStream(6)), Say("here"))
    seen = [delta async for delta in session.provider.deltas(asking("hello"))]
    after = seen[[isinstance(each, Aborted) for each in seen].index(True) :]
    assert "".join(each.text for each in after if isinstance(each, BlockDelta)) == "here"
    assert seen[-1].text == "here"


async def test_errors_come_out_of_the_iteration(session: Session) -> None:
    session.emulator.script(HttpReply(401, {"error": {"message": "no", "code": "invalid_api_key"}}))
    with pytest.raises(AuthenticationError):
        _ = [delta async for delta in session.provider.deltas(asking("hello"))]
    with pytest.raises(ConfigurationError):
        _ = [delta async for delta in session.provider.deltas(asking("hello"), temperature="warm")]


async def test_leaving_the_iteration_cancels_the_request(session: Session) -> None:
    session.emulator.script(ENDLESS)
    async with aclosing(session.provider.deltas(asking("hello"))) as deltas:
        async for delta in deltas:
            if isinstance(delta, BlockDelta):
                break
    assert await session.emulator.wait_until_async(lambda: session.emulator.aborted_requests)
    assert not other_tasks()
    assert session.recorder.one("llm:response")["status"] == "cancelled"


async def test_cancelling_the_reader_cancels_the_request(session: Session) -> None:
    session.emulator.script(ENDLESS)
    begun = asyncio.Event()

    async def read() -> None:
        async with aclosing(session.provider.deltas(asking("hello"))) as deltas:
            async for _ in deltas:
                begun.set()

    reader = asyncio.create_task(read())
    await begun.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await session.emulator.wait_until_async(lambda: session.emulator.aborted_requests)
    assert not other_tasks()


async def test_an_iterator_that_is_never_begun_asks_nothing(session: Session) -> None:
    deltas = session.provider.deltas(asking("hello"))
    await deltas.aclose()
    assert session.sent == 0
    assert session.recorder.names == []


async def test_there_is_no_attribute_that_hosts_take_for_another_path(session: Session) -> None:
    assert not hasattr(session.provider, "stream")
    assert not hasattr(session.provider, "model")
