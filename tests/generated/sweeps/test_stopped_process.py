"""A process is stopped while a stream arrives and goes on later: it reads what came and does not ask again."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.backends import BackendUnderTest

from .recorded_stream import RecordedStream, record_stream
from .replay_server import ReplayServer, Reply
from .worker_process import RECORDED_OUTCOME, Worker, run_worker

_STOPPED_S = 12.0
_TIMEOUT_S = 5.0


def pauses_after_first_text(stream: RecordedStream) -> list[dict[int, float]]:
    """Return pauses in seconds by which the rest comes while the process is stopped: at once, slowly, or in part."""
    first = 1 + next(at for at, event in enumerate(stream.events) if b"response.output_text.delta" in event)
    return [{first: 0.2}, dict.fromkeys(range(first, len(stream.events)), 0.06), {first: 0.2, first + 3: _STOPPED_S}]


@pytest.mark.slow
async def test_stopped_process_reads_what_came_meanwhile(backend: BackendUnderTest) -> None:
    stream = record_stream(backend.name)
    pauses_s = [{}, *pauses_after_first_text(stream)]
    numbers = range(1, len(pauses_s))

    def script(number: int, attempt: int) -> Reply:
        return Reply(pieces=stream.events, pauses_s=pauses_s[number])

    async with ReplayServer(script, url_prefix=stream.url_prefix) as server:
        config = backend.config(server.base_url, backend.secret)
        config |= {"default_model": backend.model, "timeout": _TIMEOUT_S, "max_retries": 0}
        async with run_worker(backend, config) as worker:
            worker.start_call(0)
            assert (await worker.read_outcomes(0))[0] == RECORDED_OUTCOME
            await stop_for_a_while(worker, *numbers)
            assert await worker.read_outcomes(*numbers) == dict.fromkeys(numbers, RECORDED_OUTCOME)
        assert [server.attempts[number] for number in numbers] == [1] * len(numbers)


async def stop_for_a_while(worker: Worker, *numbers: int) -> None:
    """Start these calls, and stop the worker when each has shown some text."""
    for number in numbers:
        worker.start_call(number)
    waiting = set(numbers)
    while waiting:
        waiting.discard((await worker.read_until(lambda line: line.get("text")))["number"])
    worker.stop()
    await asyncio.sleep(_STOPPED_S)
    worker.resume()
