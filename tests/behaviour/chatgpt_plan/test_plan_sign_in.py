"""Sign in with ChatGPT, from an empty machine to an answer, and every way in which it must not succeed."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import select
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import jwt
import pytest
from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, QuotaExceededError
from amplifier_module_provider_chatgpt_oauth.auth import plan_sign_in
from openai_responses_common.auth import terminal as screens
from openai_responses_common.version import __version__
from responses_emulator import Account, HttpReply, PlanStatus, open_callback, plan_error, press_button
from responses_emulator.chatgpt_plan.keys import new_key

from tests.support.chatgpt_plan_machine import PlanMachine
from tests.support.session import PATIENCE_S, asking

BOB = Account(email="bob@example.com", subject="auth0|Bob")
USAGE_PAGE = "https://chatgpt.com/settings/usage"


def ask(machine: PlanMachine, **settings: Any) -> Any:
    """One call in a new provider."""
    provider = machine.provider(**settings)

    async def call() -> Any:
        try:
            return await provider.complete(asking("hello"))
        finally:
            await provider.close()

    return asyncio.run(call())


class TestSignIn:
    def test_from_an_empty_machine_to_an_answer(self, machine: PlanMachine) -> None:
        assert machine.sign_in()
        assert "Signed in as ada@example.com." in machine.text
        ((status, page),) = machine.pages
        assert (status, "You can close this page" in page) == (200, True)
        assert "approval" not in page, "the box on the page may not be ticked"
        assert ask(machine).text
        (request,) = machine.emulator.model_requests
        assert not {"chatgpt-account-id", "originator", "version", "session-id"} & set(request.headers)
        assert request.headers["user-agent"] == f"amplifier-module-provider-chatgpt-oauth/{__version__}"

    def test_the_requests_are_those_of_the_protocol(self, machine: PlanMachine) -> None:
        machine.sign_in()
        steps = [each.step for each in machine.service.requests_to()]
        assert steps == ["authorize", "consent", "exchange", "keys"]
        query = machine.service.requests_to("authorize")[0].body
        assert query["client_id"] == "dynamic_agent_client"
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/auth/callback", query["redirect_uri"])
        assert query["resource"] == machine.emulator.base_url

    def test_nothing_that_is_printed_or_saved_in_the_open_holds_a_secret(self, machine: PlanMachine) -> None:
        machine.sign_in()
        assert [secret for secret in machine.service.secrets if secret in machine.text] == []
        others = [path.read_text("utf-8") for path in machine.home.iterdir() if path != machine.file]
        assert [secret for secret in machine.service.secrets if any(secret in text for text in others)] == []
        assert machine.file.stat().st_mode & 0o777 == 0o600

    def test_a_later_sign_in_uses_the_client_id_and_the_host_id_again(self, machine: PlanMachine) -> None:
        assert machine.sign_in()
        machine.provider().logout()
        assert machine.sign_in()
        first, second = (each.body for each in machine.service.requests_to("authorize"))
        assert second["client_id"].startswith("oaiapp_")
        assert second["ext_agent_host_id"] == first["ext_agent_host_id"]
        assert "agent_name_hint" not in second
        assert len(machine.service.clients) == 1

    def test_the_client_id_is_saved_before_the_code_is_exchanged(self, machine: PlanMachine) -> None:
        machine.service.script("exchange", plan_error("subscription_sharing_usage_unavailable"))
        assert not machine.sign_in()
        assert machine.sign_in()
        assert len(machine.service.clients) == 1

    def test_a_client_id_that_the_service_forgot_has_a_way_out(self, machine: PlanMachine) -> None:
        assert machine.sign_in()
        machine.service.script("exchange", HttpReply(401, {"error": "invalid_client"}))
        assert not machine.sign_in()
        (file,) = machine.home.glob("registration.*")
        assert f"does not accept this client (invalid_client). If it fails again, delete {file}" in machine.text
        machine.does = lambda url: open_callback(
            f"{press_button(url, 'decline')}".replace("access_denied", "invalid_client")
        )
        assert not machine.sign_in()
        assert machine.text.count(f"delete {file}") == 2

    def test_a_page_that_leads_nowhere_has_a_way_out(
        self, machine: PlanMachine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert machine.sign_in()
        monkeypatch.setattr(plan_sign_in, "_DEADLINE_S", 0.0)
        machine.does = lambda url: None
        assert not machine.sign_in()
        assert "nobody answered the page" in machine.text
        assert "If it fails again, delete" in machine.text

    def test_a_user_can_decline(self, machine: PlanMachine) -> None:
        machine.does = lambda url: open_callback(press_button(url, "decline"))
        assert not machine.sign_in()
        assert "declined in the browser" in machine.text

    def test_a_sign_in_without_leave_to_use_the_plan_is_ended_and_asks_again(self, machine: PlanMachine) -> None:
        machine.does = lambda url: open_callback(press_button(url, change={"plan": "no"}))
        assert not machine.sign_in()
        assert "without leave to use the plan" in machine.text
        assert not machine.file.exists()
        machine.does = machine.approve
        assert machine.sign_in()
        assert machine.service.requests_to("authorize")[-1].body["prompt"] == "consent"

    def test_a_sign_out_ends_it_at_the_service(self, machine: PlanMachine) -> None:
        machine.sign_in()
        token = json.loads(machine.file.read_text("utf-8"))["tokens"]["refresh_token"]
        assert machine.provider().logout()
        assert not machine.service.is_live(token)
        with pytest.raises(AuthenticationError, match="nobody is signed in"):
            ask(machine)


class TestForgeries:
    @pytest.mark.parametrize(
        ("claims", "problem"),
        [
            ({"nonce": "other"}, "WrongNonce"),
            ({"nonce": None}, "WrongNonce"),
            ({"iss": "https://evil.example"}, "InvalidIssuer"),
            ({"aud": "oaiapp_other"}, "InvalidAudience"),
            ({"aud": None}, "MissingRequiredClaim"),
            ({"exp": 1}, "ExpiredSignature"),
            ({"sub": None}, "MissingRequiredClaim"),
            ({"iat": int(time.time()) + 86_400}, "ImmatureSignature"),
            ({"azp": "oaiapp_other"}, "OtherAudience"),
        ],
    )
    def test_an_identity_that_is_not_valid_is_refused(
        self, machine: PlanMachine, claims: dict[str, Any], problem: str
    ) -> None:
        machine.service.id_claims = claims
        assert not machine.sign_in()
        assert f"cannot be verified ({problem}" in machine.text
        assert not machine.file.exists()

    def test_a_signature_of_another_key_is_refused(self, machine: PlanMachine) -> None:
        forger, known = new_key(), machine.service.keys[0].key_id
        machine.service.sign_id_token = lambda claims: forger.sign(claims, key_id=known)
        assert not machine.sign_in()
        assert "InvalidSignature" in machine.text

    def test_a_key_that_the_issuer_does_not_publish_is_refused(self, machine: PlanMachine) -> None:
        machine.service.sign_id_token = new_key().sign
        assert not machine.sign_in()
        assert "UnknownKey" in machine.text

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    def test_another_algorithm_is_refused(self, machine: PlanMachine, algorithm: str) -> None:
        known = machine.service.keys[0].key_id
        key: Any = None if algorithm == "none" else "x" * 32
        machine.service.sign_id_token = lambda claims: jwt.encode(claims, key, algorithm, headers={"kid": known})
        assert not machine.sign_in()
        assert "InvalidAlgorithm" in machine.text

    def test_another_person_is_refused(self, machine: PlanMachine) -> None:
        assert machine.sign_in()
        before = machine.file.read_text("utf-8")
        machine.service.id_claims = {"sub": BOB.subject}
        assert not machine.sign_in()
        assert "somebody else signed in" in machine.text
        assert machine.file.read_text("utf-8") == before

    @pytest.mark.parametrize(
        "change",
        [{"state": "other"}, {"state": None}],
        ids=["another state", "no state"],
    )
    def test_a_callback_of_another_sign_in_is_not_taken(self, machine: PlanMachine, change: dict[str, Any]) -> None:
        statuses: list[int] = []

        def visit(url: str) -> None:
            callback = press_button(url)
            parts = urlsplit(callback)
            query = {name: value[0] for name, value in parse_qs(parts.query).items()} | change
            forged = urlencode({name: value for name, value in query.items() if value is not None})
            statuses.append(open_callback(urlunsplit(parts._replace(query=forged)))[0])
            statuses.append(open_callback(callback)[0])
            machine.pages.append(open_callback(callback))

        machine.does = visit
        assert machine.sign_in(), "the right callback still counts"
        assert statuses[:1] == [400]

    def test_a_client_id_that_another_page_gave_is_refused(self, machine: PlanMachine) -> None:
        assert machine.sign_in()

        def visit(url: str) -> None:
            open_callback(f"{press_button(url)}&client_id=oaiapp_evil")

        machine.does = visit
        assert not machine.sign_in()
        assert "does not belong to this sign-in" in machine.text


class TestSettings:
    @pytest.mark.parametrize("setting", ["issuer", "plan_base_url"])
    @pytest.mark.parametrize("url", ["https://evil.example/v1", "http://api.openai.com/v1"])
    def test_a_foreign_address_is_refused_by_its_name(self, machine: PlanMachine, setting: str, url: str) -> None:
        with pytest.raises(ConfigurationError, match=setting):
            ask(machine, **{setting: url})

    def test_an_unknown_mode_is_refused(self, machine: PlanMachine) -> None:
        with pytest.raises(ConfigurationError, match="auth_mode"):
            ask(machine, auth_mode="browser")

    @pytest.mark.parametrize("word", ["plan", "chatgpt_plan", "auto", ""])
    def test_the_sign_in_that_exists_is_used(self, machine: PlanMachine, word: str) -> None:
        machine.sign_in()
        assert ask(machine, auth_mode=word).text


class TestLimits:
    def test_a_plan_that_is_used_up_is_said_in_one_line(self, machine: PlanMachine, status: PlanStatus) -> None:
        machine.sign_in()
        status.refusal_code = "subscription_sharing_usage_limit_exceeded"
        with pytest.raises(QuotaExceededError) as raised:
            ask(machine)
        assert USAGE_PAGE in str(raised.value)
        assert "provider-openai-v2" in str(raised.value)
        assert len(machine.emulator.model_requests) == 1


class TestTabsAndKeys:
    def test_two_tabs_sign_in_once(self, machine: PlanMachine) -> None:
        statuses: list[int] = []

        def visit(url: str) -> None:
            tabs = [press_button(url) for _ in range(2)]
            statuses.extend(open_callback(tab)[0] for tab in tabs)

        machine.does = visit
        assert machine.sign_in()
        assert statuses[:1] == [200], "the server may be gone before the second tab"
        assert len(machine.service.requests_to("exchange")) == 1

    def test_a_callback_of_an_earlier_sign_in_is_not_taken(self, machine: PlanMachine) -> None:
        callbacks: list[str] = []

        def decline(url: str) -> None:
            callbacks.append(press_button(url))
            open_callback(press_button(url, "decline"))

        machine.does = decline
        assert not machine.sign_in()
        statuses: list[int] = []

        def replay(url: str) -> None:
            own = urlsplit(press_button(url))
            statuses.append(open_callback(urlunsplit(own._replace(query=urlsplit(callbacks[0]).query)))[0])
            open_callback(urlunsplit(own))

        machine.does = replay
        assert machine.sign_in()
        assert statuses == [400]

    def test_keys_that_were_rotated_are_fetched(self, machine: PlanMachine) -> None:
        assert machine.sign_in()
        machine.service.rotate_keys(keep=False)
        assert machine.sign_in()

    def test_another_person_keeps_no_live_token(self, machine: PlanMachine) -> None:
        assert machine.sign_in()
        machine.service.id_claims = {"sub": BOB.subject}
        assert not machine.sign_in()
        assert len(machine.service.requests_to("revoke")) == 1


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of a terminal that stands in for standard input and standard error."""
    main, side = os.openpty()
    with os.fdopen(side, "r+b", buffering=0) as raw, io.TextIOWrapper(raw, write_through=True) as terminal:
        # Pytest puts its own in the place of the process's.
        monkeypatch.setattr(screens, "sys", SimpleNamespace(stdin=terminal, stderr=terminal))
        yield main
    os.close(main)


def read_until(keyboard: int, text: str) -> str:
    """What the terminal shows, up to a text."""
    shown, end_s = "", time.monotonic() + PATIENCE_S
    while text not in shown:
        ready, _, _ = select.select([keyboard], [], [], 1.0)
        shown += os.read(keyboard, 4096).decode(errors="replace") if ready else ""
        assert time.monotonic() < end_s, shown
    return shown


class TestPasting:
    @pytest.mark.parametrize("form", ["{}\n", "  '{}'  \n", "cut", "wrong first"])
    def test_the_address_of_the_last_page_can_be_pasted(self, machine: PlanMachine, keyboard: int, form: str) -> None:
        login = threading.Thread(target=machine.provider().login, daemon=True)
        login.start()
        page = re.search(
            r"http://127\S+/api/accounts/authorize\?\S+", read_until(keyboard, "Waiting for your approval")
        )
        assert page is not None
        callback = press_button(page[0])
        match form:
            case "cut":
                text = f"{callback[:60]}\n{callback[60:150]}\n{callback[150:]}\n"
            case "wrong first":
                os.write(keyboard, b"http://127.0.0.1:1/auth/callback?state=other\n")
                read_until(keyboard, "This is not the address")
                text = f"{callback}\n"
            case _:
                text = form.format(callback)
        os.write(keyboard, text.encode())
        read_until(keyboard, "Signed in as ada@example.com")
        login.join(60)
        assert machine.file.exists()
