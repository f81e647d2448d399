"""People who sign in at another device or in a browser."""

from __future__ import annotations

import ssl
import threading
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from emulator_clients.entra import SCOPE, call_resource, post_token_form, public_client
from responses_emulator import Authority, Directory, Emulator, entra_error, open_in_browser, slow_down


def poll(application: Any, flow: dict[str, Any]) -> dict[str, Any]:
    """One poll; msal would warn of one that comes too soon."""
    flow["latest_attempt_at"] = 0
    return application.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)


def test_a_user_signs_in_with_a_device_code(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    application = public_client(cloud, directory, client)
    flow = application.initiate_device_flow([SCOPE])
    assert flow["user_code"] in flow["message"]
    assert (flow["expires_in"], flow["interval"]) == (900, 1)
    assert poll(application, flow)["error"] == "authorization_pending"
    directory.script(slow_down())
    assert poll(application, flow)["error"] == "slow_down"
    directory.approve()
    token = poll(application, flow)
    assert token["id_token_claims"]["preferred_username"] == directory.user
    assert call_resource(cloud, client, token["access_token"]) == 200
    (account,) = application.get_accounts()
    assert account["username"] == directory.user
    silent = application.acquire_token_silent([SCOPE], account)
    assert silent["access_token"] == token["access_token"], "found again, so no refresh token was used"
    assert poll(application, flow)["error_codes"] == [54005]
    assert directory.access_tokens[-1].user == directory.user


def test_a_user_who_takes_a_while(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.polls_until_approved = 2
    application = public_client(cloud, directory, client)
    flow = application.initiate_device_flow([SCOPE])
    answers = [poll(application, flow).get("error") for _ in range(3)]
    assert answers == ["authorization_pending", "authorization_pending", None]


@pytest.mark.parametrize(
    ("settle", "error"),
    [(Directory.decline, "authorization_declined"), (Directory.expire_devices, "expired_token")],
)
def test_a_device_sign_in_that_fails_is_refused(
    cloud: Emulator, directory: Directory, client: httpx.Client, settle: Any, error: str
) -> None:
    application = public_client(cloud, directory, client)
    flow = application.initiate_device_flow([SCOPE])
    settle(directory)
    assert poll(application, flow)["error"] == error
    assert poll(application, {**flow, "device_code": "wrong"})["error"] == "bad_verification_code"


def test_device_codes_can_be_blocked(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
    directory.script(entra_error(53003), at="devicecode")
    assert public_client(cloud, directory, client).initiate_device_flow([SCOPE])["error_codes"] == [53003]


def test_a_user_is_refreshed_until_the_sign_in_ends(
    cloud: Emulator, directory: Directory, client: httpx.Client
) -> None:
    application = public_client(cloud, directory, client)
    flow = application.initiate_device_flow([SCOPE])
    directory.approve()
    first = poll(application, flow)["access_token"]
    (account,) = application.get_accounts()
    second = application.acquire_token_silent([SCOPE], account, force_refresh=True)
    assert second["access_token"] != first
    assert directory.token_forms[-1]["refresh_token"] == directory.refresh_tokens[0]
    assert len(directory.refresh_tokens) == 2
    for number in (700082, 70043, 50076):
        directory.end_refresh_tokens(number)
        form = {"grant_type": "refresh_token", "refresh_token": directory.refresh_tokens[-1]}
        told = post_token_form(cloud, directory, client, **form).json()
        assert (told["error"], told["error_codes"]) == ("invalid_grant", [number])


# People at a browser.


def sign_in(cloud: Emulator, directory: Directory, client: httpx.Client, trust: ssl.SSLContext, **change: str) -> Any:
    """A sign-in of msal with its own little server; the browser is ours."""
    application = public_client(cloud, directory, client)
    statuses: list[int] = []
    tabs: list[threading.Thread] = []

    def opened(url: str) -> None:
        tab = threading.Thread(
            target=lambda: statuses.append(open_in_browser(url, trust=trust, change=change)), daemon=True
        )
        tabs.append(tab)
        tab.start()

    token = application.acquire_token_interactive([SCOPE], timeout=60, auth_uri_callback=opened)
    for tab in tabs:
        tab.join(60)
    return token, statuses


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """msal then hands the page's address to the caller; and it looks for who comes back more often than each second."""
    monkeypatch.setattr("msal.oauth2cli.authcode._browse", lambda *args, **named: False)
    patient = SimpleNamespace(time=time.time, sleep=lambda seconds: time.sleep(seconds / 20))
    monkeypatch.setattr("msal.oauth2cli.authcode.time", patient)


@pytest.mark.usefixtures("no_browser")
def test_a_user_signs_in_with_a_browser(
    cloud: Emulator, directory: Directory, client: httpx.Client, authority: Authority
) -> None:
    token, statuses = sign_in(cloud, directory, client, authority.client())
    assert statuses == [200]
    assert token["id_token_claims"]["oid"] == directory.user_id
    assert call_resource(cloud, client, token["access_token"]) == 200
    asked = directory.requests_to("authorize")[0].form
    assert (asked["response_mode"], asked["code_challenge_method"]) == ("form_post", "S256")
    assert directory.token_forms[-1]["code_verifier"]
    form = {"grant_type": "authorization_code", "code": directory.token_forms[-1]["code"]}
    assert post_token_form(cloud, directory, client, **form).json()["error_codes"] == [54005]


@pytest.mark.usefixtures("no_browser")
def test_a_user_can_decline_in_the_browser(
    cloud: Emulator, directory: Directory, client: httpx.Client, authority: Authority
) -> None:
    directory.user_declines = True
    told, _ = sign_in(cloud, directory, client, authority.client())
    assert told["error"] == "access_denied"
    assert directory.token_forms == []


@pytest.mark.usefixtures("no_browser")
def test_an_authorization_code_needs_its_verifier(cloud: Emulator, directory: Directory, client: httpx.Client) -> None:
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
    assert post_token_form(cloud, directory, client, **form, code_verifier="v").json()["error_codes"] == [501481]
    elsewhere = {**query, "redirect_uri": "https://attacker.example"}
    refused = client.get(f"{cloud.origin}/{directory.tenant}/oauth2/v2.0/authorize", params=elsewhere)
    assert refused.json()["error_codes"] == [50011]
