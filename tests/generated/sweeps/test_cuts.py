"""A stream ends at any byte: with its terminal event the response is complete, before it the error is retryable."""

from __future__ import annotations

import pytest
from amplifier_core.llm_errors import NetworkError, StreamError

from tests.support.backends import BackendUnderTest
from tests.support.jump_clock import on_jump_clock

from .recorded_stream import TEXT, choose_offsets, record_stream
from .replay_server import Ending, Reply
from .swept_provider import CallResult, sweep_provider

ENDINGS: tuple[Ending, ...] = ("fin", "complete", "reset")
# Every offset is tried without a socket, in test_every_byte; over a socket each takes milliseconds.
SOME_OR_MANY = [pytest.param(12, id="some"), pytest.param(701, id="many", marks=pytest.mark.slow)]
_PATIENT = {"timeout": 600}


def test_recorded_stream_has_every_kind_of_content(backend: BackendUnderTest) -> None:
    stream = record_stream(backend.name)
    assert b"encrypted_content" in stream.raw
    assert b"response.function_call_arguments.delta" in stream.raw
    assert TEXT.encode() in stream.raw
    assert stream.raw.startswith(b"event: response.created")
    assert stream.events[-1].startswith(b"event: response.completed")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("count", SOME_OR_MANY)
@on_jump_clock
async def test_cut_stream_is_complete_or_a_retryable_error(
    backend: BackendUnderTest, ending: Ending, count: int
) -> None:
    stream = record_stream(backend.name)
    offsets = choose_offsets(len(stream.raw), count, begin=stream.begins_at(backend))

    def script(number: int, attempt: int) -> Reply:
        return Reply(pieces=(stream.raw[: offsets[number]],), ending=ending)

    async with sweep_provider(backend, script, max_retries=0, **_PATIENT) as swept:
        results = await swept.call_all(range(len(offsets)))
        assert set(swept.server.attempts.values()) == {1}
    for result, offset in zip(results, offsets, strict=True):
        # A reset may overtake the bytes before it; only the whole body cannot be lost.
        if offset < stream.complete_at or (result.error and offset < len(stream.raw)):
            assert result.has_retryable_error(StreamError, NetworkError), (offset, result.error)
            result.check_events("error")
        else:
            result.check_recorded_response()


@pytest.mark.one_transport("a WebSocket sends no head for a response")
@pytest.mark.parametrize("ending", ["fin", "reset"])
@on_jump_clock
async def test_reply_that_ends_in_its_head_is_a_retryable_error(backend: BackendUnderTest, ending: Ending) -> None:
    """No byte of the body came, so nothing was shown and nothing is taken back."""
    async with sweep_provider(
        backend, lambda number, attempt: Reply(head_bytes=number, ending=ending), max_retries=0, **_PATIENT
    ) as swept:
        results = await swept.call_all(range(0, len(Reply().head), 7))
    for result in results:
        assert result.has_retryable_error(StreamError, NetworkError), repr(result.error)
        assert result.event_names == ["llm:request", "llm:response"]


@pytest.mark.parametrize("ending", ENDINGS)
@on_jump_clock
async def test_second_attempt_replaces_all_that_the_first_showed(backend: BackendUnderTest, ending: Ending) -> None:
    stream = record_stream(backend.name)
    offsets = range(stream.begins_at(backend), stream.complete_at, 97)

    def script(number: int, attempt: int) -> Reply:
        return Reply(pieces=(stream.raw,)) if attempt else Reply(pieces=(stream.raw[: offsets[number]],), ending=ending)

    async with sweep_provider(backend, script, max_retries=1, **_PATIENT) as swept:
        results = await swept.call_all(range(len(offsets)))
        assert [swept.server.attempts[number] for number in range(len(offsets))] == [2] * len(offsets)
    for result in results:
        result.check_recorded_response()
        check_abort(result)


def check_abort(result: CallResult) -> None:
    """Check that an abort stands directly before the only retry if anything was shown."""
    names = result.event_names
    assert names.count("provider:retry") == 1
    first_attempt = names[: names.index("provider:retry")]
    is_shown = len(first_attempt) > 1
    assert first_attempt[-1] == ("llm:stream_aborted" if is_shown else "llm:request")
    assert names.count("llm:stream_aborted") == is_shown
