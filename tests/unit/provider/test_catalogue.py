"""Callers of one catalogue share its fetches, its failures and its last good list."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable

import pytest
from amplifier_core.llm_errors import (
    AbortError,
    AuthenticationError,
    ConfigurationError,
    LLMError,
    NotFoundError,
    ProviderUnavailableError,
    RateLimitError,
)
from amplifier_core.models import ModelInfo
from openai_responses_common.provider.catalogue import FAILURE_AGE_S, Catalogue

Outcome = list[str] | Exception


class Service:
    """Gives the outcomes of a script, each when it is released, and counts the fetches."""

    def __init__(self, *outcomes: Outcome, released: bool = True) -> None:
        self.outcomes = list(outcomes)
        self.count = 0
        self.cancelled = 0
        self.started = threading.Event()
        self.released = threading.Event()
        if released:
            self.released.set()

    async def fetch(self) -> list[ModelInfo]:
        self.count += 1
        self.started.set()
        try:
            while not self.released.is_set():  # noqa: ASYNC110 (another loop may release it)
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return [ModelInfo(id=name, display_name=name, context_window=1, max_output_tokens=1) for name in outcome]


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def build(service: Service, *, max_age_s: float = 300.0) -> tuple[Catalogue, Clock]:
    clock = Clock()
    return Catalogue(service.fetch, max_age_s=max_age_s, clock=clock), clock


async def ids(waiting: Awaitable[list[ModelInfo]]) -> list[str]:
    return [model.id for model in await waiting]


async def started(service: Service) -> None:
    while not service.started.is_set():  # noqa: ASYNC110 (another loop may start it)
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)


DOWN = ProviderUnavailableError("down", status_code=503, retryable=True)


@pytest.mark.parametrize("outcome", [["a"], DOWN])
async def test_callers_that_wait_share_one_outcome(outcome: Outcome) -> None:
    service = Service(outcome, released=False)
    catalogue, _ = build(service)
    callers = [asyncio.create_task(catalogue.get_models()) for _ in range(16 * 3)]
    await started(service)
    service.released.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert service.count == 1
    if isinstance(outcome, list):
        assert all([model.id for model in result] == ["a"] for result in results if isinstance(result, list))
        results[0].clear()  # type: ignore[union-attr]
        assert await ids(catalogue.get_models()) == ["a"]
    else:
        assert [type(result) for result in results] == [ProviderUnavailableError] * len(callers)
        assert len({id(result) for result in results}) == len(callers), "each caller gets its own"
        assert all(str(result) == "down" and result.status_code == 503 for result in results)  # type: ignore[union-attr]


async def test_one_waiter_that_leaves_takes_the_list_from_nobody() -> None:
    service = Service(["a"], released=False)
    catalogue, _ = build(service)
    first, second = (asyncio.create_task(catalogue.get_models()) for _ in range(2))
    await started(service)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert first.cancelled()
    service.released.set()
    assert await ids(second) == ["a"]
    assert (service.count, service.cancelled) == (1, 0)


async def test_the_last_waiter_that_leaves_ends_the_fetch() -> None:
    service = Service(["a"], released=False)
    catalogue, _ = build(service)
    callers = [asyncio.create_task(catalogue.get_models()) for _ in range(3)]
    await started(service)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    assert service.cancelled == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}
    service.released.set()
    assert await ids(catalogue.get_models()) == ["a"]


def in_another_loop(work: Callable[[], Awaitable[list[str]]], results: list[list[str]]) -> threading.Thread:
    async def run() -> None:
        results.append(await work())

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    return thread


async def test_callers_in_other_loops_share_the_fetch() -> None:
    service, results = Service(["a"], released=False), list[list[str]]()
    catalogue, _ = build(service)
    threads = [in_another_loop(lambda: ids(catalogue.get_models()), results) for _ in range(3)]
    await started(service)
    here = asyncio.create_task(ids(catalogue.get_models()))
    await asyncio.sleep(0.01)
    service.released.set()
    assert await here == ["a"]
    for thread in threads:
        await asyncio.to_thread(thread.join, 30)
    assert results == [["a"]] * 3
    assert service.count == 1


async def test_a_loop_that_ends_takes_the_list_from_nobody() -> None:
    service = Service(["a"], released=False)
    catalogue, _ = build(service)

    async def leave() -> None:
        waiting = asyncio.ensure_future(catalogue.get_models())
        await started(service)
        while not waits_here.is_set():  # noqa: ASYNC110 (another loop sets it)
            await asyncio.sleep(0.001)
        waiting.cancel()

    waits_here = threading.Event()
    other = threading.Thread(target=lambda: asyncio.run(leave()))
    other.start()
    await started(service)
    here = asyncio.create_task(ids(catalogue.get_models()))
    await asyncio.sleep(0.01)
    waits_here.set()
    await asyncio.to_thread(other.join, 30)
    service.released.set()
    assert await here == ["a"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_was_closed_in_the_middle_holds_nobody_up() -> None:
    service = Service(["a"], released=False)
    catalogue, _ = build(service)
    loop = asyncio.new_event_loop()
    task = loop.create_task(catalogue.get_models())
    loop.run_until_complete(started(service))
    loop.close()
    service.released.set()
    assert asyncio.run(ids(catalogue.get_models())) == ["a"]
    assert not task.done()
    del task
    gc.collect()  # what the closed loop left behind complains here and in no other test


async def test_a_list_is_used_until_it_is_too_old() -> None:
    service = Service(["a"], ["b"])
    catalogue, clock = build(service)
    assert await ids(catalogue.get_models()) == ["a"]
    clock.now_s = 300
    assert await ids(catalogue.get_models()) == ["a"]
    clock.now_s = 301
    assert await ids(catalogue.get_models()) == ["b"]


async def test_a_failure_is_remembered_for_a_while() -> None:
    service = Service(DOWN, DOWN, ["a"])
    catalogue, clock = build(service)
    for _ in range(3):
        with pytest.raises(ProviderUnavailableError, match="down"):
            await catalogue.get_models()
    assert service.count == 1
    clock.now_s = FAILURE_AGE_S + 1
    with pytest.raises(ProviderUnavailableError, match="down"):
        await catalogue.get_models()
    assert await ids(catalogue.get_models(fresh=True)) == ["a"]


async def test_a_failure_can_be_forgotten() -> None:
    catalogue, _ = build(Service(DOWN, ["a"]))
    with pytest.raises(ProviderUnavailableError):
        await catalogue.get_models()
    catalogue.forget_failure()
    assert await ids(catalogue.get_models()) == ["a"]


@pytest.mark.parametrize(
    ("error", "remembered"),
    [
        (DOWN, True),
        (RateLimitError("slow down", status_code=429, retry_after=5.0), True),
        (NotFoundError("no list", status_code=404), True),
        (AuthenticationError("wrong key", status_code=401), True),
        (AuthenticationError("nobody has signed in"), False),
        (ConfigurationError("a bad setting"), False),
        (AbortError("the provider was closed"), False),
        (RuntimeError("a fault of ours"), False),
    ],
)
async def test_what_a_sign_in_or_a_setting_can_mend_is_not_remembered(error: Exception, remembered: bool) -> None:
    service = Service(error, ["a"])
    catalogue, _ = build(service)
    with pytest.raises(type(error)) as caught:
        await catalogue.get_models()
    assert str(caught.value) == str(error)
    assert getattr(caught.value, "retry_after", None) == getattr(error, "retry_after", None)
    if remembered:
        with pytest.raises(type(error)):
            await catalogue.get_models()
    else:
        assert await ids(catalogue.get_models()) == ["a"]
    assert service.count == 1 + (not remembered)


async def test_the_last_good_list_is_used_while_a_new_one_fails() -> None:
    service = Service(["a"], DOWN, DOWN, ["b"])
    catalogue, clock = build(service)
    await catalogue.get_models()
    for now_s, count in ((301, 2), (310, 2), (335, 3), (340, 3)):
        clock.now_s = now_s
        assert await ids(catalogue.get_models()) == ["a"]
        assert service.count == count
    clock.now_s = 370
    assert await ids(catalogue.get_models()) == ["b"]


async def test_an_old_list_hides_no_wrong_key() -> None:
    catalogue, clock = build(Service(["a"], AuthenticationError("wrong key", status_code=401)))
    await catalogue.get_models()
    clock.now_s = 301
    with pytest.raises(AuthenticationError):
        await catalogue.get_models()


def all_kinds(kind: type[LLMError] = LLMError) -> list[type[LLMError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in all_kinds(child))]


@pytest.mark.parametrize("kind", all_kinds())
async def test_every_error_of_the_kernel_reaches_every_caller(kind: type[LLMError]) -> None:
    error = kind("no", provider="p", model="m", status_code=500)
    catalogue, _ = build(Service(error, error))
    for _ in range(2):
        with pytest.raises(kind, match="no") as caught:
            await catalogue.get_models()
        assert (caught.value.provider, caught.value.model, caught.value.status_code) == ("p", "m", 500)
