"""The sign-in service that the emulator plays: device codes, tokens, renewal, revocation, and every way to fail."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from responses_emulator import (
    Account,
    Disconnect,
    Emulator,
    HttpReply,
    LoseReply,
    SignInService,
    chatgpt_surfaces,
    issuer_surface,
    write_codex_file,
    write_ms_module_file,
)
from responses_emulator.openai_sign_in.service import REDIRECT
from responses_emulator.openai_sign_in.tokens import AUTH_CLAIM, CLIENT_ID, PROFILE_CLAIM, decode_claims

BOB = Account(email="bob@example.com", plan="team", account_id="b0b", user_id="user-Bob", workspaces=("one", "two"))


@pytest.fixture
def sign_in() -> SignInService:
    return SignInService(interval=0)


@pytest.fixture
def emulator(sign_in: SignInService) -> Iterator[Emulator]:
    with Emulator(surfaces=chatgpt_surfaces(sign_in)) as running:
        yield running


def begin(emulator: Emulator, **body: Any) -> httpx.Response:
    address = f"{emulator.origin}/api/accounts/deviceauth/usercode"
    return httpx.post(address, json={"client_id": CLIENT_ID, **body})


def poll(emulator: Emulator, device: dict[str, Any]) -> httpx.Response:
    body = {key: device[key] for key in ("device_auth_id", "user_code")}
    return httpx.post(f"{emulator.origin}/api/accounts/deviceauth/token", json=body)


def exchange(emulator: Emulator, approved: dict[str, Any], **change: Any) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": approved["authorization_code"],
        "redirect_uri": f"{emulator.origin}/deviceauth/callback",
        "client_id": CLIENT_ID,
        "code_verifier": approved["code_verifier"],
    }
    return httpx.post(f"{emulator.origin}/oauth/token", data={**form, **change})


def renew(emulator: Emulator, refresh_token: str, *, form: bool = False, **change: Any) -> httpx.Response:
    body = {"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": refresh_token, **change}
    address = f"{emulator.origin}/oauth/token"
    return httpx.post(address, data=body) if form else httpx.post(address, json=body)


def code_of(reply: httpx.Response) -> str:
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error["code"]


def backend_takes(emulator: Emulator, access_token: str, account_id: str) -> int:
    headers = {
        "authorization": f"Bearer {access_token}",
        "chatgpt-account-id": account_id,
        "originator": "tester",
        "user-agent": "tester/1.0",
    }
    return httpx.get(f"{emulator.base_url}/models", headers=headers).status_code


class TestDeviceCode:
    def test_a_device_sign_in_leads_to_a_token_for_the_backend(
        self, sign_in: SignInService, emulator: Emulator
    ) -> None:
        device = begin(emulator).json()
        assert set(device) == {"device_auth_id", "user_code", "interval", "expires_at"}
        page = httpx.get(f"{emulator.origin}/codex/device")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        pending = poll(emulator, device)
        assert (pending.status_code, code_of(pending)) == (403, "deviceauth_authorization_pending")
        sign_in.approve(device["user_code"], account=BOB)
        approved = poll(emulator, device).json()
        digest = hashlib.sha256(approved["code_verifier"].encode()).digest()
        assert approved["code_challenge"] == urlsafe_b64encode(digest).rstrip(b"=").decode()
        tokens = exchange(emulator, approved).json()
        assert tokens["expires_in"] == pytest.approx(864_000, abs=60)
        claims = decode_claims(tokens["access_token"])
        assert claims is not None
        assert claims["exp"] == pytest.approx(time.time() + 864_000, abs=60)
        assert claims[AUTH_CLAIM]["chatgpt_account_id"] == "b0b"
        assert claims[AUTH_CLAIM]["chatgpt_plan_type"] == "team"
        assert claims[PROFILE_CLAIM]["email"] == "bob@example.com"
        assert set(claims[PROFILE_CLAIM]) == {"email", "email_verified"}, "no account id is in it"
        identity = decode_claims(tokens["id_token"])
        assert identity is not None
        assert identity["email"] == "bob@example.com"
        assert identity[AUTH_CLAIM]["chatgpt_account_id"] == "b0b"
        assert backend_takes(emulator, tokens["access_token"], "b0b") == 200
        assert [each.step for each in sign_in.requests_to()] == ["usercode", "poll", "poll", "exchange"]
        assert sign_in.requests_to("exchange")[0].body["code"] == approved["authorization_code"]

    def test_a_device_code_accepts_the_redirect_of_the_real_service(
        self, sign_in: SignInService, emulator: Emulator
    ) -> None:
        device = begin(emulator).json()
        sign_in.approve()
        assert exchange(emulator, poll(emulator, device).json(), redirect_uri=REDIRECT).status_code == 200

    def test_an_authorization_code_works_once_and_with_its_verifier(
        self, sign_in: SignInService, emulator: Emulator
    ) -> None:
        device = begin(emulator).json()
        sign_in.approve()
        approved = poll(emulator, device).json()
        for change in ({"code_verifier": "x"}, {"redirect_uri": "https://example.com/"}, {"code": "x"}):
            reply = exchange(emulator, approved, **change)
            assert (reply.status_code, code_of(reply)) == (400, "invalid_grant")
        assert code_of(exchange(emulator, approved, client_id="app_other")) == "invalid_client"
        assert code_of(exchange(emulator, approved, grant_type="password")) == "unsupported_grant_type"
        as_json = httpx.post(f"{emulator.origin}/oauth/token", json={"grant_type": "authorization_code"})
        assert code_of(as_json) == "invalid_request"
        assert exchange(emulator, approved).status_code == 200
        assert code_of(exchange(emulator, approved)) == "invalid_grant"
        assert code_of(poll(emulator, device)) == "expired_token"

    @pytest.mark.parametrize("interval", ["5", 5, 0.5, "1"])
    def test_the_poll_interval_is_a_string_or_a_number(self, interval: Any) -> None:
        with Emulator(surfaces=issuer_surface(SignInService(interval=interval))) as emulator:
            assert begin(emulator).json()["interval"] == interval

    def test_a_device_code_can_be_approved_after_some_polls(self) -> None:
        with Emulator(surfaces=issuer_surface(SignInService(pending_polls=2, pending_status=404))) as emulator:
            device = begin(emulator).json()
            assert [poll(emulator, device).status_code for _ in range(3)] == [404, 404, 200]

    def test_a_device_code_can_be_declined_or_expire(self, sign_in: SignInService, emulator: Emulator) -> None:
        device = begin(emulator).json()
        sign_in.decline()
        assert (poll(emulator, device).status_code, code_of(poll(emulator, device))) == (400, "authorization_declined")
        second = begin(emulator).json()
        sign_in.expire(second["user_code"])
        assert (poll(emulator, second).status_code, code_of(poll(emulator, second))) == (400, "expired_token")
        sign_in.device_lifetime_s = -1
        third = begin(emulator).json()
        sign_in.approve()
        assert code_of(poll(emulator, third)) == "expired_token"

    def test_a_fast_poll_is_refused(self, sign_in: SignInService, emulator: Emulator) -> None:
        device = begin(emulator).json()
        sign_in.slow_down(2)
        sign_in.approve()
        replies = [poll(emulator, device) for _ in range(3)]
        assert [reply.status_code for reply in replies] == [429, 429, 200]
        assert code_of(replies[0]) == "slow_down"

    def test_device_codes_can_be_forbidden(self, sign_in: SignInService, emulator: Emulator) -> None:
        assert begin(emulator, client_id="x").status_code == 401
        sign_in.disable()
        assert begin(emulator).status_code == 404

    def test_an_unknown_device_code_is_refused(self, emulator: Emulator) -> None:
        reply = poll(emulator, {"device_auth_id": "x", "user_code": "y"})
        assert (reply.status_code, code_of(reply)) == (404, "deviceauth_authorization_unknown")


class TestRenewal:
    @pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
    def test_a_refresh_rotates_the_token(self, sign_in: SignInService, emulator: Emulator, form: bool) -> None:
        first = sign_in.token_set(BOB)
        second = renew(emulator, first.refresh_token, form=form).json()
        assert second["refresh_token"] != first.refresh_token
        assert second["access_token"] != first.access_token
        assert backend_takes(emulator, second["access_token"], "b0b") == 200
        assert backend_takes(emulator, first.access_token, "b0b") == 200, "until it expires"
        assert not sign_in.is_live(first.refresh_token)
        assert sign_in.is_live(second["refresh_token"])

    def test_a_refresh_with_a_used_token_ends_the_family(self, sign_in: SignInService, emulator: Emulator) -> None:
        first, other = sign_in.token_set(), sign_in.token_set()
        second = renew(emulator, first.refresh_token).json()
        reused = renew(emulator, first.refresh_token)
        assert (reused.status_code, code_of(reused)) == (401, "refresh_token_reused")
        assert "already been used" in reused.json()["error"]["message"]
        assert code_of(renew(emulator, second["refresh_token"])) == "refresh_token_reused"
        assert renew(emulator, other.refresh_token).status_code == 200

    async def test_of_concurrent_refreshes_one_succeeds(self, sign_in: SignInService, emulator: Emulator) -> None:
        tokens = sign_in.token_set()
        sign_in.delay_s["refresh"] = 0.1
        body = {"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        async with httpx.AsyncClient() as client:
            posts = [client.post(f"{emulator.origin}/oauth/token", json=body) for _ in range(8)]
            replies = await asyncio.gather(*posts)
        assert sorted(reply.status_code for reply in replies) == [200] + [401] * 7
        winner = next(reply.json() for reply in replies if reply.status_code == 200)
        assert code_of(await asyncio.to_thread(renew, emulator, winner["refresh_token"])) == "refresh_token_reused"
        assert len(sign_in.requests_to("refresh")) == 9

    @pytest.mark.parametrize("code", ["refresh_token_expired", "refresh_token_invalidated", "app_session_terminated"])
    def test_a_refresh_of_an_ended_sign_in_is_refused(
        self, sign_in: SignInService, emulator: Emulator, code: str
    ) -> None:
        tokens = sign_in.token_set()
        sign_in.end_sign_in(tokens, code)
        assert (renew(emulator, tokens.refresh_token).status_code, code_of(renew(emulator, tokens.refresh_token))) == (
            401,
            code,
        )
        sign_in.errors = "string"
        assert renew(emulator, tokens.refresh_token).json()["error"] == code

    def test_a_refresh_with_an_unknown_token_or_client_is_refused(
        self, sign_in: SignInService, emulator: Emulator
    ) -> None:
        tokens = sign_in.token_set()
        assert code_of(renew(emulator, "rt_unknown")) == "invalid_grant"
        assert code_of(renew(emulator, tokens.refresh_token, client_id="x")) == "invalid_client"
        assert sign_in.is_live(tokens.refresh_token)

    def test_a_refresh_response_may_leave_tokens_out(self, sign_in: SignInService, emulator: Emulator) -> None:
        tokens = sign_in.token_set()
        sign_in.refresh_response_fields = ("access_token",)
        for _ in range(2):
            answer = renew(emulator, tokens.refresh_token).json()
            assert not {"refresh_token", "id_token"} & set(answer)
        assert sign_in.is_live(tokens.refresh_token), "what is not replaced stays good"

    def test_access_tokens_expire(self, sign_in: SignInService, emulator: Emulator) -> None:
        sign_in.lifetime_s, sign_in.expires_in = 600, 3600
        answer = renew(emulator, sign_in.token_set().refresh_token).json()
        claims = decode_claims(answer["access_token"])
        assert claims is not None
        assert claims["exp"] == pytest.approx(time.time() + 600, abs=60)
        assert answer["expires_in"] == 3600
        sign_in.opaque_access_tokens = True
        opaque = renew(emulator, answer["refresh_token"]).json()["access_token"]
        assert decode_claims(opaque) is None
        assert backend_takes(emulator, opaque, Account().account_id) == 200

    def test_the_service_uses_its_clock(self) -> None:
        now_s = [time.time()]
        sign_in = SignInService(lifetime_s=100, clock=lambda: now_s[0])
        tokens = sign_in.token_set()
        with Emulator(surfaces=chatgpt_surfaces(sign_in)) as emulator:
            assert backend_takes(emulator, tokens.access_token, tokens.account.account_id) == 200
            now_s[0] += 101
            assert backend_takes(emulator, tokens.access_token, tokens.account.account_id) == 401


class TestFaults:
    def test_a_scripted_fault_comes_first(self, sign_in: SignInService, emulator: Emulator) -> None:
        tokens = sign_in.token_set()
        sign_in.script("refresh", HttpReply(503, "busy"), Disconnect(), Disconnect(reset=True))
        assert renew(emulator, tokens.refresh_token).status_code == 503
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                renew(emulator, tokens.refresh_token)
        assert renew(emulator, tokens.refresh_token).status_code == 200
        assert len(sign_in.requests_to("refresh")) == 4

    @pytest.mark.parametrize("step", ["usercode", "poll", "exchange", "revoke"])
    def test_every_step_can_fail(self, sign_in: SignInService, emulator: Emulator, step: Any) -> None:
        device = begin(emulator).json()
        sign_in.approve()
        sign_in.script(step, HttpReply(502, "<html>Bad Gateway</html>"))
        approved = {"authorization_code": "x", "code_verifier": "y"}
        replies = {
            "usercode": lambda: begin(emulator),
            "poll": lambda: poll(emulator, device),
            "exchange": lambda: exchange(emulator, approved),
            "revoke": lambda: httpx.post(f"{emulator.origin}/oauth/revoke", json={"token": "x"}),
        }
        reply = replies[step]()
        assert (reply.status_code, reply.headers["content-type"]) == (502, "text/html; charset=utf-8")

    @pytest.mark.parametrize("reset", [False, True])
    def test_a_lost_reply_has_used_up_the_token(self, sign_in: SignInService, emulator: Emulator, reset: bool) -> None:
        tokens = sign_in.token_set()
        sign_in.script("refresh", LoseReply(reset=reset))
        with pytest.raises(httpx.TransportError):
            renew(emulator, tokens.refresh_token)
        assert code_of(renew(emulator, tokens.refresh_token)) == "refresh_token_reused"


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_revocation_ends_a_sign_in(sign_in: SignInService, emulator: Emulator, which: str) -> None:
    tokens, other = sign_in.token_set(), sign_in.token_set()
    body = {"token": getattr(tokens, which), "token_type_hint": which, "client_id": CLIENT_ID}
    assert httpx.post(f"{emulator.origin}/oauth/revoke", json=body).status_code == 200
    assert code_of(renew(emulator, tokens.refresh_token)) == "refresh_token_invalidated"
    assert backend_takes(emulator, tokens.access_token, tokens.account.account_id) == 401
    assert backend_takes(emulator, other.access_token, other.account.account_id) == 200
    assert httpx.post(f"{emulator.origin}/oauth/revoke", data={"token": "unknown"}).status_code == 200


def test_every_secret_contains_the_canary(sign_in: SignInService, emulator: Emulator) -> None:
    device = begin(emulator).json()
    sign_in.approve()
    answer = exchange(emulator, poll(emulator, device).json()).json()
    answer = renew(emulator, answer["refresh_token"]).json()
    found = sign_in.secrets
    assert {answer["access_token"], answer["refresh_token"], device["user_code"]} <= set(found)
    assert all(sign_in.canary in each for each in [*found, answer["id_token"]])
    assert sign_in.canary not in repr(sign_in.requests_to()) + repr(sign_in.token_set())
    assert sign_in.user_codes == [device["user_code"]]


def test_a_demonstration_may_choose_the_code(sign_in: SignInService, emulator: Emulator) -> None:
    sign_in.user_code = "DEMO-12345"
    device = begin(emulator).json()
    assert device["user_code"] == "DEMO-12345"
    sign_in.approve()
    assert exchange(emulator, poll(emulator, device).json()).status_code == 200


def test_token_files_have_the_form_of_other_programs(
    sign_in: SignInService, emulator: Emulator, tmp_path: Path
) -> None:
    tokens = sign_in.token_set(BOB)
    theirs = tmp_path / "openai-chatgpt-oauth.json"
    write_ms_module_file(theirs, tokens)
    found = json.loads(theirs.read_text())
    keys = {"auth_mode", "access_token", "refresh_token", "id_token", "account_id", "plan_type", "expires_at"}
    assert (set(found), found["auth_mode"]) == (keys, "oauth")
    assert found["account_id"] != "b0b"
    assert backend_takes(emulator, found["access_token"], found["account_id"]) == 403
    write_ms_module_file(theirs, tokens, account_id="b0b")
    assert json.loads(theirs.read_text())["account_id"] == "b0b"
    codex = tmp_path / "auth.json"
    write_codex_file(codex, tokens, refreshed_at_s=0)
    assert json.loads(codex.read_text())["last_refresh"] == "1970-01-01T00:00:00Z"
    assert json.loads(codex.read_text())["tokens"]["account_id"] == "b0b"
