"""Silence in a stream ends a call as a timeout; a slow stream does not."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from amplifier_core.llm_errors import LLMTimeoutError

from tests.support.backends import BackendUnderTest
from tests.support.jump_clock import on_jump_clock

from .recorded_stream import choose_offsets, record_stream
from .replay_server import Reply
from .swept_provider import sweep_provider

_TIMEOUT_S = 10.0
_PIECES = 16
_IN_HEAD = pytest.mark.one_transport("a WebSocket sends no head for a response, and an error in one frame")


@pytest.mark.promise("a silent service is awaited without end", area="hazard")
@on_jump_clock
async def test_stream_that_stops_is_a_timeout(backend: BackendUnderTest) -> None:
    """The connection stays open. If the terminal event was sent, the response is complete."""
    stream = record_stream(backend.name)
    count = 80 if backend.transport is None else 12  # each is a new connection
    offsets = choose_offsets(len(stream.raw), count, begin=stream.begins_at(backend))

    def script(number: int, attempt: int) -> Reply:
        return Reply(pieces=(stream.raw[: offsets[number]],), ending="hang", one_chunk=number % 2 == 1)

    async with sweep_provider(backend, script, max_retries=0, timeout=_TIMEOUT_S) as swept:
        results = await swept.call_all(range(len(offsets)), limit=len(offsets))
        await swept.server.wait_until(lambda: not swept.server.open_exchanges)
    whole_at = len(stream.raw) if backend.transport is None else stream.complete_at  # a frame has no line end
    for result, offset in zip(results, offsets, strict=True):
        if offset < whole_at:
            assert result.has_retryable_error(LLMTimeoutError), (offset, result.error)
            result.check_events("error")
        else:
            result.check_recorded_response()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(head_bytes=0, ending="hang"),
        pytest.param(Reply(head_bytes=25, ending="hang"), marks=_IN_HEAD),
        pytest.param(Reply(ending="hang"), marks=_IN_HEAD),
        pytest.param(Reply(status=500, pieces=(b"half",), ending="hang"), marks=_IN_HEAD),
    ],
    ids=["before the head", "in the head", "after the head", "in the body of an error"],
)
@on_jump_clock
async def test_reply_that_stops_before_its_events_is_a_timeout(backend: BackendUnderTest, reply: Reply) -> None:
    async with sweep_provider(backend, lambda number, attempt: reply, max_retries=1, timeout=_TIMEOUT_S) as swept:
        result = await swept.call(1)
        assert swept.server.attempts[1] == 2
    assert result.has_retryable_error(LLMTimeoutError), repr(result.error)
    assert result.event_names == ["llm:request", "provider:retry", "llm:response"]


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(
            b": comment\n\n",
            id="comment",
            marks=pytest.mark.one_transport("a ping says of the connection, and not of the response, that it lives"),
        ),
        pytest.param(b'data: {"type": "keepalive"}\n\n', id="keepalive"),
    ],
)
@on_jump_clock
async def test_signs_of_life_keep_a_silent_stream_open(backend: BackendUnderTest, sign: bytes) -> None:
    stream = record_stream(backend.name)
    pauses_s = dict.fromkeys(range(9, 14), 0.3 * _TIMEOUT_S)
    reply = Reply(pieces=(*stream.events[:9], *[sign] * 5, *stream.events[9:]), pauses_s=pauses_s)
    async with sweep_provider(backend, lambda number, attempt: reply, max_retries=0, timeout=_TIMEOUT_S) as swept:
        (await swept.call(1)).check_recorded_response()


@on_jump_clock
async def test_second_attempt_responds_after_a_silent_first(backend: BackendUnderTest) -> None:
    stream = record_stream(backend.name)
    offsets = range(stream.begins_at(backend), stream.complete_at, 305)

    def script(number: int, attempt: int) -> Reply:
        return Reply(pieces=(stream.raw,)) if attempt else Reply(pieces=(stream.raw[: offsets[number]],), ending="hang")

    async with sweep_provider(backend, script, max_retries=1, timeout=_TIMEOUT_S) as swept:
        results = await swept.call_all(range(len(offsets)), limit=len(offsets))
        assert [swept.server.attempts[number] for number in range(len(offsets))] == [2] * len(offsets)
    for result in results:
        result.check_recorded_response()


@pytest.mark.promise("a healthy long answer is cut off", area="hazard")
@on_jump_clock
async def test_slow_stream_is_not_a_timeout(backend: BackendUnderTest) -> None:
    """Each call takes longer than the timeout, and is never silent for as long. Each is cut at other offsets."""
    stream = record_stream(backend.name)
    size = len(stream.raw) // _PIECES

    def script(number: int, attempt: int) -> Reply:
        cuts = [0, *range(number * size // 20, len(stream.raw), size), len(stream.raw)]
        pieces = tuple(stream.raw[start:end] for start, end in pairwise(cuts))
        pauses_s = dict.fromkeys(range(1, len(pieces)), 0.3 * _TIMEOUT_S)
        return Reply(pieces=pieces, pauses_s=pauses_s, one_chunk=number % 2 == 1)

    async with sweep_provider(backend, script, max_retries=0, timeout=_TIMEOUT_S) as swept:
        started_s = asyncio.get_running_loop().time()
        results = await swept.call_all(range(1, 20))
        assert asyncio.get_running_loop().time() - started_s > 2 * _TIMEOUT_S
    for result in results:
        result.check_recorded_response()
