"""No token, code or verifier in any log, event, exception, repr, or on a screen, whatever happens."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError
from amplifier_module_provider_chatgpt_oauth.auth.tokens import Tokens
from responses_emulator import Disconnect, HttpReply, LoseReply, SignInService, invalid_token

from tests.support.chatgpt_machine import Machine, Person, ask
from tests.support.witness import CHATTY, Witness

pytestmark = pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security")


def echo(service: SignInService) -> HttpReply:
    """A refusal that repeats all that it was sent."""
    return HttpReply(400, {"error": {"message": f"bad: {service.canary}", "code": "odd", "param": service.canary}})


# what becomes of a sign-in
SIGN_INS: dict[str, Callable[[SignInService], Any]] = {
    "approved": lambda service: service.approve(),
    "declined": lambda service: service.decline(),
    "expired": lambda service: service.expire(),
    "echo at the poll": lambda service: (service.script("poll", echo(service)), service.approve()),
    "echo at the exchange": lambda service: (service.script("exchange", echo(service)), service.approve()),
    "lost": lambda service: (service.script("exchange", LoseReply()), service.approve()),
    "page": lambda service: (service.script("exchange", HttpReply(403, f"<p>{service.canary}</p>")), service.approve()),
    "broken": lambda service: (service.script("poll", Disconnect()), service.approve()),
}


@pytest.mark.parametrize("what", SIGN_INS, ids=SIGN_INS)
def test_a_sign_in_leaks_no_token(machine: Machine, witness: Witness, what: str) -> None:
    service = machine.service
    person = Person(service, lambda: SIGN_INS[what](service))
    provider = machine.provider()
    provider.login(person)
    shown = "\n".join(text for text in person.read if service.user_codes[0] not in text)
    account = provider.require_account()
    witness.check(service.canary, shown, provider, account, vars(account))
    assert service.canary in person.text, "the code was shown, on the screen that it was meant for"


RENEWALS: dict[str, Callable[[SignInService], Any]] = {
    "fine": lambda service: None,
    "echo": lambda service: service.script("refresh", echo(service)),
    "401 echo": lambda service: service.script("refresh", HttpReply(401, {"error": {"code": service.canary}})),
    "500 page": lambda service: service.script("refresh", HttpReply(500, service.canary)),
    "broken": lambda service: service.script("refresh", Disconnect()),
    "no header could carry it": lambda service: service.script(
        "refresh", HttpReply(200, {"access_token": f"{service.canary}\n", "refresh_token": "x"})
    ),
    "ended": lambda service: service.script("refresh", HttpReply(401, {"error": {"code": "refresh_token_reused"}})),
}


@pytest.mark.parametrize("what", RENEWALS, ids=RENEWALS)
async def test_a_refresh_leaks_no_token(machine: Machine, witness: Witness, what: str) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    RENEWALS[what](machine.service)
    session = await machine.session(**CHATTY, max_retries=0)
    outcome: Any = None
    try:
        await session.ask("hello")
    except LLMError as error:
        outcome = error
    witness.check(machine.service.canary, session.recorder.events, outcome)


async def test_a_refused_call_leaks_no_token(machine: Machine, witness: Witness) -> None:
    machine.keep(machine.service.token_set())
    session = await machine.session(**CHATTY, max_retries=0)
    for reply in (invalid_token(), invalid_token(), echo_of_the_token(machine)):
        machine.emulator.script(reply)
    outcomes = []
    for _ in range(2):
        with pytest.raises(LLMError) as caught:
            await session.ask("hello")
        outcomes.append(caught.value)
    witness.check(machine.service.canary, session.recorder.events, *outcomes)


def echo_of_the_token(machine: Machine) -> Any:
    def reply(request: Any) -> HttpReply:
        return HttpReply(400, {"error": {"message": f"odd: {request.headers['authorization']}"}})

    return reply


def test_the_output_of_commands_holds_no_token(machine: Machine, witness: Witness) -> None:
    machine.keep(machine.service.token_set())
    provider = machine.provider()
    asyncio.run(close_after(provider))
    provider.logout()
    witness.check(machine.service.canary, provider)


async def close_after(provider: Any) -> None:
    await provider.list_models()
    await provider.close()


def test_reprs_hold_no_token(machine: Machine) -> None:
    machine.keep(machine.service.token_set())
    provider = machine.provider()
    ask(provider)
    account = provider.require_account()
    tokens = account.load_tokens()
    assert isinstance(tokens, Tokens)
    for value in (provider, account, account.source, account.source.token, tokens, tokens.to_record(), vars(provider)):
        assert machine.service.canary not in repr(value)
    with pytest.raises(TypeError):
        pickle.dumps(account.source)


def test_the_file_holds_only_what_is_needed(machine: Machine) -> None:
    machine.provider().login(Person(machine.service))
    assert set(machine.kept) == {"access_token", "refresh_token", "email", "plan", "fedramp"}
