"""A proxy of the environment whose address holds a password: the proxy learns it, and nobody else does."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError, LLMError
from responses_emulator import Emulator, SignInService, chatgpt_surfaces

from tests.support.backends import BackendUnderTest
from tests.support.chatgpt_machine import Machine, Person
from tests.support.relay_proxy import remote_settings
from tests.support.session import Session
from tests.support.witness import CHATTY, Witness

pytestmark = pytest.mark.promise("the password in a proxy's address goes to the proxy only", area="security")

CANARY = "proxy-canary-7"
SENT = base64.b64encode(f"user:{CANARY}".encode()).decode()


class Proxy:
    """Answers every request with one text, and keeps what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked and (more := connection.recv(65536)):
                    asked += more
                self.asked.append(asked)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


ECHO = f"Proxy-Authorization: Basic {SENT}, that is user:{CANARY}"
REFUSED = (
    f"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: {len(ECHO)}\r\n"
    f"Connection: close\r\n\r\n{ECHO}"
).encode()


UNUSABLE = {
    "HTTPS_PROXY": f"ftp://user:{CANARY}@127.0.0.1:9",
    "ALL_PROXY": f"http://user:{CANARY}@127.0.0.1:port",
    "SSL_CERT_FILE": f"/nowhere/{CANARY}.pem",
}


@pytest.mark.parametrize("variable", UNUSABLE)
async def test_what_no_client_can_be_made_with_is_named(
    backend: BackendUnderTest, monkeypatch: pytest.MonkeyPatch, witness: Witness, variable: str
) -> None:
    """The variables, never their values; nothing is sent."""
    with backend.emulator() as emulator:
        session = await Session(backend, emulator).mount(remote_settings(backend, emulator))
        monkeypatch.setenv(variable, UNUSABLE[variable])
        with pytest.raises(ConfigurationError, match=variable) as caught:
            await session.ask("hello")
        await session.cleanup()
        assert not emulator.requests
    assert not [line for line in [*_chain(caught.value), *witness.lines(ours=True)] if CANARY in line]


def _chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield repr(error)
        error = error.__cause__ or error.__context__


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    running = Proxy(REFUSED)
    yield running
    running.close()


def set_proxy(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, address)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


async def failed(backend: BackendUnderTest, running: Emulator, witness: Witness, **settings: Any) -> BaseException:
    """What a call comes to; the password is in nothing that is said."""
    session = await Session(backend, running).mount(remote_settings(backend, running, timeout=5, **CHATTY, **settings))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it is, is the business of whoever asks
        await session.ask("hello")
    witness.check(CANARY, caught.value, session.recorder.events, session.provider)
    await session.cleanup()
    return caught.value


@pytest.mark.parametrize("address", ["http://user:{}@127.0.0.1:9", "user:{}@127.0.0.1:9"])
async def test_a_proxy_that_is_not_there(
    backend: BackendUnderTest, emulator: Emulator, witness: Witness, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names where the call should have gone, not what stood in its way with its password."""
    set_proxy(monkeypatch, address.format(CANARY))
    assert isinstance(await failed(backend, emulator, witness), LLMError)
    assert emulator.requests == []


@pytest.mark.parametrize("address", ["ftp://user:{}@127.0.0.1:9", "http://user:{}@127.0.0.1:port"])
async def test_a_proxy_that_is_none(
    backend: BackendUnderTest, emulator: Emulator, witness: Witness, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for an address that no library can use."""
    set_proxy(monkeypatch, address.format(CANARY))
    await failed(backend, emulator, witness)
    assert emulator.requests == []


async def test_a_proxy_that_refuses_the_password(
    backend: BackendUnderTest, emulator: Emulator, witness: Witness, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets the password, as it must, and the service gets nothing, not even the call."""
    set_proxy(monkeypatch, f"http://user:{CANARY}@127.0.0.1:{proxy.port}")
    session = await Session(backend, emulator).mount(remote_settings(backend, emulator))
    with pytest.raises(LLMError):
        await session.ask("hello")
    await session.cleanup()
    assert proxy.asked
    assert SENT.encode() in proxy.asked[0]
    assert emulator.requests == []


def test_a_sign_in_behind_a_proxy(
    tmp_path: Path, proxy: Proxy, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the sign-in tell of it, whatever the proxy answers."""
    service = SignInService()
    with Emulator(surfaces=chatgpt_surfaces(service)) as running:
        machine = Machine(tmp_path / "home", running, service)
        for address in (f"http://user:{CANARY}@127.0.0.1:{proxy.port}", f"http://user:{CANARY}@127.0.0.1:9"):
            set_proxy(monkeypatch, address)
            person = Person(service)
            provider = machine.provider(issuer="https://auth.openai.com")
            assert provider.login(person) is False
            witness.check(CANARY, person.text, provider)
            witness.check(SENT, person.text)
        assert running.requests == []
