"""No token, code or verifier in any log, event, exception, repr, or on a screen, whatever happens."""

from __future__ import annotations

import asyncio
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError
from amplifier_module_provider_chatgpt_oauth.auth.tokens import Tokens
from responses_emulator import Disconnect, HttpReply, LoseReply, SignInService, invalid_token

from tests.security.test_call_secrets import chain, everything, leaks
from tests.support.chatgpt_machine import Machine, Person, ask

__all__ = ["everything"]
CHATTY = dict.fromkeys(["raw", "debug", "raw_debug"], True)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    def read() -> str:
        out, err = capsys.readouterr()
        return out + err

    return read


def echo(service: SignInService) -> HttpReply:
    """A refusal that repeats all that it was sent."""
    return HttpReply(400, {"error": {"message": f"bad: {service.canary}", "code": "odd", "param": service.canary}})


def check(service: SignInService, log: pytest.LogCaptureFixture, printed: str, *more: Any) -> None:
    """The canary is in every token and code."""
    for record in log.records:
        assert service.canary not in record.getMessage(), record.name
        assert service.canary not in repr(record.args), record.name
        assert record.exc_info is None or not leaks(service.canary, record.exc_info[1])
    assert service.canary not in printed
    for value in more:
        assert service.canary not in repr(value)
        if isinstance(value, BaseException):
            for error in chain(value):
                assert not leaks(service.canary, error), type(error)
            assert service.canary not in "".join(traceback.format_exception(value))


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
def test_signing_in(
    machine: Machine, everything: pytest.LogCaptureFixture, printed: Callable[[], str], what: str
) -> None:
    service = machine.service
    person = Person(service, lambda: SIGN_INS[what](service))
    provider = machine.provider()
    provider.login(person)
    shown = "\n".join(text for text in person.read if service.user_codes[0] not in text)
    check(service, everything, printed(), shown, provider, provider.require_account(), vars(provider.require_account()))
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
async def test_renewing(
    machine: Machine, everything: pytest.LogCaptureFixture, printed: Callable[[], str], what: str
) -> None:
    machine.keep(machine.service.token_set(lifetime_s=-10))
    RENEWALS[what](machine.service)
    session = await machine.session(**CHATTY, max_retries=0)
    outcome: Any = None
    try:
        await session.ask("hello")
    except LLMError as error:
        outcome = error
    told = json.dumps([event.data for event in session.recorder.events])
    check(machine.service, everything, printed(), told, outcome)


async def test_a_refused_call(
    machine: Machine, everything: pytest.LogCaptureFixture, printed: Callable[[], str]
) -> None:
    machine.keep(machine.service.token_set())
    session = await machine.session(**CHATTY, max_retries=0)
    for reply in (invalid_token(), invalid_token(), echo_of_the_token(machine)):
        machine.emulator.script(reply)
    outcomes = []
    for _ in range(2):
        with pytest.raises(LLMError) as caught:
            await session.ask("hello")
        outcomes.append(caught.value)
    told = json.dumps([event.data for event in session.recorder.events])
    check(machine.service, everything, printed(), told, *outcomes)


def echo_of_the_token(machine: Machine) -> Any:
    def reply(request: Any) -> HttpReply:
        return HttpReply(400, {"error": {"message": f"odd: {request.headers['authorization']}"}})

    return reply


def test_commands_and_their_rows(
    machine: Machine, everything: pytest.LogCaptureFixture, printed: Callable[[], str]
) -> None:
    machine.keep(machine.service.token_set())
    provider = machine.provider()
    asyncio.run(close_after(provider))
    provider.logout()
    check(machine.service, everything, printed(), provider)


async def close_after(provider: Any) -> None:
    await provider.list_models()
    await provider.close()


def test_what_is_kept_shows_nothing_of_itself(machine: Machine) -> None:
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
