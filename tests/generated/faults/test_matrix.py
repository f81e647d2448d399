"""Every row of the fault matrix, with every backend over a real socket: what came, what it cost, what was left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from amplifier_core.llm_errors import LLMError
from responses_emulator import Emulator, HttpReply, Say

from docs import faults
from tests.generated.faults import rows_calls
from tests.generated.faults.fault import Fault, Outcome, choose_backends
from tests.generated.faults.tables import MATRIX
from tests.generated.faults.verdict import check_outcome, make_call
from tests.support.backends import ALL_BACKENDS, BackendUnderTest
from tests.support.error_rows import refusal
from tests.support.leftovers import nothing_left
from tests.support.session import Session
from tests.support.witness import leaks

ROWS = [
    pytest.param(backend, fault, id=f"{backend.label}-{group.title}: {fault.name}")
    for group in MATRIX
    for fault in group.rows
    if fault.over_socket and fault.open_location is None
    # A profile says where a service takes tools.
    for backend in choose_backends(fault, for_each_profile=group in rows_calls.GROUPS)
]
AT_LAST = "At last."


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, Emulator]]:
    """The service of each backend, for all rows."""
    running = {backend.service: backend.emulator().start() for backend in ALL_BACKENDS}
    yield running
    for emulator in running.values():
        emulator.stop()


def test_the_page_is_current() -> None:
    assert faults.PAGE.read_text(encoding="utf-8") == faults.page(), "run `nox -s docs`"


@pytest.mark.parametrize(("backend", "fault"), ROWS)
async def test_fault_has_the_outcome_of_its_row(
    backend: BackendUnderTest, fault: Fault, services: dict[str, Emulator]
) -> None:
    emulator = services[backend.service]
    emulator.reset()
    outcome = fault.outcome_for(backend.service)
    settings = {"max_retries": 1, "min_retry_delay": 0.001, **fault.settings}
    async with nothing_left(emulator):
        session = await Session(backend, emulator).mount(backend.settings(emulator, **settings))
        emulator.script(*fault.replies, *[fault.replies[-1]] * 3)
        async with nothing_left(emulator):
            result = await make_call(session, fault)
        check_outcome(session, outcome, result, requests=session.sent)
        await check_the_next_call(session, fault, outcome)
        await session.cleanup()
    assert await emulator.wait_until_async(lambda: emulator.open_connections == 0), "a connection is still open"


@pytest.mark.parametrize("status", [400, 502])
async def test_long_message_is_not_cut_within_a_credential(
    backend: BackendUnderTest, services: dict[str, Emulator], status: int
) -> None:
    """A long message that echoes the credential is cut, though not in the middle of it."""
    emulator, secret = services[backend.service], backend.secret
    emulator.reset()
    session = await Session(backend, emulator).mount(backend.settings(emulator, max_retries=0))
    for text in ("Odd: " + "x " * 240 + secret, "Odd: " + "x " * 1990 + secret):
        emulator.script(HttpReply(status, text), refusal(status, "odd", text))
        for _ in range(2):
            with pytest.raises(LLMError, match="Odd") as caught:
                await session.ask("hello")
            assert leaks(secret[:10], caught.value) == []
    await session.cleanup()


async def check_the_next_call(session: Session, fault: Fault, outcome: Outcome) -> None:
    """Check that the next call works: after the fault, or after a retry if the fault is retryable."""
    session.emulator.reset()
    session.recorder.events.clear()
    again = outcome.retryable and "timeout" not in fault.settings  # silence takes time, and is no different here
    session.emulator.script(*([fault.replies[0]] if again else []), Say(AT_LAST), Say(AT_LAST))
    answer = await session.ask("and now?")
    assert answer.text == AT_LAST
    assert session.recorder.shown() == AT_LAST
    assert session.sent == (2 if again else 1)
    assert session.recorder.one("llm:response")["status"] == "ok"
