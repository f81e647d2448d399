"""Places that cannot be reached, and certificates that cannot be trusted, with every backend."""

from __future__ import annotations

import pytest
from responses_emulator import Authority

from tests.generated.faults.fault import Fault, choose_backends
from tests.generated.faults.rows_connection import GROUPS
from tests.generated.faults.verdict import check_outcome, make_call
from tests.support.backends import BackendUnderTest
from tests.support.leftovers import nothing_left
from tests.support.session import Session

pytestmark = pytest.mark.promise("a server whose certificate is not valid gets nothing", area="security")

ROWS = [
    pytest.param(backend, fault, id=f"{backend.label}-{group.title}: {fault.name}")
    for group in GROUPS
    for fault in group.rows
    for backend in choose_backends(fault)
]


@pytest.mark.parametrize(("backend", "fault"), ROWS)
async def test_location_has_the_outcome_of_its_row(
    backend: BackendUnderTest, authority: Authority, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fault.open_location is not None
    with fault.open_location(backend, authority) as place:
        for name, value in place.environment.items():
            monkeypatch.setenv(name, value)
        emulator = place.emulator or backend.emulator()
        settings = {"default_model": backend.model, "max_retries": 1, "min_retry_delay": 0.001, **fault.settings}
        async with nothing_left(emulator):
            config = {**backend.config(place.url, backend.secret), "transport": backend.transport or "auto", **settings}
            session = await Session(backend, emulator).mount(config)
            async with nothing_left(emulator):
                result = await make_call(session, fault)
            attempts = 1 + len(session.recorder.named("provider:retry"))
            take_back_switch(session)
            check_outcome(session, fault.outcome_for(backend.name), result, requests=attempts)
            await session.cleanup()
        assert await emulator.wait_until_async(lambda: emulator.open_connections == 0), "a connection is still open"


def take_back_switch(session: Session) -> None:
    """Forget that a request went over HTTP because there was no WebSocket, which is reported at most once."""
    switches = session.recorder.named("provider:transport")
    assert len(switches) <= (session.backend.transport is not None)
    session.recorder.events = [event for event in session.recorder.events if event.name != "provider:transport"]
