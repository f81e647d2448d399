"""Certificates: of apps that sign in with one, and of servers that no client takes."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from emulator_clients.entra import SCOPE, call_resource, confidential_client, post_token_form
from responses_emulator import Authority, Directory, Emulator, entra_surface


def in_msal(certificate: SimpleNamespace) -> dict[str, str]:
    return {"private_key": certificate.key.decode(), "public_certificate": certificate.pem.decode()}


def test_an_app_signs_in_with_a_certificate(
    cloud: Emulator, directory: Directory, client: httpx.Client, certificate: SimpleNamespace
) -> None:
    directory.register_certificate(certificate.pem)
    token = confidential_client(cloud, directory, client, in_msal(certificate)).acquire_token_for_client([SCOPE])
    assert call_resource(cloud, client, token["access_token"]) == 200
    form = directory.token_forms[-1]
    assert form["client_assertion_type"].endswith(":jwt-bearer")
    assert "client_secret" not in form


def test_an_unregistered_certificate_is_refused(
    cloud: Emulator, directory: Directory, client: httpx.Client, certificate: SimpleNamespace
) -> None:
    told = confidential_client(cloud, directory, client, in_msal(certificate)).acquire_token_for_client([SCOPE])
    assert (told["error"], told["error_codes"]) == ("invalid_client", [700027])
    fingerprint = x509.load_pem_x509_certificate(certificate.pem).fingerprint(hashes.SHA256())
    assert "The key was not found." in told["error_description"]
    assert fingerprint.hex().upper() in told["error_description"]


def test_a_signature_of_another_key_is_refused(
    cloud: Emulator, directory: Directory, client: httpx.Client, certificate: SimpleNamespace
) -> None:
    directory.register_certificate(certificate.pem)
    other = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("app.example", key_type=trustme.KeyType.RSA)
    forged = {**in_msal(certificate), "private_key": other.private_key_pem.bytes().decode()}
    told = confidential_client(cloud, directory, client, forged).acquire_token_for_client([SCOPE])
    assert told["error_codes"] == [700027]
    assert "did not match the expected signature" in told["error_description"]


def test_an_assertion_for_another_audience_or_app_is_refused(
    cloud: Emulator, directory: Directory, client: httpx.Client, certificate: SimpleNamespace
) -> None:
    directory.register_certificate(certificate.pem)
    confidential_client(cloud, directory, client, in_msal(certificate)).acquire_token_for_client([SCOPE])
    assertion = directory.token_forms[-1]["client_assertion"]
    kind = directory.token_forms[-1]["client_assertion_type"]
    sent = {"client_assertion": assertion, "client_assertion_type": kind}
    with Emulator(surfaces=(entra_surface(directory),)) as other:
        assert post_token_form(other, directory, client, **sent).json()["error_codes"] == [700023]
    changed = {**sent, "client_assertion": f"{assertion[:-4]}AAAA"}
    assert post_token_form(cloud, directory, client, **changed).json()["error_codes"] == [700027]
    assert post_token_form(cloud, directory, client, **{**sent, "client_assertion": "no token"}).json()[
        "error_codes"
    ] == [50027]


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
def test_a_wrong_server_certificate_stops_the_client(
    authority: Authority, client: httpx.Client, wrong: str, text: str
) -> None:
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


def test_no_representation_shows_a_secret(directory: Directory) -> None:
    assert directory.canary not in repr(directory)


def test_the_authority_may_be_a_name_of_this_machine(
    cloud: Emulator, directory: Directory, client: httpx.Client
) -> None:
    base = f"https://localhost:{cloud.port}/{directory.tenant}"
    found = client.get(f"{base}/v2.0/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{base}/oauth2/v2.0/token"
