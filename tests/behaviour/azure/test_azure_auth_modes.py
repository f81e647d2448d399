"""Every way to say who calls, end to end: a mount, a call, and the credential that the resource saw."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.identity
import azure.identity.aio
import pytest
import trustme
from amplifier_core.llm_errors import ConfigurationError
from amplifier_module_provider_azure_openai_v2.__main__ import COMMANDS
from azure.core.pipeline.transport import AsyncioRequestsTransport
from openai_responses_common.cli.commands import run_command
from responses_emulator import Authority, Directory, Emulator, arc_surface, open_in_browser, write_azure_cli

from tests.support.azure_cloud import CANARY, COGNITIVE, ENTRA, KEY, MINE, PASSWORD, Cloud
from tests.support.backends import ROOT

# Keys and tokens that somebody else got.


@pytest.mark.parametrize(
    ("settings", "environment"),
    [
        ({"api_key": KEY}, {}),
        ({"credentials": {"api_key": KEY}}, {}),
        ({"auth": "api_key", "api_key": "${MY_KEY}"}, {"MY_KEY": KEY}),
        ({"auth": "api_key"}, {"AZURE_OPENAI_API_KEY": KEY}),
        ({}, {"AZURE_OPENAI_KEY": KEY}),
        ({"use_managed_identity": "false", "use_default_credential": "false"}, {"AZURE_OPENAI_API_KEY": KEY}),
    ],
)
async def test_an_api_key_signs_in(
    cloud: Cloud, settings: dict[str, Any], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    await cloud.ask(**settings)
    assert cloud.sent == [KEY]
    assert "authorization" not in cloud.server.model_requests[0].headers
    assert cloud.token_requests() == 0


async def test_endpoint_and_key_from_the_environment(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"{cloud.url()}/openai/v1/")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    await cloud.ask(azure_endpoint=...)
    assert cloud.server.model_requests[0].path == "/openai/v1/responses"


@pytest.mark.parametrize("by", ["config", "environment"])
async def test_a_token_from_another_program_signs_in(cloud: Cloud, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = cloud.directory.issue_access_token(COGNITIVE).text
    if by == "environment":
        monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", token)
    await cloud.ask(**{"azure_ad_token": token, "auth": "entra_token"} if by == "config" else {})
    assert cloud.sent == [token]


# Applications.


@pytest.mark.parametrize("nested", [False, True])
async def test_a_client_secret_signs_in(cloud: Cloud, nested: bool) -> None:
    secret = {"client_secret": cloud.directory.client_secret}
    await cloud.ask(auth="entra_client_secret", **cloud.app, **({"credentials": secret} if nested else secret))
    assert cloud.caller.app_id == cloud.directory.client_id
    assert cloud.directory.token_forms[0]["scope"] == f"{COGNITIVE}/.default"


async def test_a_client_secret_behind_references_signs_in(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(f"MY_{name}", value)
    await cloud.ask(
        tenant_id="${MY_AZURE_TENANT_ID}", client_id="${MY_AZURE_CLIENT_ID}", client_secret="${MY_AZURE_CLIENT_SECRET}"
    )
    assert cloud.directory.token_forms[0]["client_secret"] == cloud.directory.client_secret


FORMS = [
    "key first.pem",
    "certificate first.pem",
    "with a name.pem",
    "locked.pem",
    "open.pfx",
    "locked.pfx",
    "locked.P12",
]


@pytest.mark.parametrize("name", FORMS)
async def test_a_certificate_signs_in(cloud: Cloud, certificate: SimpleNamespace, tmp_path: Path, name: str) -> None:
    cloud.directory.register_certificate(certificate.pem)
    path = tmp_path / name
    path.write_bytes(certificate.files[name])
    password = {"client_certificate_password": PASSWORD} if name.startswith("locked") else {}
    await cloud.ask(auth="entra_client_certificate", **cloud.app, client_certificate_path=str(path), **password)
    assert cloud.caller.app_id == cloud.directory.client_id
    assert cloud.directory.token_forms[0]["client_assertion"].count(".") == 2


@pytest.mark.parametrize("chain", ["true", "false", None])
@pytest.mark.parametrize("name", ["locked.pfx", "locked.pem"])
async def test_a_certificate_in_the_environment_signs_in_and_is_sent_if_a_setting_says_so(
    cloud: Cloud,
    certificate: SimpleNamespace,
    tmp_path: Path,
    name: str,
    chain: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud.directory.register_certificate(certificate.pem)
    path = tmp_path / name
    path.write_bytes(certificate.files[name])
    for key, value in cloud.environment(secret=False).items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(path))
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", PASSWORD)
    if chain:
        monkeypatch.setenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", chain)
    await cloud.ask()
    header = cloud.directory.token_forms[0]["client_assertion"].split(".")[0]
    assert ("x5c" in decoded(header)) == (chain == "true")


async def test_all_certificates_of_a_pem_file_are_sent(
    cloud: Cloud, certificate: SimpleNamespace, tmp_path: Path
) -> None:
    """As azure-identity sends them: base64 without line breaks, that of the application first."""
    cloud.directory.register_certificate(certificate.pem)
    path = tmp_path / "app.pem"
    issuer = trustme.CA().cert_pem.bytes()
    path.write_bytes(certificate.files["certificate first.pem"] + issuer)
    await cloud.ask(**cloud.app, client_certificate_path=str(path), send_certificate_chain=True)
    header = decoded(cloud.directory.token_forms[0]["client_assertion"].split(".")[0])
    expected = ["".join(pem.decode().splitlines()[1:-1]) for pem in (certificate.pem, issuer)]
    assert header["x5c"] == expected


async def test_a_certificate_that_was_replaced_signs_in_without_a_restart(
    cloud: Cloud, certificate: SimpleNamespace, tmp_path: Path
) -> None:
    cloud.directory.register_certificate(certificate.pem)
    cloud.directory.expires_in = 100
    path = tmp_path / "app.pem"
    path.write_bytes(certificate.files["key first.pem"])
    session = await cloud.open(**cloud.app, client_certificate_path=str(path))
    await session.ask("hello")
    other = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("app.example", key_type=trustme.KeyType.RSA)
    cloud.directory.register_certificate(other.cert_chain_pems[0].bytes())
    path.write_bytes(other.private_key_and_cert_chain_pem.bytes())
    await session.ask("hello")
    first, second = (decoded(form["client_assertion"].split(".")[0]) for form in cloud.directory.token_forms)
    assert first["x5t"] != second["x5t"]


def decoded(part: str) -> dict[str, Any]:
    import base64

    return json.loads(base64.urlsafe_b64decode(part + "=="))


async def test_a_workload_identity_reads_its_file_again(cloud: Cloud, tmp_path: Path) -> None:
    cloud.directory.allow_federation("https://cluster.example/", "system:serviceaccount:default:app")
    cloud.directory.expires_in = 100
    file = tmp_path / "assertion"
    session = await cloud.open(auth="entra_workload_identity", **cloud.app, federated_token_file=str(file))
    sent: list[str] = []
    for _ in range(2):
        sent.append(cloud.directory.federated_token())
        file.write_text(f"{sent[-1]}\n")
        await session.ask("hello")
    assert [each["client_assertion"] for each in cloud.directory.token_forms] == sent


async def test_a_workload_identity_in_the_environment_signs_in(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.directory.allow_federation("https://cluster.example/", "system:serviceaccount:default:app")
    (tmp_path / "assertion").write_text(cloud.directory.federated_token())
    for name, value in cloud.environment(secret=False).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "assertion"))
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", ENTRA)
    await cloud.ask()
    assert cloud.caller.app_id == cloud.directory.client_id


# Machines.

WHICH = [
    ({}, {}),
    ({"managed_identity_client_id": MINE.client_id}, {"client_id": MINE.client_id}),
    ({"managed_identity_object_id": MINE.object_id}, {"object_id": MINE.object_id}),
    ({"managed_identity_resource_id": MINE.resource_id}, {"res_id": MINE.resource_id}),
]


@pytest.mark.parametrize("platform", ["imds", "app_service"])
@pytest.mark.parametrize(("ids", "selector"), WHICH)
async def test_a_managed_identity_signs_in(
    cloud: Cloud,
    machine: Emulator,
    platform: str,
    ids: dict[str, str],
    selector: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if platform == "app_service":
        monkeypatch.setenv("IDENTITY_ENDPOINT", machine.base_url_of("app_service"))
        monkeypatch.setenv("IDENTITY_HEADER", f"{CANARY}-header")
    await cloud.ask(auth="entra_managed_identity", **ids)
    (request,) = cloud.directory.requests_to(platform)
    asked = {name.removeprefix("msi_").removeprefix("mi_"): value for name, value in request.form.items()}
    assert asked == {"api-version": asked["api-version"], "resource": COGNITIVE, **selector}
    wanted = MINE if ids else cloud.directory.identities[0]
    assert cloud.caller.object_id == wanted.object_id


@pytest.mark.parametrize(
    ("settings", "environment", "object_id"),
    [
        ({"use_managed_identity": True}, {}, None),
        ({"use_managed_identity": "true", "managed_identity_client_id": MINE.client_id}, {}, MINE.object_id),
        ({"managed_identity_client_id": MINE.client_id}, {}, MINE.object_id),
        ({}, {"AZURE_USE_MANAGED_IDENTITY": "1"}, None),
        ({"use_managed_identity": "yes"}, {"AZURE_MANAGED_IDENTITY_CLIENT_ID": MINE.client_id}, MINE.object_id),
        ({"use_managed_identity": "yes"}, {"AZURE_CLIENT_ID": MINE.client_id}, MINE.object_id),
        (
            {"use_managed_identity": "yes", "managed_identity_client_id": None},
            {"AZURE_CLIENT_ID": MINE.client_id},
            None,
        ),
        ({"use_default_credential": "true"}, {"AZURE_OPENAI_API_KEY": KEY}, None),
        ({}, {"AZURE_USE_DEFAULT_CREDENTIAL": "true"}, None),
        ({"use_managed_identity": "true"}, {"AZURE_OPENAI_API_KEY": KEY}, None),
    ],
)
@pytest.mark.usefixtures("machine")
async def test_settings_of_other_modules_mean_the_same(
    cloud: Cloud,
    settings: dict[str, Any],
    environment: dict[str, str],
    object_id: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    await cloud.ask(**settings)
    assert cloud.caller.object_id == (object_id or cloud.directory.identities[0].object_id)


@pytest.mark.parametrize("ids", [{}, {"managed_identity_client_id": MINE.client_id}])
async def test_a_machine_outside_azure_has_no_managed_identity(
    cloud: Cloud, ids: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file = tmp_path / "agent.key"
    key_file.write_text(f"{CANARY}-arc-key")
    prefixes = {"linux": str(tmp_path), "darwin": str(tmp_path)}
    monkeypatch.setattr("msal.managed_identity._supported_arc_platforms_and_their_prefixes", prefixes)
    with Emulator(surfaces=(arc_surface(cloud.directory, key_file),)) as agent:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{agent.base_url_of('arc')}/oauth2/token")
        monkeypatch.setenv("IMDS_ENDPOINT", agent.origin)
        await cloud.ask(auth="entra_managed_identity", **ids)
    assert cloud.directory.requests_to("arc")[-1].headers["authorization"] == f"Basic {CANARY}-arc-key"


@pytest.mark.parametrize("auth", ["auto", "entra_managed_identity"])
async def test_the_identity_of_service_fabric_is_left_to_azure_identity(
    cloud: Cloud, auth: str, elsewhere: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"):
        monkeypatch.setenv(name, elsewhere.origin)
    error = await cloud.refusal(auth=auth)
    assert type(error) is ConfigurationError
    assert "set auth to azure_identity" in str(error)


@pytest.mark.parametrize("tenant", [None, "contoso.example"])
async def test_the_azure_cli_signs_in(
    cloud: Cloud, tmp_path: Path, tenant: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    az = write_azure_cli(tmp_path, cloud.directory)
    monkeypatch.setenv("PATH", str(az.folder))
    await cloud.ask(auth="entra_azure_cli", **({"tenant_id": tenant} if tenant else {}))
    words = ["account", "get-access-token", "--output", "json", "--scope", f"{COGNITIVE}/.default"]
    assert az.calls == [[*words, *(["--tenant", tenant] if tenant else [])]]
    assert cloud.caller.user == cloud.directory.user


# People.


def signed_in(cloud: Cloud, tmp_path: Path, *words: str) -> dict[str, str]:
    """The settings of somebody who has run the login command."""
    kept = {**cloud.local, **cloud.app, "token_file_path": str(tmp_path / "sign-in.json")}
    chosen = [word for key, value in kept.items() for word in ("--set", f"{key}={value}")]
    assert (
        run_command(
            COMMANDS,
            program="p",
            description="d",
            arguments=["login", *words, *chosen],
        )
        == 0
    )
    return kept


@pytest.mark.parametrize("mode", ["entra_device_code", "entra_browser", "auto"])
async def test_a_user_with_a_device_code_signs_in(cloud: Cloud, tmp_path: Path, mode: str) -> None:
    settings = cloud.sign_in(tmp_path)
    await cloud.ask(auth=mode, **settings)
    assert cloud.caller.user == cloud.directory.user
    assert [each["grant_type"].rpartition(":")[2] for each in cloud.directory.token_forms] == ["device_code"]


async def test_a_user_in_a_browser_signs_in(
    cloud: Cloud, ca: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []

    def browser(url: str, **_: Any) -> bool:
        import threading

        threading.Thread(target=lambda: opened.append(open_in_browser(url, trust=ca.client())), daemon=True).start()
        return True

    monkeypatch.setattr("msal.oauth2cli.authcode._browse", browser)
    settings = signed_in(cloud, tmp_path, "--browser")
    await cloud.ask(auth="entra_browser", **settings)
    assert cloud.caller.user == cloud.directory.user
    assert cloud.directory.token_forms[0]["code_verifier"]


async def test_a_user_whose_token_has_expired_is_told_to_sign_in(cloud: Cloud, tmp_path: Path) -> None:
    cloud.directory.expires_in = 200
    settings = cloud.sign_in(tmp_path)
    cloud.directory.expires_in = 3599
    for _ in range(2):
        await cloud.ask(auth="entra_device_code", **settings)
    assert [each["grant_type"] for each in cloud.directory.token_forms[1:]] == ["refresh_token"], "and it was kept"


PROGRAM = """
import asyncio, json, sys
from amplifier_core import ChatRequest, Message
from amplifier_module_provider_azure_openai_v2 import create

async def main():
    provider = create(json.loads(sys.argv[1]))
    print((await provider.complete(ChatRequest(messages=[Message(role="user", content="hello")]))).text)
    await provider.close()

asyncio.run(main())
"""


@pytest.mark.promise(
    "processes that refresh one token at once keep it, even if killed",
    area="security",
    without={"openai-v2": "an API key is neither requested nor refreshed nor stored by us"},
)
async def test_two_processes_share_one_sign_in(cloud: Cloud, tmp_path: Path) -> None:
    cloud.directory.expires_in = 200
    settings = cloud.sign_in(tmp_path)
    cloud.directory.expires_in = 3599
    config = json.dumps({**settings, "auth": "entra_device_code", "default_model": "gpt-5.6-sol"})
    command = [sys.executable, "-c", PROGRAM, config]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: ASYNC220
        for _ in range(2)
    ]
    for process in both:
        output, errors = process.communicate(timeout=300)
        assert (process.returncode, bool(output)) == (0, True), errors
    refreshed = [each["refresh_token"] for each in cloud.directory.token_forms if each["grant_type"] == "refresh_token"]
    assert len(refreshed) == len(set(refreshed)) == 1


# Objects.


@dataclass
class Handmade:
    """What has `get_token` is a credential."""

    directory: Directory

    def get_token(self, *scopes: str) -> Any:
        token = self.directory.issue_access_token(scopes[0].removesuffix("/.default"))
        return SimpleNamespace(token=token.text, expires_on=int(token.expires_s))


async def test_an_object_with_get_token_signs_in(cloud: Cloud) -> None:
    await cloud.ask(credential=Handmade(cloud.directory))
    await cloud.ask(credential=Handmade(cloud.directory), auth="azure_identity")
    assert len(set(cloud.sent)) == 2


async def test_a_credential_of_azure_identity_signs_in(cloud: Cloud) -> None:
    words = (cloud.directory.tenant, cloud.directory.client_id, cloud.directory.client_secret)
    with azure.identity.ClientSecretCredential(*words, connection_verify=cloud.ca_file) as credential:
        await cloud.ask(credential=credential)
    assert cloud.caller.app_id == cloud.directory.client_id


async def test_an_asynchronous_credential_of_azure_identity_signs_in(cloud: Cloud) -> None:
    words = (cloud.directory.tenant, cloud.directory.client_id, cloud.directory.client_secret)
    transport = AsyncioRequestsTransport(connection_verify=cloud.ca_file)
    async with azure.identity.aio.ClientSecretCredential(*words, transport=transport) as credential:
        session = await cloud.open(credential=credential)
        for _ in range(2):
            await session.ask("hello")
    assert cloud.caller.app_id == cloud.directory.client_id
    assert cloud.token_requests() == 1


async def test_the_default_credential_of_azure_identity_signs_in(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**cloud.environment(), "REQUESTS_CA_BUNDLE": cloud.ca_file}.items():
        monkeypatch.setenv(name, value)
    await cloud.ask(auth="azure_identity")
    assert cloud.caller.app_id == cloud.directory.client_id


async def test_a_token_is_sent_through_a_gateway_that_is_allowed(cloud: Cloud) -> None:
    await cloud.ask(
        azure_endpoint=f"{cloud.url('apim.contoso.com')}/openai", allowed_hosts=["apim.contoso.com"], **cloud.secret
    )
    assert cloud.server.model_requests[0].headers["host"].startswith("apim.contoso.com:")
