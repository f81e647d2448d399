"""Apps with a secret or an assertion of another service, and what the token endpoint refuses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import msal
import pytest
from emulator_clients.entra import RESOURCE, SCOPE, call_resource, confidential_client, post_token_form
from responses_emulator import Authority, Directory, Emulator, HttpReply, entra_unavailable


def test_an_app_signs_in_with_a_secret(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    signed_in = confidential_client(cloud, directory, client, directory.client_secret)
    first = signed_in.acquire_token_for_client([SCOPE])
    assert "canary7-AT-1-" in first["access_token"]
    assert first["expires_in"] == 3599
    assert signed_in.acquire_token_for_client([SCOPE])["token_source"] == "cache"
    assert [form["client_secret"] for form in directory.token_forms] == [directory.client_secret]
    assert call_resource(cloud, client, first["access_token"]) == 200
    assert [each.audience for each in directory.access_tokens] == [RESOURCE]


@pytest.mark.parametrize(("expired", "number"), [(False, 7000215), (True, 7000222)])
def test_a_wrong_or_expired_secret_is_refused(
    cloud: Emulator, directory: Directory, client: httpx.Client, expired: bool, number: int
) -> None:
    if expired:
        directory.expired_secrets.add("wrong")
    told = confidential_client(cloud, directory, client, "wrong").acquire_token_for_client([SCOPE])
    assert (told["error"], told["error_codes"]) == ("invalid_client", [number])
    assert told["error_description"].startswith(f"AADSTS{number}: ")
    assert {"trace_id", "correlation_id", "timestamp", "error_uri"} <= set(told)


def test_an_unknown_app_or_tenant_is_refused(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    reply = post_token_form(cloud, directory, client, client_id="0f0f")
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
def test_a_form_that_breaks_a_rule_is_refused(
    cloud: Emulator, directory: Directory, client: httpx.Client, form: dict[str, str], number: int
) -> None:
    assert post_token_form(cloud, directory, client, **form).json()["error_codes"] == [number]


def test_a_directory_sets_lifetimes(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.expires_in, directory.refresh_in = 200, 100
    signed_in = confidential_client(cloud, directory, client, directory.client_secret)
    tokens = {signed_in.acquire_token_for_client([SCOPE])["access_token"] for _ in range(2)}
    assert len(tokens) == 2, "under five minutes left counts as over"
    assert post_token_form(cloud, directory, client, client_secret=directory.client_secret).json()["refresh_in"] == 100


def test_a_directory_sends_scripted_replies(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.script(entra_unavailable(after_s=2), None, HttpReply(200, "<html>Log in to the hotel</html>"))
    secret = {"client_secret": directory.client_secret}
    first = post_token_form(cloud, directory, client, **secret)
    assert (first.status_code, first.headers["retry-after"]) == (503, "2")
    assert post_token_form(cloud, directory, client, **secret).status_code == 200
    assert post_token_form(cloud, directory, client, **secret).headers["content-type"] == "text/html; charset=utf-8"
    assert len(directory.requests_to("token")) == 3
    directory.delay_s = 0.2
    began_s = time.monotonic()
    assert post_token_form(cloud, directory, client, **secret).status_code == 200
    assert time.monotonic() - began_s >= 0.2


def test_discovery_can_name_another_token_endpoint(
    cloud: Emulator, directory: Directory, client: httpx.Client, authority: Authority
) -> None:
    with Emulator(tls=authority.context()) as elsewhere:
        directory.token_endpoint = f"{elsewhere.origin}/some/place"
        confidential_client(cloud, directory, client, directory.client_secret).acquire_token_for_client([SCOPE])
        (stolen,) = elsewhere.requests
    assert httpx.QueryParams(stolen.raw_body.decode())["client_secret"] == directory.client_secret
    assert directory.token_forms == []


def test_discovery_knows_the_public_host(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    query = {
        "api-version": "1.1",
        "authorization_endpoint": "https://login.microsoftonline.com/t/oauth2/v2.0/authorize",
    }
    found = client.get(f"{cloud.origin}/common/discovery/instance", params=query).json()
    assert found["metadata"][0]["aliases"] == ["login.microsoftonline.com"]


# Federation.


def test_an_app_signs_in_with_a_federated_assertion(
    cloud: Emulator, directory: Directory, client: httpx.Client, tmp_path: Path
) -> None:
    directory.allow_federation("https://cluster.example/", "system:serviceaccount:default:app")
    file = tmp_path / "token"
    file.write_text(directory.federated_token())
    token = confidential_client(
        cloud, directory, client, {"client_assertion": file.read_text}
    ).acquire_token_for_client([SCOPE])
    assert call_resource(cloud, client, token["access_token"]) == 200
    assert directory.token_forms[-1]["client_assertion"] == file.read_text()


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"issuer": "https://other.example/"}, 700211),
        ({"subject": "system:serviceaccount:default:other"}, 700213),
        ({"audience": "api://other"}, 700212),
        ({"lifetime_s": -1}, 700024),
    ],
)
def test_a_federated_assertion_that_does_not_fit_is_refused(
    cloud: Emulator, directory: Directory, client: httpx.Client, wrong: dict[str, Any], number: int
) -> None:
    directory.allow_federation("https://cluster.example/", "system:serviceaccount:default:app")
    assertion = directory.federated_token(**wrong)
    told = confidential_client(
        cloud, directory, client, {"client_assertion": lambda: assertion}
    ).acquire_token_for_client([SCOPE])
    assert told["error_codes"] == [number]


def test_a_line_feed_is_not_part_of_an_assertion(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.allow_federation("https://cluster.example/", "system:serviceaccount:default:app")
    assertion = directory.federated_token() + "\n"
    told = confidential_client(
        cloud, directory, client, {"client_assertion": lambda: assertion}
    ).acquire_token_for_client([SCOPE])
    assert told["error_codes"] == [50027]
