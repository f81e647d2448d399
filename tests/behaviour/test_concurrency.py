"""Many calls at once, limits on them, and providers that outlive an event loop."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from amplifier_core.llm_errors import LLMError
from openai_responses_common.engine.limiter import get_limiter
from responses_emulator import Call, Emulator, EventDelay, RecordedRequest, Say, Silence, Think, Turn

from tests.support.backends import BackendUnderTest
from tests.support.session import PATIENCE_S, OpenSession, Session, asking, sent_items, texts, tool

pytestmark = pytest.mark.promise("cancellation, other event loops and an exit harm no refresh", area="security")

MUTE = Turn(Silence(300, before_event=-1))


class Crowd:
    """Counts how many requests are being answered at once: each waits a while before its answer begins."""

    def __init__(self, emulator: Emulator, count: int, wait_s: float = 0.05) -> None:
        self.emulator = emulator
        self.turns = [Turn(Say("ok"), Silence(wait_s, before_event=2)) for _ in range(count)]
        emulator.script(*self.turns)

    def most(self) -> int:
        """The most that overlapped, from the times of arrival: nobody leaves before `wait_s` is over."""
        at_s = sorted(request.at_s for request in self.emulator.model_requests)
        return max(sum(1 for other in at_s if 0 <= other - start < 0.045) for start in at_s)


async def all_answering(emulator: Emulator, count: int) -> None:
    """So many requests are being answered at once."""
    assert await emulator.wait_until_async(lambda: emulator.open_requests == count)


async def leave(*tasks: asyncio.Task[Any]) -> None:
    """Give calls up."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.promise("calls at once share state", area="hazard")
async def test_fifty_calls_at_once_do_not_mix(session: Session) -> None:
    def answer(request: RecordedRequest) -> Turn:
        number = sent_items(request.body)[0]["content"][0]["text"]
        return Turn(Think([f"thought {number}"]), Say(f"answer {number}", chunks=5), Call("look", {"at": number}))

    session.emulator.script(*[answer] * 50)
    answers = await asyncio.gather(
        *[session.ask(str(number), tools=[tool("look", "at")], conversation_id=f"c{number}") for number in range(50)]
    )
    for number, response in enumerate(answers):
        assert response.text == f"answer {number}"
        assert response.content[0].thinking == f"thought {number}"
        assert response.tool_calls[0].arguments == {"at": str(number)}
    ids = {event["request_id"] for event in session.recorder.named("llm:request")}
    assert len(ids) == 50
    for request_id in ids:
        own = [event for event in session.recorder.events if event.data["request_id"] == request_id]
        shown = "".join(e.data["text"] for e in own if e.data.get("block_type") == "text" and "text" in e.data)
        assert shown in {f"answer {number}" for number in range(50)}
        assert (own[0].name, own[-1].name) == ("llm:request", "llm:response")


async def test_a_limit_is_kept(open_session: OpenSession) -> None:
    session = await open_session(max_concurrent_requests="3")
    session.emulator.script(*[MUTE] * 3)
    crowd = Crowd(session.emulator, 6)
    tasks = {f"call {number}": asyncio.create_task(session.ask(f"call {number}")) for number in range(9)}
    await all_answering(session.emulator, 3)
    await asyncio.sleep(0.1)  # time for a fourth request to show; a slow machine cannot make this fail
    assert session.sent == 3
    await leave(*[tasks.pop(texts(body)[-1]) for body in session.emulator.request_bodies])
    assert [each.text for each in await asyncio.gather(*tasks.values())] == ["ok"] * 6
    assert crowd.most() <= 3


async def test_no_limit_is_no_limit(open_session: OpenSession) -> None:
    session = await open_session(max_concurrent_requests=0)
    session.emulator.script(*[MUTE] * 8)
    tasks = [asyncio.create_task(session.ask("hello")) for _ in range(8)]
    await all_answering(session.emulator, 8)
    await leave(*tasks)


@pytest.mark.promise("a limit is replaced by another instance", area="hazard")
async def test_instances_of_one_account_share_a_limit_and_none_loosens_it(open_session: OpenSession) -> None:
    narrow = await open_session(max_concurrent_requests=1)
    wide = await open_session(max_concurrent_requests=2)
    crowd = Crowd(narrow.emulator, 8)
    await asyncio.gather(*[each.ask("hello") for _ in range(4) for each in (narrow, wide)])
    assert crowd.most() <= 2


async def test_a_waiter_that_is_cancelled_in_the_moment_of_its_turn_gives_it_on() -> None:
    """The one moment that no service can bring about on purpose, so the gate alone is asked."""

    async def hold() -> None:
        async with get_limiter("an account").slot(1):
            await asyncio.sleep(0)

    async with get_limiter("an account").slot(1):
        waiters = [asyncio.create_task(hold()) for _ in range(2)]
        await asyncio.sleep(0)
    waiters[0].cancel()
    async with asyncio.timeout(PATIENCE_S):
        outcomes = await asyncio.gather(*waiters, return_exceptions=True)
        await hold()
    assert [type(each) for each in outcomes] == [asyncio.CancelledError, type(None)]


async def test_other_accounts_have_limits_of_their_own(backend: BackendUnderTest, emulator: Emulator) -> None:
    sessions = []
    for account in (backend.config, backend.other):
        config = account(emulator.base_url, backend.secret)
        settings = {**backend.settings(emulator, max_concurrent_requests=1), **config}
        sessions.append(await Session(backend, emulator).mount(settings))
    emulator.script(*[MUTE for _ in sessions])
    tasks = [asyncio.create_task(each.ask("hello")) for each in sessions]
    await all_answering(emulator, 2)
    await leave(*tasks)
    for each in sessions:
        await each.cleanup()


def run_each(backend: BackendUnderTest, emulator: Emulator, steps: list[Callable[[Session], Any]]) -> list[Any]:
    """Each step in an event loop of its own, as the CLI does, all on one provider."""
    session = Session(backend, emulator)
    answers = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(session.mount(backend.settings(emulator)))
        answers = [asyncio.run(step(session)) for step in steps]
    assert not [str(each.message) for each in caught]
    return answers


@pytest.mark.promise("a client dies with the first event loop", area="hazard")
def test_one_provider_works_in_loop_after_loop(backend: BackendUnderTest) -> None:
    with backend.emulator() as emulator:
        steps = [lambda session: session.ask("hello")] * 3 + [lambda session: session.provider.list_models()]
        answers = run_each(backend, emulator, steps)
        assert [bool(each.text) for each in answers[:3]] == [True] * 3
        assert answers[3]


def test_a_provider_may_be_closed_in_each_loop(backend: BackendUnderTest) -> None:
    async def ask_and_close(session: Session) -> str:
        response = await session.ask("hello")
        await session.provider.close()
        return response.text

    with backend.emulator() as emulator:
        assert all(run_each(backend, emulator, [ask_and_close] * 3))
        assert emulator.wait_until(lambda: emulator.open_connections == 0)


def test_a_provider_may_be_closed_in_another_loop(backend: BackendUnderTest) -> None:
    with backend.emulator() as emulator:
        run_each(backend, emulator, [lambda session: session.ask("hello"), lambda session: session.cleanup()])


def test_limits_do_not_outlive_their_loop(backend: BackendUnderTest) -> None:
    """A loop that is torn down in mid-call takes its places with it."""

    async def leave_in_the_middle(session: Session) -> None:
        task = asyncio.create_task(session.provider.complete(asking("hello"), max_concurrent_requests=1))
        await session.emulator.wait_until_async(lambda: session.sent)
        assert not task.done()

    with backend.emulator() as emulator:
        emulator.script(Turn(Say("word " * 300), EventDelay(0.02)), Say("fine"))
        run_each(
            backend,
            emulator,
            [leave_in_the_middle, lambda session: session.ask("hello", timeout=PATIENCE_S)],
        )


def test_two_loops_in_two_threads(backend: BackendUnderTest) -> None:
    with backend.emulator() as emulator:
        session = Session(backend, emulator)
        asyncio.run(session.mount(backend.settings(emulator)))
        answers: list[str] = []

        async def ask() -> None:
            for _ in range(5):
                response = await session.provider.complete(asking("hello"))
                answers.append(response.text)
            await session.provider.close()

        threads = [threading.Thread(target=lambda: asyncio.run(ask())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert len(answers) == 10


async def test_close_before_use_twice_and_reuse(session: Session) -> None:
    await session.provider.close()
    await session.provider.close()
    assert (await session.ask("hello")).text
    await session.provider.close()
    assert await session.emulator.wait_until_async(lambda: session.emulator.open_connections == 0)
    assert (await session.ask("hello")).text
    await session.cleanup()
    await session.cleanup()


async def test_close_during_a_call_ends_it_one_way_or_the_other(session: Session) -> None:
    session.emulator.script(*[Turn(Say("word " * 40), EventDelay(0.01))] * 8)
    task = asyncio.create_task(session.provider.complete(asking("hello"), max_retries=0))
    assert await session.emulator.wait_until_async(session.recorder.shown)
    async with asyncio.timeout(PATIENCE_S):
        await session.provider.close()
        outcome: Any = (await asyncio.gather(task, return_exceptions=True))[0]
    assert isinstance(outcome, LLMError) or outcome.text
    assert session.recorder.one("llm:response")


async def test_close_while_the_client_is_being_built(session: Session) -> None:
    task = asyncio.create_task(session.provider.complete(asking("hello"), max_retries=1))
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        await session.provider.close()
        outcome: Any = (await asyncio.gather(task, return_exceptions=True))[0]
    assert isinstance(outcome, LLMError) or outcome.text


async def test_models_that_are_asked_for_at_once_are_fetched_once(session: Session) -> None:
    lists = await asyncio.gather(*[session.provider.list_models() for _ in range(10)])
    assert len({len(models) for models in lists}) == 1
    assert len([request for request in session.emulator.requests if request.method == "GET"]) == 1
