"""A hundred calls at once on one provider, each with a fault of its own: nothing of one call is seen in another."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from decimal import Decimal

import pytest
from amplifier_core.llm_errors import InvalidToolCallError, ProviderUnavailableError

from tests.support.backends import BackendUnderTest

from ...support.leftovers import nothing_left
from .host import Outcome, Swept, sweeping
from .recorded_stream import LONG, Recording, recording
from .replay_server import Plan

_CALLS = 100
_SILENCE_S = 1.0

# What becomes of a call, and of how many in a hundred.
FAULTS = {
    "none": 30, "429": 10, "500": 10, "cut": 12, "stall": 6, "failed": 8, "down": 6, "malformed": 8, "cancelled": 10,
}  # fmt: skip


class Crowd:
    """The service, and what it will do to each call.

    Args:
        stream: what is answered; the case's number is put into it.
        seed: of the order of the faults.
    """

    def __init__(self, stream: Recording, seed: int) -> None:
        self.stream = stream
        self.chance = random.Random(seed)
        self.faults = [fault for fault, count in FAULTS.items() for _ in range(count)]
        self.chance.shuffle(self.faults)
        self.cuts = [self.chance.randrange(len(stream.events) - 1) for _ in self.faults]

    def numbered(self, number: int) -> list[bytes]:
        """An answer that says its number in text, arguments and usage."""
        raw = self.stream.raw.replace(b" ok", b" case %d." % number)
        raw = raw.replace("Ö😀".encode(), b"case %d." % number)
        raw = raw.replace(b'"output_tokens":', b'"output_tokens":%d' % (1 + number))
        return [event + b"\n\n" for event in raw.split(b"\n\n") if event]

    def answer(self, number: int, attempt: int) -> Plan:
        events, cut = self.numbered(number), self.cuts[number]
        pauses = {self.chance.randrange(len(events)): self.chance.random() / 50}
        match self.faults[number]:
            case "429" if not attempt:
                return Plan(status=429, headers={"retry-after": "0.02"})
            case "500" if not attempt:
                return Plan(status=500)
            case "down":
                return Plan(status=500)
            case "cut" if not attempt:
                return Plan(pieces=tuple(events[:cut]), end="reset" if cut % 2 else "fin", pauses_s=pauses)
            case "stall" if not attempt:
                return Plan(pieces=tuple(events[:cut]), end="hang")
            case "failed" if not attempt:
                failed = b'event: error\ndata: {"type":"error","error":{"code":"server_error","message":"no"}}\n\n'
                return Plan(pieces=(*events[:cut], failed), pauses_s=pauses)
            case "malformed":
                bad = [event.replace(b'{\\"at\\":', b'{\\"at\\"?') for event in events]
                return Plan(pieces=tuple(bad), pauses_s=pauses)
            case "cancelled":
                return Plan(pieces=tuple(events[:cut]), end="hang")
            case _:
                return Plan(pieces=tuple(events), pauses_s=pauses)


async def one(swept: Swept, crowd: Crowd, number: int) -> Outcome:
    """The call of a case, cancelled where that is its fate."""
    call = asyncio.create_task(swept.call(number))
    if crowd.faults[number] == "cancelled":
        await swept.service.until(lambda: swept.service.attempts[number])
        await asyncio.sleep(crowd.cuts[number] / 1000)
        call.cancel()
    return await call


@pytest.mark.parametrize("seed", range(10 if LONG else 1))
async def test_a_hundred_calls_and_their_faults(backend: BackendUnderTest, seed: int) -> None:
    crowd = Crowd(recording(backend.name), seed)
    faults = list(crowd.faults)
    settings = {"max_retries": 1, "timeout": _SILENCE_S, "max_concurrent_requests": 0}
    async with sweeping(backend, crowd.answer, turns=1, **settings) as swept:
        async with nothing_left(), asyncio.timeout(30):
            outcomes = await asyncio.gather(*[one(swept, crowd, number) for number in range(_CALLS)])
        await swept.service.until(lambda: not swept.service.answering)
        attempts, cost = swept.service.attempts.copy(), swept.cost
        paid_for = [outcome.answer.usage.cost_usd for outcome in outcomes if outcome.answer]
        for number in [number for number, fault in enumerate(faults) if fault == "malformed"]:
            crowd.faults[number] = "none"  # an answer that is of no use costs the same
            paid_for.append((await swept.call(number)).answer.usage.cost_usd)
    for outcome, fault in zip(outcomes, faults, strict=True):
        FATES.get(fault, answered)(outcome)
    assert len({outcome.events[0][1]["request_id"] for outcome in outcomes}) == _CALLS
    twice = {number for number, fault in enumerate(faults) if fault not in ("none", "malformed", "cancelled")}
    assert attempts == Counter({number: 2 if number in twice else 1 for number in range(_CALLS)})
    assert all((each is not None) is backend.priced for each in paid_for)
    assert cost == sum((each or Decimal(0) for each in paid_for), Decimal(0))


def answered(outcome: Outcome) -> None:
    """With its own number, in the answer and in what was shown of it."""
    said = f"case {outcome.number}."
    assert outcome.error is None, outcome.error
    outcome.ends_with("ok")
    assert outcome.answer.text == outcome.shown() == f"Ä→😀 {said}"
    assert [call.arguments for call in outcome.answer.tool_calls] == [{"at": said}]
    assert str(outcome.answer.usage.output_tokens).startswith(str(1 + outcome.number))


def failed(outcome: Outcome) -> None:
    assert isinstance(outcome.error, ProviderUnavailableError)
    outcome.ends_with("error")


def refused(outcome: Outcome) -> None:
    """The stream itself was whole: what was shown of it is not taken back."""
    assert isinstance(outcome.error, InvalidToolCallError), outcome.error
    assert (outcome.names[0], outcome.names[-1]) == ("llm:request", "llm:response")
    assert outcome.events[-1][1]["status"] == "error"


def cancelled(outcome: Outcome) -> None:
    assert isinstance(outcome.error, asyncio.CancelledError)
    outcome.ends_with("cancelled")


FATES = {"down": failed, "malformed": refused, "cancelled": cancelled}
