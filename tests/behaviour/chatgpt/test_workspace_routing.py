"""Where a workspace wants its requests: asked once per sign-in and refresh, used as OpenAI's own client uses it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from amplifier_core.llm_errors import ConfigurationError
from amplifier_module_provider_chatgpt_oauth import routing
from amplifier_module_provider_chatgpt_oauth.account_settings import AccountSettings
from responses_emulator import (
    Account,
    Emulator,
    HttpReply,
    SignInService,
    Workspaces,
    chatgpt_surfaces,
    invalid_token,
)

from tests.support.chatgpt_machine import Machine
from tests.support.session import Session, asking

ONLY_ALLOWED = pytest.mark.promise(
    "a token goes where an answer of the service sends it",
    area="security",
    without={
        "openai-v2": "no answer of the service names another address",
        "azure-openai-v2": "no answer of the service names another address",
    },
)
OVERRIDE = "x-openai-account-routing-override"


@pytest.fixture
def ready(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """No answer of the service is too late, however slow this machine is."""
    monkeypatch.setattr(routing, "_WAIT_S", 60.0)
    machine.keep(machine.service.token_set())
    return machine


@pytest.fixture
def elsewhere(service: SignInService) -> Iterator[Emulator]:
    """The service at another origin."""
    with Emulator(surfaces=chatgpt_surfaces(service)) as running:
        yield running


def checks(machine: Machine) -> list[Any]:
    return [each for each in machine.emulator.requests if each.path == "/backend-api/wham/accounts/check"]


async def wait_for_answers(session: Session) -> None:
    """Wait until nothing is being asked."""
    pending = session.provider._backend.transport._routing._pending
    assert pending is not None
    await asyncio.wrap_future(pending)


async def test_an_account_without_constraints_is_asked_for_once(ready: Machine) -> None:
    first, second = await ready.session(), ready.provider()
    await asyncio.gather(first.ask("a"), first.ask("b"), second.complete(asking("c")))
    await first.ask("d")
    await second.close()
    (check,) = checks(ready)
    assert check.headers["authorization"].startswith("Bearer ey")
    assert check.headers["chatgpt-account-id"] == ready.service.account.account_id
    assert [OVERRIDE in each.headers for each in ready.emulator.model_requests] == [False] * 4


async def test_an_override_is_a_header_of_model_requests(ready: Machine, workspaces: Workspaces) -> None:
    workspaces.routing_override = "us_cr"
    session = await ready.session()
    await session.ask("hello")
    await session.provider.list_models()
    sent = {each.path.rpartition("/")[2]: each.headers.get(OVERRIDE) for each in ready.emulator.requests}
    assert sent == {"check": None, "responses": "us_cr", "models": None}


async def test_a_refresh_asks_again(ready: Machine, workspaces: Workspaces) -> None:
    session = await ready.session()
    await session.ask("hello")
    workspaces.routing_override = "us"
    session.emulator.script(invalid_token())
    await session.ask("hello")
    await session.ask("hello")
    await wait_for_answers(session)
    await session.ask("hello")
    assert len(checks(ready)) == 2
    assert ready.sent[-1] != ready.sent[0]
    assert session.emulator.model_requests[-1].headers[OVERRIDE] == "us"


async def test_a_refused_token_leaves_the_answer_to_the_next_one(ready: Machine, workspaces: Workspaces) -> None:
    """The call after the refresh waits for it, as the first one of a sign-in does."""
    workspaces.routing_override = "us"
    ready.service.reject_access_token(ready.kept["access_token"])
    session = await ready.session()
    await session.ask("hello")
    await session.ask("hello")
    assert [each.status for each in checks(ready)] == [401, 200]
    assert session.emulator.model_requests[-1].headers[OVERRIDE] == "us"


async def test_a_sign_in_of_another_account_asks_again(ready: Machine, workspaces: Workspaces) -> None:
    workspaces.routing_override = "us"
    session = await ready.session()
    await session.ask("hello")
    workspaces.reply = HttpReply(404, {"detail": "Not Found"})
    account = session.provider.require_account()
    bob = Account(email="bob@example.com", account_id="b0b", user_id="user-Bob", subject="auth0|Bob")
    ready.keep(ready.service.token_set(bob))
    account.source = account._build_source()
    await session.ask("hello")
    assert len(checks(ready)) == 2
    assert OVERRIDE not in session.emulator.model_requests[-1].headers, "the answer for Ada is not Bob's"


async def test_model_requests_go_to_the_origin_of_the_workspace(
    ready: Machine, workspaces: Workspaces, elsewhere: Emulator
) -> None:
    workspaces.backend_origin = elsewhere.origin
    session = await ready.session()
    for text in ("hello", "again"):
        await session.ask(text)
    await session.provider.list_models()
    assert (len(ready.emulator.model_requests), len(elsewhere.model_requests)) == (0, 2)
    assert len({each.connection for each in elsewhere.model_requests}) == 1
    assert elsewhere.model_requests[0].headers["version"] == "1.0.0"
    assert [each.path for each in ready.emulator.requests][-1] == "/backend-api/codex/models"
    await session.cleanup()
    assert await elsewhere.wait_until_async(lambda: elsewhere.open_connections == 0)


ODD_ORIGINS: list[Any] = [
    "https://evil.example",
    "https://chatgpt.com.evil.example",
    "https://chatgpt.com",
    "http://chatgpt.com",
    "https://user:pw@127.0.0.1",
    "https://127.0.0.1/path",
    "https://127.0.0.1?x=1",
    "ftp://127.0.0.1",
    "nonsense",
    "",
    None,
    5,
    ["https://127.0.0.1"],
    {},
]


@ONLY_ALLOWED
@pytest.mark.parametrize("origin", ODD_ORIGINS, ids=str)
async def test_a_token_goes_to_no_origin_that_is_not_allowed(
    ready: Machine, workspaces: Workspaces, origin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The configured address is this machine, so the service on the network is not allowed either."""
    workspaces.backend_origin = origin
    session = await ready.session()
    for _ in range(2):
        await session.ask("hello")
    assert session.sent == 2
    warnings = [each for each in caplog.records if "the address that the workspace names" in each.getMessage()]
    assert len(warnings) == (1 if isinstance(origin, str) and origin else 0)
    assert all("pw" not in each.getMessage() for each in warnings)


MOVES = [
    ({}, "https://us.chatgpt.com", "https://us.chatgpt.com/backend-api/codex"),
    ({}, "https://eu.api.openai.com/", "https://eu.api.openai.com/backend-api/codex"),
    ({}, "http://us.chatgpt.com", None),
    ({}, "https://127.0.0.1:8000", None),
    ({}, "http://localhost:8000", None),
    ({}, "https://openai.com.evil.example", None),
    ({"base_url": "https://gate.example/codex"}, "https://us.chatgpt.com", None),
    ({"base_url": "https://gate.example/codex"}, "https://gate.example:8443", "https://gate.example:8443/codex"),
    ({"base_url": "http://127.0.0.1:1/a/b"}, "http://127.0.0.1:2", "http://127.0.0.1:2/a/b"),
    ({"base_url": "http://127.0.0.1:1/a/b"}, "https://us.chatgpt.com", None),
]


@ONLY_ALLOWED
@pytest.mark.parametrize(("settings", "origin", "expected"), MOVES)
def test_an_origin_is_used_if_the_configured_address_may_lead_there(
    settings: dict[str, str], origin: str, expected: str | None
) -> None:
    account = AccountSettings.from_config({"allowed_hosts": "gate.example", "token_store": "memory", **settings})
    if expected is None:
        with pytest.raises(ConfigurationError):
            account.move_base_url(origin)
    else:
        assert account.move_base_url(origin) == expected


FAULTS = [
    HttpReply(500, {"detail": "x"}),
    HttpReply(429, {"detail": "x"}),
    HttpReply(404, {"detail": "x"}),
    HttpReply(401, {"detail": "x"}),
    HttpReply(403, "<html>Just a moment...</html>"),
    HttpReply(302, "", {"location": "https://evil.example"}),
    HttpReply(200, "<html>"),
    HttpReply(200, {}),
    HttpReply(200, {"accounts": {}}),
    HttpReply(200, {"accounts": [5, {"id": "somebody else", "account_routing_override": "us"}]}),
    HttpReply(200, {"accounts": [{"id": 5}]}),
]


@pytest.mark.parametrize("reply", FAULTS, ids=str)
async def test_no_answer_stops_a_call(
    ready: Machine, workspaces: Workspaces, reply: HttpReply, caplog: pytest.LogCaptureFixture
) -> None:
    workspaces.reply = reply
    session = await ready.session()
    for _ in range(3):
        assert (await session.ask("hello")).text
    assert len(checks(ready)) == 1
    assert not [each for each in session.emulator.model_requests if OVERRIDE in each.headers]
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING and "rout" in each.getMessage()]
    assert len(set(ready.sent)) == 1, "and none refreshes the token"


@pytest.mark.parametrize("override", ["us\r\nx: y", "caf\u00e9", "", " ", 5, None, ["us"], "x" * 99], ids=repr)
async def test_an_odd_override_is_not_sent(ready: Machine, workspaces: Workspaces, override: Any) -> None:
    workspaces.routing_override = override
    session = await ready.session()
    await session.ask("hello")
    assert OVERRIDE not in session.emulator.model_requests[0].headers


async def test_a_silent_answer_holds_up_the_first_call_for_a_moment_only(
    ready: Machine, workspaces: Workspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "_WAIT_S", 0.01)
    document = workspaces.document(plan="plus", account_id=ready.service.account.account_id)
    document["accounts"][0]["account_routing_override"] = "us"
    workspaces.reply = HttpReply(200, document, delay_s=2.0)
    session = await ready.session()
    await session.ask("hello")
    assert OVERRIDE not in session.emulator.model_requests[0].headers
    await wait_for_answers(session)
    await session.ask("hello")
    assert session.emulator.model_requests[1].headers[OVERRIDE] == "us"
    assert len(checks(ready)) == 1


async def test_a_service_that_was_not_reached_is_asked_again_later(
    ready: Machine, workspaces: Workspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "_RETRY_INTERVAL_S", 0.0)
    workspaces.reply = HttpReply(503, {})
    session = await ready.session()
    await session.ask("hello")
    workspaces.reply, workspaces.routing_override = None, "us"
    await session.ask("hello")
    await wait_for_answers(session)
    await session.ask("hello")
    assert session.emulator.model_requests[2].headers[OVERRIDE] == "us"
    assert len(checks(ready)) == 2


async def test_routing_can_be_turned_off(ready: Machine) -> None:
    session = await ready.session(workspace_routing=False)
    await session.ask("hello")
    assert not checks(ready)


async def test_a_conversation_is_readable_at_another_origin(
    ready: Machine, workspaces: Workspaces, elsewhere: Emulator
) -> None:
    plain = await ready.session(workspace_routing=False)
    workspaces.backend_origin = elsewhere.origin
    moved = await ready.session()
    assert plain.provider._backend.transport.origin == moved.provider._backend.transport.origin
    await moved.ask("hello")
    assert plain.provider._backend.transport.origin == moved.provider._backend.transport.origin
