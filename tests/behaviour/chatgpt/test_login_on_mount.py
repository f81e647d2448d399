"""When a session starts: the sign-in is offered once it is whole, where the settings want it, and never on a mock."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from amplifier_core import AmplifierSession
from amplifier_core.testing import MockCoordinator
from amplifier_module_provider_chatgpt_oauth import ChatgptOauthProvider, mount
from responses_emulator import SignInService

from tests.support.chatgpt_machine import ROW, Machine
from tests.support.kernels import Checkout
from tests.support.session import Recorder, blocked, other_tasks

PLAN = {
    "orchestrator": {"module": "loop-chat"},
    "context": {"module": "context-chat", "config": {"system": "Be brief."}},
}


class Display:
    """A host's display; `broken` raises as one does that takes square brackets for markup."""

    def __init__(self, service: SignInService, *, does: Any = None, broken: bool = False) -> None:
        self.shown: list[tuple[str, str, str]] = []
        self._service = service
        self._does = does or service.approve
        self._broken = broken

    def show_message(self, message: str, level: str, source: str = "hook") -> None:
        if self._service.user_codes and self._service.user_codes[-1] in message:
            self._does()
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


async def test_in_a_terminal_the_sign_in_is_offered_by_itself(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_terminal(monkeypatch)
    display = Display(machine.service)
    async with Started(machine, display) as started:
        assert machine.file.exists()
        assert await started.session.execute("hello")
        (event,) = started.recorder.named("provider:auth_required")
    assert event["verification_uri"] == f"{machine.emulator.origin}/codex/device"
    assert event["expires_in_minutes"] == 15
    assert event["provider"] == "chatgpt-oauth"
    assert machine.service.canary not in repr(event)
    assert "Signed in as ada@example.com" in display.text
    assert {(level, source) for _, level, source in display.shown} == {("info", "chatgpt-oauth")}
    assert not any(mark in display.text for mark in "[]")


CASES = [
    ("auto", False, False),
    ("false", True, False),
    ("true", False, True),
    (False, True, False),
    (True, False, True),
    ("", True, True),
]


@pytest.mark.parametrize(("setting", "terminal", "offered"), CASES)
async def test_login_on_mount_decides_when_the_sign_in_is_offered(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, setting: Any, terminal: bool, offered: bool
) -> None:
    a_terminal(monkeypatch, terminal)
    display = Display(machine.service)
    async with Started(machine, display, login_on_mount=setting):
        assert bool(machine.service.user_codes) is offered
        assert bool(display.shown) is offered


async def test_the_sign_in_is_not_offered_to_a_signed_in_user_or_a_sub_agent(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_terminal(monkeypatch)
    display = Display(machine.service)
    async with Started(machine, display, parent="parent-session"):
        assert not machine.service.user_codes
    machine.keep(machine.service.token_set(lifetime_s=-10))
    async with Started(machine, display):
        assert not machine.service.user_codes
    assert not display.shown
    assert not machine.emulator.requests


async def test_a_broken_display_leaves_the_code_to_standard_error(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_terminal(monkeypatch)
    async with Started(machine, Display(machine.service, broken=True)):
        pass
    assert machine.service.user_codes[0] in capsys.readouterr().err


async def test_a_session_starts_although_the_sign_in_was_declined(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_terminal(monkeypatch)
    display = Display(machine.service, does=machine.service.decline)
    async with Started(machine, display) as started:
        assert "Not signed in to ChatGPT: the sign-in was declined" in display.text
        with pytest.raises(RuntimeError, match="AuthenticationError"):
            await started.session.execute("hello")


async def test_leaving_a_session_stops_its_sign_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    threads = blocked()
    started = Started(machine, Display(machine.service, does=lambda: None))
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
