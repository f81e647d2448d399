"""A token source: one fetch for all who wait, ahead of the end, kept through an outage, and nobody held up by it."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from amplifier_core.llm_errors import AuthenticationError, LLMTimeoutError, ProviderUnavailableError
from openai_responses_common import Token, TokenSource
from openai_responses_common.auth import token_source as module

from tests.support.backends import ROOT
from tests.support.clock_leap import let_time_pass
from tests.support.run_clock import RunClock
from tests.support.session import PATIENCE_S

pytestmark = pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")

LIBRARY = ROOT / "libs" / "openai_responses_common"


@dataclass
class Service:
    """Gives numbered tokens; `lives_s` of each, what it raises instead, and how long it takes."""

    lives_s: float = 3600.0
    fails: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def fetch(self, refused: str | None) -> Token:
        self.asked.append(refused)
        number = len(self.asked)
        self.gate.wait(PATIENCE_S)
        if self.fails:
            raise self.fails
        return Token(value=f"token-{number}", expires_at_s=time.time() + self.lives_s)

    def source(self, **options: float) -> TokenSource:
        return TokenSource(self.fetch, description="asking the service", **options)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread
            await asyncio.sleep(0.005)


async def test_fifty_callers_share_one_fetch() -> None:
    service = Service()
    service.gate.clear()
    source = service.source()
    callers = [asyncio.create_task(source.get()) for _ in range(50)]
    await until(lambda: service.asked)
    service.gate.set()
    assert {token.value for token in await asyncio.gather(*callers)} == {"token-1"}
    assert (await source.get()).value == "token-1"
    assert service.asked == [None]


async def test_an_empty_token_is_an_error_and_scrubs_nothing() -> None:
    source = TokenSource(lambda _: Token(value="", expires_at_s=time.time() + 60), description="asking the service")
    with pytest.raises(AuthenticationError, match="asking the service: it returned an empty token"):
        await source.get()
    assert source.scrub("a text") == "a text"


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    service = Service()
    service.gate.clear()
    source = service.source()
    first, second = asyncio.create_task(source.get()), asyncio.create_task(source.get())
    await until(lambda: service.asked)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    service.gate.set()
    assert (await second).value == "token-1"


async def test_an_ageing_token_is_used_while_the_next_is_fetched() -> None:
    service = Service(lives_s=200)
    source = service.source()
    assert (await source.get()).value == "token-1"
    service.gate.clear()
    service.lives_s = 3600
    for _ in range(5):
        assert (await source.get()).value == "token-1"
    await until(lambda: len(service.asked) == 2)
    service.gate.set()
    await until(lambda: source.token and source.token.value == "token-2")
    assert (await source.get()).value == "token-2"
    assert len(service.asked) == 2


async def test_an_outage_is_not_noticed_while_the_token_lives() -> None:
    service = Service(lives_s=200)
    source = service.source()
    await source.get()
    service.fails = ProviderUnavailableError("down")
    for _ in range(20):
        assert (await source.get()).value == "token-1"
        await asyncio.sleep(0)
    await until(lambda: len(service.asked) == 2)
    assert (await source.get()).value == "token-1"
    assert len(service.asked) == 2, "and the service is left in peace for a while"


async def test_it_is_noticed_once_the_token_is_too_short() -> None:
    service = Service(lives_s=100)
    source = service.source()
    assert (await source.get()).value == "token-1", "a short token is better than none"
    service.fails = ProviderUnavailableError("down", status_code=503)
    with pytest.raises(ProviderUnavailableError, match="down") as caught:
        await source.get()
    assert (caught.value.retryable, caught.value.status_code) == (True, 503)
    service.fails = None
    assert (await source.get()).value == "token-3"


async def test_everybody_gets_the_error_with_a_traceback_of_their_own() -> None:
    service = Service(fails=AuthenticationError("no"))
    service.gate.clear()
    source = service.source()
    callers = [asyncio.create_task(source.get()) for _ in range(3)]
    await until(lambda: service.asked)
    service.gate.set()
    errors = await asyncio.gather(*callers, return_exceptions=True)
    assert {(type(error), str(error)) for error in errors} == {(AuthenticationError, "no")}
    assert len({id(error) for error in errors}) == 3
    assert len(service.asked) == 1


async def test_a_refused_token_is_replaced_once_for_all() -> None:
    service = Service()
    source = service.source()
    old = await source.get()
    tokens = await asyncio.gather(*[source.refresh(old.value) for _ in range(10)])
    assert {token.value for token in tokens} == {"token-2"}
    assert (await source.refresh(old.value)).value == "token-2", "somebody else has renewed it already"
    assert service.asked == [None, "token-1"]


async def test_a_fetch_that_brings_the_refused_token_is_made_again() -> None:
    tokens = iter(["same", "same", "other"])
    asked: list[str | None] = []

    def fetch(refused: str | None) -> Token:
        asked.append(refused)
        return Token(value=next(tokens), expires_at_s=time.time() + 3600)

    source = TokenSource(fetch, description="asking")
    await source.get()
    assert (await source.refresh("same")).value == "other"
    assert asked == [None, "same", "same"]


async def test_a_hanging_fetch_ends_with_its_deadline_and_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    service.gate.clear()
    source = service.source(deadline_s=30)
    first = asyncio.create_task(source.get())
    await until(lambda: service.asked)
    let_time_pass(30)
    with pytest.raises(LLMTimeoutError, match="asking the service took longer than 30 s") as caught:
        await first
    assert caught.value.retryable
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 31, time=time.time)
    monkeypatch.setattr(module, "time", later)
    second = asyncio.create_task(source.get())
    await until(lambda: len(service.asked) == 2)
    service.gate.set()
    assert (await second).value in {"token-1", "token-2"}


async def test_the_deadline_counts_from_the_beginning_of_the_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    service.gate.clear()
    source = service.source(deadline_s=300)
    first = asyncio.create_task(source.get())
    await until(lambda: service.asked)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 299.7, time=time.time)
    monkeypatch.setattr(module, "time", later)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(LLMTimeoutError):
            await source.get()
    assert len(service.asked) == 1
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    service.gate.set()


def test_several_event_loops_share_a_source() -> None:
    service = Service()
    source = service.source()
    assert asyncio.run(source.get()).value == asyncio.run(source.get()).value == "token-1"


def test_a_loop_may_end_while_a_token_is_fetched_for_it() -> None:
    service = Service()
    service.gate.clear()
    source = service.source()

    async def leave() -> None:
        task = asyncio.create_task(source.get())
        await until(lambda: service.asked)
        task.cancel()

    asyncio.run(leave())
    service.gate.set()
    assert asyncio.run(source.get()).value == "token-1"


@pytest.mark.promise("a token service in trouble and a clock that jumps cost no valid token", area="security")
async def test_a_clock_that_jumps_costs_a_fetch_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    source = service.source()
    await source.get()
    now_s = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now_s + 3600)
    assert (await source.get()).value == "token-2"
    monkeypatch.setattr(module.time, "time", lambda: now_s - 600)
    assert (await source.get()).value == "token-2"


@pytest.mark.promise("no log line, output, event, error or repr shows a secret", area="security")
def test_fetch_in_another_thread_does_not_disturb_scrubbing() -> None:
    source = Service().source()
    asyncio.run(source.get())

    class Text(str):
        """A text that lets another thread refresh the token while it is scrubbed."""

        __slots__ = ()

        def replace(self, *_: object) -> str:
            token = source.token
            assert token
            thread = threading.Thread(target=lambda: asyncio.run(source.refresh(token.value)))
            thread.start()
            thread.join(PATIENCE_S)
            return "scrubbed"

    assert source.scrub(Text("sent token-1")) == "scrubbed"
    assert source.scrub("sent token-1 and token-2") == "sent [REDACTED] and [REDACTED]"


async def test_tokens_are_scrubbed_and_shown_nowhere() -> None:
    service = Service()
    source = service.source()
    first = await source.get()
    second = await source.refresh(first.value)
    assert source.scrub(f"sent {first.value}, then {second.value}") == "sent [REDACTED], then [REDACTED]"
    for value in (source, first, second):
        assert "token-" not in repr(value)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(source)


HANGING = """
import asyncio, time
from openai_responses_common import TokenSource

source = TokenSource(lambda refused: time.sleep(100), description="asking", deadline_s=0.2)

async def main():
    try:
        await source.get()
    except Exception as error:
        print(type(error).__name__)

asyncio.run(main())
"""


def test_a_hanging_fetch_does_not_hold_up_the_exit() -> None:
    with RunClock() as run_clock:
        run = subprocess.run([sys.executable, "-c", HANGING], cwd=LIBRARY, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "LLMTimeoutError\n", "")
    assert run_clock.elapsed_s < 60, "the fetch takes 100 s"
