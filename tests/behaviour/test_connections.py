"""Connections: which proxy they take, and how long they stay open between two calls."""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import connector
from amplifier_core.llm_errors import ConfigurationError
from responses_emulator import Authority, Emulator, Say, SignInService, chatgpt_surfaces

from tests.support.backends import BACKENDS, ROOT, BackendUnderTest
from tests.support.chatgpt_machine import Machine, Person, ask
from tests.support.relay_proxy import RelayProxy, remote_settings
from tests.support.session import Session

NOWHERE = "http://127.0.0.1:9"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
# What Docker, OrbStack and company networks set. Sources: kimi-cli#1959, basic-memory#1541, seen 2026-11-30.
EXCEPTIONS = "localhost,127.0.0.0/8,::1/128,[::1],10.0.0.0/8,fd00::/8,[fd00::]/8,*.internal,.corp.example:8443"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority for the name of the other machine."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def remote(backend: BackendUnderTest, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The service on another machine, to which only a proxy leads."""
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    with backend.emulator(tls=authority.context(backend.remote_host)) as running:
        yield running


async def reach(backend: BackendUnderTest, emulator: Emulator) -> None:
    """Make a call and list the models of a service that only a proxy reaches."""
    emulator.script(Say("ok"))
    session = await Session(backend, emulator).mount(remote_settings(backend, emulator))
    try:
        assert (await session.ask("hello")).text == "ok"
        await session.provider.list_models()
    finally:
        await session.cleanup()


async def test_a_request_travels_over_the_transport_of_the_settings(session: Session) -> None:
    await session.ask("hello")
    assert [request.transport for request in session.emulator.model_requests] == [session.backend.transport or "http"]


@pytest.mark.promise("a connection is opened for every call", area="hazard")
@pytest.mark.one_transport("a WebSocket belongs to a conversation")
async def test_idle_connection_stays_open_while_a_tool_runs(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the HTTP library is moved on by 100 seconds, as if a tool had run for that long."""
    await session.ask("hello")
    monkeypatch.setattr(connector, "monotonic", lambda: time.monotonic() + 100)
    await session.ask("hello")
    assert len({request.connection for request in session.emulator.model_requests}) == 1


@pytest.mark.parametrize("exceptions", ["", EXCEPTIONS], ids=["no exceptions", "exceptions"])
async def test_this_machine_is_reached_without_a_proxy(
    backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, exceptions: str
) -> None:
    session = await Session(backend, emulator).mount(backend.settings(emulator, max_retries=0))
    for variable in VARIABLES:
        monkeypatch.setenv(variable, NOWHERE)
    monkeypatch.setenv("NO_PROXY", exceptions)
    await session.ask("hello")
    await session.provider.list_models()
    await session.cleanup()


@pytest.mark.parametrize("exceptions", ["", EXCEPTIONS], ids=["no exceptions", "exceptions"])
async def test_another_machine_is_reached_through_the_proxy(
    backend: BackendUnderTest, remote: Emulator, monkeypatch: pytest.MonkeyPatch, exceptions: str
) -> None:
    with RelayProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", exceptions)
        await reach(backend, remote)
        assert set(proxy.targets) == {f"{backend.remote_host}:{remote.port}"}


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
async def test_another_machine_is_reached_through_a_socks_proxy(
    backend: BackendUnderTest, remote: Emulator, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with RelayProxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{proxy.port}")
        await reach(backend, remote)
        assert set(proxy.targets) == {f"{backend.remote_host}:{remote.port}"}


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("socks5://127.0.0.1:9", "'aiohttp-socks>=0.10'"),
        ("socks4://127.0.0.1:9", "HTTPS_PROXY does not hold the address of a proxy that speaks HTTP or SOCKS 5"),
    ],
)
async def test_error_says_what_a_socks_proxy_needs(
    backend: BackendUnderTest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, address: str, message: str
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp_socks", None)  # as if it were not installed
    monkeypatch.setenv("HTTPS_PROXY", address)
    session = await Session(backend, emulator).mount(remote_settings(backend, emulator))
    with pytest.raises(ConfigurationError, match=message):
        await session.ask("hello")
    await session.cleanup()


def test_sign_in_and_refresh_on_this_machine_take_no_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.setenv(variable, NOWHERE)
    monkeypatch.setenv("NO_PROXY", EXCEPTIONS)
    service = SignInService(interval="0.02")
    with Emulator(surfaces=chatgpt_surfaces(service)) as running:
        machine = Machine(tmp_path / "home", running, service)
        person = Person(service)
        assert machine.provider().login(person), person.text
        machine.keep(service.token_set(lifetime_s=-10))
        assert ask(machine.provider()).text


def test_no_client_reads_the_proxies_itself() -> None:
    """A client that is handed its transport does not look at the variables, nor does a session without `trust_env`."""
    folders = [ROOT / "libs/openai_responses_common/openai_responses_common", *(row.package_path for row in BACKENDS)]
    nodes = [
        node for folder in folders for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
    ]
    clients = [
        (node.func.attr, {keyword.arg: keyword.value for keyword in node.keywords})
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"AsyncClient", "Client", "ClientSession"}
    ]
    assert {name for name, _ in clients} == {"AsyncClient", "Client", "ClientSession"}
    for name, keywords in clients:
        assert "transport" in keywords if name != "ClientSession" else ast.unparse(keywords["trust_env"]) == "False"
