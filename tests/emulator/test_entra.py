"""The emulated Entra, metadata services, Resource Manager and `az` are accepted by the vendor's own clients.

Two independent ones: `msal`, on which the product builds, and `azure-identity`, which speaks to the metadata services
by itself. What neither asks for is asked with plain HTTP.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.identity
import azure.identity.aio
import httpx
import msal
import pytest
import trustme
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AsyncioRequestsTransport
from azure.identity import CredentialUnavailableError
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.emulator import (
    Authority,
    Directory,
    Emulator,
    ManagedIdentity,
    Status,
    app_service_surface,
    arc_surface,
    arm_surface,
    azure_surface,
    browse,
    entra_error,
    entra_surface,
    entra_unavailable,
    fake_az,
    imds_surface,
    imds_unreachable,
    imds_upgrading,
    slow_down,
)

SCOPE = "https://cognitiveservices.azure.com/.default"
RESOURCE = SCOPE.removesuffix("/.default")
MANAGEMENT = "https://management.azure.com/.default"
USER_IDENTITY = ManagedIdentity(
    client_id="aaaaaaaa-0000-4000-8000-000000000001",
    object_id="bbbbbbbb-0000-4000-8000-000000000001",
    resource_id="/subscriptions/0/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine",
)
DEPLOYMENTS = {"chat": "gpt-5.4", "fast": "gpt-5.6-luna", "old": "gpt-4.1-2025-04-14"}
ACCOUNT = (
    "/subscriptions/5ab00000-0000-4000-8000-000000000001/resourceGroups/rg/providers"
    "/Microsoft.CognitiveServices/accounts/contoso"
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


@pytest.fixture(scope="module")
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


class Client(httpx.Client):
    """A client that msal can borrow: it hands over certificate assertions as bytes, which httpx would write as b'…'."""

    def post(self, url: Any, *, data: Any = None, **words: Any) -> httpx.Response:
        if data is not None:
            data = {name: value.decode() if isinstance(value, bytes) else value for name, value in data.items()}
        return super().post(url, data=data, **words)


@pytest.fixture
def client(authority: Authority) -> Iterator[httpx.Client]:
    with Client(verify=authority.client(), timeout=10, trust_env=False) as made:
        yield made


def app(cloud: Emulator, directory: Directory, client: httpx.Client, credential: Any) -> Any:
    return msal.ConfidentialClientApplication(
        directory.client_id,
        authority=f"{cloud.origin}/{directory.tenant}",
        client_credential=credential,
        instance_discovery=False,
        http_client=client,
    )


def public(cloud: Emulator, directory: Directory, client: httpx.Client) -> Any:
    return msal.PublicClientApplication(
        directory.client_id,
        authority=f"{cloud.origin}/{directory.tenant}",
        instance_discovery=False,
        http_client=client,
    )


def asks(cloud: Emulator, client: httpx.Client, token: str) -> int:
    """What the resource says to a caller with this token."""
    body = {"model": "gpt-5.6-sol", "input": "hello", "store": False}
    headers = {"authorization": f"Bearer {token}"}
    return client.post(f"{cloud.base_url}/responses", json=body, headers=headers).status_code


def send(cloud: Emulator, directory: Directory, client: httpx.Client, **form: str) -> httpx.Response:
    """A form for the token endpoint."""
    usual = {"client_id": directory.client_id, "grant_type": "client_credentials", "scope": SCOPE}
    return client.post(f"{cloud.origin}/{directory.tenant}/oauth2/v2.0/token", data={**usual, **form})


# Apps.


def test_a_secret(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    signed_in = app(cloud, directory, client, directory.client_secret)
    first = signed_in.acquire_token_for_client([SCOPE])
    assert "canary7-AT-1-" in first["access_token"]
    assert first["expires_in"] == 3599
    assert signed_in.acquire_token_for_client([SCOPE])["token_source"] == "cache"
    assert [form["client_secret"] for form in directory.forms] == [directory.client_secret]
    assert asks(cloud, client, first["access_token"]) == 200
    assert [each.audience for each in directory.issued] == [RESOURCE]


@pytest.mark.parametrize(("expired", "number"), [(False, 7000215), (True, 7000222)])
def test_a_secret_that_is_no_more(
    cloud: Emulator, directory: Directory, client: httpx.Client, expired: bool, number: int
) -> None:
    if expired:
        directory.expired_secrets.add("wrong")
    told = app(cloud, directory, client, "wrong").acquire_token_for_client([SCOPE])
    assert (told["error"], told["error_codes"]) == ("invalid_client", [number])
    assert told["error_description"].startswith(f"AADSTS{number}: ")
    assert {"trace_id", "correlation_id", "timestamp", "error_uri"} <= set(told)


def test_an_app_and_a_tenant_that_nobody_knows(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    reply = send(cloud, directory, client, client_id="0f0f")
    assert (reply.status_code, reply.json()["error"], reply.json()["error_codes"]) == (
        400,
        "unauthorized_client",
        [700016],
    )
    page = client.get(f"{cloud.origin}/elsewhere.example/v2.0/.well-known/openid-configuration")
    assert (page.status_code, page.json()["error"]) == (400, "invalid_tenant")
    with pytest.raises(ValueError, match="authority"):
        msal.ConfidentialClientApplication(
            "c",
            authority=f"{cloud.origin}/elsewhere.example",
            client_credential="s",
            http_client=client,
            instance_discovery=False,
        )
    token = client.post(f"{cloud.origin}/common/oauth2/v2.0/token", data={"grant_type": "client_credentials"})
    assert token.json()["error_codes"] == [90002]


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ({}, 7000218),
        ({"grant_type": "password"}, 70003),
        ({"scope": "https://unknown.example/.default", "client_secret": "canary7~secret"}, 500011),
        ({"scope": RESOURCE, "client_secret": "canary7~secret"}, 70011),
        ({"grant_type": "refresh_token", "refresh_token": "none"}, 9002313),
        ({"grant_type": "device_code", "device_code": "none"}, 70018),
        ({"grant_type": "authorization_code", "code": "none"}, 9002313),
    ],
)
def test_forms_that_are_refused(
    cloud: Emulator, directory: Directory, client: httpx.Client, form: dict[str, str], number: int
) -> None:
    assert send(cloud, directory, client, **form).json()["error_codes"] == [number]


def test_time_as_a_knob(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.expires_in, directory.refresh_in = 200, 100
    signed_in = app(cloud, directory, client, directory.client_secret)
    tokens = {signed_in.acquire_token_for_client([SCOPE])["access_token"] for _ in range(2)}
    assert len(tokens) == 2, "under five minutes left counts as over"
    assert send(cloud, directory, client, client_secret=directory.client_secret).json()["refresh_in"] == 100


def test_scripted_answers(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.script(entra_unavailable(after_s=2), None, Status(200, "<html>Log in to the hotel</html>"))
    secret = {"client_secret": directory.client_secret}
    first = send(cloud, directory, client, **secret)
    assert (first.status_code, first.headers["retry-after"]) == (503, "2")
    assert send(cloud, directory, client, **secret).status_code == 200
    assert send(cloud, directory, client, **secret).headers["content-type"] == "text/html; charset=utf-8"
    assert len(directory.requests_of("token")) == 3
    directory.delay_s = 0.2
    began_s = time.monotonic()
    assert send(cloud, directory, client, **secret).status_code == 200
    assert time.monotonic() - began_s >= 0.2


def test_discovery_that_lies(cloud: Emulator, directory: Directory, client: httpx.Client, authority: Authority) -> None:
    with Emulator(tls=authority.context()) as elsewhere:
        directory.token_endpoint = f"{elsewhere.origin}/some/place"
        app(cloud, directory, client, directory.client_secret).acquire_token_for_client([SCOPE])
        (stolen,) = elsewhere.requests
    assert httpx.QueryParams(stolen.raw.decode())["client_secret"] == directory.client_secret
    assert directory.forms == []


def test_the_usual_host_is_known(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    query = {
        "api-version": "1.1",
        "authorization_endpoint": "https://login.microsoftonline.com/t/oauth2/v2.0/authorize",
    }
    found = client.get(f"{cloud.origin}/common/discovery/instance", params=query).json()
    assert found["metadata"][0]["aliases"] == ["login.microsoftonline.com"]


# Certificates.


@pytest.fixture(scope="module")
def certificate() -> SimpleNamespace:
    issued = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("app.example", key_type=trustme.KeyType.RSA)
    return SimpleNamespace(key=issued.private_key_pem.bytes(), pem=issued.cert_chain_pems[0].bytes())


def in_msal(certificate: SimpleNamespace) -> dict[str, str]:
    return {"private_key": certificate.key.decode(), "public_certificate": certificate.pem.decode()}


def test_a_certificate(
    cloud: Emulator, directory: Directory, client: httpx.Client, certificate: SimpleNamespace
) -> None:
    directory.register_certificate(certificate.pem)
    token = app(cloud, directory, client, in_msal(certificate)).acquire_token_for_client([SCOPE])
    assert asks(cloud, client, token["access_token"]) == 200
    form = directory.forms[-1]
    assert form["client_assertion_type"].endswith(":jwt-bearer")
    assert "client_secret" not in form


def test_a_certificate_that_nobody_registered(
    cloud: Emulator, directory: Directory, client: httpx.Client, certificate: SimpleNamespace
) -> None:
    told = app(cloud, directory, client, in_msal(certificate)).acquire_token_for_client([SCOPE])
    assert (told["error"], told["error_codes"]) == ("invalid_client", [700027])
    fingerprint = x509.load_pem_x509_certificate(certificate.pem).fingerprint(hashes.SHA256())
    assert "The key was not found." in told["error_description"]
    assert fingerprint.hex().upper() in told["error_description"]


def test_a_signature_of_another_key(
    cloud: Emulator, directory: Directory, client: httpx.Client, certificate: SimpleNamespace
) -> None:
    directory.register_certificate(certificate.pem)
    other = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("app.example", key_type=trustme.KeyType.RSA)
    forged = {**in_msal(certificate), "private_key": other.private_key_pem.bytes().decode()}
    told = app(cloud, directory, client, forged).acquire_token_for_client([SCOPE])
    assert told["error_codes"] == [700027]
    assert "did not match the expected signature" in told["error_description"]


def test_an_assertion_for_somebody_else(
    cloud: Emulator, directory: Directory, client: httpx.Client, certificate: SimpleNamespace
) -> None:
    directory.register_certificate(certificate.pem)
    app(cloud, directory, client, in_msal(certificate)).acquire_token_for_client([SCOPE])
    assertion = directory.forms[-1]["client_assertion"]
    kind = directory.forms[-1]["client_assertion_type"]
    sent = {"client_assertion": assertion, "client_assertion_type": kind}
    with Emulator(surfaces=(entra_surface(directory),)) as other:
        assert send(other, directory, client, **sent).json()["error_codes"] == [700023]
    changed = {**sent, "client_assertion": f"{assertion[:-4]}AAAA"}
    assert send(cloud, directory, client, **changed).json()["error_codes"] == [700027]
    assert send(cloud, directory, client, **{**sent, "client_assertion": "no token"}).json()["error_codes"] == [50027]


# Federation.


def test_a_federated_assertion(cloud: Emulator, directory: Directory, client: httpx.Client, tmp_path: Path) -> None:
    directory.federate("https://cluster.example/", "system:serviceaccount:default:app")
    file = tmp_path / "token"
    file.write_text(directory.federated_token())
    token = app(cloud, directory, client, {"client_assertion": file.read_text}).acquire_token_for_client([SCOPE])
    assert asks(cloud, client, token["access_token"]) == 200
    assert directory.forms[-1]["client_assertion"] == file.read_text()


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"issuer": "https://other.example/"}, 700211),
        ({"subject": "system:serviceaccount:default:other"}, 700213),
        ({"audience": "api://other"}, 700212),
        ({"lifetime_s": -1}, 700024),
    ],
)
def test_assertions_that_do_not_fit(
    cloud: Emulator, directory: Directory, client: httpx.Client, wrong: dict[str, Any], number: int
) -> None:
    directory.federate("https://cluster.example/", "system:serviceaccount:default:app")
    assertion = directory.federated_token(**wrong)
    told = app(cloud, directory, client, {"client_assertion": lambda: assertion}).acquire_token_for_client([SCOPE])
    assert told["error_codes"] == [number]


def test_a_line_feed_is_not_part_of_an_assertion(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.federate("https://cluster.example/", "system:serviceaccount:default:app")
    assertion = directory.federated_token() + "\n"
    told = app(cloud, directory, client, {"client_assertion": lambda: assertion}).acquire_token_for_client([SCOPE])
    assert told["error_codes"] == [50027]


# People at another device.


def poll(application: Any, flow: dict[str, Any]) -> dict[str, Any]:
    """One poll; msal would warn of one that comes too soon."""
    flow["latest_attempt_at"] = 0
    return application.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)


def test_a_device_code(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    application = public(cloud, directory, client)
    flow = application.initiate_device_flow([SCOPE])
    assert flow["user_code"] in flow["message"]
    assert (flow["expires_in"], flow["interval"]) == (900, 1)
    assert poll(application, flow)["error"] == "authorization_pending"
    directory.script(slow_down())
    assert poll(application, flow)["error"] == "slow_down"
    directory.approve()
    token = poll(application, flow)
    assert token["id_token_claims"]["preferred_username"] == directory.user
    assert asks(cloud, client, token["access_token"]) == 200
    (account,) = application.get_accounts()
    assert account["username"] == directory.user
    silent = application.acquire_token_silent([SCOPE], account)
    assert silent["access_token"] == token["access_token"], "found again, so no refresh token was used"
    assert poll(application, flow)["error_codes"] == [54005]
    assert directory.issued[-1].user == directory.user


def test_a_user_who_takes_a_while(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.polls_until_approved = 2
    application = public(cloud, directory, client)
    flow = application.initiate_device_flow([SCOPE])
    answers = [poll(application, flow).get("error") for _ in range(3)]
    assert answers == ["authorization_pending", "authorization_pending", None]


@pytest.mark.parametrize(
    ("settle", "error"),
    [(Directory.decline, "authorization_declined"), (Directory.expire_devices, "expired_token")],
)
def test_a_sign_in_that_fails(
    cloud: Emulator, directory: Directory, client: httpx.Client, settle: Any, error: str
) -> None:
    application = public(cloud, directory, client)
    flow = application.initiate_device_flow([SCOPE])
    settle(directory)
    assert poll(application, flow)["error"] == error
    assert poll(application, {**flow, "device_code": "wrong"})["error"] == "bad_verification_code"


def test_device_codes_that_are_blocked(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.script(entra_error(53003), at="devicecode")
    assert public(cloud, directory, client).initiate_device_flow([SCOPE])["error_codes"] == [53003]


def test_refresh_tokens(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    application = public(cloud, directory, client)
    flow = application.initiate_device_flow([SCOPE])
    directory.approve()
    first = poll(application, flow)["access_token"]
    (account,) = application.get_accounts()
    second = application.acquire_token_silent([SCOPE], account, force_refresh=True)
    assert second["access_token"] != first
    assert directory.forms[-1]["refresh_token"] == directory.refresh_tokens[0]
    assert len(directory.refresh_tokens) == 2
    for number in (700082, 70043, 50076):
        directory.end_refresh_tokens(number)
        form = {"grant_type": "refresh_token", "refresh_token": directory.refresh_tokens[-1]}
        told = send(cloud, directory, client, **form).json()
        assert (told["error"], told["error_codes"]) == ("invalid_grant", [number])


# People at a browser.


def sign_in(cloud: Emulator, directory: Directory, client: httpx.Client, trust: ssl.SSLContext, **change: str) -> Any:
    """A sign-in of msal with its own little server; the browser is ours."""
    application = public(cloud, directory, client)
    statuses: list[int] = []
    tabs: list[threading.Thread] = []

    def opened(url: str) -> None:
        tab = threading.Thread(target=lambda: statuses.append(browse(url, trust=trust, change=change)), daemon=True)
        tabs.append(tab)
        tab.start()

    token = application.acquire_token_interactive([SCOPE], timeout=5, auth_uri_callback=opened)
    for tab in tabs:
        tab.join(5)
    return token, statuses


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """msal then hands the page's address to the caller."""
    monkeypatch.setattr("msal.oauth2cli.authcode._browse", lambda *args, **named: False)


@pytest.mark.usefixtures("no_browser")
def test_a_browser(cloud: Emulator, directory: Directory, client: httpx.Client, authority: Authority) -> None:
    token, statuses = sign_in(cloud, directory, client, authority.client())
    assert statuses == [200]
    assert token["id_token_claims"]["oid"] == directory.user_id
    assert asks(cloud, client, token["access_token"]) == 200
    asked = directory.requests_of("authorize")[0].form
    assert (asked["response_mode"], asked["code_challenge_method"]) == ("form_post", "S256")
    assert directory.forms[-1]["code_verifier"]
    form = {"grant_type": "authorization_code", "code": directory.forms[-1]["code"]}
    assert send(cloud, directory, client, **form).json()["error_codes"] == [54005]


@pytest.mark.usefixtures("no_browser")
def test_a_user_who_says_no(cloud: Emulator, directory: Directory, client: httpx.Client, authority: Authority) -> None:
    directory.declines = True
    told, _ = sign_in(cloud, directory, client, authority.client())
    assert told["error"] == "access_denied"
    assert directory.forms == []


@pytest.mark.usefixtures("no_browser")
def test_a_code_without_its_proof(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    query = {
        "client_id": directory.client_id,
        "redirect_uri": "http://localhost:1",
        "scope": f"openid offline_access {SCOPE}",
        "response_type": "code",
        "state": "s",
        "code_challenge": "c",
        "code_challenge_method": "S256",
    }
    page = client.get(f"{cloud.origin}/{directory.tenant}/oauth2/v2.0/authorize", params=query)
    code = httpx.URL(page.headers["location"]).params["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost:1"}
    assert send(cloud, directory, client, **form, code_verifier="v").json()["error_codes"] == [501481]
    elsewhere = {**query, "redirect_uri": "https://attacker.example"}
    refused = client.get(f"{cloud.origin}/{directory.tenant}/oauth2/v2.0/authorize", params=elsewhere)
    assert refused.json()["error_codes"] == [50011]


# Machines and apps.

WHO = [
    (msal.SystemAssignedManagedIdentity(), {}),
    (msal.UserAssignedManagedIdentity(client_id=USER_IDENTITY.client_id), {"client_id": USER_IDENTITY.client_id}),
    (msal.UserAssignedManagedIdentity(object_id=USER_IDENTITY.object_id), {"object_id": USER_IDENTITY.object_id}),
    (msal.UserAssignedManagedIdentity(resource_id=USER_IDENTITY.resource_id), {"res_id": USER_IDENTITY.resource_id}),
]


def managed(identity: Any, client: httpx.Client, resource: str = RESOURCE) -> dict[str, Any]:
    return msal.ManagedIdentityClient(identity, http_client=client).acquire_token_for_client(resource=resource)


@pytest.mark.parametrize(("identity", "selector"), WHO)
def test_the_metadata_service(
    cloud: Emulator,
    machine: Emulator,
    directory: Directory,
    client: httpx.Client,
    identity: Any,
    selector: dict[str, str],
) -> None:
    token = managed(identity, client)
    assert asks(cloud, client, token["access_token"]) == 200
    request = directory.requests_of("imds")[0]
    assert request.headers["metadata"] == "true"
    query = {name.removeprefix("msi_"): value for name, value in request.form.items()}
    assert query == {"api-version": "2018-02-01", "resource": RESOURCE, **selector}
    wanted = USER_IDENTITY if selector else directory.identities[0]
    assert directory.issued[0].object_id == wanted.object_id


def test_what_the_metadata_service_refuses(machine: Emulator, directory: Directory, client: httpx.Client) -> None:
    url = f"{machine.origin}/metadata/identity/oauth2/token"
    good = {"api-version": "2018-02-01", "resource": RESOURCE}
    metadata = {"metadata": "true"}
    refused: list[tuple[dict[str, str], dict[str, str]]] = [
        (good, {}),
        (good, {**metadata, "x-forwarded-for": "10.0.0.1"}),
        ({**good, "api-version": ""}, metadata),
        ({"api-version": "2018-02-01"}, metadata),
        ({**good, "resource": SCOPE}, metadata),
        ({**good, "client_id": "unknown"}, metadata),
        ({**good, "client_id": USER_IDENTITY.client_id, "object_id": USER_IDENTITY.object_id}, metadata),
    ]
    for query, headers in refused:
        reply = client.get(url, params=query, headers=headers)
        assert reply.status_code == 400, (query, headers)
        assert reply.json()["error"].startswith("invalid_")
    body = client.get(url, params=good, headers=metadata).json()
    assert isinstance(body["expires_in"], str)
    assert body["client_id"] == directory.identities[0].client_id
    directory.identities.clear()
    assert client.get(url, params=good, headers=metadata).json()["error_description"] == "Identity not found"


def test_a_metadata_service_in_trouble(machine: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.script(imds_upgrading(), imds_upgrading(429), imds_unreachable(), at="identity")
    url = f"{machine.origin}/metadata/identity/oauth2/token"
    replies = [client.get(url) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [410, 429, 403]
    assert "unreachable" in replies[2].text


@pytest.mark.parametrize(("identity", "selector"), WHO)
def test_the_app_platform(
    cloud: Emulator,
    machine: Emulator,
    directory: Directory,
    client: httpx.Client,
    identity: Any,
    selector: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", machine.url_of("app_service"))
    monkeypatch.setenv("IDENTITY_HEADER", "canary7-header")
    token = managed(identity, client)
    assert asks(cloud, client, token["access_token"]) == 200
    query = {name.removeprefix("mi_"): value for name, value in directory.requests_of("app_service")[0].form.items()}
    assert query == {"api-version": "2019-08-01", "resource": RESOURCE, **selector}


def test_what_the_app_platform_refuses(
    machine: Emulator, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", machine.url_of("app_service"))
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    assert managed(msal.SystemAssignedManagedIdentity(), client)["error"] == "invalid_scope"
    monkeypatch.setenv("IDENTITY_HEADER", "canary7-header")
    told = managed(msal.UserAssignedManagedIdentity(client_id="unknown"), client)
    assert told["error_description"].startswith("400, No User Assigned")


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where msal looks for an agent's keys."""
    path = tmp_path / "agent.key"
    path.write_text("canary7-arc-key")
    prefixes = {"linux": str(tmp_path), "darwin": str(tmp_path)}
    monkeypatch.setattr("msal.managed_identity._supported_arc_platforms_and_their_prefixes", prefixes)
    return path


def test_an_agent_outside_the_cloud(
    directory: Directory, client: httpx.Client, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = msal.UserAssignedManagedIdentity(client_id=USER_IDENTITY.client_id)
    for knows_users in (True, False):
        with Emulator(surfaces=(arc_surface(directory, key_file, knows_users=knows_users),)) as agent:
            monkeypatch.setenv("IDENTITY_ENDPOINT", f"{agent.url_of('arc')}/oauth2/token")
            monkeypatch.setenv("IMDS_ENDPOINT", agent.origin)
            assert managed(msal.SystemAssignedManagedIdentity(), client)["access_token"] == directory.issued[-1].text
            challenge, answer = directory.requests_of("arc")[-2:]
            assert "authorization" not in challenge.headers
            assert answer.headers["authorization"] == "Basic canary7-arc-key"
            if knows_users:
                assert "access_token" in managed(user, client)
            else:
                with pytest.raises(msal.ManagedIdentityError, match="did not confirm"):
                    managed(user, client)


# The other client of the vendor.


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
    directory.federate("https://cluster.example/", "system:serviceaccount:default:app")
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
def test_the_other_client(
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
            assert asks(cloud, client, credential.get_token(SCOPE).token) == 200, name
    assert len(directory.issued) == len(made)


@pytest.mark.usefixtures("machine")
async def test_the_twin_of_the_other_client(
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
            assert asks(cloud, client, (await credential.get_token(SCOPE)).token) == 200, name


def test_the_other_client_is_refused_too(directory: Directory, settings: dict[str, Any]) -> None:
    with (
        azure.identity.ClientSecretCredential(directory.tenant, directory.client_id, "wrong", **settings) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token(SCOPE)


def test_a_device_code_of_the_other_client(
    cloud: Emulator, directory: Directory, client: httpx.Client, settings: dict[str, Any]
) -> None:
    seen: list[str] = []

    def prompt(url: str, code: str, until: Any) -> None:
        seen.append(code)
        directory.approve()

    with azure.identity.DeviceCodeCredential(
        directory.client_id, tenant_id=directory.tenant, prompt_callback=prompt, **settings
    ) as credential:
        assert asks(cloud, client, credential.get_token(SCOPE).token) == 200
    assert seen == [device.user_code for device in directory.devices]


@pytest.mark.usefixtures("machine")
def test_the_chain_of_the_other_client(
    cloud: Emulator,
    directory: Directory,
    client: httpx.Client,
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with azure.identity.DefaultAzureCredential(**settings) as credential:
        assert asks(cloud, client, credential.get_token(SCOPE).token) == 200
    assert directory.requests_of("imds")
    monkeypatch.setenv("AZURE_TENANT_ID", directory.tenant)
    monkeypatch.setenv("AZURE_CLIENT_ID", directory.client_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", directory.client_secret)
    with azure.identity.DefaultAzureCredential(**settings) as credential:
        assert asks(cloud, client, credential.get_token(SCOPE).token) == 200
    assert len(directory.forms) == 1


# The command line.


@pytest.fixture
def path_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, directory: Directory) -> Any:
    def put(says: Any, **options: Any) -> Any:
        made = fake_az(tmp_path, directory, says=says, **options)
        monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
        return made

    return put


def test_the_command_line(cloud: Emulator, client: httpx.Client, path_with: Any) -> None:
    az = path_with("token")
    assert asks(cloud, client, azure.identity.AzureCliCredential().get_token(SCOPE).token) == 200
    assert az.calls == [["account", "get-access-token", "--output", "json", "--resource", RESOURCE]]
    words = ["az", "account", "get-access-token", "--output", "json", "--scope", SCOPE, "--tenant", "a b&c"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout)["expires_on"] > time.time()
    assert az.calls[1] == words[1:]
    wrong = subprocess.run([*words[:6], MANAGEMENT], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert subprocess.run(["az", "login"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize(
    ("says", "kind", "text"),
    [
        ("not signed in", CredentialUnavailableError, "az login"),
        ("aadsts", ClientAuthenticationError, "AADSTS700082"),
        ("garbage", ClientAuthenticationError, "Unexpected output"),
        ("nothing", ClientAuthenticationError, "Unexpected output"),
        ("leak", ClientAuthenticationError, "DEBUG"),
    ],
)
def test_a_command_line_in_trouble(path_with: Any, says: str, kind: type[Exception], text: str) -> None:
    path_with(says)
    with pytest.raises(kind, match=text) as caught:
        azure.identity.AzureCliCredential().get_token(SCOPE)
    assert "canary7" not in str(caught.value)


def test_a_command_line_that_leaks(path_with: Any, directory: Directory) -> None:
    path_with("leak")
    words = ["az", "account", "get-access-token", "--scope", SCOPE]
    shown = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert directory.issued[-1].text in shown.stderr


def test_a_command_line_that_hangs(path_with: Any) -> None:
    az = path_with("hang")
    words = ["az", "account", "get-access-token", "--scope", SCOPE]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True) as running:
        deadline_s = time.monotonic() + 5
        while len(az.processes) < 2 and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert len(az.processes) == 2, "itself and its child"
        assert running.poll() is None
        os.killpg(running.pid, signal.SIGKILL)


# Resource Manager.


def deployments(cloud: Emulator, client: httpx.Client, token: str, **query: str) -> httpx.Response:
    return client.get(
        f"{cloud.origin}{ACCOUNT}/deployments",
        params={"api-version": "2024-10-01", **query},
        headers={"authorization": f"Bearer {token}"},
    )


def test_deployments(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    token = app(cloud, directory, client, directory.client_secret).acquire_token_for_client([MANAGEMENT])
    rows = deployments(cloud, client, token["access_token"]).json()["value"]
    models = {row["name"]: row["properties"]["model"] for row in rows}
    assert {name: (model["name"], model["version"]) for name, model in models.items()} == {
        "chat": ("gpt-5.4", "2026-03-05"),
        "fast": ("gpt-5.6-luna", "2026-07-09"),
        "old": ("gpt-4.1", "2025-04-14"),
    }


def test_deployments_in_pages(directory: Directory, client: httpx.Client) -> None:
    token = directory.issue("https://management.azure.com").text
    with Emulator(surfaces=(arm_surface(directory, DEPLOYMENTS, page_size=2),)) as cloud:
        first = deployments(cloud, client, token).json()
        second = client.get(first["nextLink"], headers={"authorization": f"Bearer {token}"}).json()
    assert [row["name"] for page in (first, second) for row in page["value"]] == ["chat", "fast", "old"]
    assert "nextLink" not in second
    with Emulator(
        surfaces=(arm_surface(directory, DEPLOYMENTS, page_size=2, next_origin="https://x.example"),)
    ) as lies:
        assert deployments(lies, client, token).json()["nextLink"].startswith("https://x.example/subscriptions/")


def test_what_resource_manager_refuses(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    good = directory.issue("https://management.azure.com").text
    over = directory.issue("https://management.azure.com", expires_in=-1).text

    def refused(token: str, **query: str) -> tuple[int, str]:
        reply = deployments(cloud, client, token, **query)
        return reply.status_code, reply.json()["error"]["code"]

    assert refused(directory.issue(RESOURCE).text) == (401, "InvalidAuthenticationTokenAudience")
    assert refused("x.y.z") == (401, "InvalidAuthenticationToken")
    assert refused(over) == (401, "ExpiredAuthenticationToken")
    assert client.get(f"{cloud.origin}{ACCOUNT}/deployments").json()["error"]["code"] == "AuthenticationFailed"
    assert refused(good, **{"api-version": "2016-01-01"}) == (400, "InvalidApiVersionParameter")
    bare = client.get(f"{cloud.origin}{ACCOUNT}/deployments", headers={"authorization": f"Bearer {good}"})
    assert bare.json()["error"]["code"] == "MissingApiVersionParameter"
    other = f"{cloud.origin}{ACCOUNT}2/deployments?api-version=2024-10-01"
    assert client.get(other, headers={"authorization": f"Bearer {good}"}).json()["error"]["code"] == "ResourceNotFound"
    directory.roles.clear()
    assert refused(good) == (403, "AuthorizationFailed")
    directory.script(Status(429, None, {"retry-after": "3"}), at="arm")
    assert deployments(cloud, client, good).headers["retry-after"] == "3"


# Certificates of servers.


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("expired", "expired"),
        ("wrong_host", "match"),
        ("untrusted", "unable to get local issuer"),
        ("self_signed", "self-signed|self signed"),
    ],
)
def test_certificates_that_no_client_takes(authority: Authority, client: httpx.Client, wrong: str, text: str) -> None:
    contexts = {
        "expired": authority.expired,
        "wrong_host": authority.wrong_host,
        "untrusted": authority.untrusted,
        "self_signed": authority.self_signed,
    }
    with Emulator(tls=contexts[wrong]()) as emulator:
        with pytest.raises(httpx.ConnectError, match=text):
            client.get(emulator.base_url)
        assert emulator.requests == []


def test_nothing_shows_a_secret(directory: Directory) -> None:
    assert directory.canary not in repr(directory)


def test_a_name_of_this_machine(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    base = f"https://localhost:{cloud.port}/{directory.tenant}"
    found = client.get(f"{base}/v2.0/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{base}/oauth2/v2.0/token"
