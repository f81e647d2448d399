"""How the events of one response reach a client: which come together, after which pause, and where they stop.

Invariants: it knows neither SSE nor WebSocket; each item of a burst becomes bytes in the framing of its transport,
and a burst is sent as a whole before the next one is requested.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from responses_emulator.script.turn import (
    CutStream,
    EventDelay,
    ExtraEvent,
    ExtraFrame,
    HoldOpen,
    JoinEvents,
    Keepalive,
    Silence,
    SplitBytes,
    Turn,
)
from responses_emulator.transport.hang_up import CloseConnection

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    """A sign of life between two events; see `Keepalive`."""

    number: int
    comment: bool


@dataclass(frozen=True, slots=True)
class HalfEvent:
    """The first bytes of an event whose rest never comes."""

    event: Event


@dataclass(frozen=True, slots=True)
class End:
    """The end of the stream."""


Delivered = Event | Ping | HalfEvent | ExtraFrame | End
Burst = list[Delivered]


async def deliver(turn: Turn, events: list[Event], *, word_delay_s: float = 0.0) -> AsyncGenerator[Burst, None]:
    """Yield what is sent together, as the delivery parts of the turn say. The last burst ends with an `End`.

    Args:
        word_delay_s: seconds to wait before each delta. The default is 0.

    Raises:
        CloseConnection: the turn cuts the stream.
    """
    cut = next(iter(turn.parts_of_type(CutStream)), None)
    joined = next(iter(turn.parts_of_type(JoinEvents)), JoinEvents(1)).count
    pending: Burst = []
    for number, event in enumerate(_with_extra_events(events, turn)):
        if cut is not None and number >= cut.after_events:
            if cut.mid_event:
                pending.append(HalfEvent(event))
            if pending:
                yield pending
            raise CloseConnection(reset=cut.reset, close_code=cut.close_code)
        pending += [each for each in turn.parts_of_type(ExtraFrame) if each.after_events == number]
        async for ping in _pauses_before(number, turn):
            if pending:
                yield pending
                pending = []
            yield [ping]
        if word_delay_s and event["type"].endswith(".delta"):
            await asyncio.sleep(word_delay_s)
        pending.append(event)
        if joined and (number + 1) % joined == 0:
            yield pending
            pending = []
    yield [*pending, End()]
    for hold in turn.parts_of_type(HoldOpen):
        await asyncio.sleep(hold.seconds)


def split_bytes(data: bytes, turn: Turn) -> Iterator[bytes]:
    """Yield bytes in the pieces that the turn asks for; by default in one."""
    split = next(iter(turn.parts_of_type(SplitBytes)), None)
    if split is None:
        if data:
            yield data
        return
    chance = None if split.seed is None else random.Random(split.seed)
    at = 0
    while at < len(data):
        size = split.size if chance is None else chance.randint(1, split.size)
        yield data[at : at + size]
        at += size


async def _pauses_before(number: int, turn: Turn) -> AsyncIterator[Ping]:
    """Wait before one event, and yield the signs of life before it."""
    for slow in turn.parts_of_type(EventDelay):
        await asyncio.sleep(slow.delay_s)
    for silent in turn.parts_of_type(Silence):
        if silent.before_event == number:
            await asyncio.sleep(silent.seconds)
    for alive in turn.parts_of_type(Keepalive):
        if number and number % alive.every_events == 0:
            for _ in range(alive.count):
                await asyncio.sleep(alive.silence_s)
                yield Ping(number, alive.comment)


def _with_extra_events(events: list[Event], turn: Turn) -> Iterator[Event]:
    unknown = turn.parts_of_type(ExtraEvent)
    for number, event in enumerate(events):
        for each in unknown:
            if each.after_events == number:
                yield dict(each.event)
        yield event
