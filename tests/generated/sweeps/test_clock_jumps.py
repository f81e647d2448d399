"""The wall clock jumps in the middle of calls: a time server, a virtual machine that wakes, a person who sets it.

The clock of a worker process is moved (`worker.py` says what that moves); the service's stays as it is.
"""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path

from responses_emulator import Emulator, SignInService, chatgpt_surfaces, strict_catalogue

from tests.support.backends import BackendUnderTest
from tests.support.chatgpt_machine import ROW, Machine

from .recorded_stream import ARGUMENTS, TEXT, recording
from .replay_server import Plan, Replay
from .worker_process import working

_WHOLE = {"answer": TEXT, "calls": [ARGUMENTS]}
_MINUTES_S = 600.0
_DAY_S = 86_400.0
_WAIT_S = 1

# A test sign-in lives for a day, so the clock starts as slow as all jumps ahead together.
_SLOW_S = -5 * _DAY_S
JUMPS_S = [_MINUTES_S, -_MINUTES_S, -_DAY_S, _DAY_S]
PLACES = ["llm:request", "llm:stream_block_delta", "llm:stream_aborted", "provider:retry"]


def dated(after_s: int) -> dict[str, str]:
    """Headers that say by dates how long to wait."""
    return {"date": formatdate(1e9, usegmt=True), "retry-after": formatdate(1e9 + after_s, usegmt=True)}


async def test_jumps_in_mid_call(backend: BackendUnderTest) -> None:
    """At each place of a call by each distance: every wait is as long as the service asked for, and all is answered."""
    stream = recording(backend.name)
    asked = [(at, jump_s) for at in PLACES for jump_s in JUMPS_S]
    cases = range(1, len(asked) + 1)

    def answer(number: int, attempt: int) -> Plan:
        first = [Plan(status=503, headers=dated(_WAIT_S)), Plan(pieces=stream.events[:9], end="fin")]
        plans = [*first, Plan(pieces=stream.events)]
        return plans[attempt] if number else plans[-1]

    async with Replay(answer, prefix=stream.prefix) as service:
        settings = backend.config(service.base_url, backend.secret)
        settings |= {"default_model": backend.model, "min_retry_delay": 0.01, "max_retry_delay": 30, "timeout": 20}
        async with working(backend, settings) as worker:
            worker.ask(0, at="llm:request", jump_s=_SLOW_S)
            assert (await worker.outcomes(0))[0] == _WHOLE
            for number, (at, jump_s) in zip(cases, asked, strict=True):
                worker.ask(number, at=at, jump_s=jump_s)
            assert await worker.outcomes(*cases) == dict.fromkeys(cases, _WHOLE)
            for number in cases:
                delays_s = [line["delay"] for line in worker.events(number, "provider:retry")]
                assert _WAIT_S <= delays_s[0] < 2 * _WAIT_S
                assert len(delays_s) == 2
                (response,) = worker.events(number, "llm:response")
                assert 1000 * _WAIT_S <= response["duration_ms"] < 30_000
            assert [service.attempts[number] for number in cases] == [3] * len(cases)


async def test_a_sign_in_that_ends_or_comes_back_by_a_jump(tmp_path: Path) -> None:
    """A token that the clock says is over is renewed once; with the clock set back again nothing more happens."""
    service = SignInService()
    with Emulator(surfaces=chatgpt_surfaces(service, catalogue=strict_catalogue())) as emulator:
        machine = Machine(tmp_path / "home", emulator, service)
        old = machine.keep(service.token_set(lifetime_s=_DAY_S / 2))
        async with working(ROW, machine.settings()) as worker:
            for number, jump_s in enumerate([0.0, _DAY_S, -_DAY_S, -_DAY_S, _DAY_S, _MINUTES_S]):
                worker.ask(number, at="llm:request", jump_s=jump_s)
                assert "answer" in (await worker.outcomes(number))[number]
        await machine.leave()
        assert len(service.requests_to("refresh")) == 1
        assert machine.sent == [old.access_token, *[machine.kept["access_token"]] * 5]
        assert machine.kept["refresh_token"] != old.refresh_token
        assert service.is_live(machine.kept["refresh_token"])
