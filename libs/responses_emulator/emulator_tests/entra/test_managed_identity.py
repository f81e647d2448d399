"""Machines and apps of the cloud, whose platform knows who they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import msal
import pytest
from emulator_clients.entra import RESOURCE, SCOPE, USER_IDENTITY, call_resource
from responses_emulator import Directory, Emulator, arc_surface, imds_proxy_refusal, imds_unavailable
from responses_emulator.rules.catalogue import RULES

WHO = [
    (msal.SystemAssignedManagedIdentity(), {}),
    (msal.UserAssignedManagedIdentity(client_id=USER_IDENTITY.client_id), {"client_id": USER_IDENTITY.client_id}),
    (msal.UserAssignedManagedIdentity(object_id=USER_IDENTITY.object_id), {"object_id": USER_IDENTITY.object_id}),
    (msal.UserAssignedManagedIdentity(resource_id=USER_IDENTITY.resource_id), {"res_id": USER_IDENTITY.resource_id}),
]


def managed(identity: Any, client: httpx.Client, resource: str = RESOURCE) -> dict[str, Any]:
    return msal.ManagedIdentityClient(identity, http_client=client).acquire_token_for_client(resource=resource)


@pytest.mark.parametrize(("identity", "selector"), WHO)
def test_the_metadata_service_gives_a_token(
    cloud: Emulator,
    machine: Emulator,
    directory: Directory,
    client: httpx.Client,
    identity: Any,
    selector: dict[str, str],
) -> None:
    token = managed(identity, client)
    assert call_resource(cloud, client, token["access_token"]) == 200
    request = directory.requests_to("imds")[0]
    assert request.headers["metadata"] == "true"
    query = {name.removeprefix("msi_"): value for name, value in request.form.items()}
    assert query == {"api-version": "2018-02-01", "resource": RESOURCE, **selector}
    wanted = USER_IDENTITY if selector else directory.identities[0]
    assert directory.access_tokens[0].object_id == wanted.object_id


def test_the_metadata_service_refuses_other_requests(
    machine: Emulator, directory: Directory, client: httpx.Client
) -> None:
    url = f"{machine.origin}/metadata/identity/oauth2/token"
    good = {"api-version": "2018-02-01", "resource": RESOURCE}
    metadata = {"metadata": "true"}
    two = {"client_id": USER_IDENTITY.client_id, "object_id": USER_IDENTITY.object_id}
    refused: list[tuple[str, dict[str, str], dict[str, str]]] = [
        ("no-metadata-header", good, {}),
        ("forwarded", good, {**metadata, "x-forwarded-for": "10.0.0.1"}),
        ("old-version", {**good, "api-version": ""}, metadata),
        ("no-resource", {"api-version": "2018-02-01"}, metadata),
        ("unknown-resource", {**good, "resource": SCOPE}, metadata),
        ("identity-not-found", {**good, "client_id": "unknown"}, metadata),
        ("two-identities", {**good, **two}, metadata),
    ]
    for rule, query, headers in refused:
        reply = client.get(url, params=query, headers=headers)
        assert reply.headers["x-emulator-rule"].startswith(f"machines-{rule}; ")
        assert (reply.status_code, reply.json()["error"]) == (400, RULES[f"machines-{rule}"].kind)
    body = client.get(url, params=good, headers=metadata).json()
    assert isinstance(body["expires_in"], str)
    assert body["client_id"] == directory.identities[0].client_id
    directory.identities.clear()
    assert client.get(url, params=good, headers=metadata).json()["error_description"] == "Identity not found"


def test_the_metadata_service_can_fail(machine: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.script(imds_unavailable(), imds_unavailable(429), imds_proxy_refusal(), at="identity")
    url = f"{machine.origin}/metadata/identity/oauth2/token"
    replies = [client.get(url) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [410, 429, 403]
    assert "unreachable" in replies[2].text


@pytest.mark.parametrize(("identity", "selector"), WHO)
def test_app_service_gives_a_token(
    cloud: Emulator,
    machine: Emulator,
    directory: Directory,
    client: httpx.Client,
    identity: Any,
    selector: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", machine.base_url_of("app_service"))
    monkeypatch.setenv("IDENTITY_HEADER", "canary7-header")
    token = managed(identity, client)
    assert call_resource(cloud, client, token["access_token"]) == 200
    query = {name.removeprefix("mi_"): value for name, value in directory.requests_to("app_service")[0].form.items()}
    assert query == {"api-version": "2019-08-01", "resource": RESOURCE, **selector}


def test_app_service_refuses_other_requests(
    machine: Emulator, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", machine.base_url_of("app_service"))
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


def test_the_arc_agent_gives_a_token(
    directory: Directory, client: httpx.Client, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = msal.UserAssignedManagedIdentity(client_id=USER_IDENTITY.client_id)
    for knows_users in (True, False):
        with Emulator(surfaces=(arc_surface(directory, key_file, knows_users=knows_users),)) as agent:
            monkeypatch.setenv("IDENTITY_ENDPOINT", f"{agent.base_url_of('arc')}/oauth2/token")
            monkeypatch.setenv("IMDS_ENDPOINT", agent.origin)
            assert (
                managed(msal.SystemAssignedManagedIdentity(), client)["access_token"]
                == directory.access_tokens[-1].text
            )
            challenge, answer = directory.requests_to("arc")[-2:]
            assert "authorization" not in challenge.headers
            assert answer.headers["authorization"] == "Basic canary7-arc-key"
            if knows_users:
                assert "access_token" in managed(user, client)
            else:
                with pytest.raises(msal.ManagedIdentityError, match="did not confirm"):
                    managed(user, client)
