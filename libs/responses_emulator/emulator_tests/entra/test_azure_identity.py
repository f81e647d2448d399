"""The vendor's other client, and its twin for event loops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.identity
import azure.identity.aio
import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AsyncioRequestsTransport
from emulator_clients.entra import SCOPE, USER_IDENTITY, call_resource
from responses_emulator import Authority, Directory, Emulator


@pytest.fixture
def settings(cloud: Emulator, authority: Authority) -> dict[str, Any]:
    return {
        "authority": cloud.origin,
        "disable_instance_discovery": True,
        "connection_verify": authority.ca_file,
        "retry_total": 0,
    }


def credentials(
    package: Any,
    directory: Directory,
    settings: dict[str, Any],
    certificate: SimpleNamespace,
    folder: Path,
    transport: Callable[[], dict[str, Any]] = dict,
) -> dict[str, Any]:
    """The credentials of one half of azure-identity: the sync one or its twin."""
    directory.register_certificate(certificate.pem)
    directory.allow_federation("https://cluster.example/", "system:serviceaccount:default:app")
    (folder / "federated").write_text(directory.federated_token())
    ids = {"tenant_id": directory.tenant, "client_id": directory.client_id}
    return {
        "secret": package.ClientSecretCredential(
            **ids, client_secret=directory.client_secret, **settings, **transport()
        ),
        "certificate": package.CertificateCredential(
            **ids, certificate_data=certificate.key + certificate.pem, **settings, **transport()
        ),
        "workload": package.WorkloadIdentityCredential(
            **ids, token_file_path=str(folder / "federated"), **settings, **transport()
        ),
        "machine": package.ManagedIdentityCredential(**transport()),
        "user": package.ManagedIdentityCredential(client_id=USER_IDENTITY.client_id, **transport()),
    }


@pytest.mark.usefixtures("machine")
def test_azure_identity_gets_a_token(
    cloud: Emulator,
    directory: Directory,
    client: httpx.Client,
    settings: dict[str, Any],
    certificate: SimpleNamespace,
    tmp_path: Path,
) -> None:
    made = credentials(azure.identity, directory, settings, certificate, tmp_path)
    for name, credential in made.items():
        with credential:
            assert call_resource(cloud, client, credential.get_token(SCOPE).token) == 200, name
    assert len(directory.access_tokens) == len(made)


@pytest.mark.usefixtures("machine")
async def test_asynchronous_azure_identity_gets_a_token(
    cloud: Emulator,
    directory: Directory,
    client: httpx.Client,
    settings: dict[str, Any],
    certificate: SimpleNamespace,
    tmp_path: Path,
) -> None:
    def transport() -> dict[str, Any]:
        return {"transport": AsyncioRequestsTransport(connection_verify=settings["connection_verify"])}

    made = credentials(azure.identity.aio, directory, settings, certificate, tmp_path, transport)
    for name, credential in made.items():
        async with credential:
            assert call_resource(cloud, client, (await credential.get_token(SCOPE)).token) == 200, name


def test_azure_identity_is_refused(directory: Directory, settings: dict[str, Any]) -> None:
    with (
        azure.identity.ClientSecretCredential(directory.tenant, directory.client_id, "wrong", **settings) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token(SCOPE)


def test_azure_identity_signs_in_with_a_device_code(
    cloud: Emulator, directory: Directory, client: httpx.Client, settings: dict[str, Any]
) -> None:
    seen: list[str] = []

    def prompt(url: str, code: str, until: Any) -> None:
        seen.append(code)
        directory.approve()

    with azure.identity.DeviceCodeCredential(
        directory.client_id, tenant_id=directory.tenant, prompt_callback=prompt, **settings
    ) as credential:
        assert call_resource(cloud, client, credential.get_token(SCOPE).token) == 200
    assert seen == [device.user_code for device in directory.device_codes]


@pytest.mark.usefixtures("machine")
def test_azure_identity_finds_a_credential_in_its_chain(
    cloud: Emulator,
    directory: Directory,
    client: httpx.Client,
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with azure.identity.DefaultAzureCredential(**settings) as credential:
        assert call_resource(cloud, client, credential.get_token(SCOPE).token) == 200
    assert directory.requests_to("imds")
    monkeypatch.setenv("AZURE_TENANT_ID", directory.tenant)
    monkeypatch.setenv("AZURE_CLIENT_ID", directory.client_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", directory.client_secret)
    with azure.identity.DefaultAzureCredential(**settings) as credential:
        assert call_resource(cloud, client, credential.get_token(SCOPE).token) == 200
    assert len(directory.token_forms) == 1
