"""A cloud, a machine in it, and what is needed to ask them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import pytest
import trustme
from emulator_clients.entra import DEPLOYMENTS, USER_IDENTITY, Client
from responses_emulator import (
    Authority,
    Directory,
    Emulator,
    app_service_surface,
    arm_surface,
    azure_surface,
    entra_surface,
    imds_surface,
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine says who one is, and no metadata service but ours can be reached."""
    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_", "IMDS_", "MSAL_")):
            monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def directory() -> Directory:
    directory = Directory(canary="canary7")
    directory.identities.append(USER_IDENTITY)
    return directory


@pytest.fixture
def cloud(directory: Directory, authority: Authority) -> Iterator[Emulator]:
    """Everything of the cloud that speaks TLS, on one server."""
    surfaces = (azure_surface(directory=directory), entra_surface(directory), arm_surface(directory, DEPLOYMENTS))
    with Emulator(surfaces=surfaces, tls=authority.context()) as running:
        yield running


@pytest.fixture
def machine(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A machine with a metadata service and an app platform."""
    with Emulator(surfaces=(imds_surface(directory), app_service_surface(directory, "canary7-header"))) as running:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", running.origin)
        yield running


@pytest.fixture
def client(authority: Authority) -> Iterator[httpx.Client]:
    with Client(verify=authority.client(), timeout=60, trust_env=False) as made:
        yield made


@pytest.fixture(scope="session")
def certificate() -> SimpleNamespace:
    issued = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("app.example", key_type=trustme.KeyType.RSA)
    return SimpleNamespace(key=issued.private_key_pem.bytes(), pem=issued.cert_chain_pems[0].bytes())
