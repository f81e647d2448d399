"""The backend under test, its service, and a session on it."""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import hypothesis
import pytest
from openai_responses_common.engine.lessons import LESSONS
from openai_responses_common.transport._websocket_refusals import REFUSALS
from responses_emulator import Emulator

from tests.support.backends import ALL_BACKENDS, BACKENDS, WEBSOCKET_BACKENDS, BackendUnderTest
from tests.support.kernels import Kernel, Start
from tests.support.session import Conversation, OpenSession, Session, other_tasks
from tests.support.witness import Witness

# A machine may pause for longer than Hypothesis allows by default.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


# The folders whose tests run over every transport. Elsewhere a test runs over HTTP alone.
_TRANSPORT_FOLDERS = ("behaviour", "generated/faults", "generated/fuzz", "generated/sweeps", "security")
# Where each module runs over WebSocket: these are about what the services say there.
_EVERY_SOCKET = (
    *("behaviour/test_conformance.py", "behaviour/test_connections.py", "behaviour/test_errors.py"),
    *("behaviour/test_retries.py", "behaviour/test_websocket.py", "generated/faults", "generated/fuzz"),
)
# Where one module runs over HTTP, too: a sweep is long, and knows no service.
_ONE_BACKEND = ("generated/sweeps",)
# The folders whose tests run for the second sign-in to a module. A sweep is about streams, which no profile changes.
_PROFILE_FOLDERS = ("behaviour", "generated/faults", "security")


@pytest.fixture(params=[*ALL_BACKENDS, *WEBSOCKET_BACKENDS], ids=lambda backend: backend.label)
def backend(request: pytest.FixtureRequest) -> BackendUnderTest:
    """Run the test once for each row of the table; with the marker `one_transport`, only for those over HTTP, and with
    `one_sign_in` only for the first sign-in of each module."""
    return request.param


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the rows that prove nothing new.

    Those are the rows over WebSocket of tests whose promise does not depend on the transport, or is about HTTP, and the
    second sign-in to a module of tests whose promise does not depend on the profile. Of the other rows over WebSocket
    one is left for each test, in turn, because a transport knows no service.
    """
    items[:] = [item for item in items if not _is_superfluous(item)]
    turns: dict[object, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if (turn := _describe_turn(item)) is not None:
            turns[turn].append(item)
    left_out = {item for turn, group in turns.items() for item in group if item is not _choose(turn, group)}
    items[:] = [item for item in items if item not in left_out]


def _read_row(item: pytest.Item) -> BackendUnderTest | None:
    callspec = getattr(item, "callspec", None)
    row = callspec.params.get("backend") if callspec is not None else None
    return row if isinstance(row, BackendUnderTest) else None


def _is_in(item: pytest.Item, places: Iterable[str]) -> bool:
    path = item.path.relative_to(Path(__file__).parent)
    return any(path.is_relative_to(place) for place in places)


def _is_superfluous(item: pytest.Item) -> bool:
    row = _read_row(item)
    if row is None:
        return False
    if row.mode:
        return not _is_in(item, _PROFILE_FOLDERS) or item.get_closest_marker("one_sign_in") is not None
    if row.transport is None:
        return False
    return not _is_in(item, _TRANSPORT_FOLDERS) or item.get_closest_marker("one_transport") is not None


def _describe_turn(item: pytest.Item) -> str | None:
    """Return the same text for all rows of a test of which one runs. None if each of them runs."""
    row = _read_row(item)
    if row is None or item.get_closest_marker("slow") is not None:
        return None
    runs_once = _is_in(item, _ONE_BACKEND) or (row.transport is not None and not _is_in(item, _EVERY_SOCKET))
    return item.nodeid.replace(row.label, str(row.transport)) if runs_once else None


def _choose(turn: object, group: list[pytest.Item]) -> pytest.Item:
    return group[crc32(repr(turn).encode()) % len(group)]


@pytest.fixture(scope="session")
def few_certificates(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Return a file with one certificate of this machine; None if it has none.

    Every client reads all certificates, which takes a quarter of the time of these tests, and none of them uses TLS.
    """
    known = ssl.create_default_context().get_ca_certs(binary_form=True)
    if not known:
        return None
    path = tmp_path_factory.mktemp("tls") / "one.pem"
    path.write_text(ssl.DER_cert_to_PEM_cert(known[0]), encoding="ascii")
    return path


@pytest.fixture(autouse=True)
def no_lessons() -> None:
    """Forget what the refusals of another test taught, because a port may be used again."""
    LESSONS.clear()
    REFUSALS.clear()


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, few_certificates: Path | None) -> None:
    """Remove the accounts and proxies that a developer's shell has set."""
    if request.node.get_closest_marker("live"):
        return
    if few_certificates:
        monkeypatch.setenv("SSL_CERT_FILE", str(few_certificates))
    for name in {variable for row in ALL_BACKENDS for variable in row.unset}:
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {name: value for row in BACKENDS for name, value in row.nobody.items()}.items():
        monkeypatch.setenv(name, value)
    # No test opens the browser of a developer.
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22")
    monkeypatch.delenv("BROWSER", raising=False)
    # A test on a machine in Azure must not use the identity of that machine.
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")


@pytest.fixture
def witness(capfd: pytest.CaptureFixture[str]) -> Iterator[Witness]:
    """Records all log lines and output of the test, in which `witness.check` looks for a secret."""
    witness = Witness(capfd)
    witness.start()
    yield witness
    witness.stop()


@pytest.fixture
def emulator(backend: BackendUnderTest) -> Iterator[Emulator]:
    """The service of the backend."""
    with backend.emulator() as running:
        yield running


@pytest.fixture
async def open_session(backend: BackendUnderTest, emulator: Emulator) -> AsyncIterator[OpenSession]:
    """Opens sessions with settings that a test chooses. At the end no task and no connection of them is left."""
    opened: list[Session] = []

    async def open_one(**settings: Any) -> Session:
        opened.append(await Session(backend, emulator).mount(backend.settings(emulator, **settings)))
        return opened[-1]

    yield open_one
    for each in opened:
        await each.cleanup()
    assert not other_tasks()
    assert await emulator.wait_until_async(lambda: emulator.open_connections == 0), "a connection is still open"


@pytest.fixture
async def session(open_session: OpenSession) -> Session:
    """A session with the settings of the row."""
    return await open_session()


@pytest.fixture
def conversation(session: Session) -> Conversation:
    """A conversation on the session."""
    return Conversation(session)


@pytest.fixture
async def start(backend: BackendUnderTest, emulator: Emulator) -> AsyncIterator[Start]:
    """Starts kernel sessions on the backend's provider. At the end no task and no connection of them is left."""
    started: list[Kernel] = []

    async def start_one(*providers: Mapping[str, Any], by_path: bool = True, parent: Kernel | None = None) -> Kernel:
        own = {"module": backend.module, "config": backend.settings(emulator)}
        rows = [dict(each) for each in providers or [own]]
        started.append(await Kernel(rows, by_path=by_path, parent=parent).start())
        return started[-1]

    yield start_one
    for kernel in started:
        await kernel.session.cleanup()
    assert not other_tasks()
    assert await emulator.wait_until_async(lambda: emulator.open_connections == 0)
