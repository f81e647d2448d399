"""Cancelling again while the first cancellation is cleaned up after: no event is lost by it, and nothing stays."""

from __future__ import annotations

import pytest

from tests.support.backends import BackendUnderTest

from .host import sweeping
from .stepped_task import Moment
from .test_cancel import MOMENTS, Sweep, answering


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("again", [(1,), (2,), (3,), (1, 2, 3)], ids=str)
async def test_a_second_cancellation(backend: BackendUnderTest, again: tuple[int, ...], moment: Moment) -> None:
    async with sweeping(
        backend, answering(backend, "two retries"), turns=2, max_retries=2, max_concurrent_requests=1
    ) as swept:
        sweep = Sweep(swept)
        await sweep.next_call()
        steps = 0
        while await sweep.step(steps, *(steps + more for more in again), moment=moment):
            await sweep.next_call()
            steps += 1
        assert steps > 8


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_call_that_fails_before_it_began(backend: BackendUnderTest, moment: Moment) -> None:
    """It has both of its events too, however early or late it is cancelled."""
    async with sweeping(backend, answering(backend, "an answer"), turns=2) as swept:
        sweep = Sweep(swept, temperature="hot")
        steps = 0
        while await sweep.step(steps, moment=moment):
            steps += 1
        assert steps >= 1
