from __future__ import annotations

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from amplifier_core.llm_errors import AbortError, NetworkError
from openai_responses_common.provider.host_cancellation import HostCancellation

from tests.support.jump_clock import on_jump_clock


class Token:
    """A cancellation token whose flag is set when it is looked at for the `looks`-th time."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def is_immediate(self) -> bool:
        self.looks -= 1
        return self.looks <= 0


def watch(coordinator: Any, running: dict[HostCancellation, None] | None = None) -> HostCancellation:
    return HostCancellation(coordinator, provider="test", running=running if running is not None else {})


async def wait(coordinator: Any, running: dict[HostCancellation, None] | None = None) -> None:
    async with watch(coordinator, running):
        await asyncio.sleep(60)


@pytest.mark.parametrize("looks", [1, 2, 30])
@on_jump_clock
async def test_the_block_ends_soon_after_the_flag_is_set(looks: int) -> None:
    with pytest.raises(AbortError, match="the call was cancelled") as caught:
        await wait(SimpleNamespace(cancellation=Token(looks)))
    assert caught.value.provider == "test"
    assert caught.value.__cause__ is None
    assert asyncio.get_running_loop().time() < 0.05 * looks + 0.2
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0, "the caller may go on"


@pytest.mark.parametrize(
    "coordinator",
    [None, SimpleNamespace(), SimpleNamespace(cancellation=None), SimpleNamespace(cancellation=object()), MagicMock()],
    ids=["none", "an old kernel", "no token", "another token", "a mock"],
)
@on_jump_clock
async def test_a_coordinator_without_the_flag_ends_nothing(coordinator: Any) -> None:
    await wait(coordinator)


@on_jump_clock
async def test_a_block_that_ends_by_itself_is_watched_no_more() -> None:
    token = Token(3)
    async with watch(SimpleNamespace(cancellation=token)):
        pass
    await asyncio.sleep(3600)
    assert token.looks == 2


@pytest.mark.parametrize("looks", [2, 99], ids=["the host, too", "only others"])
@on_jump_clock
async def test_a_cancellation_by_others_stays_one(looks: int) -> None:
    task = asyncio.create_task(wait(SimpleNamespace(cancellation=Token(looks))))
    await asyncio.sleep(0.06)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@on_jump_clock
async def test_an_error_of_the_block_stays_what_it_is() -> None:
    async def fail_when_cancelled() -> None:
        async with watch(SimpleNamespace(cancellation=Token(1))):
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                raise NetworkError("gone") from None

    with pytest.raises(NetworkError):
        await fail_when_cancelled()


@pytest.mark.parametrize("error", [None, NetworkError("gone")], ids=["a result", "an error"])
@on_jump_clock
async def test_a_block_that_never_waits_leaves_no_cancellation_behind(error: NetworkError | None) -> None:
    with pytest.raises(NetworkError) if error else nullcontext():
        async with watch(SimpleNamespace(cancellation=Token(1))):
            if error is not None:
                raise error
    await asyncio.sleep(1)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@on_jump_clock
async def test_blocks_of_one_session_end_together() -> None:
    running: dict[HostCancellation, None] = {}
    coordinator = SimpleNamespace(cancellation=Token(4))
    blocks = [asyncio.create_task(wait(coordinator, running)) for _ in range(2)]
    await asyncio.sleep(0.06)
    assert [block.cancelling() for block in blocks] == [0, 0]
    await asyncio.wait(blocks)
    assert [type(block.exception()) for block in blocks] == [AbortError, AbortError]
    assert asyncio.get_running_loop().time() < 1
    assert not running


@on_jump_clock
async def test_blocks_that_run_together_look_once_and_the_next_one_looks_on() -> None:
    running: dict[HostCancellation, None] = {}
    coordinator = SimpleNamespace(cancellation=Token(30))
    first, *others = [asyncio.create_task(wait(coordinator, running)) for _ in range(5)]
    await asyncio.sleep(0.5)
    assert len(running) == 5
    first.cancel()
    await asyncio.wait(others)
    assert [type(block.exception()) for block in others] == [AbortError] * 4
    assert asyncio.get_running_loop().time() > 1, "5 looks at the start, then 20 a second"
