"""Resource Manager."""

from __future__ import annotations

import httpx
from emulator_clients.entra import ACCOUNT, DEPLOYMENTS, MANAGEMENT, RESOURCE, confidential_client
from responses_emulator import Directory, Emulator, HttpReply, arm_surface


def deployments(cloud: Emulator, client: httpx.Client, token: str, **query: str) -> httpx.Response:
    return client.get(
        f"{cloud.origin}{ACCOUNT}/deployments",
        params={"api-version": "2024-10-01", **query},
        headers={"authorization": f"Bearer {token}"},
    )


def test_resource_manager_lists_deployments(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    token = confidential_client(cloud, directory, client, directory.client_secret).acquire_token_for_client(
        [MANAGEMENT]
    )
    rows = deployments(cloud, client, token["access_token"]).json()["value"]
    models = {row["name"]: row["properties"]["model"] for row in rows}
    assert {name: (model["name"], model["version"]) for name, model in models.items()} == {
        "chat": ("gpt-5.4", "2026-03-05"),
        "fast": ("gpt-5.6-luna", "2026-07-09"),
        "old": ("gpt-4.1", "2025-04-14"),
    }


def test_resource_manager_lists_deployments_in_pages(directory: Directory, client: httpx.Client) -> None:
    token = directory.issue_access_token("https://management.azure.com").text
    with Emulator(surfaces=(arm_surface(directory, DEPLOYMENTS, page_size=2),)) as cloud:
        first = deployments(cloud, client, token).json()
        second = client.get(first["nextLink"], headers={"authorization": f"Bearer {token}"}).json()
    assert [row["name"] for page in (first, second) for row in page["value"]] == ["chat", "fast", "old"]
    assert "nextLink" not in second
    with Emulator(
        surfaces=(arm_surface(directory, DEPLOYMENTS, page_size=2, next_origin="https://x.example"),)
    ) as lies:
        assert deployments(lies, client, token).json()["nextLink"].startswith("https://x.example/subscriptions/")


def test_resource_manager_refuses_other_requests(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    good = directory.issue_access_token("https://management.azure.com").text
    over = directory.issue_access_token("https://management.azure.com", expires_in=-1).text

    def refused(token: str, **query: str) -> tuple[int, str]:
        reply = deployments(cloud, client, token, **query)
        return reply.status_code, reply.json()["error"]["code"]

    assert refused(directory.issue_access_token(RESOURCE).text) == (401, "InvalidAuthenticationTokenAudience")
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
    directory.script(HttpReply(429, None, {"retry-after": "3"}), at="arm")
    assert deployments(cloud, client, good).headers["retry-after"] == "3"
