"""The tokens of Sign in with ChatGPT: refreshed when the service allows it, and never used twice."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError, LLMError
from amplifier_module_provider_chatgpt_oauth.settings import LOGIN_COMMAND
from responses_emulator import Disconnect, HttpReply, PlanSignIn, TokenSet, open_callback, plan_error, press_button

from tests.support.chatgpt_machine import ask
from tests.support.chatgpt_plan_machine import PlanMachine
from tests.support.witness import Witness


def keep(machine: PlanMachine, lifetime_s: float) -> TokenSet:
    return machine.keep(machine.service.token_set(lifetime_s=lifetime_s))


def test_a_token_that_ends_soon_is_refreshed_once_and_saved_before_it_is_used(machine: PlanMachine) -> None:
    old = keep(machine, 100)
    ask(machine.provider())
    ask(machine.provider())
    (refresh,) = machine.service.requests_to("refresh")
    assert set(refresh.body) == {"grant_type", "client_id", "refresh_token", "resource"}
    assert refresh.body["refresh_token"] == old.refresh_token
    assert machine.sent == [machine.kept["access_token"]] * 2
    assert machine.service.is_live(machine.kept["refresh_token"])
    assert machine.kept["client_id"] == machine.service.client_of(old).client_id
    assert machine.kept["earliest_refresh_at"] > time.time()


def test_a_refused_token_is_not_refreshed_before_the_service_allows_it(machine: PlanMachine) -> None:
    old = keep(machine, 3_000)
    machine.service.reject_access_token(old.access_token)
    with pytest.raises(AuthenticationError, match=re.escape(LOGIN_COMMAND)):
        ask(machine.provider())
    assert not machine.service.requests_to("refresh"), "the service would refuse it, and end the sign-in"
    assert machine.service.is_live(old.refresh_token)


@pytest.mark.parametrize(
    "fault", [HttpReply(503, {"error": "busy"}), HttpReply(500, "<p>oops</p>"), Disconnect(), HttpReply(429, {})]
)
def test_a_refresh_that_fails_ends_nothing(machine: PlanMachine, fault: Any) -> None:
    old = keep(machine, -10)
    machine.service.script("refresh", fault)
    with pytest.raises(LLMError):
        ask(machine.provider())
    assert machine.service.is_live(old.refresh_token)
    assert ask(machine.provider()).text


@pytest.mark.parametrize("code", ["refresh_token_invalidated", "refresh_token_expired", "refresh_token_reused"])
def test_a_sign_in_that_has_ended_is_found_out_once(machine: PlanMachine, code: str) -> None:
    old = keep(machine, -10)
    machine.service.end_sign_in(old, code)
    for _ in range(2):
        with pytest.raises(AuthenticationError, match=code):
            ask(machine.provider())
    assert len(machine.service.requests_to("refresh")) == 1


def test_a_refresh_that_takes_the_plan_away_ends_calls(machine: PlanMachine, service: PlanSignIn) -> None:
    tokens = machine.service.token_set(lifetime_s=-10, scope="openid offline_access")
    machine.keep(tokens)
    with pytest.raises(AuthenticationError, match="may not use the ChatGPT plan"):
        ask(machine.provider())
    assert not machine.sent


def test_a_sign_in_ends_after_thirty_days_without_use(machine: PlanMachine) -> None:
    machine.service.refresh_lifetime_s = -1
    keep(machine, -10)
    with pytest.raises(AuthenticationError, match="refresh_token_expired"):
        ask(machine.provider())


def test_a_new_sign_in_and_a_sign_out_end_the_previous_one(machine: PlanMachine) -> None:
    before = keep(machine, 3_000)
    assert machine.sign_in()
    assert not machine.service.is_live(before.refresh_token)
    token = machine.kept["refresh_token"]
    machine.provider().logout()
    assert not machine.service.is_live(token)


@pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security")
@pytest.mark.parametrize(
    "what", ["approved", "declined", "refused code", "forged", "without leave", "not revoked", "replayed"]
)
def test_a_sign_in_leaks_no_secret(machine: PlanMachine, witness: Witness, what: str) -> None:
    service = machine.service
    match what:
        case "declined":
            machine.does = lambda url: open_callback(press_button(url, "decline"))
        case "refused code":
            service.script("exchange", HttpReply(400, {"error": {"message": service.canary, "code": service.canary}}))
        case "forged":
            service.id_claims = {"nonce": service.canary}
        case "without leave":
            machine.does = lambda url: open_callback(press_button(url, change={"plan": "no"}))
        case "not revoked":
            service.grants_plan = False
            service.script("revoke", plan_error("subscription_sharing_usage_unavailable"))
        case "replayed":
            machine.does = lambda url: [open_callback(each) for each in [press_button(url)] * 2]
        case _:
            pass
    provider = machine.provider()
    provider.login(machine.read)
    account = provider.require_account()
    pages = "".join(page for _, page in machine.pages)
    witness.check(service.canary, machine.text, pages, provider, account, vars(account))
