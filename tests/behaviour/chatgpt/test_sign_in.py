"""Signing in with a code: approved, declined, expired, too fast, switched off, the wrong workspace, through faults."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError
from amplifier_module_provider_chatgpt_oauth.settings import LOGIN_COMMAND
from openai_responses_common.auth import device_code as flow
from responses_emulator import Account, Disconnect, HttpReply, LoseReply, cloudflare_challenge
from responses_emulator.openai_sign_in.records import SignInStep

from tests.support.chatgpt_machine import Machine, Person, ask
from tests.support.run_clock import RunClock
from tests.support.session import blocked


def test_from_an_empty_machine_to_an_answer(machine: Machine) -> None:
    provider = machine.provider()
    assert provider.auth_status() == "unauthenticated"
    with pytest.raises(AuthenticationError, match=re.escape(LOGIN_COMMAND)):
        ask(provider)
    person = Person(machine.service)
    assert provider.login(person) is True
    assert provider.auth_status() == "authenticated"
    assert "ada@example.com" in person.text
    assert str(machine.file) in person.text
    assert ask(provider).text
    (request,) = machine.emulator.model_requests
    assert request.headers["chatgpt-account-id"] == machine.service.account.account_id
    assert request.headers["originator"] == "amplifier"
    assert request.headers["user-agent"].startswith("amplifier/")


def test_the_sign_in_shows_address_code_and_warning(machine: Machine) -> None:
    person = Person(machine.service)
    machine.provider().login(person)
    shown, (code,) = person.read[0], machine.service.user_codes
    lines = [line.strip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= 80
    shown = " ".join(shown.split())
    assert code in lines, "on a line of its own"
    assert f"{machine.emulator.origin}/codex/device" in lines
    assert "within 15 minutes" in shown
    assert "Never share it" in shown
    assert "Settings, Security" in shown
    assert not any(mark in person.text for mark in "[]"), "hosts take them for markup"


def test_the_requests_are_those_of_the_protocol(machine: Machine) -> None:
    machine.provider().login(Person(machine.service))
    (begun,), (polled, *_), (exchanged,) = (
        machine.service.requests_to(step) for step in ("usercode", "poll", "exchange")
    )
    assert begun.body == {"client_id": "app_EMoamEEZ73f0CkXaXp7hrann"}
    assert set(polled.body) == {"device_auth_id", "user_code"}
    assert exchanged.body["redirect_uri"] == f"{machine.emulator.origin}/deviceauth/callback"
    assert exchanged.body["code_verifier"], "the service's own"
    assert {each.headers["originator"] for each in machine.service.requests_to()} == {"amplifier"}


@pytest.mark.parametrize("interval", ["0.03", 0.03, 0, "soon"], ids=str)
@pytest.mark.parametrize("status", [403, 404])
def test_a_pending_poll_is_known_by_its_status_and_any_interval_is_accepted(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, interval: Any, status: int
) -> None:
    monkeypatch.setattr("amplifier_module_provider_chatgpt_oauth.auth.issuer._POLL_INTERVAL_S", 0.03)
    machine.service.interval, machine.service.pending_status, machine.service.pending_polls = interval, status, 3
    assert machine.provider().login(Person(machine.service, lambda: None))
    assert len(machine.service.requests_to("poll")) == 4


def test_a_declined_sign_in_is_reported(machine: Machine) -> None:
    person = Person(machine.service, machine.service.decline)
    assert machine.provider().login(person) is False
    assert "declined" in person.text
    assert not machine.file.exists()


def test_a_code_that_expires_at_the_service_is_reported(machine: Machine) -> None:
    person = Person(machine.service, machine.service.expire)
    assert machine.provider().login(person) is False
    assert "expired" in person.text
    assert len(machine.service.user_codes) == 1, "nobody is there to be asked whether to go on"


def test_a_code_that_expires_by_our_clock_is_reported(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amplifier_module_provider_chatgpt_oauth.auth.issuer._CODE_LIFETIME_S", 0.3)
    person = Person(machine.service, lambda: None)
    began_s = time.monotonic()
    with RunClock() as run_clock:
        assert machine.provider().login(person) is False
    assert time.monotonic() - began_s > 0.25
    assert run_clock.elapsed_s < 10
    assert "not entered" in person.text


def test_polls_slow_down_when_the_service_asks_for_it(machine: Machine) -> None:
    machine.service.pending_polls = 4

    def hurry() -> None:
        machine.service.slow_down(2)

    assert machine.provider().login(Person(machine.service, hurry))
    at_s = [each.at_s for each in machine.service.requests_to("poll")]
    gaps_s = [after - before for before, after in itertools.pairwise(at_s)]
    assert gaps_s[0] >= 0.02 * 1.2 + 0.05
    assert gaps_s[1] >= 0.02 * 1.2 + 2 * 0.05
    assert gaps_s[-1] >= 0.02 * 1.2 + 2 * 0.05, "and it stays slow"


def test_device_codes_that_are_switched_off_are_reported(machine: Machine) -> None:
    machine.service.disable()
    person = Person(machine.service)
    assert machine.provider().login(person) is False
    assert "Settings" in person.text
    assert "administrator" in person.text


def test_the_wrong_workspace_is_refused_and_its_tokens_are_ended(machine: Machine) -> None:
    person = Person(machine.service)
    assert machine.provider(workspace="team-of-mine").login(person) is False
    assert "team-of-mine" in person.text
    assert machine.service.account.account_id in person.text
    assert not machine.file.exists()
    (revoked,) = machine.service.requests_to("revoke")
    assert not machine.service.is_live(revoked.body["token"])


def test_the_right_workspace_is_taken(machine: Machine) -> None:
    team = Account(account_id="team-of-mine", plan="team")
    person = Person(machine.service, lambda: machine.service.approve(account=team))
    provider = machine.provider(workspace="team-of-mine")
    assert provider.login(person)
    ask(provider)
    assert machine.emulator.model_requests[-1].headers["chatgpt-account-id"] == "team-of-mine"


FAULTS: list[Any] = [
    HttpReply(503, {"error": "busy"}),
    HttpReply(500, "<html>oops</html>"),
    HttpReply(429, {"error": "slow_down"}),
    cloudflare_challenge(),
    Disconnect(),
    Disconnect(reset=True),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(getattr(fault, "status", fault))[:40])
@pytest.mark.parametrize("step", ["poll", "exchange"])
def test_a_sign_in_survives_passing_failures(machine: Machine, step: SignInStep, fault: Any) -> None:
    machine.service.script(step, fault, fault)
    assert machine.provider().login(Person(machine.service))
    assert len(machine.service.requests_to("usercode")) == 1


def test_an_answer_that_was_lost_with_the_tokens_ends_the_sign_in(machine: Machine) -> None:
    machine.service.script("exchange", LoseReply())
    person = Person(machine.service)
    assert machine.provider().login(person) is False
    assert "invalid_grant" in person.text
    assert len(machine.service.requests_to("exchange")) == 2


@pytest.mark.parametrize(
    "fault", [HttpReply(400, {"error": "no"}), HttpReply(200, "hello"), HttpReply(200, {}), Disconnect()]
)
def test_a_sign_in_without_a_code_is_reported(machine: Machine, fault: Any) -> None:
    machine.service.script("usercode", fault)
    person = Person(machine.service)
    assert machine.provider().login(person) is False
    assert "Not signed in" in person.text


def test_tokens_without_an_account_are_refused(machine: Machine) -> None:
    nobody = Account(account_id="", plan="")
    person = Person(machine.service, lambda: machine.service.approve(account=nobody))
    assert machine.provider().login(person) is False
    assert "do not name a ChatGPT account" in person.text


def test_a_new_sign_in_revokes_the_previous_one(machine: Machine) -> None:
    before = machine.keep(machine.service.token_set())
    assert machine.provider().login(Person(machine.service))
    assert not machine.service.is_live(before.refresh_token)
    assert machine.service.is_live(machine.kept["refresh_token"])


def test_the_token_store_is_checked_before_the_user_signs_in(machine: Machine) -> None:
    machine.home.chmod(0o777)
    person = Person(machine.service)
    assert machine.provider().login(person) is False
    assert "chmod" in person.text
    assert not machine.service.requests_to()


def test_in_one_process_the_new_account_counts_at_once(machine: Machine) -> None:
    machine.keep(machine.service.token_set())
    provider = machine.provider()
    ask(provider)
    bob = Account(email="bob@example.com", account_id="account-of-bob")
    assert provider.login(Person(machine.service, lambda: machine.service.approve(account=bob)))
    ask(provider)
    ids = [each.headers["chatgpt-account-id"] for each in machine.emulator.model_requests]
    assert ids == [machine.service.account.account_id, "account-of-bob"]


def test_ctrl_c_stops_a_sign_in_at_once(machine: Machine) -> None:
    machine.service.interval = "300"
    words = [f"--set={key}={value}" for key, value in machine.settings().items()]
    process = subprocess.Popen(
        [sys.executable, "-c", CTRL_C, "login", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(machine.home)},
    )
    assert machine.emulator.wait_until(lambda: machine.service.requests_to("usercode"), 60)
    assert process.stderr is not None
    while machine.service.user_codes[0] not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    with RunClock() as run_clock:
        _, errors = process.communicate()
    assert run_clock.elapsed_s < 60, "the next poll is due in 300 s"
    assert process.returncode == 130
    assert errors.rstrip().endswith("stopped")
    assert "Traceback" not in errors


# A shell's background jobs ignore the signal, and tests may be one.
CTRL_C = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from amplifier_module_provider_chatgpt_oauth.__main__ import main
sys.exit(main())
"""


async def test_a_cancelled_sign_in_stops_polling(machine: Machine) -> None:
    provider = machine.provider()
    shown: list[object] = []
    account = provider.require_account()
    others = blocked()
    waiting = asyncio.ensure_future(account.sign_in_async(flow.Terminal(lambda text: None), shown.append))
    assert await machine.emulator.wait_until_async(lambda: machine.service.requests_to("poll"))
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    assert await machine.emulator.wait_until_async(lambda: blocked() <= others)
    polls = len(machine.service.requests_to("poll"))
    await asyncio.sleep(0.2)  # a pause of the machine cannot fail this; it can only hide a poll
    assert len(machine.service.requests_to("poll")) == polls
    assert "CANARY" not in repr(shown)


def test_an_invalid_setting_is_reported_at_sign_in(machine: Machine, tmp_path: Path) -> None:
    person = Person(machine.service)
    assert machine.provider(token_store="drawer").login(person) is False
    assert "token_store" in person.text
