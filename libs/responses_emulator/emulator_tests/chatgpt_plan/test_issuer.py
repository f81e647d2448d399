"""The issuer of Sign in with ChatGPT: registration, consent, codes, signed tokens, rotation, reuse and revocation."""

from __future__ import annotations

from typing import Any

import httpx
import jwt
import pytest
from emulator_clients.chatgpt_plan import BOB, CALLBACK, RESOURCE, SCOPE, Attempt, post, renew
from responses_emulator import Disconnect, Emulator, HttpReply, PlanSignIn, press_button
from responses_emulator.chatgpt_plan.keys import new_key

from emulator_tests.chatgpt_plan.conftest import Clock

PLAN_SCOPE = "chatgpt.tokens.use.direct"


def verify(emulator: Emulator, token: str, audience: str) -> dict[str, Any]:
    """Check a signature with the published keys, as a client does."""
    keys = jwt.PyJWKSet.from_dict(httpx.get(f"{emulator.origin}/.well-known/jwks.json").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=emulator.origin, options=options)


def signed_in(emulator: Emulator) -> tuple[str, dict[str, Any]]:
    attempt = Attempt(emulator)
    attempt.press()
    return attempt.client_id, attempt.exchange().json()


class TestSignIn:
    def test_a_first_sign_in_leads_to_a_client_id_and_to_tokens_for_the_plan(
        self, emulator: Emulator, clock: Clock, sign_in: PlanSignIn
    ) -> None:
        attempt = Attempt(emulator)
        page = httpx.get(attempt.url)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "Tester &lt;1&gt; asks to sign in as ada@example.com." in page.text
        callback = attempt.press()
        assert set(callback) == {"code", "state", "client_id"}
        assert callback["state"] == "state-1"
        assert callback["client_id"].startswith("oaiapp_")
        tokens = attempt.exchange().json()
        assert set(tokens) == {
            *("access_token", "refresh_token", "id_token", "token_type", "expires_in", "scope", "earliest_refresh_at")
        }
        assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, SCOPE)
        assert tokens["earliest_refresh_at"] == clock() + 3600 - 360
        identity = verify(emulator, tokens["id_token"], callback["client_id"])
        assert (identity["nonce"], identity["email"]) == ("nonce-1", "ada@example.com")
        access = verify(emulator, tokens["access_token"], RESOURCE)
        assert (access["client_id"], access["scp"]) == (callback["client_id"], SCOPE.split())
        assert len(access) == 10
        assert post(emulator, tokens["access_token"]).status_code == 200
        assert [each.step for each in sign_in.requests_to()] == [
            "authorize",
            "authorize",
            "consent",
            "exchange",
            "keys",
            "keys",
        ]

    def test_a_later_sign_in_uses_the_client_id_and_gets_no_other_one(self, emulator: Emulator) -> None:
        client_id, _ = signed_in(emulator)
        again = Attempt(emulator, client_id)
        assert set(again.press()) == {"code", "state"}
        assert again.exchange().status_code == 200

    def test_a_client_id_belongs_to_one_account(self, emulator: Emulator, sign_in: PlanSignIn) -> None:
        client_id, _ = signed_in(emulator)
        sign_in.account = BOB
        assert Attempt(emulator, client_id).press()["error"] == "access_denied"

    def test_a_user_can_sign_in_without_the_plan(self, emulator: Emulator) -> None:
        attempt = Attempt(emulator)
        attempt.press(plan="no")
        tokens = attempt.exchange().json()
        assert PLAN_SCOPE not in tokens["scope"]
        refused = post(emulator, tokens["access_token"])
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "chatpass_v2_scope_not_authorized")

    def test_a_user_can_decline(self, emulator: Emulator) -> None:
        callback = Attempt(emulator).press("decline")
        assert (callback["error"], callback["state"]) == ("access_denied", "state-1")
        assert "code" not in callback

    def test_an_issuer_that_knows_the_user_redirects_at_once(self, emulator: Emulator, sign_in: PlanSignIn) -> None:
        sign_in.consent = "approve"
        assert httpx.get(Attempt(emulator).url).headers["location"].startswith(f"{CALLBACK}?code=")
        sign_in.consent = "deny"
        assert Attempt(emulator).press()["error"] == "access_denied"

    def test_without_offline_access_there_is_no_refresh_token(self, emulator: Emulator) -> None:
        attempt = Attempt(emulator, scope=SCOPE.replace("offline_access ", ""))
        attempt.press()
        assert "refresh_token" not in attempt.exchange().json()

    def test_a_page_can_be_answered_once(self, emulator: Emulator) -> None:
        attempt = Attempt(emulator)
        page = httpx.get(attempt.url).text
        ticket = page.split('name="ticket" value="')[1].split('"')[0]
        form = {"ticket": ticket, "decision": "approve"}
        address = f"{emulator.origin}/api/accounts/authorize"
        assert httpx.post(address, data=form).status_code == 303
        assert httpx.post(address, data=form).status_code == 400


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"state": None}, "invalid_request"),
        ({"nonce": None}, "invalid_request"),
        ({"resource": None}, "invalid_request"),
        ({"resource": "https://api.example.com/v1"}, "invalid_target"),
        ({"ext_agent_host_id": None}, "invalid_request"),
        ({"ext_agent_host_id": "ada@example.com"}, "invalid_request"),
        ({"agent_name_hint": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "profile email"}, "invalid_scope"),
        ({"scope": f"{SCOPE} admin"}, "invalid_scope"),
    ],
)
def test_an_authorization_request_that_is_not_valid_goes_back_with_an_error(
    emulator: Emulator, change: dict[str, Any], error: str
) -> None:
    attempt = Attempt(emulator, **change)
    assert attempt.press()["error"] == error
    assert emulator.requests[-1].rule is not None


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "oaiapp_unknown"},
        {"redirect_uri": "http://localhost:45123/auth/callback"},
        {"redirect_uri": "https://127.0.0.1:45123/auth/callback"},
        {"redirect_uri": "http://127.0.0.1:45123/elsewhere"},
        {"redirect_uri": "http://evil.example/auth/callback"},
        {"redirect_uri": None},
    ],
)
def test_a_redirect_or_client_that_is_not_valid_is_never_redirected_to(emulator: Emulator, change: Any) -> None:
    reply = httpx.get(Attempt(emulator, **change).url)
    assert reply.status_code in {400, 401}
    assert "location" not in reply.headers


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_id": "dynamic_agent_client"}, 401, "invalid_client"),
        ({"code": "ac_unknown"}, 400, "invalid_grant"),
        ({"code_verifier": "other"}, 400, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:1/auth/callback"}, 400, "invalid_request"),
        ({"resource": "https://api.example.com"}, 400, "invalid_target"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, 400, "unsupported_grant_type"),
    ],
)
def test_an_exchange_that_is_not_valid_is_refused(
    emulator: Emulator, change: dict[str, str], status: int, error: str
) -> None:
    attempt = Attempt(emulator)
    attempt.press()
    refused = attempt.exchange(**change)
    assert (refused.status_code, refused.json()["error"]) == (status, error)


class TestCodes:
    def test_a_code_works_once(self, emulator: Emulator) -> None:
        attempt = Attempt(emulator)
        attempt.press()
        assert [attempt.exchange().status_code for _ in range(2)] == [200, 400]

    def test_a_code_expires(self, emulator: Emulator, clock: Clock) -> None:
        attempt = Attempt(emulator)
        attempt.press()
        clock.now_s += 601
        assert attempt.exchange().json()["error"] == "invalid_grant"

    def test_a_code_belongs_to_its_client(self, emulator: Emulator, sign_in: PlanSignIn) -> None:
        attempt = Attempt(emulator)
        attempt.press()
        assert attempt.exchange(client_id=sign_in.register().client_id).json()["error"] == "invalid_grant"

    def test_a_code_is_exchanged_in_a_form(self, emulator: Emulator) -> None:
        address = f"{emulator.origin}/api/accounts/oauth/token"
        assert httpx.post(address, json={"grant_type": "authorization_code"}).json()["error"] == "invalid_request"


class TestRefresh:
    def test_a_refresh_rotates_both_tokens(self, emulator: Emulator, clock: Clock) -> None:
        client_id, tokens = signed_in(emulator)
        clock.now_s += 3300
        renewed = renew(emulator, client_id, tokens["refresh_token"]).json()
        assert renewed["refresh_token"] != tokens["refresh_token"]
        assert renewed["scope"] == SCOPE
        assert "nonce" not in verify(emulator, renewed["id_token"], client_id)
        assert post(emulator, renewed["access_token"]).status_code == 200

    def test_a_refresh_before_its_time_is_refused_and_spends_nothing(self, emulator: Emulator, clock: Clock) -> None:
        client_id, tokens = signed_in(emulator)
        assert renew(emulator, client_id, tokens["refresh_token"]).json()["error"] == "invalid_grant"
        clock.now_s += 3300
        assert renew(emulator, client_id, tokens["refresh_token"]).status_code == 200

    def test_reuse_ends_the_sign_in(self, emulator: Emulator, clock: Clock, sign_in: PlanSignIn) -> None:
        client_id, tokens = signed_in(emulator)
        clock.now_s += 3300
        second = renew(emulator, client_id, tokens["refresh_token"]).json()
        assert renew(emulator, client_id, tokens["refresh_token"]).json()["error"] == "refresh_token_reused"
        assert not sign_in.is_live(second["refresh_token"])
        assert renew(emulator, client_id, second["refresh_token"]).json()["error"] == "refresh_token_reused"

    def test_a_refresh_token_lives_for_thirty_days(self, emulator: Emulator, clock: Clock) -> None:
        client_id, tokens = signed_in(emulator)
        clock.now_s += 30 * 86_400
        assert renew(emulator, client_id, tokens["refresh_token"]).json()["error"] == "refresh_token_expired"

    def test_a_revocation_ends_the_sign_in(self, emulator: Emulator) -> None:
        client_id, tokens = signed_in(emulator)
        form = {"token": tokens["refresh_token"], "token_type_hint": "refresh_token", "client_id": client_id}
        assert httpx.post(f"{emulator.origin}/api/accounts/oauth/revoke", data=form).status_code == 200
        assert renew(emulator, client_id, tokens["refresh_token"]).json()["error"] == "refresh_token_invalidated"
        refused = post(emulator, tokens["access_token"])
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "subscription_sharing_invalid_user")

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"scope": SCOPE}, "invalid_request"),
            ({"refresh_token": "rt_unknown"}, "invalid_grant"),
            ({"resource": ""}, "invalid_target"),
            ({"client_id": "dynamic_agent_client"}, "invalid_client"),
        ],
    )
    def test_a_refresh_that_is_not_valid_is_refused(
        self, emulator: Emulator, change: dict[str, str], error: str
    ) -> None:
        client_id, tokens = signed_in(emulator)
        assert renew(emulator, client_id, tokens["refresh_token"], **change).json()["error"] == error

    def test_a_refresh_token_belongs_to_its_client(self, emulator: Emulator, sign_in: PlanSignIn) -> None:
        _, tokens = signed_in(emulator)
        refused = renew(emulator, sign_in.register().client_id, tokens["refresh_token"])
        assert refused.json()["error"] == "invalid_grant"
        assert sign_in.is_live(tokens["refresh_token"])


class TestKeys:
    def test_tokens_of_an_old_key_are_verified_after_a_rotation(self, emulator: Emulator, sign_in: PlanSignIn) -> None:
        client_id, tokens = signed_in(emulator)
        sign_in.rotate_keys()
        assert verify(emulator, tokens["id_token"], client_id)["email"] == "ada@example.com"
        attempt = Attempt(emulator, client_id)
        attempt.press()
        newer = attempt.exchange().json()["id_token"]
        assert jwt.get_unverified_header(newer)["kid"] != jwt.get_unverified_header(tokens["id_token"])["kid"]
        assert verify(emulator, newer, client_id)

    def test_a_test_can_forge_an_id_token(self, emulator: Emulator, sign_in: PlanSignIn) -> None:
        forger, known = new_key(), sign_in.keys[0].key_id
        sign_in.sign_id_token = lambda claims: forger.sign(claims, key_id=known)
        client_id, tokens = signed_in(emulator)
        with pytest.raises(jwt.InvalidSignatureError):
            verify(emulator, tokens["id_token"], client_id)

    def test_a_test_can_change_the_claims_of_an_id_token(self, emulator: Emulator, sign_in: PlanSignIn) -> None:
        sign_in.id_claims = {"nonce": None, "aud": "oaiapp_other"}
        _, tokens = signed_in(emulator)
        assert "nonce" not in verify(emulator, tokens["id_token"], "oaiapp_other")

    def test_discovery_names_the_addresses(self, emulator: Emulator, sign_in: PlanSignIn) -> None:
        address = f"{emulator.origin}/.well-known/openid-configuration"
        document = httpx.get(address).json()
        assert document["issuer"] == emulator.origin
        assert document["token_endpoint"] == f"{emulator.origin}/api/accounts/oauth/token"
        assert httpx.get(document["jwks_uri"]).status_code == 200
        sign_in.serves_discovery = False
        assert httpx.get(address).status_code == 404


def test_a_test_can_script_faults_of_a_step(emulator: Emulator, sign_in: PlanSignIn) -> None:
    sign_in.script("exchange", HttpReply(503, "down"), Disconnect())
    attempt = Attempt(emulator)
    attempt.press()
    assert attempt.exchange().status_code == 503
    with pytest.raises(httpx.RemoteProtocolError):
        attempt.exchange()
    assert attempt.exchange().status_code == 200


def test_the_secrets_of_a_sign_in_are_known(emulator: Emulator, sign_in: PlanSignIn) -> None:
    attempt = Attempt(emulator)
    code = attempt.press()["code"]
    tokens = attempt.exchange().json()
    assert {code, tokens["access_token"], tokens["refresh_token"]} <= set(sign_in.secrets)


def test_a_browser_for_tests_says_why_a_page_did_not_come(emulator: Emulator) -> None:
    with pytest.raises(AssertionError, match="invalid_client"):
        press_button(Attempt(emulator, "oaiapp_unknown").url)
