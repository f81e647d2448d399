"""The wall clock jumps during a call: a time server or a user sets it, or a virtual machine wakes up.

The clock of a worker process is moved, and `worker.py` says which clock that is. The service's clock does not move.
"""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path

import pytest
from responses_emulator import Emulator, SignInService, chatgpt_surfaces, strict_catalogue

from tests.support.backends import BACKENDS, BackendUnderTest
from tests.support.chatgpt_machine import ROW, Machine

from .recorded_stream import record_stream
from .replay_server import ReplayServer, Reply
from .worker_process import RECORDED_OUTCOME, run_worker

_MINUTES_S = 600.0
_DAY_S = 86_400.0
_RETRY_AFTER_S = 1

# The token of a test sign-in is valid for a day, so the clock starts as far back as all jumps ahead together.
_START_S = -5 * _DAY_S
JUMPS_S = [_MINUTES_S, -_MINUTES_S, -_DAY_S, _DAY_S]
EVENT_NAMES = ["llm:request", "llm:stream_block_delta", "llm:stream_aborted", "provider:retry"]
ONE_OR_ALL = [BACKENDS[0], *(pytest.param(backend, marks=pytest.mark.slow) for backend in BACKENDS[1:])]


def retry_after_headers(seconds: int) -> dict[str, str]:
    """Return headers that say with two dates how long to wait."""
    return {"date": formatdate(1e9, usegmt=True), "retry-after": formatdate(1e9 + seconds, usegmt=True)}


@pytest.mark.parametrize("backend", ONE_OR_ALL, ids=lambda backend: backend.name)
async def test_call_waits_as_the_service_asks_while_the_clock_jumps(backend: BackendUnderTest) -> None:
    """One call for each event at which the clock jumps and each distance."""
    stream = record_stream(backend.name)
    jumps = [(name, jump_s) for name in EVENT_NAMES for jump_s in JUMPS_S]
    numbers = range(1, len(jumps) + 1)
    complete = Reply(pieces=stream.events)
    replies = [
        Reply(status=503, headers=retry_after_headers(_RETRY_AFTER_S)),
        Reply(pieces=stream.events[:9], ending="fin"),
        complete,
    ]

    async with ReplayServer(
        lambda number, attempt: replies[attempt] if number else complete, url_prefix=stream.url_prefix
    ) as server:
        config = backend.config(server.base_url, backend.secret)
        config |= {"default_model": backend.model, "min_retry_delay": 0.01, "max_retry_delay": 30, "timeout": 20}
        async with run_worker(backend, config) as worker:
            worker.start_call(0, event="llm:request", jump_s=_START_S)
            assert (await worker.read_outcomes(0))[0] == RECORDED_OUTCOME
            for number, (name, jump_s) in zip(numbers, jumps, strict=True):
                worker.start_call(number, event=name, jump_s=jump_s)
            assert await worker.read_outcomes(*numbers) == dict.fromkeys(numbers, RECORDED_OUTCOME)
        for number in numbers:
            first_s, _ = [line["delay"] for line in worker.select_events(number, "provider:retry")]
            assert _RETRY_AFTER_S <= first_s < 2 * _RETRY_AFTER_S
            (response,) = worker.select_events(number, "llm:response")
            assert 1000 * _RETRY_AFTER_S <= response["duration_ms"] < 1000 * _MINUTES_S / 2
        assert [server.attempts[number] for number in numbers] == [3] * len(numbers)


async def test_token_that_expires_by_a_jump_is_refreshed_once(tmp_path: Path) -> None:
    """If the clock is set back after that, nothing more happens."""
    service = SignInService()
    with Emulator(surfaces=chatgpt_surfaces(service, catalogue=strict_catalogue())) as emulator:
        machine = Machine(tmp_path / "home", emulator, service)
        old = machine.keep(service.token_set(lifetime_s=_DAY_S / 2))
        async with run_worker(ROW, machine.settings()) as worker:
            for number, jump_s in enumerate([0.0, _DAY_S, -_DAY_S, -_DAY_S, _DAY_S, _MINUTES_S]):
                worker.start_call(number, event="llm:request", jump_s=jump_s)
                assert "text" in (await worker.read_outcomes(number))[number]
        await machine.leave()
        assert len(service.requests_to("refresh")) == 1
        assert machine.sent == [old.access_token, *[machine.kept["access_token"]] * 5]
        assert machine.kept["refresh_token"] != old.refresh_token
        assert service.is_live(machine.kept["refresh_token"])
