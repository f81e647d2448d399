"""Waiting for a person: how often the service is asked, what is survived, when it ends, and what is on the screen."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError, NetworkError, ProviderUnavailableError
from openai_responses_common.auth import device_code as flow
from openai_responses_common.auth.background import run_stoppable
from openai_responses_common.auth.device_code import (
    AuthorizationPending,
    CodeExpired,
    DeviceCode,
    sign_in,
    wait_for_approval,
)
from openai_responses_common.auth.terminal import Terminal

from tests.support.session import PATIENCE_S, blocked


class Patient(Terminal):
    """A screen on which waiting takes no time, and that remembers how long it would have waited."""

    def __init__(self, *, confirms: bool = False) -> None:
        self.said: list[str] = []
        super().__init__(self.said.append)
        self.waited: list[float] = []
        self._confirms = confirms

    def wait(self, seconds: float, left_s: Callable[[], float], stop: threading.Event | None = None) -> None:
        self.waited.append(round(seconds, 3))

    def ask_to_continue(self, question: str) -> bool:
        self.said.append(question)
        return self._confirms


def code(**change: Any) -> DeviceCode:
    given = {"url": "https://example.com/device", "user_code": "WDJB-MJHT", "expires_in_s": 900.0, "interval_s": 5.0}
    return DeviceCode(**{**given, **change})


def polled(*answers: Any) -> Callable[[], Any]:
    """A poll that gives, or raises, one after another."""
    waiting = iter(answers)

    def poll() -> Any:
        answer = next(waiting)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return poll


@pytest.mark.parametrize(("interval_s", "pause_s"), [(5.0, 6.0), (0.0, 1.2), (0.2, 1.2), (10, 12.0)])
def test_it_asks_a_little_less_often_than_it_may(interval_s: float, pause_s: float) -> None:
    screen = Patient()
    assert (
        wait_for_approval(
            code(interval_s=interval_s), polled(AuthorizationPending(), AuthorizationPending(), "tokens"), screen
        )
        == "tokens"
    )
    assert screen.waited == [pause_s] * 3


def test_it_slows_down_when_it_is_told_and_stays_slow() -> None:
    screen = Patient()
    wait_for_approval(
        code(),
        polled(
            AuthorizationPending(slow_down=True), AuthorizationPending(), AuthorizationPending(slow_down=True), "tokens"
        ),
        screen,
    )
    assert screen.waited == [6.0, 11.0, 11.0, 16.0]


def test_what_may_pass_is_survived_and_a_wait_that_was_asked_for_is_kept() -> None:
    screen = Patient()
    faults = (NetworkError("gone", retryable=True), ProviderUnavailableError("busy", retry_after=7.0))
    assert wait_for_approval(code(), polled(*faults, AuthorizationPending(), "tokens"), screen) == "tokens"
    assert screen.waited == [6.0, 6.0, 13.0, 6.0]
    assert [text for text in screen.said if "goes on" in text] == [
        "gone. The sign-in goes on.",
        "busy. The sign-in goes on.",
    ]


def test_what_will_not_pass_ends_it() -> None:
    with pytest.raises(AuthenticationError, match="declined"):
        wait_for_approval(code(), polled(AuthenticationError("declined")), Patient())


def test_it_ends_with_the_code_after_one_last_question() -> None:
    asked = []

    def poll() -> AuthorizationPending:
        asked.append(1)
        return AuthorizationPending()

    screen = Patient()
    with pytest.raises(CodeExpired, match="15 minutes"):
        wait_for_approval(code(issued_s=time.monotonic() - 900), poll, screen)
    assert (len(asked), screen.waited) == (1, [0.0])


def test_a_code_that_the_service_never_confirmed_names_the_last_problem() -> None:
    late = code(issued_s=time.monotonic() - 900)
    with pytest.raises(CodeExpired, match="did not confirm the code within its 15 minutes: busy"):
        wait_for_approval(late, polled(ProviderUnavailableError("busy")), Patient())


def test_an_approval_at_the_last_moment_counts() -> None:
    late = code(issued_s=time.monotonic() - 900)
    assert wait_for_approval(late, polled("tokens"), Patient()) == "tokens"


def test_a_sign_in_that_nobody_wants_any_more_stops() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(AuthenticationError, match="stopped"):
        wait_for_approval(code(), polled("tokens"), Patient(), stop=stop)


def test_one_more_code_is_offered_and_no_third() -> None:
    codes = [code(user_code=f"CODE-{number}") for number in range(5)]
    given = iter(codes)
    screen = Patient(confirms=True)
    shown: list[DeviceCode] = []
    with pytest.raises(CodeExpired):
        sign_in(lambda: (next(given), polled(CodeExpired("over"))), screen, on_code_shown=shown.append)
    assert shown == codes[:2]
    assert sum("Press Enter for a new code" in text for text in screen.said) == 1


def test_without_anybody_there_no_further_code_is_asked_for() -> None:
    given = iter([code()])
    with pytest.raises(CodeExpired):
        sign_in(lambda: (next(given), polled(CodeExpired("over"))), Patient())


def test_the_code_is_not_in_a_repr() -> None:
    assert "WDJB" not in repr(code())


async def test_a_cancelled_caller_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "_MIN_POLL_INTERVAL_S", 0.01)
    shown: list[DeviceCode] = []
    asked: list[float] = []

    def poll() -> Any:
        asked.append(time.monotonic())
        return AuthorizationPending() if len(asked) < 3 else "tokens"

    def begin() -> Any:
        return code(interval_s=0.01), poll

    quiet = Terminal(lambda text: None)
    assert await run_stoppable(lambda stop: sign_in(begin, quiet, on_code_shown=shown.append, stop=stop)) == "tokens"
    assert len(shown) == 1
    asked.clear()
    others = blocked()
    endless = lambda: (code(interval_s=0.01), AuthorizationPending)  # noqa: E731
    waiting = asyncio.ensure_future(run_stoppable(lambda stop: sign_in(endless, quiet, stop=stop)))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(PATIENCE_S):
        while not blocked() <= others:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
