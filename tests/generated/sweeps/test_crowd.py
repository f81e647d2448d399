"""A hundred calls at once on one provider, each with its own fault: no call sees anything of another."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from amplifier_core.llm_errors import InvalidToolCallError, ProviderUnavailableError

from tests.support.backends import BackendUnderTest
from tests.support.jump_clock import on_jump_clock

from ...support.leftovers import nothing_left
from .recorded_stream import RecordedStream, record_stream
from .replay_server import Reply
from .swept_provider import CallResult, SweptProvider, sweep_provider

# The number of calls with each fault.
FAULTS = {
    "none": 36, "429": 10, "500": 10, "cut": 12, "failed": 8, "down": 6, "malformed": 8, "cancelled": 10,
}  # fmt: skip
COSTED_FAULTS = {"none": 10, "429": 5, "500": 5, "cut": 5, "failed": 5, "down": 5, "cancelled": 5}
RETRIED_FAULTS = frozenset({"429", "500", "cut", "failed", "down"})
SETTINGS: dict[str, Any] = {"yields_per_event": 1, "max_retries": 1, "timeout": 600, "max_concurrent_requests": 0}
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))]


class Crowd:
    """The replies to all calls.

    Args:
        stream: the response of a call; each gets the number of the call written into it.
        counts: the number of calls with each fault.
        seed: the seed of the order of the faults, and of the offsets and pauses.
    """

    def __init__(self, stream: RecordedStream, counts: Mapping[str, int], seed: int) -> None:
        self._stream = stream
        self._random = random.Random(seed)
        self.faults = [fault for fault, count in counts.items() for _ in range(count)]
        self._random.shuffle(self.faults)
        self._cuts = [self._random.randrange(len(stream.events) - 1) for _ in self.faults]

    def script(self, number: int, attempt: int) -> Reply:
        events, cut = self._numbered_events(number), self._cuts[number]
        pauses_s = {self._random.randrange(len(events)): self._random.random()}
        match self.faults[number]:
            case "429" if not attempt:
                return Reply(status=429, headers={"retry-after": "1"})
            case "500" if not attempt:
                return Reply(status=500)
            case "down":
                return Reply(status=500)
            case "cut" if not attempt:
                return Reply(pieces=events[:cut], ending="reset" if cut % 2 else "fin", pauses_s=pauses_s)
            case "failed" if not attempt:
                failed = b'event: error\ndata: {"type":"error","error":{"code":"server_error","message":"no"}}\n\n'
                return Reply(pieces=(*events[:cut], failed), pauses_s=pauses_s)
            case "malformed":
                pieces = tuple(event.replace(b'{\\"at\\":', b'{\\"at\\"?') for event in events)
                return Reply(pieces=pieces, pauses_s=pauses_s)
            case "cancelled":
                return Reply(pieces=events[:cut], ending="hang")
            case _:
                return Reply(pieces=events, pauses_s=pauses_s)

    def _numbered_events(self, number: int) -> tuple[bytes, ...]:
        """Return a response that has the number of its call in its text, arguments and usage."""
        raw = self._stream.raw.replace(b" ok", b" call %d." % number)
        raw = raw.replace("Ö😀".encode(), b"call %d." % number)
        raw = raw.replace(b'"output_tokens":', b'"output_tokens":%d' % (1 + number))
        return tuple(event + b"\n\n" for event in raw.split(b"\n\n") if event)

    async def make_calls(self, swept: SweptProvider) -> list[CallResult]:
        """Make all calls at once, and cancel those that are to be cancelled when their reply has fallen silent."""

        async def make_call(number: int) -> CallResult:
            task = asyncio.create_task(swept.call(number))
            if self.faults[number] == "cancelled":
                await swept.server.wait_until(lambda: number in swept.server.silent_calls)
                task.cancel()
            return await task

        async with nothing_left():
            results = await asyncio.gather(*map(make_call, range(len(self.faults))))
        await swept.server.wait_until(lambda: not swept.server.open_exchanges)
        return results


@pytest.mark.parametrize("seed", SEEDS)
@on_jump_clock
async def test_calls_with_different_faults_do_not_disturb_each_other(backend: BackendUnderTest, seed: int) -> None:
    crowd = Crowd(record_stream(backend.name), FAULTS, seed)
    async with sweep_provider(backend, crowd.script, **SETTINGS) as swept:
        results = await crowd.make_calls(swept)
        attempts = swept.server.attempts
    for result, fault in zip(results, crowd.faults, strict=True):
        check_result(result, fault)
        assert attempts[result.number] == (2 if fault in RETRIED_FAULTS else 1)
    assert len({result.events[0][1]["request_id"] for result in results}) == len(results)


@pytest.mark.one_transport("what a response costs does not depend on its way")
@on_jump_clock
async def test_session_costs_what_the_responses_of_all_calls_cost(backend: BackendUnderTest) -> None:
    crowd = Crowd(record_stream(backend.name), COSTED_FAULTS, seed=0)
    async with sweep_provider(backend, crowd.script, **SETTINGS) as swept:
        results = await crowd.make_calls(swept)
        costs = [result.response.usage.cost_usd for result in results if result.response]
        assert swept.session_cost == sum((cost or Decimal(0) for cost in costs), Decimal(0))
    assert all((cost is not None) is backend.priced for cost in costs)


def check_result(result: CallResult, fault: str) -> None:
    match fault:
        case "down":
            assert isinstance(result.error, ProviderUnavailableError)
            result.check_events("error")
        case "malformed":  # the stream itself is complete, so what was shown of it is not taken back
            assert isinstance(result.error, InvalidToolCallError), result.error
            assert (result.event_names[0], result.event_names[-1]) == ("llm:request", "llm:response")
            assert result.events[-1][1]["status"] == "error"
        case "cancelled":
            assert isinstance(result.error, asyncio.CancelledError)
            result.check_events("cancelled")
        case _:
            label = f"call {result.number}."
            assert result.error is None, result.error
            result.check_events("ok")
            assert result.response.text == result.shown() == f"Ä→😀 {label}"
            assert [call.arguments for call in result.response.tool_calls] == [{"at": label}]
            assert str(result.response.usage.output_tokens).startswith(str(1 + result.number))
