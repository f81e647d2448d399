"""A cloud for each test, a bare environment, and names that lead nowhere else."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from amplifier_module_provider_azure_openai_v2.auth import credential
from cryptography import x509
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.serialization import pkcs12
from openai_responses_common.auth import device_code as flow
from responses_emulator import Authority, Directory, Emulator, app_service_surface, imds_surface
from responses_emulator.transport.tls import LOOPBACK

from examples.chat.offline_model import respond
from tests.support.azure_cloud import CANARY, METADATA, MINE, PASSWORD, PUBLIC, Cloud, Names, StartCloud, surfaces


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def certified(ca: Authority) -> Any:
    """A server under all names of the cloud."""
    return ca.context(*LOOPBACK, *PUBLIC)


@pytest.fixture(scope="session")
def certificate() -> SimpleNamespace:
    issued = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("app.example", key_type=trustme.KeyType.RSA)
    key = form.load_pem_private_key(issued.private_key_pem.bytes(), None)
    pem = issued.cert_chain_pems[0].bytes()
    locked = key.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(PASSWORD.encode())
    )

    def pfx(password: str | None) -> bytes:
        lock = form.BestAvailableEncryption(password.encode()) if password else form.NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"app", key, x509.load_pem_x509_certificate(pem), None, lock)  # pyright: ignore[reportArgumentType]

    plain = issued.private_key_pem.bytes()
    return SimpleNamespace(
        pem=pem,
        files={
            "key first.pem": plain + pem,
            "certificate first.pem": pem + plain,
            "with a name.pem": "friendlyName: Schl\u00fcssel\n".encode() + plain + pem,
            "locked.pem": locked + pem,
            "open.pfx": pfx(None),
            "locked.pfx": pfx(PASSWORD),
            "locked.P12": pfx(PASSWORD),
        },
    )


@pytest.fixture(scope="session")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without programs."""
    return tmp_path_factory.mktemp("nowhere")


@pytest.fixture(autouse=True)
def bare(no_account: None, nowhere: Path, ca: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine says who one is, and only the test's own authority is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", ca.ca_file)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(nowhere))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    credential._identities.clear()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AZURE_POD_IDENTITY_AUTHORITY_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second between two questions here, nor MSAL between two looks at what the browser brought."""
    monkeypatch.setattr(flow, "_POLL_INTERVAL_FACTOR", 0.02)
    patient = SimpleNamespace(time=time.time, sleep=lambda seconds: time.sleep(seconds / 20))
    monkeypatch.setattr("msal.oauth2cli.authcode.time", patient)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    names.install(monkeypatch)
    return names


@pytest.fixture
def directory() -> Directory:
    directory = Directory(canary=CANARY)
    directory.identities.append(MINE)
    return directory


@pytest.fixture
async def start(directory: Directory, ca: Authority, certified: Any, names: Names) -> AsyncIterator[StartCloud]:
    """Starts clouds; at the end their sessions are closed."""
    started: list[Cloud] = []

    def start_one(*, tls: Any = None, **options: Any) -> Cloud:
        server = Emulator(surfaces=surfaces(directory, **options), tls=tls or certified, responder=respond).start()
        names.ports |= dict.fromkeys(PUBLIC, server.port)
        started.append(Cloud(directory=directory, server=server, ca_file=ca.ca_file, names=names))
        return started[-1]

    yield start_one
    for cloud in started:
        for session in cloud.sessions:
            await session.cleanup()
        cloud.server.stop()


@pytest.fixture
def cloud(start: StartCloud) -> Cloud:
    return start()


@pytest.fixture
def machine(directory: Directory, names: Names) -> Iterator[Emulator]:
    """A machine of Azure: its metadata service answers at the usual address."""
    with Emulator(surfaces=(imds_surface(directory), app_service_surface(directory, f"{CANARY}-header"))) as running:
        names.ports[METADATA] = running.port
        yield running


@pytest.fixture
def elsewhere(certified: Any, names: Names) -> Iterator[Emulator]:
    """A server that must not be asked anything."""
    with Emulator(tls=certified) as running:
        yield running
        assert running.requests == []
