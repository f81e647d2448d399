"""The first call of a session offers the sign-in to a user at a terminal; mounting does so only if the settings ask."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from amplifier_core import AmplifierSession
from amplifier_core.llm_errors import AuthenticationError
from amplifier_core.testing import MockCoordinator
from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider, mount
from responses_emulator import HttpReply, SignInService

from tests.support.chatgpt_machine import ROW, Machine
from tests.support.kernels import Checkout
from tests.support.session import Recorder, asking, blocked, other_tasks

PLAN = {
    "orchestrator": {"module": "loop-chat"},
    "context": {"module": "context-chat", "config": {"system": "Be brief."}},
}


class Display:
    """A host's display; `broken` raises as one does that takes square brackets for markup."""

    def __init__(self, service: SignInService, *, does: Any = None, broken: bool = False) -> None:
        self.shown: list[tuple[str, str, str]] = []
        self.threads: set[threading.Thread] = set()
        self._service = service
        self._does = does or service.approve
        self._broken = broken

    def show_message(self, message: str, level: str, source: str = "hook") -> None:
        if self._service.user_codes and self._service.user_codes[-1] in message:
            self._does()
        self.threads.add(threading.current_thread())
        if self._broken:
            raise ValueError("markup")
        self.shown.append((message, level, source))

    @property
    def text(self) -> str:
        return "\n".join(message for message, _, _ in self.shown)


def a_terminal(monkeypatch: pytest.MonkeyPatch, there: bool = True) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: there, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: there, raising=False)


class Started:
    """A session on the kernel's own, begun."""

    def __init__(self, machine: Machine, display: Display, *, parent: str | None = None, **settings: Any) -> None:
        config = {"module": ROW.module, "config": machine.settings(**settings)}
        plan = {"session": PLAN, "providers": [config], "tools": []}
        self.session = AmplifierSession(plan, display_system=display, parent_id=parent)
        self.recorder = Recorder(self.session.coordinator.hooks)

    async def __aenter__(self) -> Started:
        await self.session.coordinator.mount("module-source-resolver", Checkout(by_path=True))
        await self.session.initialize()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.cleanup()


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of a keyboard that stands in for standard input."""
    a_terminal(monkeypatch)
    main, side = os.openpty()
    with os.fdopen(side, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield main
    os.close(main)


async def test_the_first_call_offers_the_sign_in_and_then_responds(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_terminal(monkeypatch)
    display = Display(machine.service)
    async with Started(machine, display) as started:
        assert not machine.emulator.requests
        assert not display.shown
        assert await started.session.execute("hello")
        assert await started.session.execute("hello again")
        (event,) = started.recorder.named("provider:auth_required")
    assert machine.file.exists()
    assert len(machine.service.user_codes) == 1
    assert event["verification_uri"] == f"{machine.emulator.origin}/codex/device"
    assert event["expires_in_minutes"] == 15
    assert event["provider"] == "chatgpt-oauth"
    assert machine.service.canary not in repr(event)
    for text in (event["verification_uri"], "within 15 minutes", "Signed in as ada@example.com"):
        assert text in display.text
    assert {(level, source) for _, level, source in display.shown} == {("info", "chatgpt-oauth")}
    assert display.threads == {threading.current_thread()}
    assert not any(mark in display.text for mark in "[]")


async def test_parallel_first_calls_offer_one_sign_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    display = Display(machine.service)
    async with Started(machine, display) as one, Started(machine, display, parent="parent-session") as other:
        sessions = (one.session, other.session)
        assert all(await asyncio.gather(*(session.execute("hello") for session in sessions)))
    assert len(machine.service.user_codes) == 1
    assert display.text.count("Signed in as") == 1


async def test_a_list_of_models_offers_no_sign_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    display = Display(machine.service)
    async with Started(machine, display) as started:
        provider = started.session.coordinator.get("providers")["chatgpt-oauth"]
        with pytest.raises(AuthenticationError, match="nobody is signed in"):
            await provider.list_models()
    assert not machine.service.user_codes
    assert not display.shown


CASES = [  # the settings, a terminal, offered at the start, offered by the first call
    ({}, True, False, True),
    ({}, False, False, False),
    ({"login_on_use": False}, True, False, False),
    ({"login_on_use": "false"}, True, False, False),
    ({"login_on_mount": "auto"}, True, False, True),
    ({"login_on_mount": "false"}, True, False, True),
    ({"login_on_mount": ""}, True, False, True),
    ({"login_on_mount": "true"}, False, True, False),
    ({"login_on_mount": True}, True, True, False),
]


@pytest.mark.parametrize(("settings", "terminal", "at_start", "at_first_call"), CASES)
async def test_the_settings_decide_when_the_sign_in_is_offered(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    terminal: bool,
    at_start: bool,
    at_first_call: bool,
) -> None:
    a_terminal(monkeypatch, terminal)
    display = Display(machine.service)
    async with Started(machine, display, **settings) as started:
        assert (len(machine.service.user_codes), bool(display.shown)) == (at_start, at_start)
        if at_start or at_first_call:
            assert await started.session.execute("hello")
        else:
            with pytest.raises(RuntimeError, match=r"nobody is signed in to ChatGPT: run `.*login`"):
                await started.session.execute("hello")
        assert len(machine.service.user_codes) == at_start + at_first_call


async def test_the_sign_in_is_not_offered_to_a_signed_in_user(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_terminal(monkeypatch)
    display = Display(machine.service)
    machine.keep(machine.service.token_set(lifetime_s=-10))
    async with Started(machine, display, login_on_mount=True) as started:
        assert await started.session.execute("hello")
    assert not machine.service.user_codes
    assert not display.shown


async def test_a_sub_agent_never_signs_in_at_its_start(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    async with Started(machine, Display(machine.service), parent="parent-session", login_on_mount=True):
        assert not machine.service.user_codes


async def test_the_first_call_after_the_end_of_a_sign_in_offers_another(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = machine.keep(machine.service.token_set(lifetime_s=-10))
    machine.service.end_sign_in(tokens)
    a_terminal(monkeypatch, False)
    async with Started(machine, Display(machine.service)) as started:
        with pytest.raises(RuntimeError, match="Sign in again"):
            await started.session.execute("hello")
    a_terminal(monkeypatch)
    async with Started(machine, Display(machine.service)) as started:
        assert await started.session.execute("hello")
    assert len(machine.service.user_codes) == 1


async def test_a_broken_display_leaves_the_code_to_standard_error(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_terminal(monkeypatch)
    async with Started(machine, Display(machine.service, broken=True)) as started:
        assert await started.session.execute("hello")
    assert machine.service.user_codes[0] in capsys.readouterr().err


@pytest.mark.parametrize("at", ["start", "first call"])
async def test_a_user_who_declines_in_the_browser_is_not_asked_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    a_terminal(monkeypatch)
    display = Display(machine.service, does=machine.service.decline)
    for _ in range(2):
        async with Started(machine, display, login_on_mount=at == "start") as started:
            for _ in range(2):
                with pytest.raises(RuntimeError, match=r"run `.*` \(the sign-in was declined in the browser\)"):
                    await started.session.execute("hello")
    assert len(machine.service.user_codes) == 1


@pytest.mark.parametrize("word", ["n", " No ", "q"])
async def test_a_user_declines_at_the_keyboard(machine: Machine, keyboard: int, word: str) -> None:
    display = Display(machine.service, does=lambda: os.write(keyboard, f"{word}\n".encode()))
    async with Started(machine, display) as started:
        for _ in range(2):
            with pytest.raises(RuntimeError, match=r"run `.*` \(the sign-in was declined\)"):
                await started.session.execute("hello")
    assert "To go on without signing in, type n and press Enter." in display.text
    assert len(machine.service.user_codes) == 1


async def test_a_cancelled_call_stops_its_sign_in_for_good(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    threads = blocked()
    async with Started(machine, Display(machine.service, does=lambda: None)) as started:
        provider = started.session.coordinator.get("providers")["chatgpt-oauth"]
        first = asyncio.ensure_future(provider.complete(asking("hello")))
        assert await machine.emulator.wait_until_async(lambda: len(machine.service.requests_to("poll")) > 2)
        # It began later, because the first of two that begin at once need not be the one that signs in.
        second = asyncio.ensure_future(provider.complete(asking("hello")))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(AuthenticationError, match="the sign-in was stopped"):
            await second
        with pytest.raises(AuthenticationError, match="the sign-in was stopped"):
            await provider.complete(asking("hello"))
    assert await machine.emulator.wait_until_async(lambda: blocked() <= threads)
    assert len(machine.service.user_codes) == 1
    assert not other_tasks()


async def test_closing_a_provider_stops_its_sign_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    threads = blocked()
    provider = machine.provider()
    call = asyncio.ensure_future(provider.complete(asking("hello")))
    assert await machine.emulator.wait_until_async(lambda: machine.service.requests_to("poll") != [])
    await provider.close()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await machine.emulator.wait_until_async(lambda: blocked() <= threads)


async def test_a_failed_offer_is_made_again(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    machine.service.script("usercode", HttpReply(503, "busy"))
    async with Started(machine, Display(machine.service)) as started:
        with pytest.raises(RuntimeError, match="503"):
            await started.session.execute("hello")
        assert await started.session.execute("hello")


async def test_leaving_a_session_stops_the_sign_in_of_its_start(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_terminal(monkeypatch)
    threads = blocked()
    started = Started(machine, Display(machine.service, does=lambda: None), login_on_mount=True)
    beginning = asyncio.ensure_future(started.__aenter__())
    assert await machine.emulator.wait_until_async(lambda: len(machine.service.requests_to("poll")) > 2)
    beginning.cancel()
    await asyncio.gather(beginning, return_exceptions=True)
    await started.session.cleanup()
    assert await machine.emulator.wait_until_async(lambda: blocked() <= threads)
    polls = len(machine.service.requests_to("poll"))
    await asyncio.sleep(0.3)  # a pause of the machine cannot fail this; it can only hide a poll
    assert len(machine.service.requests_to("poll")) == polls
    assert not other_tasks()


async def test_mounting_offers_no_sign_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    coordinator: Any = MockCoordinator()
    cleanup = await mount(coordinator, machine.settings(login_on_mount="true"))
    assert not machine.emulator.requests
    found = coordinator.get_capability("auth:oauth-device-code")
    assert isinstance(found, ChatgptOauthProvider)
    assert found.auth_status() == "unauthenticated"
    await cleanup()


async def test_an_invalid_setting_offers_no_sign_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    display = Display(machine.service)
    async with Started(machine, display, login_on_mount="maybe"):
        assert not machine.service.user_codes
